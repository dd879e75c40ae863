"""Cells: each call of each test, with each kind of trouble. Which there are, which are chosen, what they are called."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from mockserver.sweep.kinds import Kinds, TroubleKind, fits
from mockserver.sweep.learning import CallPlace, Lesson


@dataclass(frozen=True, slots=True)
class Cell:
    """One call of one test, and what happens to it. `short` is the test's name where no other test has it."""

    test: str
    short: str
    call: str
    trouble: str
    data: Mapping[str, Any]
    """What the admin API takes."""

    @property
    def id(self) -> str:
        """`test_checkout/create-charge#2/reset-after-effect`."""
        return f"{self.short}/{self.call}/{self.trouble}"

    def is_meant_by(self, pattern: str) -> bool:
        """Whether a pattern names it: by the whole, or by the end, from the test's own name on."""
        whole = f"{self.test}/{self.call}/{self.trouble}"
        return any(fits(name, whole) for name in (pattern, f"*::{pattern}", f"*/{pattern}"))

    def as_json(self) -> dict[str, Any]:
        return {
            "test": self.test,
            "short": self.short,
            "call": self.call,
            "trouble": self.trouble,
            "data": dict(self.data),
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


def short_names(tests: Iterable[str]) -> dict[str, str]:
    """Each node id as its test's own name, `test_x[a]`, where only one test ends so; else as a whole."""
    listed = list(tests)
    ends = Counter(_end(test) for test in listed)
    return {test: _end(test) if ends[_end(test)] == 1 else test for test in listed}


def _end(test: str) -> str:
    """Behind the last `::` outside of a parameter, which may hold anything."""
    name, bracket, parameter = test.partition("[")
    return name.rpartition("::")[2] + bracket + parameter


def all_cells(lessons: Iterable[Lesson], kinds: Kinds) -> list[Cell]:
    """Row by row: by test, by call in the order of the clean run, by trouble."""
    swept = [lesson for lesson in lessons if lesson.why is None]
    short = short_names(lesson.test for lesson in swept)
    return [
        Cell(lesson.test, short[lesson.test], place.label, kind.name, placed(kind, place))
        for lesson in swept
        for place in lesson.calls
        for kind in kinds
        if applies(kind, place)
    ]


def placed(kind: TroubleKind, place: CallPlace) -> dict[str, Any]:
    """The trouble at that call. The test may make its routes first, reset its world, and check it with `verify`."""
    return {
        **kind.data,
        "name": kind.name,
        "route": place.route,
        "call": place.number,
        "later": True,
        "lasting": True,
        "optional": True,
    }


def applies(kind: TroubleKind, place: CallPlace) -> bool:
    """Whether it can change anything there: webhooks need some, what cuts or slows a body needs one."""
    if not kind.is_for(place.route):
        return False
    spec = kind.spec
    if spec.webhook is not None and spec.after is None:
        return place.webhooks > 0
    after = spec.after
    if after is None or after.has("status") or after.body_kind is not None:
        return True
    cuts = after.fault is not None and after.fault.kind == "truncate"
    return place.has_body or not (cuts or (after.has("throttle") and after.fault is None))


def chosen(cells: Sequence[Cell], most: int | None, seed: str) -> list[Cell]:
    """
    At most so many cells, spread evenly over calls and kinds of trouble, in
    their old order; which of several equal ones is decided by the seed.
    """
    if most is None or most >= len(cells):
        return list(cells)
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.test, cell.call), []).append(cell)
    # The row with the fewest so far, then in it the trouble with the fewest so far.
    waiting = [(0, _drawn(seed, *row), row) for row in rows]
    heapq.heapify(waiting)
    columns: Counter[str] = Counter()
    taken: set[int] = set()
    while waiting and len(taken) < most:
        count, tie, row = heapq.heappop(waiting)
        left = rows[row]
        cell = min(
            left, key=lambda cell: (columns[cell.trouble], _drawn(seed, cell.test, cell.call, cell.trouble))
        )
        left.remove(cell)
        columns[cell.trouble] += 1
        taken.add(id(cell))
        if left:
            heapq.heappush(waiting, (count + 1, tie, row))
    return [cell for cell in cells if id(cell) in taken]


def _drawn(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def meant(cells: Iterable[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Those that one of the patterns names; without patterns all."""
    return [cell for cell in cells if not patterns or any(cell.is_meant_by(pattern) for pattern in patterns)]
