"""
The walk of a JSONPath query (RFC 9535) through a JSON value, within a budget.

Conditions and templates each have a subclass of `Walk` with a budget of their own.
The library `jsonpath-rfc9535` (the extra `jsonpath`) reads the query and checks
its types. Its own walk has no bound, compares `1` and `true` as equal, and runs
the patterns of `match()` and `search()` on an engine that can explode.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sized
from typing import Any

from mockserver.model.http import ABSENT
from mockserver.model.json_values import equal, is_number

_ANY_CHARACTER = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\.)", re.DOTALL)


def re2_pattern(pattern: str) -> str:
    """
    Return a pattern of RFC 9485, in the syntax of RE2. The dot matches neither kind of line end.

    >>> re2_pattern("a.") == "a[^" + chr(92) + "n" + chr(92) + "r]", re2_pattern("[.]")
    (True, '[.]')
    """
    return _ANY_CHARACTER.sub(lambda match: r"[^\n\r]" if match[1] else match[0], pattern)


class Walk(ABC):
    """Evaluates one query on one value, its root. A subclass limits the cost, by raising."""

    __slots__ = ("root",)
    pattern_cost = 1
    """Number of values that a call of `match()` or `search()` counts as."""

    def __init__(self, root: Any) -> None:
        self.root = root

    @abstractmethod
    def visit(self, values: int = 1) -> None:
        """Count values before they are visited."""

    @abstractmethod
    def fits(self, text: str, pattern: str, *, whole: bool) -> bool:
        """
        Whether an I-Regexp (RFC 9485) matches the complete text, or a part of it; an invalid pattern matches nothing.
        """

    def descend(self, depth: int) -> None:  # noqa: ARG002  (for subclasses)
        """Count a list or an object before `..` visits it, at that depth below its start, which is 1."""
        self.visit()

    def compare_whole(self) -> None:  # noqa: B027  (not every budget counts it)
        """Count a comparison of two values of the query, both of which may be large."""

    def nodes(self, query: Any, start: Any) -> list[Any]:
        """Return the selected values, in the order of RFC 9535."""
        values = [start]
        for segment in query.segments:
            deep = "RecursiveDescent" in type(segment).__name__
            values = [
                selected
                for value in values
                for place in (self._descendants(value) if deep else (value,))
                for selector in segment.selectors
                for selected in self._select(selector, place)
            ]
        return values

    def _descendants(self, value: Any) -> Iterator[Any]:
        """Yield the value and all lists and objects in it, parents first, without recursion."""
        todo = [(value, 1)]
        while todo:
            item, depth = todo.pop()
            self.descend(depth)
            yield item
            todo.extend(
                (child, depth + 1) for child in reversed(_children(item)) if isinstance(child, (dict, list))
            )

    def _select(self, selector: Any, value: Any) -> list[Any]:
        self.visit()
        match type(selector).__name__:
            case "NameSelector":
                return [value[selector.name]] if isinstance(value, dict) and selector.name in value else []
            case "IndexSelector":
                inside = isinstance(value, list) and -len(value) <= selector.index < len(value)
                return [value[selector.index]] if inside else []
            case "SliceSelector":
                whole = not isinstance(value, list) or selector.slice.step == 0
                return [] if whole else self._counted(value[selector.slice])
            case "WildcardSelector":
                return self._counted(_children(value))
            case _:
                children = self._counted(_children(value))
                return [child for child in children if self._true(selector.expression, child)]

    def _counted(self, values: list[Any]) -> list[Any]:
        self.visit(len(values))
        return values

    def _true(self, expression: Any, current: Any) -> bool:
        """Evaluate a logical expression of a filter."""
        match type(expression).__name__:
            case "FilterExpression":
                return self._true(expression.expression, current)
            case "PrefixExpression":
                return not self._true(expression.right, current)
            case "LogicalExpression" if expression.operator == "&&":
                return self._true(expression.left, current) and self._true(expression.right, current)
            case "LogicalExpression":
                return self._true(expression.left, current) or self._true(expression.right, current)
            case "ComparisonExpression":
                return self._compared(expression, current)
            case "FunctionExtension":
                return bool(self._called(expression, current))
            case _:
                return bool(self._queried(expression, current))

    def _compared(self, expression: Any, current: Any) -> bool:
        if not (hasattr(expression.left, "value") or hasattr(expression.right, "value")):
            self.compare_whole()
        return _compare(
            self._value(expression.left, current), expression.operator, self._value(expression.right, current)
        )

    def _value(self, expression: Any, current: Any) -> Any:
        """Return a comparable or an argument: a value, or ABSENT for RFC 9535's Nothing."""
        match type(expression).__name__:
            case "RelativeFilterQuery" | "RootFilterQuery":
                values = self._queried(expression, current)
                return values[0] if len(values) == 1 else ABSENT
            case "FunctionExtension":
                return self._called(expression, current)
            case _:
                return expression.value

    def _queried(self, expression: Any, current: Any) -> list[Any]:
        absolute = type(expression).__name__ == "RootFilterQuery"
        return self.nodes(expression.query, self.root if absolute else current)

    def _called(self, expression: Any, current: Any) -> Any:
        """Evaluate one of the five functions of RFC 9535 2.4."""
        if expression.name in ("count", "value"):
            nodes = self._queried(expression.args[0], current)
            if expression.name == "count":
                return len(nodes)
            return nodes[0] if len(nodes) == 1 else ABSENT
        values = [self._value(argument, current) for argument in expression.args]
        if expression.name == "length":
            return len(values[0]) if isinstance(values[0], Sized) else ABSENT
        self.visit(self.pattern_cost)
        text, pattern = values
        texts = isinstance(text, str) and isinstance(pattern, str)
        return texts and self.fits(text, pattern, whole=expression.name == "match")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _compare(left: Any, operator: str, right: Any) -> bool:
    match operator:
        case "==":
            return _same(left, right)
        case "!=":
            return not _same(left, right)
        case "<":
            return _less(left, right)
        case ">":
            return _less(right, left)
        case "<=":
            return _less(left, right) or _same(left, right)
        case _:
            return _less(right, left) or _same(left, right)


def _same(left: Any, right: Any) -> bool:
    if left is ABSENT or right is ABSENT:
        return left is right
    return equal(left, right)


def _less(left: Any, right: Any) -> bool:
    comparable = (isinstance(left, str) and isinstance(right, str)) or (is_number(left) and is_number(right))
    return comparable and bool(left < right)
