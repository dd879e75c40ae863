"""
JSONPath (RFC 9535) over a request's JSON, within a budget.

The library reads the query and checks its types. Walking is done here: the
library's own walk has no bound, compares `1` and `true` as equal, and runs the
patterns of `match()` and `search()` on an engine that can explode.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, WrongValueError
from mockserver.matching import patterns
from mockserver.matching.body import no_json
from mockserver.matching.checks import MatchCheck
from mockserver.matching.conditions import Condition
from mockserver.matching.extras import library
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.values import equal, is_number
from mockserver.model.http import ABSENT, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

MAX_VISITED = 50_000
"""Values that one query may look at in one request."""

Query = Callable[[Any], list[Any]]
_ANY_CHARACTER = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\.)", re.DOTALL)


def compile_query(text: str, path: KeyPath) -> Query:
    """
    The query as a function from a JSON value to the list of found ones.

    The function raises UnreadableBodyError past MAX_VISITED. Raises InvalidInputError for
    what is no query, MissingExtraError without the library.
    """
    found = library("jsonpath_rfc9535", "A JSONPath condition", "jsonpath", path)
    try:
        query = found.JSONPathEnvironment().compile(text)
    except (found.JSONPathError, RecursionError) as why:
        said = str(why).replace("\n", " ") or "nested too deeply"
        hint = "Write one such as '$.items[*].sku', see RFC 9535"
        raise InvalidInputError(Flaw(path, f"{text!r} is no JSONPath: {said}", hint, at_key=True)) from None
    _probe(query, path)
    return lambda value: _Walk(value).nodes(query, value)


def _probe(query: object, path: KeyPath) -> None:
    """Asks the query once, so that a library of another shape is found when a scenario loads."""
    try:
        _Walk([]).nodes(query, [])
    except AttributeError:
        hint = "Install it with: pip install 'mockserver[jsonpath]'"
        raise InvalidInputError(
            Flaw(path, "the installed jsonpath-rfc9535 is not of version 1", hint)
        ) from None


def jsonpath(text: str, condition: Condition, path: KeyPath) -> MatchCheck:
    """A condition on the list of values that the query finds. A body that is no JSON fulfils none."""
    query = compile_query(text, path)
    test = condition.holds
    place = DifferencePlace(f"jsonpath[{text!r}]")

    def found(request: Request) -> list[Any]:
        return request.once(f"jsonpath {text}", lambda: query(request.json))

    def holds(request: Request) -> bool:
        try:
            return test(found(request))
        except UnreadableBodyError:
            return False

    def explain(request: Request) -> list[Difference]:
        try:
            return condition.explain(found(request), place)
        except UnreadableBodyError as why:
            return [no_json(request, why, condition.written, condition.count)]

    return MatchCheck(8, holds, explain, count=condition.count)


class _Walk:
    """One query's way through one value."""

    __slots__ = ("root", "visited")

    def __init__(self, root: object) -> None:
        self.root = root
        self.visited = 0

    def visit(self, values: int = 1) -> None:
        self.visited += values
        if self.visited > MAX_VISITED:
            raise UnreadableBodyError(f"a JSONPath query looks at more than {MAX_VISITED} of its values")

    def nodes(self, query: Any, start: object) -> list[Any]:
        """The found values, in the order of RFC 9535."""
        found = [start]
        for segment in query.segments:
            deep = "RecursiveDescent" in type(segment).__name__
            found = [
                selected
                for value in found
                for place in (self.descendants(value) if deep else (value,))
                for selector in segment.selectors
                for selected in self.select(selector, place)
            ]
        return found

    def descendants(self, value: object) -> Iterator[Any]:
        """The value and all lists and objects below it, parents first, with a stack of its own."""
        todo = [value]
        while todo:
            item = todo.pop()
            self.visit()
            yield item
            todo.extend(child for child in reversed(_children(item)) if isinstance(child, (dict, list)))

    def select(self, selector: Any, value: Any) -> list[Any]:
        self.visit()
        match type(selector).__name__:
            case "NameSelector":
                return [value[selector.name]] if isinstance(value, dict) and selector.name in value else []
            case "IndexSelector":
                inside = isinstance(value, list) and -len(value) <= selector.index < len(value)
                return [value[selector.index]] if inside else []
            case "SliceSelector":
                whole = not isinstance(value, list) or selector.slice.step == 0
                return [] if whole else self.counted(value[selector.slice])
            case "WildcardSelector":
                return self.counted(_children(value))
            case _:
                children = self.counted(_children(value))
                return [child for child in children if self.true(selector.expression, child)]

    def counted(self, values: list[Any]) -> list[Any]:
        self.visit(len(values))
        return values

    def true(self, expression: Any, current: Any) -> bool:
        """A logical expression of a filter."""
        match type(expression).__name__:
            case "FilterExpression":
                return self.true(expression.expression, current)
            case "PrefixExpression":
                return not self.true(expression.right, current)
            case "LogicalExpression" if expression.operator == "&&":
                return self.true(expression.left, current) and self.true(expression.right, current)
            case "LogicalExpression":
                return self.true(expression.left, current) or self.true(expression.right, current)
            case "ComparisonExpression":
                left, right = self.value(expression.left, current), self.value(expression.right, current)
                return _compare(left, expression.operator, right)
            case "FunctionExtension":
                return bool(self.call(expression, current))
            case _:
                return bool(self.queried(expression, current))

    def value(self, expression: Any, current: object) -> object:
        """A comparable or an argument: a value, or ABSENT for RFC 9535's Nothing."""
        match type(expression).__name__:
            case "RelativeFilterQuery" | "RootFilterQuery":
                found = self.queried(expression, current)
                return found[0] if len(found) == 1 else ABSENT
            case "FunctionExtension":
                return self.call(expression, current)
            case _:
                return expression.value

    def queried(self, expression: Any, current: Any) -> list[Any]:
        absolute = type(expression).__name__ == "RootFilterQuery"
        return self.nodes(expression.query, self.root if absolute else current)

    def call(self, expression: Any, current: Any) -> object:
        """The five functions of RFC 9535 2.4."""
        if expression.name in ("count", "value"):
            found = self.queried(expression.args[0], current)
            if expression.name == "count":
                return len(found)
            return found[0] if len(found) == 1 else ABSENT
        values = [self.value(argument, current) for argument in expression.args]
        if expression.name == "length":
            return len(values[0]) if isinstance(values[0], (str, list, dict)) else ABSENT
        self.visit(10)
        return _fits(values[0], values[1], whole=expression.name == "match")


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _compare(left: object, operator: str, right: object) -> bool:
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


def _same(left: object, right: object) -> bool:
    if left is ABSENT or right is ABSENT:
        return left is right
    return equal(left, right)


def _less(left: Any, right: Any) -> bool:
    comparable = (isinstance(left, str) and isinstance(right, str)) or (is_number(left) and is_number(right))
    return comparable and bool(left < right)


def _fits(value: object, pattern: object, *, whole: bool) -> bool:
    if not isinstance(value, str) or not isinstance(pattern, str):
        return False
    test = _pattern(pattern, whole=whole)
    return test is not None and test(value)


@lru_cache(maxsize=256)
def _pattern(pattern: str, *, whole: bool) -> Callable[[str], bool] | None:
    """A pattern of RFC 9485, whose dot is no line end; None for what is none: it fits nothing (RFC 9535 2.4.6)."""
    source = _ANY_CHARACTER.sub(lambda found: r"[^\n\r]" if found[1] else found[0], pattern)
    try:
        return patterns.whole(source) if whole else patterns.anywhere(source)
    except WrongValueError:
        return None
