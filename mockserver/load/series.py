"""The calls over time, by their answers: what `GET /load` shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mockserver.attempts import Operation
from mockserver.load.timeline import in_flight, timeline_of
from mockserver.model.call import Call
from mockserver.model.plan import Outcome

MOST_INTERVALS = 1000
_WANTED = 40
"""Intervals at most, where no length is given."""
_LENGTHS_S = [
    factor * unit
    for unit in (0.001, 0.01, 0.1, 1.0, 60.0, 3600.0)
    for factor in ((1, 2, 5, 10, 30) if unit >= 1 else (1, 2, 5))
]


@dataclass(slots=True)
class Interval:
    """
    The calls that arrived in one interval, which begins `at_s` after the first call.

    `answers` has the number of calls by status or fault, `in_flight` the most calls at the same time.
    """

    at_s: float
    calls: int = 0
    retries: int = 0
    in_flight: int = 0
    answers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Series:
    """The calls of all operations. `first` is None without a call; `length_s` is the length of an interval."""

    first: Call | None
    length_s: float
    intervals: list[Interval]
    operations: int
    calls: int
    retries: int
    most_in_flight: int


def series(operations: list[Operation], length_s: float | None = None) -> Series:
    """Return the calls over time. Raises ValueError where there would be too many intervals of this length."""
    calls = timeline_of(operations)
    if not calls:
        return Series(None, length_s or 1.0, [], 0, 0, 0, 0)
    start_s = calls[0].at_s
    span_s = calls[-1].at_s - start_s
    if length_s is None:
        length_s = next((each for each in _LENGTHS_S if span_s / each < _WANTED), span_s / _WANTED)
    if span_s / length_s >= MOST_INTERVALS:
        raise ValueError(length_s)
    intervals = [Interval(i * length_s) for i in range(int(span_s / length_s) + 1)]
    for call, number in zip(calls, in_flight(calls), strict=True):
        interval = intervals[min(int((call.at_s - start_s) / length_s), len(intervals) - 1)]
        interval.calls += 1
        interval.retries += call.retry
        interval.in_flight = max(interval.in_flight, number)
        interval.answers[answer_of(call.call)] += 1
    return Series(
        calls[0].call,
        length_s,
        intervals,
        len(operations),
        len(calls),
        sum(call.retry for call in calls),
        max(interval.in_flight for interval in intervals),
    )


def answer_of(call: Call) -> str:
    """Return the status, the fault or, if the client got neither, the outcome."""
    if call.outcome in (Outcome.CLIENT_LEFT, Outcome.OPEN):
        return call.outcome.value
    return str(call.answer) if call.answer is not None else call.outcome.value
