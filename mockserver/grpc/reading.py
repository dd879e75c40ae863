"""
Messages as JSON: fields by the names of the `.proto` file, 64-bit integers as numbers, bytes in Base64, enums by name.

Fields without presence are always there, with their default; others only if they are set. The types of
google.protobuf have their own forms, by the JSON mapping of protobuf.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.model.coding import UnreadableBodyError
from mockserver.model.http import MAX_JSON_MEMBERS

if TYPE_CHECKING:
    from mockserver.grpc.pools import GrpcSchema

GOOGLE = "google.protobuf."
WRAPPERS = frozenset(
    GOOGLE + name
    for name in (
        "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue",
        "StringValue", "BytesValue",
    )
)  # fmt: skip
TEXTS = frozenset(GOOGLE + name for name in ("Timestamp", "Duration", "FieldMask"))
"""Types whose JSON is a text."""
FREE = frozenset(GOOGLE + name for name in ("Struct", "Value", "ListValue"))
"""Types whose JSON is any JSON value."""
ANY = GOOGLE + "Any"


class FieldBudget:
    """The number of values that a message may still have: reading more would block the event loop."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int = MAX_JSON_MEMBERS) -> None:
        # A field costs more than a member of JSON, since each may be a default.
        self._most = self._left = most // 2

    def take(self, values: int) -> None:
        """Take that many values. Raises UnreadableBodyError if there are too many."""
        self._left -= values
        if self._left < 0:
            raise UnreadableBodyError(
                f"it is not decoded: it has more than {self._most:,} fields and values; see --max-json-members"
            )


class MessageForm(dict[str, Any]):
    """A message as JSON. A field can be read by its JSON name too; `aliases` are the names by JSON names."""

    __slots__ = ("aliases",)

    aliases: Mapping[str, str]

    def __missing__(self, key: str) -> Any:
        name = self.aliases[key]
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or dict.__contains__(self, self.aliases.get(key, ""))  # type: ignore[call-overload]

    def get(self, key: str, default: Any = None) -> Any:
        value = dict.get(self, key, self)
        return dict.get(self, self.aliases.get(key, ""), default) if value is self else value


Convert = Callable[[Any, FieldBudget], Any]


class TypeForm:
    """The fields of a type: by name and JSON name, and how each is read."""

    __slots__ = ("aliases", "by_name", "names", "parts")

    def __init__(self, descriptor: Any, forms: JsonForms) -> None:
        self.names = [field.name for field in descriptor.fields]
        self.by_name = {field.json_name: field for field in descriptor.fields}
        self.by_name.update({field.name: field for field in descriptor.fields})
        self.aliases = {
            field.json_name: field.name for field in descriptor.fields if field.json_name != field.name
        }
        self.parts: list[tuple[str, bool, Convert]] = [
            (field.name, field.has_presence, forms.converter(field)) for field in descriptor.fields
        ]


class JsonForms:
    """Reads the messages of one schema."""

    __slots__ = ("_forms", "schema")

    def __init__(self, schema: GrpcSchema) -> None:
        self.schema = schema
        self._forms: dict[str, TypeForm] = {}

    def of(self, descriptor: Any) -> TypeForm:
        form = self._forms.get(descriptor.full_name)
        if form is None:
            form = self._forms[descriptor.full_name] = TypeForm(descriptor, self)
        return form

    def json(self, message: Any, budget: FieldBudget) -> Any:
        """Return a message as JSON. Raises UnreadableBodyError if it is too large."""
        name = message.DESCRIPTOR.full_name
        if name.startswith(GOOGLE):
            special = self._special(name, message, budget)
            if special is not NotImplemented:
                return special
        form = self.of(message.DESCRIPTOR)
        budget.take(len(form.parts) or 1)
        result = MessageForm()
        result.aliases = form.aliases
        for field, has_presence, convert in form.parts:
            if not has_presence or message.HasField(field):
                result[field] = convert(getattr(message, field), budget)
        return result

    def converter(self, field: Any) -> Convert:
        """Return how a field is read."""
        if is_map(field):
            of_value = self._one(field.message_type.fields_by_name["value"])
            return lambda value, budget: self._map(value, of_value, budget)
        one = self._one(field)
        if is_repeated(field):
            return lambda value, budget: self._list(value, one, budget)
        return one

    @staticmethod
    def _map(value: Any, of_value: Convert, budget: FieldBudget) -> dict[str, Any]:
        budget.take(len(value))
        return {key_text(key): of_value(value[key], budget) for key in value}

    @staticmethod
    def _list(value: Any, one: Convert, budget: FieldBudget) -> list[Any]:
        budget.take(len(value))
        if one is _itself:
            return list(value)
        if one is _short_float:
            budget.take(3 * len(value))
        return [one(item, budget) for item in value]

    def _one(self, field: Any) -> Convert:
        if field.message_type is not None:
            return self.json
        if field.enum_type is not None:
            names = {value.number: value.name for value in reversed(field.enum_type.values)}
            return lambda value, _: names.get(value, value)
        if field.type == field.TYPE_BYTES:
            return lambda value, _: base64.b64encode(value).decode()
        if field.type == field.TYPE_FLOAT:
            return _short_float
        if field.type == field.TYPE_DOUBLE:
            return lambda value, _: _finite(value)
        return _itself

    def _special(self, name: str, message: Any, budget: FieldBudget) -> Any:
        """Return the form of a type of google.protobuf; NotImplemented if it has none of its own."""
        if name in TEXTS:
            try:
                return message.ToJsonString()
            except ValueError:
                return NotImplemented  # outside of its range
        if name in WRAPPERS:
            field = message.DESCRIPTOR.fields_by_name["value"]
            return self._one(field)(message.value, budget)
        if name in FREE:
            return _free(name, message, budget)
        return self._any(message, budget) if name == ANY else NotImplemented

    def _any(self, message: Any, budget: FieldBudget) -> dict[str, Any]:
        inner = self.schema.find_type(message.type_url.rpartition("/")[2])
        if inner is None:
            return {"@type": message.type_url, "value": base64.b64encode(message.value).decode()}
        form = self.json(inner.parse(message.value), budget)
        if inner.name in TEXTS | WRAPPERS | FREE | {ANY}:
            return {"@type": message.type_url, "value": form}
        return {"@type": message.type_url, **form}


def is_repeated(field: Any) -> bool:
    """Whether a field holds a list, or a map."""
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)


def is_map(field: Any) -> bool:
    return bool(
        field.message_type is not None and is_repeated(field) and field.message_type.GetOptions().map_entry
    )


def key_text(key: object) -> str:
    """Return the key of a map as the name of a JSON member."""
    return str(key).lower() if isinstance(key, bool) else str(key)


def _itself(value: Any, _: FieldBudget) -> Any:
    return value


def _short_float(value: float, _: FieldBudget) -> float | str:
    return _finite(shortest(value))


def _free(name: str, message: Any, budget: FieldBudget) -> Any:
    """Return a Struct, Value or ListValue as the JSON value that it holds."""
    budget.take(1)
    if name == GOOGLE + "Struct":
        return {key: _free(GOOGLE + "Value", value, budget) for key, value in message.fields.items()}
    if name == GOOGLE + "ListValue":
        return [_free(GOOGLE + "Value", value, budget) for value in message.values]
    kind = message.WhichOneof("kind")
    if kind in ("struct_value", "list_value"):
        inner = getattr(message, kind)
        return _free(inner.DESCRIPTOR.full_name, inner, budget)
    if kind is None or kind == "null_value":
        return None
    value = getattr(message, kind)
    if kind != "number_value":
        return value
    return int(value) if value.is_integer() and abs(value) < 1 << 53 else _finite(value)


def shortest(value: float) -> float:
    """
    Return the double with the fewest digits that is the same 32-bit float.

    >>> shortest(0.10000000149011612)
    0.1
    """
    if not math.isfinite(value):
        return value
    packed = struct.pack("<f", value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == packed:
                return short
        except OverflowError:  # rounded up beyond the largest float
            continue
    return value


def _finite(value: float) -> float | str:
    """Return a number, or the text that stands for it in JSON."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
