"""
`jsonpath(x, q)`: RFC 9535, within the budget of a render.

Every value that a query visits is paid for, and `match` and `search` run on re2, whose time is linear. Import this
module only if the extra `jsonpath` is installed.
"""

from __future__ import annotations

from typing import Any

import re2
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathQuery
from jsonpath_rfc9535.filter_expressions import StringLiteral
from jsonpath_rfc9535.tokens import Token

from mockserver.errors import MockServerError
from mockserver.jsonpath import Walk, re2_pattern
from mockserver.templating.scope import RenderError, Scope
from mockserver.templating.values import weigh

QUERY_LIMIT = 500
PATTERN_LIMIT = 200
PATTERN_STEPS = 4000
"""Compiling a pattern may take some 10 ms, looking it up next to nothing."""
DEPTH_LIMIT = 100


class JsonPathError(MockServerError, ValueError):
    """The text is not a valid JSONPath query; the message is the reason."""


class _PaidWalk(Walk):
    """A query that the render pays for. `size` is about the number of values in its root."""

    __slots__ = ("scope", "size", "text")

    def __init__(self, root: Any, scope: Scope, size: int, text: str) -> None:
        super().__init__(root)
        self.scope = scope
        self.size = size
        self.text = text

    def visit(self, values: int = 1) -> None:
        self.scope.take_steps(values)

    def descend(self, depth: int) -> None:
        if depth > DEPTH_LIMIT:
            raise RenderError(f"{self.text!r} can't be evaluated on this value: recursion limit exceeded")
        self.visit()

    def compare_whole(self) -> None:
        self.scope.take_steps(self.size // 64)

    def fits(self, text: str, pattern: str, *, whole: bool) -> bool:
        self.scope.take_steps(len(text) * len(pattern) >> 9)
        if pattern not in _PATTERNS:
            self.scope.take_steps(PATTERN_STEPS)
        compiled = _regexp(pattern)
        if compiled is None:
            return False
        # as UTF-8: for a str, re2 maps offsets at a cost, and rejects lone surrogates
        data = text.encode("utf-8", "replace")
        return (compiled.fullmatch(data) if whole else compiled.search(data)) is not None


_PATTERNS: dict[str, Any] = {}


def _regexp(pattern: str) -> Any:
    """Return the compiled pattern; None for an invalid one, which matches nothing by RFC 9535."""
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
        return re2.compile(re2_pattern(pattern), options)
    except re2.error:
        return None


class _Environment(JSONPathEnvironment):
    def validate_function_extension_signature(self, token: Token, args: list[Any]) -> list[Any]:
        """Reject an invalid literal pattern, which would silently match nothing."""
        checked = super().validate_function_extension_signature(token, args)
        if token.value in ("match", "search") and isinstance(args[-1], StringLiteral):
            pattern = args[-1].value
            if _regexp(pattern) is None:
                raise JsonPathError(f"{pattern!r} is not a valid pattern, or is too large")
        return checked


_ENVIRONMENT = _Environment()


_QUERIES: dict[str, JSONPathQuery] = {}


def compile_query(text: str) -> JSONPathQuery:
    """Return the compiled query, cached. Raises JsonPathError."""
    if text not in _QUERIES:
        if len(_QUERIES) > 500:
            _QUERIES.clear()
        _QUERIES[text] = _read(text)
    return _QUERIES[text]


def _read(text: str) -> JSONPathQuery:
    if len(text) > QUERY_LIMIT:
        raise JsonPathError(f"a query has at most {QUERY_LIMIT} characters")
    try:
        return _ENVIRONMENT.compile(text)
    except JsonPathError:
        raise
    except (JSONPathError, ValueError, RecursionError) as error:
        raise JsonPathError(
            f"{text!r} is not a valid JSONPath query: {error or type(error).__name__}"
        ) from error


def jsonpath(scope: Scope, x: Any, q: str) -> list[Any]:
    """Return the values that a query matches, in a list, which may be empty."""
    if not isinstance(q, str):
        raise RenderError("jsonpath(x, q) takes a query such as '$.items[*].sku'")
    if q not in _QUERIES:
        scope.take_steps(10 + 4 * len(q))
    before = scope.steps
    weigh(scope, x)
    size = (before - scope.steps) * 8
    try:
        query = compile_query(q)
    except JsonPathError as error:
        raise RenderError(str(error)) from error
    return _PaidWalk(x, scope, size, q).nodes(query, x)
