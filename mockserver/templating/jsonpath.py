"""
`jsonpath(x, q)`: RFC 9535, within the budget of a render.

The library `jsonpath-rfc9535` (the extra `jsonpath`) reads and evaluates
queries; here every value that a query visits is paid for, and `match` and
`search` run on re2, whose time grows with the text only. Import this module
only where the extra is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import re2
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathNode, JSONPathNodeList, JSONPathQuery
from jsonpath_rfc9535.filter_expressions import (
    NOTHING,
    ComparisonExpression,
    Expression,
    FilterContext,
    FilterExpression,
    FilterExpressionLiteral,
    FilterQuery,
    FunctionExtension,
    LogicalExpression,
    PrefixExpression,
    StringLiteral,
)
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction
from jsonpath_rfc9535.selectors import FilterSelector

from mockserver.errors import MockServerError
from mockserver.templating.scope import RenderError, Scope
from mockserver.templating.values import weigh

QUERY_LIMIT = 500
PATTERN_LIMIT = 200
PATTERN_STEPS = 4000
"""Compiling a pattern may take some 10 ms, asking one that is known next to nothing."""


class JsonPathError(MockServerError, ValueError):
    """The text is no JSONPath query; says why."""


class _Bill:
    """Who pays for the query that is running. `size` is about the number of values in its data."""

    __slots__ = ("scope", "size")

    def __init__(self, scope: Scope, size: int) -> None:
        self.scope = scope
        self.size = size


_BILL: ContextVar[_Bill] = ContextVar("bill")


class _QueryNode(JSONPathNode):
    __slots__ = ()

    def new_child(  # paths and parents are kept by the base; only values are asked for here
        self, value: object, _key: int | str, _parent: JSONPathNode | None
    ) -> JSONPathNode:
        _BILL.get().scope.take_steps(1)
        return _QueryNode(value=value, location=(), parent=None, root=self.root)


class _JsonPathQuery(JSONPathQuery):
    __slots__ = ()

    def finditer(self, value: Any) -> Iterable[JSONPathNode]:
        _BILL.get().scope.take_steps(1 + len(self.segments))
        nodes: Iterable[JSONPathNode] = [_QueryNode(value=value, location=(), parent=None, root=value)]
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return nodes


class _Filter(FilterExpression):
    """A filter asked of one value. One that compares two values may walk through both whole."""

    __slots__ = ("compares",)

    def __init__(self, expression: Expression, compares: bool) -> None:
        super().__init__(expression.token, expression)
        self.compares = compares

    def evaluate(self, context: FilterContext) -> bool:
        bill = _BILL.get()
        bill.scope.take_steps(1 + bill.size // 64 if self.compares else 1)
        return super().evaluate(context)


class _QueryComparison(ComparisonExpression):
    """RFC 9535 2.3.5.2.2, where the library takes true for 1."""

    __slots__ = ()

    def evaluate(self, context: FilterContext) -> bool:
        left, right = _single(self.left.evaluate(context)), _single(self.right.evaluate(context))
        match self.operator:
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


def _single(found: object) -> object:
    """The value of a query that finds at most one; what finds none is Nothing."""
    if isinstance(found, JSONPathNodeList):
        return found[0].value if found else NOTHING
    return found


def _same(left: object, right: object) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _less(left: object, right: object) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    return _is_number(left) and _is_number(right) and left < right  # type: ignore[operator]  # as just asked


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class _QueryPattern(FilterFunction):
    """`match` or `search` with an I-Regexp (RFC 9485), which is a subset of what re2 knows."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012  (declared so by its base)
    return_type = ExpressionType.LOGICAL

    def __init__(self, ask: str) -> None:
        self._ask = ask

    def __call__(self, string: object, pattern: object) -> bool:
        if not isinstance(string, str) or not isinstance(pattern, str):
            return False
        scope = _BILL.get().scope
        scope.take_steps(1 + (len(string) * len(pattern) >> 9))
        if pattern not in _PATTERNS:
            scope.take_steps(PATTERN_STEPS)
        compiled = _regexp(pattern)
        # as UTF-8: for a str, re2 maps offsets at a cost, and refuses lone surrogates
        return (
            compiled is not None
            and getattr(compiled, self._ask)(string.encode("utf-8", "replace")) is not None
        )


_DOT = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\.)", re.DOTALL)
_PATTERNS: dict[str, Any] = {}


def _regexp(pattern: str) -> object:
    """The compiled pattern; None for what is none, which RFC 9535 says matches nothing."""
    if pattern not in _PATTERNS:
        if len(_PATTERNS) > 500:
            _PATTERNS.clear()
        _PATTERNS[pattern] = _compiled(pattern) if len(pattern) <= PATTERN_LIMIT else None
    return _PATTERNS[pattern]


def _compiled(pattern: str) -> object:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = 1 << 18
    try:
        # the dot of RFC 9485 is no line end of either kind
        return re2.compile(_DOT.sub(lambda found: r"[^\n\r]" if found[1] else found[0], pattern), options)
    except re2.error:
        return None


class _Environment(JSONPathEnvironment):
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _QueryPattern("fullmatch")
        self.function_extensions["search"] = _QueryPattern("search")


_ENVIRONMENT = _Environment()


_QUERIES: dict[str, JSONPathQuery] = {}


def compile_query(text: str) -> JSONPathQuery:
    """The query of a text; those asked before are kept. Raises JsonPathError."""
    if text not in _QUERIES:
        if len(_QUERIES) > 500:
            _QUERIES.clear()
        _QUERIES[text] = _read(text)
    return _QUERIES[text]


def _read(text: str) -> JSONPathQuery:
    if len(text) > QUERY_LIMIT:
        raise JsonPathError(f"a query has at most {QUERY_LIMIT} characters")
    try:
        return _metered(_ENVIRONMENT.compile(text))
    except JsonPathError:
        raise
    except (JSONPathError, ValueError, RecursionError) as why:
        raise JsonPathError(f"{text!r} is no JSONPath query: {why or type(why).__name__}") from why


def _metered(query: JSONPathQuery) -> JSONPathQuery:
    for segment in query.segments:
        for selector in segment.selectors:
            if isinstance(selector, FilterSelector):
                inner = selector.expression.expression
                compares = _meter(inner)
                selector.expression = _Filter(_strict(inner), compares)
    return _JsonPathQuery(env=query.env, segments=query.segments)


def _meter(expression: Expression) -> bool:
    """Meters the queries inside a filter; whether it compares two values, neither of them a literal."""
    match expression:
        case FilterQuery():
            expression.query = _metered(expression.query)
            return False
        case FunctionExtension():
            _check_pattern(expression)
            return _any_deep(expression.args)
        case PrefixExpression():
            return _meter(expression.right)
        case LogicalExpression():
            return _any_deep((expression.left, expression.right))
        case ComparisonExpression():
            sides = (expression.left, expression.right)
            return _any_deep(sides) or not any(isinstance(side, FilterExpressionLiteral) for side in sides)
    return False


def _strict(expression: Expression) -> Expression:
    """The same expression with comparisons of our own."""
    match expression:
        case ComparisonExpression():
            return _QueryComparison(expression.token, expression.left, expression.operator, expression.right)
        case LogicalExpression():
            expression.left, expression.right = _strict(expression.left), _strict(expression.right)
        case PrefixExpression():
            expression.right = _strict(expression.right)
    return expression


def _check_pattern(call: FunctionExtension) -> None:
    """A pattern that stands in the query itself is an error where it would silently match nothing."""
    if call.name in ("match", "search") and isinstance(call.args[-1], StringLiteral):
        pattern = call.args[-1].value
        if _regexp(pattern) is None:
            raise JsonPathError(f"{pattern!r} is no pattern, or too large a one")


def _any_deep(expressions: Iterable[Expression]) -> bool:
    """Asks each of them, since asking is what meters it."""
    deep = [_meter(one) for one in expressions]
    return any(deep)


def jsonpath(scope: Scope, x: Any, q: str) -> list[Any]:
    """The values that a query finds, in a list; none found gives an empty one."""
    if not isinstance(q, str):
        raise RenderError("jsonpath(x, q) takes a query such as '$.items[*].sku'")
    if q not in _QUERIES:
        scope.take_steps(10 + 4 * len(q))
    before = scope.steps
    weigh(scope, x)
    bill = _BILL.set(_Bill(scope, (before - scope.steps) * 8))
    try:
        return [node.value for node in compile_query(q).finditer(x)]
    except JsonPathError as why:
        raise RenderError(str(why)) from why
    except JSONPathError as why:
        raise RenderError(f"{q!r} can't be asked of this: {why}") from why
    finally:
        _BILL.reset(bill)
