"""Arithmetic and comparison; each operation's cost is checked first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mockserver.templating.scope import MAX_INT_BITS, BudgetExceededError, RenderError, Scope
from mockserver.templating.values import kind_of, weigh

Operator = Callable[[Scope, Any, Any], Any]
_LISTS = (list, tuple)
_CONTAINERS = (list, tuple, Mapping)


def _numbers(left: object, right: object) -> bool:
    return isinstance(left, (int, float)) and isinstance(right, (int, float))


def _no(doing: str, left: object, right: object, advice: str = "") -> RenderError:
    return RenderError(f"can't {doing} {kind_of(left)} and {kind_of(right)}{advice}")


def add(scope: Scope, left: Any, right: Any) -> object:
    if _numbers(left, right):
        return left + right
    if isinstance(left, str) and isinstance(right, str):
        scope.take_chars(len(left) + len(right))
        return left + right
    if isinstance(left, _LISTS) and type(left) is type(right):
        scope.take_steps(len(left) + len(right))
        return left + right  # type: ignore[operator]  # of one type, as just asked
    raise _no("add", left, right, "; `~` joins as text" if str in (type(left), type(right)) else "")


def subtract(_scope: Scope, left: Any, right: Any) -> object:
    if _numbers(left, right):
        return left - right
    advice = "; use date() to shift a time" if isinstance(left, datetime) else ""
    raise _no("subtract", left, right, advice)


def multiply(scope: Scope, left: Any, right: Any) -> object:
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > MAX_INT_BITS:
            raise BudgetExceededError(f"it makes a number of more than {MAX_INT_BITS} bits")
        return left * right
    if _numbers(left, right):
        return left * right
    if isinstance(left, int):
        left, right = right, left
    if isinstance(right, int) and isinstance(left, (str, list, tuple)):
        (scope.take_chars if isinstance(left, str) else scope.take_steps)(len(left) * max(right, 0))
        return left * right
    raise _no("multiply", left, right)


def divide(_scope: Scope, left: object, right: object) -> object:
    return left / _divisor(left, right)


def floor_divide(_scope: Scope, left: object, right: object) -> object:
    return left // _divisor(left, right)


def modulo(_scope: Scope, left: object, right: object) -> object:
    if isinstance(left, str):
        raise RenderError("`%` divides numbers here; join texts with `~`")
    return left % _divisor(left, right)


def _divisor(left: object, right: object) -> Any:
    if not _numbers(left, right):
        raise _no("divide", left, right)
    if right == 0:
        raise RenderError("division by zero")
    return right


def negative(_scope: Scope, value: object) -> object:
    if isinstance(value, (int, float)):
        return -value
    raise RenderError(f"can't negate {kind_of(value)}")


def positive(_scope: Scope, value: object) -> object:
    if isinstance(value, (int, float)):
        return +value
    raise RenderError(f"can't take {kind_of(value)} as a number; use the `int` or `float` filter")


def equal(scope: Scope, left: object, right: object) -> bool:
    if isinstance(left, str):
        scope.read(len(left))
    elif isinstance(left, _CONTAINERS) and isinstance(right, _CONTAINERS):
        weigh(scope, left)
        weigh(scope, right)
    return bool(left == right)


def unequal(scope: Scope, left: object, right: object) -> bool:
    return not equal(scope, left, right)


def check_ordered(scope: Scope, left: object, right: object) -> None:
    """Check that the values can be ordered: numbers, texts or times, each among themselves."""
    if isinstance(left, str) and isinstance(right, str):
        scope.read(min(len(left), len(right)))
    elif not _numbers(left, right) and not (isinstance(left, datetime) and isinstance(right, datetime)):
        advice = "; use the `int` or `float` filter" if str in (type(left), type(right)) else ""
        raise _no("compare", left, right, advice)


def less(scope: Scope, left: Any, right: Any) -> bool:
    check_ordered(scope, left, right)
    return bool(left < right)


def less_or_equal(scope: Scope, left: Any, right: Any) -> bool:
    check_ordered(scope, left, right)
    return bool(left <= right)


def greater(scope: Scope, left: Any, right: Any) -> bool:
    check_ordered(scope, left, right)
    return bool(left > right)


def greater_or_equal(scope: Scope, left: Any, right: Any) -> bool:
    check_ordered(scope, left, right)
    return bool(left >= right)


def contained(scope: Scope, item: object, whole: object) -> bool:
    if isinstance(whole, str):
        if not isinstance(item, str):
            raise RenderError(f"a text can't contain {kind_of(item)}; the `string` filter makes it a text")
        scope.search(whole, item)
    elif isinstance(whole, _LISTS):
        weigh(scope, whole)
    elif not isinstance(whole, Mapping):
        raise RenderError(f"{kind_of(whole)} contains nothing; `in` takes a list, a text or a mapping")
    return item in whole


def not_contained(scope: Scope, item: object, whole: object) -> bool:
    return not contained(scope, item, whole)


COMPARISONS: dict[str, Operator] = {
    "eq": equal,
    "ne": unequal,
    "lt": less,
    "lteq": less_or_equal,
    "gt": greater,
    "gteq": greater_or_equal,
    "in": contained,
    "notin": not_contained,
}
