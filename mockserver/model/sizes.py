"""How much memory a value takes."""

from __future__ import annotations

import sys
from typing import Any


def size_of(value: Any) -> int:
    """About how many bytes a JSON value takes in memory."""
    size, pending = 0, [value]
    while pending:
        part = pending.pop()
        size += sys.getsizeof(part)
        if isinstance(part, dict):
            pending += part
            pending += part.values()
        elif isinstance(part, (list, tuple)):
            pending += part
    return size
