"""
Cells of the sweep: a call of a test combined with a kind of trouble. Lists, samples and names them.

A pair is a cell with a second trouble in the same run, either at the retry of the first call or at a later call.
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
from mockserver.sweep.baseline import Baseline, CallPlace
from mockserver.sweep.kinds import Kinds, TroubleKind, matches_pattern


@dataclass(frozen=True, slots=True)
class Cell:
    """One call of one test and the trouble that is injected. `short` is the name of the test if it is unique, else its id."""

    test: str
    short: str
    call: str
    trouble: str
    data: Mapping[str, Any]
    """The trouble as a document of the admin API."""
    then: Cell | None = None
    """The second trouble of a pair."""

    @property
    def name(self) -> str:
        """Return `create-charge#2/reset-after-effect`; both parts of a pair, separated by a comma."""
        own = f"{self.call}/{self.trouble}"
        return own if self.then is None else f"{own},{self.then.name}"

    @property
    def id(self) -> str:
        """Return `test_checkout/create-charge#2/reset-after-effect`."""
        return f"{self.short}/{self.name}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of its troubles."""
        return (self.trouble,) if self.then is None else (self.trouble, self.then.trouble)

    @property
    def troubles(self) -> tuple[Mapping[str, Any], ...]:
        """Its troubles, as documents of the admin API."""
        return (self.data,) if self.then is None else (self.data, self.then.data)

    def matches(self, pattern: str) -> bool:
        """Return whether the pattern matches the full name, or its end after a `::` or `/`."""
        whole = f"{self.test}/{self.name}"
        return any(matches_pattern(name, whole) for name in (pattern, f"*::{pattern}", f"*/{pattern}"))

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
    """Map each node id to the name of its test, such as `test_x[a]`, or to itself if the name is not unique."""
    node_ids = list(tests)
    counts = Counter(_test_name(node_id) for node_id in node_ids)
    return {
        node_id: _test_name(node_id) if counts[_test_name(node_id)] == 1 else node_id for node_id in node_ids
    }


def _test_name(test: str) -> str:
    """Return the part after the last `::`; those inside of the parameter don't count."""
    name, bracket, parameter = test.partition("[")
    return name.rpartition("::")[2] + bracket + parameter


def all_cells(baselines: Iterable[Baseline], kinds: Kinds) -> list[Cell]:
    """Return all cells, ordered by test, by call as in the clean run, and by trouble."""
    swept = [baseline for baseline in baselines if baseline.why is None]
    short = short_names(baseline.test for baseline in swept)
    return [
        Cell(baseline.test, short[baseline.test], place.label, kind.name, placed_trouble(kind, place))
        for baseline in swept
        for place in baseline.calls
        for kind in kinds
        if applies(kind, place)
    ]


def placed_trouble(kind: TroubleKind, place: CallPlace) -> dict[str, Any]:
    """
    Return the trouble for that call, as a document of the admin API.

    It needs no existing route, survives a reset of the namespace, and `verify` does not
    report it if it never triggers.
    """
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
    """Return whether the trouble can change this call: some need a webhook or a response body."""
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


def sample(cells: Sequence[Cell], limit: int | None, seed: str) -> list[Cell]:
    """
    Return at most `limit` cells in their order, spread evenly over calls and kinds of trouble.

    The seed selects between equal candidates.
    """
    if limit is None or limit >= len(cells):
        return list(cells)
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.test, cell.call), []).append(cell)
    # Take the row with the fewest selected cells, and in it the trouble with the fewest.
    queue = [(0, _order_key(seed, *row), row) for row in rows]
    heapq.heapify(queue)
    columns: Counter[str] = Counter()
    selected: set[int] = set()
    while queue and len(selected) < limit:
        count, tie, row = heapq.heappop(queue)
        remaining = rows[row]
        cell = min(
            remaining,
            key=lambda cell: (columns[cell.trouble], _order_key(seed, cell.test, cell.call, cell.trouble)),
        )
        remaining.remove(cell)
        columns[cell.trouble] += 1
        selected.add(id(cell))
        if remaining:
            heapq.heappush(queue, (count + 1, tie, row))
    return [cell for cell in cells if id(cell) in selected]


def _order_key(*parts: str) -> bytes:
    """Return a pseudorandom sort key."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def select(cells: Iterable[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Return the cells that match any of the patterns; all cells if there are none."""
    return [cell for cell in cells if not patterns or any(cell.matches(pattern) for pattern in patterns)]


# Pairs


@dataclass(frozen=True, slots=True)
class _Span:
    """A cell, and the range of the cells that can follow it in the same run."""

    first: Cell
    start: int
    end: int


class PossiblePairs:
    """All pairs of the given cells, which are ordered by row. They are too many to list."""

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
                continue  # no later call succeeds
            end = row_ends[cell.test, cell.call]
            if kind.retries:
                self._retried.append(_Span(cell, start, end))
            self._later.append(_Span(cell, end, test_ends[cell.test]))

    def __len__(self) -> int:
        return sum(span.end - span.start for span in (*self._retried, *self._later))

    def sample(self, limit: int, seed: str) -> list[Cell]:
        """Return at most `limit` random pairs. Half of them have the second trouble at the retry of the first call."""
        retried, later = (_count(spans) for spans in (self._retried, self._later))
        retried_count = min(retried, max(limit - limit // 2, limit - later))
        return [
            *self._sample(self._retried, retried_count, f"{seed}\0retried"),
            *self._sample(self._later, min(later, limit - retried_count), f"{seed}\0later"),
        ]

    def _sample(self, spans: Sequence[_Span], count: int, seed: str) -> Iterator[Cell]:
        ends = list(accumulate(span.end - span.start for span in spans))
        for number in sorted(Random(seed).sample(range(_count(spans)), count)):
            i = bisect_right(ends, number)
            yield self._pair(spans[i].first, self._cells[spans[i].end - (ends[i] - number)])

    def select(self, patterns: Iterable[str]) -> list[Cell]:
        """Return the pairs that match any of the patterns; a comma in a pattern separates the two cells."""
        pairs: dict[str, Cell] = {}
        for pattern in patterns:
            for comma in (i for i, char in enumerate(pattern) if char == ","):
                first, second = pattern[:comma], pattern[comma + 1 :]
                for span in (*self._retried, *self._later):
                    if not span.first.matches(first):
                        continue
                    for cell in self._cells[span.start : span.end]:
                        if matches_pattern(second, cell.name):
                            pair = self._pair(span.first, cell)
                            pairs[pair.id] = pair
        return list(pairs.values())

    def _pair(self, first: Cell, second: Cell) -> Cell:
        """Return the pair. On the same route, retries of the first call shift the number of the second."""
        if second.data["route"] == first.data["route"]:
            shifted = second.data["call"] + self._kinds.named(first.trouble).retries
            second = replace(second, data={**second.data, "call": shifted})
        return replace(first, then=second)


def _count(spans: Iterable[_Span]) -> int:
    return sum(span.end - span.start for span in spans)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the sweep runs. `possible`: all cells with one trouble; `planned`: the selected cells, then the pairs."""

    possible: Sequence[Cell]
    planned: Sequence[Cell]
    possible_pairs: int

    @classmethod
    def create(
        cls,
        cells: Sequence[Cell],
        kinds: Kinds,
        only: Sequence[str],
        limit: int | None,
        pairs: int,
        seed: str,
    ) -> Self:
        """Plan the cells that match `only`, sampled, plus the pairs that `only` names and `pairs` random ones."""
        possible = select(cells, only)
        named = PossiblePairs(cells, kinds).select(only) if any("," in name for name in only) else []
        possible_pairs = PossiblePairs(possible if pairs else (), kinds)
        planned_pairs = {pair.id: pair for pair in (*named, *possible_pairs.sample(pairs, seed))}
        return cls(
            possible,
            [*sample(possible, limit, seed), *planned_pairs.values()],
            max(len(possible_pairs), len(planned_pairs)),
        )
