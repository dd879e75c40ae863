"""
Conditions on messages, as written: checked against the type of the message, and brought into the form of its JSON.

In that form, fields have the names of the `.proto` file, enums are names, and 64-bit integers are numbers.
"""

from __future__ import annotations

from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, WrongValueError, near, shown
from mockserver.grpc.pools import GrpcSchema, MessageType
from mockserver.grpc.reading import ANY, FREE, TEXTS, WRAPPERS, is_map, is_repeated
from mockserver.grpc.writing import scalar

_SAME = frozenset({"$equals", "$not"})
_LISTS_OF_SAME = frozenset({"$one_of", "$any_of", "$all_of"})
_OF_ITEMS = frozenset({"$contains", "$unordered"})
_WORDS = ("$present", "$absent")
_OPEN = TEXTS | FREE | {ANY}
"""Types whose conditions are not looked into."""


def message_condition(kind: MessageType, written: Any, path: KeyPath) -> Any:
    """Return a condition on one message in the form of its JSON. Raises InvalidInputError with every flaw."""
    return _checked(kind, lambda reader: reader.message(written, kind.descriptor, path))


def messages_condition(kind: MessageType, written: Any, path: KeyPath) -> Any:
    """Return a condition on the list of all messages in that form. Raises InvalidInputError with every flaw."""
    return _checked(kind, lambda reader: reader.many(written, kind.descriptor, path))


def _checked(kind: MessageType, read: Any) -> Any:
    reader = _Reader(kind.forms.schema)
    condition = read(reader)
    if reader.flaws:
        raise InvalidInputError(reader.flaws)
    return condition


class _Reader:
    def __init__(self, schema: GrpcSchema) -> None:
        self._schema = schema
        self.flaws: list[Flaw] = []

    def message(self, written: Any, descriptor: Any, path: KeyPath) -> Any:
        """Read a condition on a message."""
        name = descriptor.full_name
        if name in WRAPPERS:
            return self._scalar(written, descriptor.fields_by_name["value"], path)
        if name in _OPEN or written in _WORDS:
            return written
        if not isinstance(written, dict):
            said = f"expected conditions on a message of type {name}, got {shown(written)}"
            self.flaws.append(Flaw(path, said, "Write a mapping of its fields"))
            return written
        if _has_operators(written):
            return self._operators(written, path, lambda item, where: self.message(item, descriptor, where))
        return self._fields(written, descriptor, path)

    def _fields(self, written: dict[Any, Any], descriptor: Any, path: KeyPath) -> dict[Any, Any]:
        form = self._schema.forms.of(descriptor)
        made = {}
        for key, item in written.items():
            field = form.by_name.get(key) if isinstance(key, str) else None
            if field is None:
                hint = near(str(key), form.names)
                said = f"{descriptor.full_name} has no field {key!r}"
                self.flaws.append(Flaw((*path, key), said, hint, at_key=True))
            else:
                made[field.name] = self._field(item, field, (*path, key))
        return made

    def _field(self, written: Any, field: Any, path: KeyPath) -> Any:
        if is_map(field):
            return self._map(written, field.message_type.fields_by_name["value"], path)
        if is_repeated(field):
            return self._list(written, lambda item, where: self._one(item, field, where), path)
        return self._one(written, field, path)

    def _one(self, written: Any, field: Any, path: KeyPath) -> Any:
        if field.message_type is not None:
            return self.message(written, field.message_type, path)
        return self._scalar(written, field, path)

    def many(self, written: Any, descriptor: Any, path: KeyPath) -> Any:
        """Read a condition on a list of messages."""
        return self._list(written, lambda item, where: self.message(item, descriptor, where), path)

    def _list(self, written: Any, one: Any, path: KeyPath) -> Any:
        if isinstance(written, list):
            return [one(item, (*path, i)) for i, item in enumerate(written)]
        if isinstance(written, dict) and _has_operators(written):
            return self._operators(written, path, lambda item, where: self._list(item, one, where), one)
        if written not in _WORDS:
            said = f"expected a list or operators, got {shown(written)}"
            self.flaws.append(Flaw(path, said, "Write [...], or {$contains: …}"))
        return written

    def _map(self, written: Any, of_value: Any, path: KeyPath) -> Any:
        if not isinstance(written, dict):
            return written
        if _has_operators(written):
            return self._operators(written, path, lambda item, where: self._map(item, of_value, where))
        return {key: self._one(item, of_value, (*path, key)) for key, item in written.items()}

    def _operators(
        self, written: dict[Any, Any], path: KeyPath, same: Any, item_of: Any = None
    ) -> dict[Any, Any]:
        made = {}
        for key, operand in written.items():
            where = (*path, key)
            if key in _SAME or key == "$fields":
                made[key] = same(operand, where)
            elif key in _LISTS_OF_SAME and isinstance(operand, list):
                made[key] = [same(item, (*where, i)) for i, item in enumerate(operand)]
            elif key in _OF_ITEMS and item_of is not None:
                if key == "$unordered" and isinstance(operand, list):
                    made[key] = [item_of(item, (*where, i)) for i, item in enumerate(operand)]
                else:
                    made[key] = item_of(operand, where)
            else:
                made[key] = operand
        return made

    def _scalar(self, written: Any, field: Any, path: KeyPath) -> Any:
        if isinstance(written, dict):
            return self._operators(written, path, lambda item, where: self._scalar(item, field, where))
        if written is None or isinstance(written, list) or written in _WORDS:
            return written
        return self._literal(written, field, path)

    def _literal(self, written: Any, field: Any, path: KeyPath) -> Any:
        """Return a literal as the JSON form has it; a text of digits is a number."""
        try:
            made = scalar(field, written)
        except WrongValueError as error:
            self.flaws.append(Flaw(path, str(error), error.hint))
            return written
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(made)
            return made if known is None else known.name
        if field.cpp_type in (field.CPPTYPE_STRING, field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
            return written
        return made


def _has_operators(written: dict[Any, Any]) -> bool:
    return any(isinstance(key, str) and key.startswith("$") for key in written)
