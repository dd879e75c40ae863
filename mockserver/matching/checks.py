"""The test of one key of `match`, and the reasons if it fails."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from itertools import islice
from typing import Any

from mockserver.errors import KeyPath
from mockserver.matching.conditions import AllOf, Condition, Equals, FieldConditions, ItemConditions
from mockserver.matching.mismatch import differences as differing
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.model.http import Grouped, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

Equalities = dict[tuple[str, KeyPath], Any]
"""Plain equalities that a request must fulfil: part and path in it, and the scalar."""
Explain = Callable[[Request], list[Difference]]
Unreadable = Callable[[Request, UnreadableBodyError], list[Difference]]
Refine = Callable[[Request, list[Difference]], list[Difference]]

_NO_VALUES: list[str] = []
BODY = 5
"""The least cost of a check that reads the body."""
HEAVY = 8
"""The least cost of a check that may read the complete body."""
MOST_READ_BYTES = 16 << 10
"""
Maximum size of a body that is decoded only to explain a mismatch.

If it is decoded already, the size does not matter.
"""


class MatchCheck:
    """The checks of a route run in the order of their `cost`."""

    __slots__ = ("cost", "count", "equalities", "explain", "holds")

    def __init__(
        self,
        cost: int,
        holds: Callable[[Request], bool],
        explain: Explain,
        *,
        count: int = 1,
        equalities: Equalities | None = None,
    ) -> None:
        self.cost = cost
        self.holds = holds
        self.explain = explain
        self.count = count
        self.equalities = equalities or {}


def _explained_elsewhere(_request: Request, _error: UnreadableBodyError) -> list[Difference]:
    return []


def value_check(
    cost: int,
    condition: Condition,
    read: Callable[[Request], Any],
    place: DifferencePlace,
    *,
    unreadable: Unreadable = _explained_elsewhere,
    refine: Refine = lambda _, differences: differences,
    equalities: Equalities | None = None,
) -> MatchCheck:
    """
    Check a condition on the value that `read` returns. If `read` raises UnreadableBodyError, the check fails.

    `unreadable` explains that; by default, a check of the whole body does. `refine` adds hints to differences.
    """
    test = condition.holds

    def holds(request: Request) -> bool:
        try:
            return test(read(request))
        except UnreadableBodyError:
            return False

    def explain(request: Request) -> list[Difference]:
        try:
            return refine(request, condition.explain(read(request), place))
        except UnreadableBodyError as error:
            return unreadable(request, error)

    return MatchCheck(cost, holds, explain, count=condition.count, equalities=equalities)


def readable_check(
    cost: int,
    read: Callable[[Request], object],
    difference: Callable[[Request, UnreadableBodyError], Difference],
) -> MatchCheck:
    """Check that `read` can read the body: explained once for all conditions on its parts."""

    def failure(request: Request) -> UnreadableBodyError | None:
        try:
            read(request)
        except UnreadableBodyError as error:
            return error
        return None

    def explain(request: Request) -> list[Difference]:
        error = failure(request)
        return [] if error is None else [difference(request, error)]

    return MatchCheck(cost, lambda request: failure(request) is None, explain, count=0)


def header(name: str, condition: Condition) -> MatchCheck:
    """Check a condition on the values of all header lines of one name."""
    lower = name.lower()
    return _named(
        "headers",
        1,
        lower,
        condition,
        lambda request: request.headers.all(lower),
        lambda request: request.headers,
    )


def query(name: str, condition: Condition) -> MatchCheck:
    return _grouped("query", 2, name, condition, lambda request: request.query)


def cookie(name: str, condition: Condition) -> MatchCheck:
    return _grouped("cookies", 3, name, condition, lambda request: request.cookies)


def form(name: str, condition: Condition) -> MatchCheck:
    """Check a condition on a field of a form. A body that is not a form fulfils none."""
    return _grouped("form", 6, name, condition, lambda request: request.form)


def _grouped(
    part: str, cost: int, name: str, condition: Condition, values: Callable[[Request], Grouped]
) -> MatchCheck:
    return _named(part, cost, name, condition, lambda request: values(request).get(name, _NO_VALUES), values)


def _named(
    part: str,
    cost: int,
    name: str,
    condition: Condition,
    read: Callable[[Request], list[str]],
    names: Callable[[Request], Iterable[str]],
) -> MatchCheck:
    def refine(request: Request, differences: list[Difference]) -> list[Difference]:
        sent = list(names(request)) if differences else []
        return differences if name in sent else differing.with_near_name(differences, name, sent)

    place = DifferencePlace(f"{part}.{name}", flat=True)
    equalities = _text_equality(part, name, condition)
    return value_check(cost, condition, read, place, refine=refine, equalities=equalities)


def query_alone(names: Container[str]) -> MatchCheck:
    """Check that the query has no other parameters."""
    return _alone("query", 2, names, lambda request: request.query)


def form_alone(names: Container[str]) -> MatchCheck:
    """Check that the form has no other fields. A body that is not a form has none."""
    return _alone("form", 6, names, lambda request: request.form)


def _alone(part: str, cost: int, names: Container[str], values: Callable[[Request], Grouped]) -> MatchCheck:
    def others(request: Request) -> list[str]:
        try:
            return list(islice((name for name in values(request) if name not in names), differing.MOST))
        except UnreadableBodyError:
            return []  # explained by the check of the whole body

    def explain(request: Request) -> list[Difference]:
        return [
            DifferencePlace(f"{part}.{name}", flat=True).unexpected(values(request)[name])
            for name in others(request)
        ]

    return MatchCheck(cost, lambda request: not others(request), explain, count=0)


def _text_equality(part: str, name: str, condition: Condition) -> Equalities:
    literals = [c.literal for c in parts_of(condition) if isinstance(c, Equals)]
    return {(part, (name,)): literals[0]} if literals else {}


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that must all be true."""
    return condition.parts if isinstance(condition, AllOf) else (condition,)


def tree_equalities(part: str, condition: Condition, path: KeyPath = ()) -> Equalities:
    """Return the plain equalities with scalars inside a tree of conditions."""
    equalities: Equalities = {}
    for each in parts_of(condition):
        below: Mapping[Any, Condition] = {}
        if isinstance(each, Equals) and not isinstance(each.literal, (dict, list)):
            equalities.setdefault((part, path), each.literal)
        elif isinstance(each, FieldConditions):
            below = each.checks
        elif isinstance(each, ItemConditions):
            below = dict(enumerate(each.checks))
        for key, check in below.items():
            equalities.update(tree_equalities(part, check, (*path, key)))
    return equalities
