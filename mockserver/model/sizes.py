"""How much memory a value takes."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

_CONTAINERS = (dict, list, tuple)


def size_of(value: Any) -> int:
    """About how many bytes a JSON value takes in memory."""
    size = getsizeof(value)
    if not isinstance(value, _CONTAINERS):
        return size
    pending = [value]
    while pending:
        whole = pending.pop()
        items = whole.values() if isinstance(whole, dict) else whole
        if isinstance(whole, dict):
            size += sum(map(getsizeof, whole))
        size += sum(map(getsizeof, items))
        pending += [item for item in items if isinstance(item, _CONTAINERS)]
    return size
