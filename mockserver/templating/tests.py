"""Tests of templates: `value is name`. `defined` and `undefined` are compiled in `nodes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.templating import methods, operators
from mockserver.templating.scope import RenderError, Scope
from mockserver.templating.values import kind_of

Test = Callable[..., bool]


def _being(holds: Callable[[Any], bool]) -> Test:
    def test(_scope: Scope, value: object) -> bool:
        return holds(value)

    return test


def divisible_by(_scope: Scope, value: object, num: object) -> bool:
    return bool(operators.modulo(_scope, value, num) == 0)


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    raise RenderError(f"{kind_of(value)} is neither odd nor even")


def _is_lower(scope: Scope, value: object) -> bool:
    return isinstance(value, str) and methods.TEXT["islower"](scope, value) is True


def _is_upper(scope: Scope, value: object) -> bool:
    return isinstance(value, str) and methods.TEXT["isupper"](scope, value) is True


_SEQUENCES = (str, list, tuple, Mapping)

TESTS: dict[str, Test] = {
    "none": _being(lambda value: value is None),
    "boolean": _being(lambda value: isinstance(value, bool)),
    "true": _being(lambda value: value is True),
    "false": _being(lambda value: value is False),
    "integer": _being(lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "float": _being(lambda value: isinstance(value, float)),
    "number": _being(lambda value: isinstance(value, (int, float))),
    "string": _being(lambda value: isinstance(value, str)),
    "mapping": _being(lambda value: isinstance(value, Mapping)),
    "sequence": _being(lambda value: isinstance(value, _SEQUENCES)),
    "iterable": _being(lambda value: isinstance(value, _SEQUENCES)),
    "odd": _being(lambda value: _whole(value) % 2 == 1),
    "even": _being(lambda value: _whole(value) % 2 == 0),
    "divisibleby": divisible_by,
    "lower": _is_lower,
    "upper": _is_upper,
    "in": operators.contained,
    "eq": operators.equal,
    "equalto": operators.equal,
    "==": operators.equal,
    "ne": operators.unequal,
    "!=": operators.unequal,
    "lt": operators.less,
    "lessthan": operators.less,
    "<": operators.less,
    "le": operators.less_or_equal,
    "<=": operators.less_or_equal,
    "gt": operators.greater,
    "greaterthan": operators.greater,
    ">": operators.greater,
    "ge": operators.greater_or_equal,
    ">=": operators.greater_or_equal,
}
