"""How large a value is."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

_CONTAINERS = (dict, list, tuple)
_SCALARS = frozenset((str, int, float, bool, type(None)))
MEMBER_LIMIT = 25_000
"""Members of one value that a request has handed on or kept: to decode, keep and write them takes less than 50 ms together."""


def has_more_members(value: object, most: int) -> bool:
    """Whether the lists and mappings of a JSON value have more members than that, all counted. Looks at no more than it needs."""
    pending = [value] if isinstance(value, _CONTAINERS) else []
    while pending:
        one = pending.pop()
        most -= len(one)
        if most < 0:
            return True
        items = one.values() if isinstance(one, dict) else one
        if not _SCALARS.issuperset(map(type, items)):
            pending += [item for item in items if isinstance(item, _CONTAINERS)]
    return False


def size_of(value: object) -> int:
    """About how many bytes a JSON value takes in memory."""
    size = getsizeof(value)
    if not isinstance(value, _CONTAINERS):
        return size
    pending = [value]
    while pending:
        whole = pending.pop()
        items: Any = whole
        if isinstance(whole, dict):
            size += sum(map(getsizeof, whole))
            items = whole.values()
        size += sum(map(getsizeof, items))
        if not _SCALARS.issuperset(map(type, items)):
            pending += [item for item in items if isinstance(item, _CONTAINERS)]
    return size
