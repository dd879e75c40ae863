"""
Compiled conditions: a fast test, and an explanation on demand.

The value is JSON, or ABSENT. In headers, query, cookies and forms, it is the list of all texts with one name, empty if
there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from mockserver.matching.mismatch import differences as differing
from mockserver.matching.mismatch import hints as slips
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.mismatch.hints import NONE, Slip
from mockserver.matching.values import show
from mockserver.model.http import ABSENT
from mockserver.model.json_values import equal
from mockserver.model.mismatch import Difference
from mockserver.schema.match import BARE_OPERATORS

Test = Callable[[Any], bool]
Guess = Callable[[Any], Slip]
NO_ITEM = -1
_MOST_PAIRS = 2_500
"""Maximum product of items and conditions for naming those without a partner."""
_OPERATORS = frozenset(BARE_OPERATORS)


class Condition:
    """
    A condition on one value.

    `said` continues 'expected …'; `written` is the condition as written; `count` is the number of plain conditions in
    it.
    """

    __slots__ = ("count", "holds", "said", "slip", "written")

    def __init__(
        self, holds: Test, said: str, written: object, *, count: int = 1, slip: Guess | None = None
    ) -> None:
        self.holds = holds
        self.said = said
        self.written = written
        self.count = count
        self.slip = slip

    def describe(self) -> str:
        """Return the condition in words that continue 'expected …'."""
        return self.said

    def explain(self, value: object, place: DifferencePlace) -> list[Difference]:
        """Return why it is false; empty if it is true."""
        if self.holds(value):
            return []
        slip = self.slip(value) if self.slip and value is not ABSENT else NONE
        return [place.differs(value, self.said, self.written, slip)]


class Equals(Condition):
    """Equality with a literal, which can be indexed."""

    __slots__ = ("literal",)

    def __init__(self, holds: Test, literal: object, slip: Guess) -> None:
        super().__init__(holds, show(literal), literal, slip=slip)
        self.literal = literal


class AllOf(Condition):
    """True if all parts are true."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Condition], written: object) -> None:
        tests = tuple(part.holds for part in parts)

        def holds(value: object) -> bool:
            for test in tests:  # noqa: SIM110  (a generator costs more than the tests)
                if not test(value):
                    return False
            return True

        super().__init__(holds, " and ".join(part.said for part in parts), written, count=_sum(parts))
        self.parts = tuple(parts)

    def explain(self, value: object, place: DifferencePlace) -> list[Difference]:
        return [difference for part in self.parts for difference in part.explain(value, place)]


class AnyOf(Condition):
    """True if at least one part is true."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Condition], written: object) -> None:
        tests = tuple(part.holds for part in parts)

        def holds(value: object) -> bool:
            for test in tests:  # noqa: SIM110  (a generator costs more than the tests)
                if test(value):
                    return True
            return False

        super().__init__(holds, " or ".join(part.said for part in parts), written, count=_sum(parts))
        self.parts = tuple(parts)

    def explain(self, value: object, place: DifferencePlace) -> list[Difference]:
        """
        Return the reasons of the nearest alternative with a nested difference; else one line with all alternatives.
        """
        if self.holds(value):
            return []
        inside = [p for p in self.parts if isinstance(p, (FieldConditions, ItemConditions))]
        reasons = [p.explain(value, place) for p in inside]
        deep = [differences for differences in reasons if any(d.where != place.where for d in differences)]
        if not deep:
            return [place.differs(value, self.said, self.written)]
        nearest = min(deep, key=differing.distance)
        return [differing.noting(d, f"the nearest of {len(self.parts)} alternatives") for d in nearest]


class Not(Condition):
    """True if the part is false, also for absent values."""

    __slots__ = ()

    def __init__(self, part: Condition, written: object) -> None:
        test = part.holds
        super().__init__(lambda value: not test(value), f"not {part.said}", written, count=part.count)


class FieldConditions(Condition):
    """True for an object whose fields fulfil conditions; with `exact`, without other fields."""

    __slots__ = ("checks", "exact")

    def __init__(self, checks: dict[str, Condition], written: object, *, exact: bool) -> None:
        tests = tuple((name, check.holds) for name, check in checks.items())

        def holds(value: object) -> bool:
            if not isinstance(value, dict):
                return False
            for name, test in tests:  # noqa: SIM110  (a generator costs more than the tests)
                if not test(value.get(name, ABSENT)):
                    return False
            return True

        def holds_exactly(value: Any) -> bool:
            return holds(value) and checks.keys() >= value.keys()

        said = show(written) + (", without other fields" if exact else "")
        super().__init__(holds_exactly if exact else holds, said, written, count=_sum(checks.values()))
        self.checks = checks
        self.exact = exact

    def explain(self, value: object, place: DifferencePlace) -> list[Difference]:
        if not isinstance(value, dict):
            return [place.differs(value, self.said, self.written, self._no_object(value))]
        differences: list[Difference] = []
        names = islice(value, len(self.checks) + slips.MOST_NAMES)
        spare = [name for name in names if name not in self.checks]
        nested = [name for name in spare if isinstance(value[name], dict)]
        for name, check in self.checks.items():
            reasons = check.explain(value.get(name, ABSENT), place.below(name))
            if reasons and name not in value:
                inside = next((key for key in nested if name in value[key]), None)
                reasons = differing.with_near_name(reasons, name, spare, inside)
            differences.extend(reasons)
            if len(differences) >= differing.MOST_DIFFERENCES:
                break
        if self.exact:
            differences.extend(place.below(name).unexpected(value[name]) for name in spare[: differing.MOST])
        return differences

    def _no_object(self, value: object) -> Slip:
        if value is not ABSENT and self.checks and self.checks.keys() <= _OPERATORS:
            name = next(iter(self.checks))
            return Slip(f"an operator carries a dollar here: ${name}", 0.8)
        return _no("an object", value)


class ItemConditions(Condition):
    """True for a list of that length whose items fulfil the conditions in order."""

    __slots__ = ("checks",)

    def __init__(self, checks: Sequence[Condition], written: object) -> None:
        tests = tuple(check.holds for check in checks)

        def holds(value: object) -> bool:
            if not isinstance(value, list) or len(value) != len(tests):
                return False
            return all(test(item) for test, item in zip(tests, value, strict=True))

        super().__init__(holds, show(written), written, count=_sum(checks))
        self.checks = tuple(checks)

    def explain(self, value: object, place: DifferencePlace) -> list[Difference]:
        if not isinstance(value, list):
            return [place.differs(value, self.said, self.written, _no("a list", value))]
        if len(value) == len(self.checks):
            reasons = [
                c.explain(v, place.below(i)) for i, (c, v) in enumerate(zip(self.checks, value, strict=True))
            ]
            differences = [difference for part in reasons for difference in part]
            few = len(value) <= differing.MOST_DIFFERENCES
            shuffled = bool(differences) and few and not any(unpaired(self.checks, value))
            return [place.other_order(value, self.said, self.written)] if shuffled else differences
        return [place.other_length(value, len(self.checks), self.written)]


class Unordered(Condition):
    """True for a list with one item for each condition, in any order."""

    __slots__ = ("checks",)

    def __init__(self, checks: Sequence[Condition], written: object, literals: list[Any]) -> None:
        def holds(value: object) -> bool:
            if not isinstance(value, list) or len(value) != len(checks):
                return False
            return not any(unpaired(checks, value))

        super().__init__(holds, f"{show(literals)} in any order", written, count=_sum(checks))
        self.checks = tuple(checks)

    def explain(self, value: object, place: DifferencePlace) -> list[Difference]:
        if self.holds(value):
            return []
        if not isinstance(value, list):
            return [place.differs(value, self.said, self.written, _no("a list", value))]
        if len(self.checks) * len(value) > _MOST_PAIRS:
            return [place.differs(value, self.said, self.written)]
        lacking, spare = unpaired(self.checks, value)
        words = [f"no item is {self.checks[i].said}" for i in lacking[: differing.MOST]]
        words += [f"{show(value[i])} is one too many" for i in spare[: differing.MOST]]
        return [place.differs(value, self.said, self.written, Slip("; ".join(words)))]


def unpaired(checks: Sequence[Condition], values: Sequence[Any]) -> tuple[list[int], list[int]]:
    """
    Pair conditions with values, as many as possible; return the indexes of the conditions and of the values without a
    partner.

    Augmenting paths (Kuhn's algorithm), breadth-first to avoid recursion. Greedy pairing would be wrong: `[present,
    1]` against `[1, 2]` must not pair 1 with `present`.
    """
    fits = [[j for j, value in enumerate(values) if check.holds(value)] for check in checks]
    owner = [NO_ITEM] * len(values)
    lacking = [i for i in range(len(checks)) if not _augment(i, fits, owner)]
    return lacking, [j for j, i in enumerate(owner) if i == NO_ITEM]


def _augment(start: int, fits: list[list[int]], owner: list[int]) -> bool:
    came_by: dict[int, tuple[int, int]] = {}
    queue = [(start, NO_ITEM)]
    for check, before in queue:
        for item in fits[check]:
            if item in came_by:
                continue
            came_by[item] = (check, before)
            if owner[item] == NO_ITEM:
                _turn(item, came_by, owner)
                return True
            queue.append((owner[item], item))
    return False


def _turn(item: int, came_by: dict[int, tuple[int, int]], owner: list[int]) -> None:
    while item != NO_ITEM:
        check, before = came_by[item]
        owner[item] = check
        item = before


def _no(wanted: str, value: object) -> Slip:
    return NONE if value is ABSENT else slips.wrong_kind(wanted, value)


def _sum(parts: Iterable[Condition]) -> int:
    return max(1, sum(part.count for part in parts))


def equal_test(literal: object) -> Test:
    """Return the fastest test of equality with a literal of its type."""
    if literal is None or isinstance(literal, bool):
        return lambda value: value is literal
    if isinstance(literal, str):
        return lambda value: bool(value == literal)
    if isinstance(literal, (int, float)):
        plain = float(literal) if isinstance(literal, float) else int(literal)
        return lambda value: value == plain and not isinstance(value, bool)
    return lambda value: equal(literal, value)
