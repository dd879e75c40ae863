"""JSON values: which are numbers, and which are equal."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a JSON number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """
    Whether two JSON values are the same: 1 equals 1.0, "1" is not 1, true is not 1.

    Nothing here recurses, so a deeply nested value is compared too.

    >>> equal({"a": [1]}, {"a": [1.0]}), equal(True, 1), equal("1", 1)
    (True, False, False)
    """
    todo = [(left, right)]
    while todo:
        a, b = todo.pop()
        if isinstance(a, dict):
            if not isinstance(b, dict) or a.keys() != b.keys():
                return False
            todo.extend((a[key], b[key]) for key in a)
        elif isinstance(a, list):
            if not isinstance(b, list) or len(a) != len(b):
                return False
            todo.extend(zip(a, b, strict=True))
        elif isinstance(a, bool) is not isinstance(b, bool) or a != b:
            return False
    return True
