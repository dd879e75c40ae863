"""Header lines as authors write them: a name, and a text or a list of texts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from mockserver.errors import WrongValueError, shown

_NO_NAME = frozenset(' \t\r\n\0:"(),/;<=>?@[\\]{}')


def is_header_name(value: object) -> bool:
    """By RFC 9110 5.1, and beyond ASCII."""
    return isinstance(value, str) and bool(value) and _NO_NAME.isdisjoint(value)


def header_name(value: object) -> object:
    """A name as it is. Raises WrongValueError for what is none."""
    if not is_header_name(value):
        raise WrongValueError(f"{shown(value)} is no header name", "Use letters, digits and dashes")
    return value


def _header_value(value: object) -> object:
    for one in value if isinstance(value, list) else [value]:
        if one is None or isinstance(one, (dict, list)):
            raise WrongValueError(
                f"expected a text or a list of texts, got {shown(one)}",
                "A list gives one header line for each",
            )
        if isinstance(one, str) and any(c in one for c in "\r\n\0"):
            raise WrongValueError(
                "a header value can't hold a line break or NUL", "Use a list for several lines"
            )
        if isinstance(one, str) and any("\ud800" <= c <= "\udfff" for c in one):
            raise WrongValueError(f"{shown(one)} can't be written as UTF-8", "Write the character itself")
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
"""Values by name; a list gives one line for each of its values."""
