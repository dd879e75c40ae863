"""Conditions on the results of a JSONPath query (RFC 9535) in a JSON body, within a budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mockserver.errors import KeyPath, WrongValueError, invalid
from mockserver.jsonpath import Walk, re2_pattern
from mockserver.matching import patterns
from mockserver.matching.body import no_json
from mockserver.matching.checks import MatchCheck, value_check
from mockserver.matching.conditions import Condition
from mockserver.matching.extras import library
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.model.http import UnreadableBodyError

MAX_VISITED = 50_000
"""Maximum number of values that one query may visit in one request."""

Query = Callable[[Any], list[Any]]


def compile_query(text: str, path: KeyPath) -> Query:
    """
    Return the query as a function from a JSON value to the list of results.

    The function raises UnreadableBodyError beyond MAX_VISITED. Raises InvalidInputError for an invalid query,
    MissingExtraError without the library.
    """
    rfc9535 = library("jsonpath_rfc9535", "A JSONPath condition", "jsonpath", path)
    try:
        query = rfc9535.JSONPathEnvironment().compile(text)
    except (rfc9535.JSONPathError, RecursionError) as error:
        said = str(error).replace("\n", " ") or "nested too deeply"
        hint = "Write one such as '$.items[*].sku', see RFC 9535"
        raise invalid(path, f"{text!r} is not a valid JSONPath: {said}", hint, at_key=True) from None
    _probe(query, path)
    return lambda value: _Walk(value).nodes(query, value)


def _probe(query: object, path: KeyPath) -> None:
    """Evaluate the query once, to detect an incompatible version of the library when a scenario is loaded."""
    try:
        _Walk([]).nodes(query, [])
    except AttributeError:
        hint = "Install the extra mockserver[jsonpath]"
        raise invalid(path, "the installed jsonpath-rfc9535 is not of version 1", hint) from None


def jsonpath(text: str, condition: Condition, path: KeyPath) -> MatchCheck:
    """Check a condition on the list of values that the query returns. A body that is not JSON fulfils none."""
    query = compile_query(text, path)
    return value_check(
        8,
        condition,
        lambda request: request.once(f"jsonpath {text}", lambda: query(request.json)),
        DifferencePlace(f"jsonpath[{text!r}]"),
        unreadable=lambda request, error: [no_json(request, error, condition.written, condition.count)],
    )


class _Walk(Walk):
    """Evaluates one query on one body."""

    __slots__ = ("visited",)
    pattern_cost = 10

    def __init__(self, root: Any) -> None:
        super().__init__(root)
        self.visited = 0

    def visit(self, values: int = 1) -> None:
        self.visited += values
        if self.visited > MAX_VISITED:
            raise UnreadableBodyError(f"a JSONPath query looks at more than {MAX_VISITED} of its values")

    def fits(self, text: str, pattern: str, *, whole: bool) -> bool:
        test = _pattern(pattern, whole=whole)
        return test is not None and test(text)


@lru_cache(maxsize=256)
def _pattern(pattern: str, *, whole: bool) -> Callable[[str], bool] | None:
    """Return a test of the pattern; None if it is invalid: it matches nothing (RFC 9535 2.4.6)."""
    source = re2_pattern(pattern)
    try:
        return patterns.whole(source) if whole else patterns.anywhere(source)
    except WrongValueError:
        return None
