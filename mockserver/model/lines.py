"""Header lines of scenarios: a name, and a text or a list of texts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from mockserver.errors import WrongValueError, shown

_NO_NAME = frozenset(' \t\r\n\0:"(),/;<=>?@[\\]{}')


def is_header_name(value: object) -> bool:
    """RFC 9110 5.1, and non-ASCII characters."""
    return isinstance(value, str) and bool(value) and _NO_NAME.isdisjoint(value)


def header_name(value: object) -> object:
    """Validate a name. Raises WrongValueError."""
    if not is_header_name(value):
        raise WrongValueError(f"{shown(value)} is not a valid header name", "Use letters, digits and dashes")
    return value


def _header_value(value: object) -> object:
    for item in value if isinstance(value, list) else [value]:
        if item is None or isinstance(item, (dict, list)):
            raise WrongValueError(
                f"expected a text or a list of texts, got {shown(item)}",
                "A list gives one header line for each",
            )
        if isinstance(item, str) and any(c in item for c in "\r\n\0"):
            raise WrongValueError(
                "a header value can't hold a line break or NUL", "Use a list for several lines"
            )
        if isinstance(item, str) and any("\ud800" <= c <= "\udfff" for c in item):
            raise WrongValueError(f"{shown(item)} can't be written as UTF-8", "Write the character itself")
    return value


HeaderValue = Annotated[
    Any,
    BeforeValidator(_header_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
            ]
        }
    ),
]


def _header_names(value: object) -> object:
    if isinstance(value, dict):
        for name in value:
            header_name(name)
    return value


HeaderLines = Annotated[dict[str, HeaderValue], BeforeValidator(_header_names)]
"""Return values by name; a list makes one line for each of its values."""
