"""How much memory a value takes."""

from __future__ import annotations

from collections.abc import Iterable
from sys import getsizeof
from typing import Any

_CONTAINERS = (dict, list, tuple)


def size_of(value: Any) -> int:
    """About how many bytes a JSON value takes in memory."""
    size, pending = getsizeof(value), [value] if isinstance(value, _CONTAINERS) else []
    while pending:
        part = pending.pop()
        below: Iterable[Any] = part
        if isinstance(part, dict):
            size += sum(map(getsizeof, part))
            below = part.values()
        size += sum(map(getsizeof, below))
        pending += [one for one in below if isinstance(one, _CONTAINERS)]
    return size
