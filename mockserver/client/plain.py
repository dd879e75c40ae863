"""Python values as JSON: paths, times, durations and compiled patterns are accepted where the language has texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any
from uuid import UUID

from mockserver.errors import shown
from mockserver.model.durations import format_duration
from mockserver.model.written import written_float


class NamedValue:
    """An object of the client that has a name on the server, such as a route."""

    __slots__ = ()

    def __mockserver_name__(self) -> str:
        raise NotImplementedError


def plain(value: object, *, dollar: bool = False) -> Any:
    """
    Return the value as JSON. `dollar`: operators start with a dollar, as in `match.json`.

    Raises TypeError for a value without a JSON equivalent.
    """
    if value is None or (isinstance(value, (str, bool, int, float)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(item, dollar=dollar) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, dollar=dollar) for item in value]
    if isinstance(value, re.Pattern):
        return {"$matches" if dollar else "matches": pattern_text(value)}
    if _is_any(value):
        return "$present" if dollar else "present"
    if hasattr(value, "DESCRIPTOR") and hasattr(value, "SerializeToString"):
        return _message(value)
    for kind, as_json in _KINDS:
        if isinstance(value, kind):
            return as_json(value)
    hint = (
        "Write base64= or text= for bytes, json.loads(data) for JSON"
        if isinstance(value, bytes)
        else "Use JSON's types"
    )
    raise TypeError(f"{shown(value)} is not a JSON value: it is of type {type(value).__name__}. {hint}")


_DURATIONS = frozenset({"delay", "for", "set_ttl", "ttl", "over", "backoff", "ramp"})
_OPAQUE = frozenset({
    "json", "json_exact", "text", "html", "xml", "base64", "form", "headers", "query", "cookies", "data", "match", "when",
    "schema", "graphql", "files", "jwt", "let", "set", "effect", "vars", "state", "message", "details", "trailers", "receive", "received",
})  # fmt: skip
"""Below these keys, names have no meaning."""


def with_units(value: object, key: str = "") -> Any:
    """
    JSON of a route or reply in which durations that are numbers, of seconds, are texts as the language has them.

    >>> with_units({"delay": 0.2, "json": {"delay": 0.2}})
    {'delay': '200ms', 'json': {'delay': 0.2}}
    """
    if isinstance(value, dict):
        inside = {name: key if key == "delay" and name != "sigma" else name for name in value}
        return {
            name: item if name in _OPAQUE else with_units(item, inside[name]) for name, item in value.items()
        }
    if isinstance(value, list):
        return [with_units(item, key) for item in value]
    return duration_text(value) if key in _DURATIONS else value


def duration_text(value: object) -> Any:
    """Return a number of seconds as a duration; anything else as JSON."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return format_duration(value)
    return plain(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(plain(key))


def pattern_text(pattern: re.Pattern[Any]) -> str:
    """Return the expression with its flags inside. It must match the whole value."""
    if isinstance(pattern.pattern, bytes):
        raise TypeError(f"{pattern!r} is a pattern for bytes. Write it for texts")
    known = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
    flags = "".join(letter for flag, letter in known.items() if pattern.flags & flag)
    return f"(?{flags}){pattern.pattern}" if flags else str(pattern.pattern)


def _message(value: Any) -> Any:
    """Return a message of protobuf as JSON."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(value, preserving_proto_field_name=True)


def _is_any(value: object) -> bool:
    """Whether it is unittest.mock.ANY, without importing that heavy module."""
    kind = type(value)
    return kind.__name__ == "_ANY" and kind.__module__ == "unittest.mock"


_KINDS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (NamedValue, lambda value: value.__mockserver_name__()),
    (Enum, lambda value: plain(value.value)),
    (timedelta, lambda value: format_duration(value.total_seconds())),
    (datetime, lambda value: value.isoformat()),
    (date, lambda value: value.isoformat()),
    (PurePath, lambda value: value.as_posix()),
    (UUID, str),
    (Decimal, lambda value: int(value) if value.as_tuple().exponent == 0 else written_float(str(value))),
)
