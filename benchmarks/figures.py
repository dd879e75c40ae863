"""What is made of many samples: medians, ratios within a round, and whether a goal is met."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rounds import BARE, NGINX, Sample, Samples
from benchmarks.works import Against, Work


@dataclass(frozen=True)
class Ratio:
    """
    The median of the rounds' ratios, and the least and greatest of them; `cpu` is the median
    ratio by processor time, which a load generator at its limit doesn't flatter.
    """

    middle: float
    least: float
    most: float
    cpu: float

    def details(self) -> str:
        spread = f"{self.least:.2f} to {self.most:.2f}; " if self.least != self.most else ""
        return f"{spread}by processor time {self.cpu:.2f}"


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
    # No processor time: the system doesn't say any.
    cpus = [other.cpu_us / one.cpu_us for one, other in pairs if one.cpu_us]
    return Ratio(statistics.median(rates), min(rates), max(rates), statistics.median(cpus or [0.0]))


def samples_against(samples: Samples, server: str, against: Against, bare: str = BARE) -> Sequence[Sample]:
    """The other side of a ratio: a reference server, or another work on the same server."""
    if against.key == NGINX:
        return samples.get(NGINX, {}).get("one", [])
    if against.key == BARE:
        return samples.get(bare, {}).get("one", [])
    return samples.get(server, {}).get(against.key, [])


def judged(work: Work, against: Against, found: Ratio, title: str) -> Result:
    """A ratio beside its goal."""
    goal = "" if against.least is None else f"≥ {against.least:.2f}"
    if against.floor is not None:
        goal += f", {against.floor:.2f} at the very least"
    met = None if against.least is None else found.middle >= against.least
    return Result(work.title, f"{found.middle:.2f} × {title} ({found.details()})", goal, met)
