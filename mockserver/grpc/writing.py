"""
Makes messages of JSON, as authors write them: fields by name or JSON name, checked against their types.

All mistakes are collected, with their places. With `templates`, a text with template syntax stands for any value: such a
tree is only checked, and made again with the values of each call.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, WrongValueError, near, shown
from mockserver.grpc.pools import GrpcSchema, MessageType
from mockserver.grpc.reading import ANY, FREE, GOOGLE, TEXTS, WRAPPERS, is_map, is_repeated
from mockserver.model.written import as_text
from mockserver.schema.base import has_templates, is_template

_FREE_HINT = {
    GOOGLE + "Timestamp": "Write a time, such as 2026-01-31T12:00:00Z",
    GOOGLE + "Duration": "Write seconds, such as 1.5s",
    GOOGLE + "FieldMask": "Write field names, such as user.name,amount",
}


def make(kind: MessageType, value: object, path: KeyPath = (), *, rendered: bool = False) -> bytes:
    """
    Return the serialized message. Raises InvalidInputError with every flaw.

    `rendered`: templates have made the value, so that a number stands for its text.
    """
    writer = MessageWriter(kind.forms.schema, templates=False, rendered=rendered)
    message = kind.make()
    writer.fill(message, value, path)
    if writer.flaws:
        raise InvalidInputError(writer.flaws)
    return bytes(message.SerializeToString(deterministic=True))


def check(kind: MessageType, value: object, path: KeyPath) -> None:
    """Check a message with templates. Raises InvalidInputError with every flaw."""
    writer = MessageWriter(kind.forms.schema, templates=True)
    if not is_template(value):
        writer.fill(kind.make(), value, path)
    if writer.flaws:
        raise InvalidInputError(writer.flaws)


class MessageWriter:
    """Fills messages; `flaws` has what is wrong."""

    __slots__ = ("_rendered", "_schema", "_templates", "flaws")

    def __init__(self, schema: GrpcSchema, *, templates: bool, rendered: bool = False) -> None:
        self._schema = schema
        self._rendered = rendered
        self._templates = templates
        self.flaws: list[Flaw] = []

    def fill(self, message: Any, value: object, path: KeyPath) -> None:
        """Set the fields of a message."""
        name = message.DESCRIPTOR.full_name
        if name in TEXTS or name in WRAPPERS or name in FREE:
            self._special(message, value, path)
            return
        if not isinstance(value, dict):
            hint = f"Write a mapping of its fields, such as {{{_some_field(message.DESCRIPTOR)}: …}}"
            self._flaw(path, f"expected a message of type {name}, got {shown(value)}", hint)
            return
        if name == ANY:
            self._any(message, value, path)
            return
        form = self._schema.forms.of(message.DESCRIPTOR)
        chosen: dict[str, str] = {}
        for key, item in value.items():
            if self._is_open(key):
                continue
            where = (*path, key)
            field = form.by_name.get(key) if isinstance(key, str) else None
            if field is None:
                self.flaws.append(
                    Flaw(where, f"{name} has no field {key!r}", near(str(key), form.names), at_key=True)
                )
                continue
            if item is None and not _holds_null(field):
                continue
            oneof = field.containing_oneof
            if oneof is not None and chosen.setdefault(oneof.name, field.name) != field.name:
                said = f"{chosen[oneof.name]} and {field.name} are alternatives of {oneof.name}"
                self._flaw(where, said, "Keep one of them")
                continue
            self._set(message, field, item, where)

    def _flaw(self, path: KeyPath, said: str, hint: str = "") -> None:
        self.flaws.append(Flaw(path, said, hint))

    def _is_open(self, value: object) -> bool:
        return self._templates and is_template(value)

    def _set(self, message: Any, field: Any, value: object, path: KeyPath) -> None:
        if self._is_open(value):
            return
        target = (
            getattr(message, field.name) if field.message_type is not None or is_repeated(field) else None
        )
        if is_map(field):
            self._set_map(target, field, value, path)
        elif is_repeated(field):
            self._set_list(target, field, value, path)
        elif field.message_type is not None:
            assert target is not None
            target.SetInParent()
            self.fill(target, value, path)
        else:
            self._scalar(field, value, path, lambda made: setattr(message, field.name, made))

    def _set_list(self, target: Any, field: Any, value: object, path: KeyPath) -> None:
        if not isinstance(value, list):
            self._flaw(path, f"expected a list, got {shown(value)}", f"Write {field.name}: [...]")
            return
        for i, item in enumerate(value):
            if self._is_open(item):
                continue
            if field.message_type is not None:
                self.fill(target.add(), item, (*path, i))
            else:
                self._scalar(field, item, (*path, i), target.append)

    def _set_map(self, target: Any, field: Any, value: object, path: KeyPath) -> None:
        if not isinstance(value, dict):
            self._flaw(path, f"expected a mapping, got {shown(value)}", f"Write {field.name}: {{key: …}}")
            return
        of_key = field.message_type.fields_by_name["key"]
        of_value = field.message_type.fields_by_name["value"]
        for key, item in value.items():
            if self._is_open(key):
                continue
            where = (*path, key)
            try:
                made_key = scalar(
                    of_key,
                    {"true": True, "false": False}.get(key, key) if of_key.type == of_key.TYPE_BOOL else key,
                )
            except WrongValueError as error:
                self.flaws.append(Flaw(where, str(error), error.hint, at_key=True))
                continue
            if self._is_open(item):
                continue
            if of_value.message_type is not None:
                self.fill(target[made_key], item, where)
            else:
                self._scalar(of_value, item, where, partial(target.__setitem__, made_key))

    def _scalar(self, field: Any, value: object, path: KeyPath, put: Callable[[Any], None]) -> None:
        if self._rendered and field.type == field.TYPE_STRING and isinstance(value, (int, float)):
            value = as_text(value)
        try:
            put(scalar(field, value))
        except WrongValueError as error:
            self._flaw(path, str(error), error.hint)
        except ValueError as error:
            self._flaw(path, str(error).rstrip("."))

    def _special(self, message: Any, value: object, path: KeyPath) -> None:
        """Set a type of google.protobuf that has a form of its own."""
        from google.protobuf.json_format import ParseDict, ParseError

        if self._templates and has_templates(value):
            return
        name = message.DESCRIPTOR.full_name
        if name in WRAPPERS:
            self._scalar(
                message.DESCRIPTOR.fields_by_name["value"],
                value,
                path,
                lambda made: setattr(message, "value", made),
            )
            return
        if name in TEXTS and not isinstance(value, str):
            self._flaw(path, f"expected a text for {name}, got {shown(value)}", _FREE_HINT[name])
            return
        try:
            ParseDict(value, message)
        except (ParseError, ValueError, TypeError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            self._flaw(path, f"{shown(value)} is not a valid {name}: {said}", _FREE_HINT.get(name, ""))

    def _any(self, message: Any, value: dict[Any, Any], path: KeyPath) -> None:
        url = value.get("@type")
        if self._is_open(url):
            return
        if not isinstance(url, str):
            hint = 'Write {"@type": type.googleapis.com/google.rpc.RetryInfo, …}'
            self._flaw(path, "the type of a google.protobuf.Any is missing", hint)
            return
        name = url.rpartition("/")[2]
        kind = self._schema.find_type(name)
        if kind is None:
            hint = near(name, self._schema.type_names())
            self._flaw((*path, "@type"), f"the schema has no message {name!r}", hint)
            return
        inner = kind.make()
        fields = {key: item for key, item in value.items() if key != "@type"}
        if name in TEXTS | WRAPPERS | FREE | {ANY}:
            self.fill(inner, fields.get("value"), (*path, "value"))
        else:
            self.fill(inner, fields, path)
        message.type_url = url if "/" in url else f"type.googleapis.com/{url}"
        message.value = inner.SerializeToString(deterministic=True)


def _some_field(descriptor: Any) -> str:
    return next((str(field.name) for field in descriptor.fields), "")


def _holds_null(field: Any) -> bool:
    return field.message_type is not None and field.message_type.full_name == GOOGLE + "Value"


def scalar(field: Any, value: object) -> Any:
    """Return a value of a field that is neither a message nor a list. Raises WrongValueError."""
    if field.enum_type is not None:
        return _enum(field.enum_type, value)
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        return _bytes(value) if field.type == field.TYPE_BYTES else _text(value)
    if kind == field.CPPTYPE_BOOL:
        if not isinstance(value, bool):
            raise WrongValueError(f"expected true or false, got {shown(value)}")
        return value
    if kind in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return _number(value)
    bits = 64 if kind in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64) else 32
    return _integer(value, bits, signed=kind in (field.CPPTYPE_INT32, field.CPPTYPE_INT64))


def _enum(kind: Any, value: object) -> int:
    if isinstance(value, str):
        known = kind.values_by_name.get(value)
        if known is None:
            raise WrongValueError(
                f"{kind.full_name} has no value {value!r}", near(value, [each.name for each in kind.values])
            )
        return int(known.number)
    if isinstance(value, bool) or not isinstance(value, int):
        example = kind.values[-1].name
        raise WrongValueError(f"expected a name of {kind.full_name}, got {shown(value)}", f"Write {example}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        hint = f"Put quotes round it: '{value}'" if isinstance(value, (int, float)) else ""
        raise WrongValueError(f"expected a text, got {shown(value)}", hint)
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise WrongValueError(f"{shown(value)} can't be written as UTF-8")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise WrongValueError(
            f"expected bytes in Base64, got {shown(value)}", "Write a text such as aGVsbG8="
        )
    try:
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(
            padded, altchars="-_" if "-" in value or "_" in value else None, validate=True
        )
    except (binascii.Error, ValueError):
        raise WrongValueError(
            f"{shown(value)} is not valid Base64", "Write a text such as aGVsbG8="
        ) from None


_NAMED_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _number(value: object) -> float:
    if isinstance(value, str):
        if value in _NAMED_NUMBERS:
            return _NAMED_NUMBERS[value]
        try:
            return float(value)
        except ValueError:
            raise WrongValueError(f"expected a number, got {shown(value)}") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongValueError(f"expected a number, got {shown(value)}")
    return float(value)


def _integer(value: object, bits: int, *, signed: bool) -> int:
    made = value
    if isinstance(value, str):
        digits = value.removeprefix("-")
        made = int(value) if digits.isascii() and digits.isdigit() and len(digits) < 30 else None
    elif isinstance(value, float) and value.is_integer():
        made = int(value)
    if isinstance(made, bool) or not isinstance(made, int):
        raise WrongValueError(f"expected an integer, got {shown(value)}")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= made <= high:
        raise WrongValueError(f"{shown(value)} is not between {low} and {high}")
    return made
