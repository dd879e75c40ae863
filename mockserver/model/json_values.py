"""JSON values: numbers and equality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a JSON number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def map_leaves(
    value: Any, leaf: Callable[[Any, tuple[str | int, ...]], Any], path: tuple[str | int, ...] = ()
) -> Any:
    """
    Replace each scalar by `leaf(scalar, path)`; keys stay.

    >>> map_leaves({"a": [1, 2]}, lambda item, path: f"{path[-1]}: {item}")
    {'a': ['0: 1', '1: 2']}
    """
    if isinstance(value, dict):
        return {key: map_leaves(item, leaf, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [map_leaves(item, leaf, (*path, place)) for place, item in enumerate(value)]
    return leaf(value, path)


def equal(left: Any, right: Any) -> bool:
    """
    Whether two JSON values are equal: 1 equals 1.0, "1" is not 1, true is not 1.

    Does not recurse, so deeply nested values can be compared too.

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
