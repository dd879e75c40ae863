"""Fields of queries and of urlencoded forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import unquote

from mockserver.model.coding import UnreadableBodyError
from mockserver.model.headers import Pairs

Grouped = Mapping[str, list[str]]
"""Values by name, in their order."""
MAX_FORM_BYTES = 1 << 20
"""Limit of a urlencoded form: percent-decoding a byte costs as much as reading ten of JSON."""
MAX_FORM_FIELDS = 10_000
_SHORT_NAME_CHARS = 100


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """
    Group the values by name, in order.

    >>> grouped((("a", "1"), ("b", "2"), ("a", "3")))
    {'a': ['1', '3'], 'b': ['2']}
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def split_urlencoded(text: str) -> Pairs:
    """
    Decode the fields of a query or a form, in order; invalid UTF-8 is replaced.

    >>> split_urlencoded("a=1+2&b%5B%5D=%C3%A9&&c")
    (('a', '1 2'), ('b[]', 'é'), ('c', ''))
    """
    text = text.replace("+", " ")
    pairs = []
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            if "%" in field:
                name = _decoded_name(name) if len(name) < _SHORT_NAME_CHARS else unquote(name)
                value = unquote(value) if "%" in value else value
            pairs.append((name, value))
    return tuple(pairs)


@lru_cache(maxsize=1024)
def _decoded_name(name: str) -> str:
    """Decode a name, cached: names of fields repeat."""
    return unquote(name)


def split_form(text: str) -> Pairs:
    """Decode the fields of a urlencoded form within its limits. Raises UnreadableBodyError."""
    if len(text) > MAX_FORM_BYTES:
        raise UnreadableBodyError(f"the form is longer than {MAX_FORM_BYTES} bytes")
    if text.count("&") >= MAX_FORM_FIELDS:
        raise UnreadableBodyError(f"the form has more than {MAX_FORM_FIELDS} fields")
    return split_urlencoded(text)


def decode_segment(text: str) -> str:
    """Percent-decode one path segment or parameter once; invalid UTF-8 becomes U+FFFD."""
    return unquote(text) if "%" in text else text
