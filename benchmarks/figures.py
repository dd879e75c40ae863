"""What is made of many samples: medians, ratios within a round, and whether a goal is met."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rounds import Sample, Samples
from benchmarks.works import BARE, NGINX, Against, Work


@dataclass(frozen=True)
class Ratio:
    """
    The median of the rounds' ratios, and the least and greatest of them; `us` and `their_us` are the processor time of a
    request on both sides, which a load generator at its limit doesn't flatter.
    """

    middle: float
    least: float
    most: float
    us: float
    their_us: float

    def details(self) -> str:
        spread = f"{self.least:.2f} to {self.most:.2f}; " if self.least != self.most else ""
        return f"{spread}{self.us:.1f} µs beside {self.their_us:.1f} µs"


@dataclass(frozen=True)
class Result:
    """Something measured beside a goal: `met` is None where there is none, `said` the figures in words."""

    title: str
    said: str
    goal: str = ""
    met: bool | None = None


def percentile(sorted_values: Sequence[float], which: float) -> float:
    """The least value that so many percent of all are not above. Raises ValueError where there are none."""
    if not sorted_values:
        raise ValueError("no values")
    return sorted_values[max(0, math.ceil(len(sorted_values) * which / 100) - 1)]


def median(samples: Sequence[Sample], name: str) -> float:
    return float(statistics.median(getattr(sample, name) for sample in samples))


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> Ratio | None:
    """
    Round by round, so that a slow minute slows both sides. None where a side has no sample.
    """
    pairs = list(zip(ours, theirs, strict=False))
    if not pairs:
        return None
    rates = [one.rate / other.rate for one, other in pairs]
    us, their_us = median(ours, "cpu_us"), median(theirs, "cpu_us")
    return Ratio(statistics.median(rates), min(rates), max(rates), us, their_us)


def samples_against(samples: Samples, server: str, work: Work, against: Against) -> Sequence[Sample]:
    """The other side of a ratio: a reference that was asked the same, or another work on the same server."""
    if against.key in (NGINX, BARE):
        return samples.get(against.key, {}).get(work.reference, [])
    return samples.get(server, {}).get(against.key, [])


def judged(work: Work, against: Against, found: Ratio, title: str) -> Result:
    """A ratio beside its goal."""
    goal = "" if against.least is None else f"≥ {against.least:.2f}"
    met = None if against.least is None else found.middle >= against.least
    return Result(work.title, f"{found.middle:.2f} × {title} ({found.details()})", goal, met)


def judged_us(work: Work, ours: Sequence[Sample]) -> Result | None:
    """The processor time of a request beside its goal; None where it has none, or was not measured."""
    if work.most_us is None or not ours:
        return None
    us = median(ours, "cpu_us")
    said = f"{us:.1f} µs of processor time a request"
    return Result(work.title, said, f"≤ {work.most_us:g} µs", us <= work.most_us)
