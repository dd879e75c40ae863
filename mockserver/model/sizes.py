"""How much memory a value takes."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

_CONTAINERS = (dict, list, tuple)
_SCALARS = frozenset((str, int, float, bool, type(None)))


def size_of(value: Any) -> int:
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
