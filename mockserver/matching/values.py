"""
JSON values in matching: equality, types and texts.

Nothing here recurses as deep as a request can be nested.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from mockserver.model.http import ABSENT
from mockserver.model.written import as_text

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_NUMBER_CHARS = 400
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_SHOWN_CHARS = 80
_SHOWN_DEPTH = 4

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_PROSE = {
    "string": "a text", "number": "a number", "integer": "an integer", "boolean": "a boolean",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip


def scalar_key(value: Any) -> Hashable:
    """
    Return a key that is equal for equal JSON scalars only, for dictionaries of routes.

    >>> scalar_key(1) == scalar_key(1.0), scalar_key(1) == scalar_key(True)
    (True, False)
    """
    return ("boolean", value) if isinstance(value, bool) else value


def type_of(value: object) -> str:
    """Return the narrowest of TYPES. A number without a fraction is an integer: 1 equals 1.0."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "null"


def has_type(value: object, name: str) -> bool:
    """Whether a value, which may be absent, is of that type."""
    if value is ABSENT:
        return False
    actual = type_of(value)
    return actual == name or (name == "number" and actual == "integer")


def prose(type_name: str) -> str:
    """Return the name of a type for texts: 'a text'."""
    return _PROSE[type_name]


def kind(value: object) -> str:
    """Return the kind of a value for texts: 'a text', 'a list', 'absent'; every number is 'a number'."""
    if value is ABSENT:
        return "absent"
    name = type_of(value)
    return _PROSE["number" if name == "integer" else name]


def number(text: str) -> int | float | None:
    """Return the number that a text of a header, query or form represents; None for any other text."""
    if len(text) > _MAX_NUMBER_CHARS or not NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def show(value: object) -> str:
    """
    Return a value for texts, shortened if it is long or deep.

    >>> show({"currency": "usd", "paid": True, "items": [1, None]})
    "{currency: 'usd', paid: true, items: [1, null]}"
    """
    text = _show(value, _SHOWN_DEPTH, _SHOWN_CHARS)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _show(value: object, depth: int, room: int) -> str:
    """Return at least the first `room` characters of the shown value; the rest costs nothing."""
    if isinstance(value, str):
        return repr(value[:_SHOWN_CHARS])
    if isinstance(value, (dict, list, tuple)) and value and not depth:
        return "{…}" if isinstance(value, dict) else "[…]"
    if isinstance(value, dict):
        return "{" + _joined(value.items(), lambda item, left: _show_item(item, depth - 1, left), room) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + _joined(value, lambda item, left: _show(item, depth - 1, left), room) + "]"
    if value is ABSENT:
        return "absent"
    if isinstance(value, int) and not -(10**_SHOWN_CHARS) < value < 10**_SHOWN_CHARS:
        return "a very long number"
    return as_text(value)


def _joined(items: Iterable[Any], show_one: Callable[[Any, int], str], room: int) -> str:
    text = ""
    for item in items:
        if len(text) > room:
            break
        text += (", " if text else "") + show_one(item, room - len(text))
    return text


def _show_item(item: tuple[Any, Any], depth: int, room: int) -> str:
    key = _show_key(item[0])
    return f"{key}: {_show(item[1], depth, room - len(key))}"


def _show_key(key: object) -> str:
    text = str(key)
    return text if len(text) <= _SHOWN_CHARS and _PLAIN_KEY.fullmatch(text) else repr(text[:_SHOWN_CHARS])
