"""Sizes of values."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

_CONTAINERS = (dict, list, tuple)
_SCALARS = frozenset((str, int, float, bool, type(None)))
MEMBER_LIMIT = 25_000
"""Limit of members of a value that is passed on or stored: decoding, storing and writing takes less than 50 ms."""


def has_more_members(value: object, most: int) -> bool:
    """Whether the lists and mappings of a JSON value have more members than that in total. Stops as early as possible."""
    if not isinstance(value, _CONTAINERS):
        return False
    whole: Any = value
    pending: list[Any] = []
    while True:
        most -= len(whole)
        if most < 0:
            return True
        items = whole.values() if isinstance(whole, dict) else whole
        if not _SCALARS.issuperset(map(type, items)):
            pending += [item for item in items if isinstance(item, _CONTAINERS)]
        if not pending:
            return False
        whole = pending.pop()


def size_of(value: object) -> int:
    """Return the approximate memory of a JSON value."""
    size = getsizeof(value)
    if value.__class__ in _SCALARS or not isinstance(value, _CONTAINERS):
        return size
    items: Any = value
    pending: list[Any] = []
    while True:
        if isinstance(items, dict):
            size += sum(map(getsizeof, items))
            items = items.values()
        size += sum(map(getsizeof, items))
        if not _SCALARS.issuperset(map(type, items)):
            pending += [item for item in items if isinstance(item, _CONTAINERS)]
        if not pending:
            return size
        items = pending.pop()
