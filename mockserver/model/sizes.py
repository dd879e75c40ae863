"""Sizes of values."""

from __future__ import annotations

from sys import getsizeof

_CONTAINERS = (dict, list, tuple)
_SCALARS = frozenset((str, int, float, bool, type(None)))
MEMBER_LIMIT = 25_000
"""Limit of members of a value that is passed on or stored: decoding, storing and writing takes less than 50 ms."""


def has_more_members(value: object, most: int) -> bool:
    """Whether the lists and mappings of a JSON value have more members than that in total. Stops as early as possible."""
    pending = [value]
    for item in pending:
        if type(item) not in _SCALARS and isinstance(item, _CONTAINERS):
            most -= len(item)
            if most < 0:
                return True
            pending += item.values() if isinstance(item, dict) else item
    return False


def size_of(value: object) -> int:
    """Return the approximate memory of a JSON value."""
    size = 0
    pending = [value]
    for item in pending:
        if type(item) in _SCALARS:
            size += item.__sizeof__()  # several times as fast as getsizeof
            continue
        size += getsizeof(item)
        if isinstance(item, dict):
            pending += item
            pending += item.values()
        elif isinstance(item, _CONTAINERS):
            pending += item
    return size
