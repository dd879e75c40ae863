"""
Cells: each call of each test, with each kind of trouble. Which there are, which are chosen, what they are called.

A pair is a cell with a second trouble in the same run, at the retry of the first or at a later call.
"""

from __future__ import annotations

import hashlib
import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import Any, Self

from mockserver.schema.trouble import ALWAYS
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
    then: Cell | None = None
    """The second trouble of a pair."""

    @property
    def name(self) -> str:
        """`create-charge#2/reset-after-effect`; of a pair both, with a comma."""
        own = f"{self.call}/{self.trouble}"
        return own if self.then is None else f"{own},{self.then.name}"

    @property
    def id(self) -> str:
        """`test_checkout/create-charge#2/reset-after-effect`."""
        return f"{self.short}/{self.name}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of its troubles."""
        return (self.trouble,) if self.then is None else (self.trouble, self.then.trouble)

    @property
    def troubles(self) -> tuple[Mapping[str, Any], ...]:
        """Its troubles, as the admin API takes them."""
        return (self.data,) if self.then is None else (self.data, self.then.data)

    def is_meant_by(self, pattern: str) -> bool:
        """Whether a pattern names it: by the whole, or by the end, from the test's own name on."""
        whole = f"{self.test}/{self.name}"
        return any(fits(name, whole) for name in (pattern, f"*::{pattern}", f"*/{pattern}"))

    def as_json(self) -> dict[str, Any]:
        return {
            "test": self.test,
            "short": self.short,
            "call": self.call,
            "trouble": self.trouble,
            "data": dict(self.data),
            "then": None if self.then is None else self.then.as_json(),
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        then = data["then"]
        return cls(**{**data, "then": None if then is None else cls.of_json(then)})


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
    At most this many cells, spread evenly over calls and kinds of trouble, in
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


# Pairs


@dataclass(frozen=True, slots=True)
class _Span:
    """A trouble, and the cells from `start` to `end` that can follow it in the same run."""

    first: Cell
    start: int
    end: int


class PossiblePairs:
    """All pairs of some cells, which stand row by row. They are too many to be listed."""

    def __init__(self, cells: Sequence[Cell], kinds: Kinds) -> None:
        self._cells = cells
        self._kinds = kinds
        row_ends = {(cell.test, cell.call): i + 1 for i, cell in enumerate(cells)}
        test_ends = {cell.test: i + 1 for i, cell in enumerate(cells)}
        self._retried: list[_Span] = []
        self._later: list[_Span] = []
        start = 0
        for i, cell in enumerate(cells):
            if i and (cells[i - 1].test, cells[i - 1].call) != (cell.test, cell.call):
                start = i
            kind = kinds.named(cell.trouble)
            if kind.spec.times == ALWAYS:
                continue  # nothing follows it
            end = row_ends[cell.test, cell.call]
            if kind.retries:
                self._retried.append(_Span(cell, start, end))
            self._later.append(_Span(cell, end, test_ends[cell.test]))

    def __len__(self) -> int:
        return sum(span.end - span.start for span in (*self._retried, *self._later))

    def chosen(self, most: int, seed: str) -> list[Cell]:
        """At most this many pairs, by the seed: half of them with the second trouble at the retry of the first."""
        retried, later = (_count(spans) for spans in (self._retried, self._later))
        share = min(retried, max(most - most // 2, most - later))
        return [
            *self._drawn(self._retried, share, f"{seed}\0retried"),
            *self._drawn(self._later, min(later, most - share), f"{seed}\0later"),
        ]

    def _drawn(self, spans: Sequence[_Span], count: int, seed: str) -> Iterator[Cell]:
        ends = list(accumulate(span.end - span.start for span in spans))
        for number in sorted(Random(seed).sample(range(_count(spans)), count)):
            i = bisect_right(ends, number)
            yield self._joined(spans[i].first, self._cells[spans[i].end - (ends[i] - number)])

    def meant(self, patterns: Iterable[str]) -> list[Cell]:
        """Those that one of the patterns names, with a comma between its two troubles."""
        found: dict[str, Cell] = {}
        for pattern in patterns:
            for at in (i for i, char in enumerate(pattern) if char == ","):
                first, second = pattern[:at], pattern[at + 1 :]
                for span in (*self._retried, *self._later):
                    if not span.first.is_meant_by(first):
                        continue
                    for cell in self._cells[span.start : span.end]:
                        if fits(second, cell.name):
                            pair = self._joined(span.first, cell)
                            found[pair.id] = pair
        return list(found.values())

    def _joined(self, first: Cell, second: Cell) -> Cell:
        """The retries of the first call move the numbers of the calls of its route."""
        if second.data["route"] == first.data["route"]:
            moved = second.data["call"] + self._kinds.named(first.trouble).retries
            second = replace(second, data={**second.data, "call": moved})
        return replace(first, then=second)


def _count(spans: Iterable[_Span]) -> int:
    return sum(span.end - span.start for span in spans)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run. `possible` are the cells with one trouble, `planned` the chosen ones, and then the pairs."""

    possible: Sequence[Cell]
    planned: Sequence[Cell]
    possible_pairs: int

    @classmethod
    def made(
        cls, cells: Sequence[Cell], kinds: Kinds, only: Sequence[str], most: int | None, pairs: int, seed: str
    ) -> Self:
        """Both troubles of a pair are among the cells that `only` names, or it names the pair."""
        wanted = meant(cells, only)
        named = PossiblePairs(cells, kinds).meant(only) if any("," in name for name in only) else []
        among = PossiblePairs(wanted if pairs else (), kinds)
        joined = {pair.id: pair for pair in (*named, *among.chosen(pairs, seed))}
        return cls(wanted, [*chosen(wanted, most, seed), *joined.values()], max(len(among), len(joined)))
