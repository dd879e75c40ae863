"""Sampled values of scalars and enums: each is a function of the seed and its place in the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from graphql import GraphQLEnumType, GraphQLLeafType

LISTED = 2
"""Items of a sampled list."""
_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def number_of(key: str) -> int:
    """Return a number of 64 bits that is the same for the same key."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def sample_leaf(kind: GraphQLLeafType, field: str, key: str) -> object:
    """Return a value of a scalar or enum. Texts have the form that the name of the field suggests."""
    number = number_of(key)
    if isinstance(kind, GraphQLEnumType):
        names = list(kind.values)
        return names[number % len(names)]
    make = _SCALARS.get(kind.name.lower())
    return _text(field, number) if make is None else make(field, number)


def _moment(number: int) -> datetime:
    return _FIRST_DAY + timedelta(seconds=number % (366 * 86400))


def _text(field: str, number: int) -> str:
    words = [word.lower() for word in _WORD.findall(field)] or ["text"]
    last = words[-1]
    if last == "email":
        return f"user{number % 1000}@example.test"
    if last in ("url", "uri", "href", "link"):
        return f"https://example.test/{number % 1000}"
    if last == "date":
        return _moment(number).date().isoformat()
    if len(words) > 1 and last in ("at", "time"):
        return _iso(number)
    return f"{' '.join(words)} {number % 1000}"


def _iso(number: int) -> str:
    return _moment(number).isoformat().replace("+00:00", "Z")


def _boolean(field: str, number: int) -> bool:
    # A client that pages through a list comes to an end.
    return field not in ("hasNextPage", "hasPreviousPage") and number % 2 == 0


Maker = Callable[[str, int], Any]
_SCALARS: dict[str, Maker] = {
    "int": lambda _, number: number % 100 + 1,
    "float": lambda _, number: (number % 10_000) / 100,
    "boolean": _boolean,
    "id": lambda _, number: str(number % 1_000_000 + 1),
    "string": _text,
    "datetime": lambda _, number: _iso(number),
    "timestamp": lambda _, number: _iso(number),
    "date": lambda _, number: _moment(number).date().isoformat(),
    "time": lambda _, number: _moment(number).time().isoformat(),
    "uuid": lambda _, number: str(UUID(int=number << 64 | number, version=4)),
    "url": lambda _, number: f"https://example.test/{number % 1000}",
    "uri": lambda _, number: f"https://example.test/{number % 1000}",
    "email": lambda _, number: f"user{number % 1000}@example.test",
    "emailaddress": lambda _, number: f"user{number % 1000}@example.test",
    "json": lambda _, _number: {},
    "jsonobject": lambda _, _number: {},
    "bigint": lambda _, number: number % 100 + 1,
    "long": lambda _, number: number % 100 + 1,
    "decimal": lambda _, number: f"{(number % 10_000) / 100:.2f}",
    "bigdecimal": lambda _, number: f"{(number % 10_000) / 100:.2f}",
    "void": lambda _, _number: None,
}
"""Values of scalars by their names, in lower case."""
