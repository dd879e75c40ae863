"""What one key of `match` asks of a request: a quick test, and its reasons on demand."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from itertools import islice
from typing import Any

from mockserver.errors import KeyPath
from mockserver.matching.conditions import AllOf, Condition, Equals, FieldConditions, ItemConditions
from mockserver.matching.mismatch import differences as differing
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.model.http import Grouped, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

Equalities = dict[tuple[str, KeyPath], Any]
"""Plain equalities that a request has to fulfil: part and place inside it, to the scalar."""


_NONE: list[str] = []


BODY = 5
"""The least cost of a check that reads the body."""
HEAVY = 8
"""The least cost of a check that may look at all of the body."""


class MatchCheck:
    """`cost` orders the checks of a route: the cheap ones are asked first."""

    __slots__ = ("cost", "count", "equalities", "explain", "holds")

    def __init__(
        self,
        cost: int,
        holds: Callable[[Request], bool],
        explain: Callable[[Request], list[Difference]],
        *,
        count: int = 1,
        equalities: Equalities | None = None,
    ) -> None:
        self.cost = cost
        self.holds = holds
        self.explain = explain
        self.count = count
        self.equalities = equalities or {}


def header(name: str, condition: Condition) -> MatchCheck:
    """A condition on the values of all header lines of one name."""
    lower, test = name.lower(), condition.holds

    def explain(request: Request) -> list[Difference]:
        reasons = condition.explain(
            request.headers.all(lower), DifferencePlace(f"headers.{lower}", flat=True)
        )
        return (
            reasons
            if lower in request.headers
            else differing.with_near_name(reasons, lower, list(request.headers))
        )

    return MatchCheck(
        1,
        lambda request: test(request.headers.all(lower)),
        explain,
        count=condition.count,
        equalities=_text_equality("headers", lower, condition),
    )


def query(name: str, condition: Condition) -> MatchCheck:
    return _grouped("query", 2, name, condition, lambda request: request.query)


def cookie(name: str, condition: Condition) -> MatchCheck:
    return _grouped("cookies", 3, name, condition, lambda request: request.cookies)


def form(name: str, condition: Condition) -> MatchCheck:
    """A condition on a form's field. A body that is no form fulfils none."""
    return _grouped("form", 6, name, condition, lambda request: request.form)


def _grouped(
    part: str, cost: int, name: str, condition: Condition, values: Callable[[Request], Grouped]
) -> MatchCheck:
    test = condition.holds

    def holds(request: Request) -> bool:
        try:
            return test(values(request).get(name, _NONE))
        except UnreadableBodyError:
            return False

    def explain(request: Request) -> list[Difference]:
        try:
            found = values(request)
        except UnreadableBodyError:
            return []  # said once for the whole body
        reasons = condition.explain(found.get(name, []), DifferencePlace(f"{part}.{name}", flat=True))
        return reasons if name in found else differing.with_near_name(reasons, name, list(found))

    equalities = _text_equality(part, name, condition)
    return MatchCheck(cost, holds, explain, count=condition.count, equalities=equalities)


def query_alone(names: Container[str]) -> MatchCheck:
    """That no other parameter comes than these."""
    return _alone("query", 2, names, lambda request: request.query)


def form_alone(names: Container[str]) -> MatchCheck:
    """That no other field comes than these. A body that is no form has none."""
    return _alone("form", 6, names, lambda request: request.form)


def _alone(part: str, cost: int, names: Container[str], values: Callable[[Request], Grouped]) -> MatchCheck:
    def others(request: Request) -> list[str]:
        try:
            return list(islice((name for name in values(request) if name not in names), differing.MOST))
        except UnreadableBodyError:
            return []  # said once for the whole body

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
    """The conditions that must all hold."""
    return condition.parts if isinstance(condition, AllOf) else (condition,)


def tree_equalities(part: str, condition: Condition, path: KeyPath = ()) -> Equalities:
    """The plain equalities with scalars inside a tree of conditions."""
    found: Equalities = {}
    for one in parts_of(condition):
        below: Mapping[Any, Condition] = {}
        if isinstance(one, Equals) and not isinstance(one.literal, (dict, list)):
            found.setdefault((part, path), one.literal)
        elif isinstance(one, FieldConditions):
            below = one.checks
        elif isinstance(one, ItemConditions):
            below = dict(enumerate(one.checks))
        for key, check in below.items():
            found.update(tree_equalities(part, check, (*path, key)))
    return found
