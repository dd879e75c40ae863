"""The calls of all operations in the order of their arrival: what rules on load look at."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from math import inf

from mockserver.attempts import Operation, retryable
from mockserver.attempts.grouping import LEAVING_S
from mockserver.model.call import Call
from mockserver.model.plan import Outcome

TOLERANCE_S = 0.05
"""By which the times of the server and of the client may differ: delays of the network, and of the client itself."""


@dataclass(frozen=True, slots=True)
class LoadCall:
    """
    A call, with the number of its operation.

    `retry`: it is not the first attempt of the operation. A step, such as a request with a new token after a 401,
    is part of an attempt, and no retry. `hedge`: the client sent it while another attempt was in progress.
    `failed`: it had a retryable answer, or none. `succeeded`: it had another one. Neither is true of a call that is open,
    and of one that the client cancelled since another attempt succeeded. `superseded`: another attempt was in progress when it ended.
    `decided_s`: when the client knew that it would send it, at the earliest.
    """

    call: Call
    operation: int
    ended_s: float
    """When it ended for the client at the earliest; infinite while it is open."""
    decided_s: float
    retry: bool = False
    hedge: bool = False
    failed: bool = False
    succeeded: bool = False
    superseded: bool = False

    @property
    def at_s(self) -> float:
        return self.call.request.arrived_at_s


def timeline_of(operations: Iterable[Operation]) -> list[LoadCall]:
    """Return the calls of all operations in the order of their arrival."""
    calls = [call for operation in operations for call in _calls_of(operation)]
    return sorted(calls, key=lambda call: (call.at_s, call.call.number))


def known_until(calls: Iterable[LoadCall]) -> float:
    """Return the time of the last event that the server has seen."""
    return max((call.ended_s if call.ended_s < inf else call.at_s for call in calls), default=0.0)


def in_flight(calls: Iterable[LoadCall]) -> list[int]:
    """Return for each call, in the order of arrival, how many were in progress when it arrived, itself included."""
    under_way: list[float] = []
    numbers = []
    for call in calls:
        while under_way and under_way[0] <= call.at_s:
            heappop(under_way)
        heappush(under_way, call.ended_s)
        numbers.append(len(under_way))
    return numbers


def _calls_of(operation: Operation) -> Iterator[LoadCall]:
    attempts = operation.attempts
    arrivals = [attempt.call.request.arrived_at_s for attempt in attempts]
    failed = [attempt.step is None and retryable(attempt.call) for attempt in attempts]
    successes = sorted(
        attempt.call.ended_at_s or inf
        for attempt, is_failed in zip(attempts, failed, strict=True)
        if attempt.step is None and not is_failed
    )
    cancelled = [_is_cancelled(attempt.call, successes) for attempt in attempts]
    ends = [
        _ended_s(attempt.call, margin_s=0 if cancelled[i] else LEAVING_S)
        for i, attempt in enumerate(attempts)
    ]
    latest = list(accumulate(ends, max))
    for i, attempt in enumerate(attempts):
        begun = bisect_left(arrivals, ends[i])
        yield LoadCall(
            attempt.call,
            operation.number,
            ends[i],
            decided_s=min(arrivals[i], ends[i - 1]) if i else arrivals[i],
            retry=i > 0 and attempts[i - 1].step is None,
            hedge=i > 0 and latest[i - 1] > arrivals[i],
            failed=failed[i] and not cancelled[i],
            succeeded=not failed[i] and ends[i] < inf,
            superseded=begun > 0 and latest[begun - 1] > ends[i],
        )


def _is_cancelled(call: Call, successes: list[float]) -> bool:
    """Whether the client left since another attempt had succeeded; `successes` has the ends of these."""
    if call.outcome is not Outcome.CLIENT_LEFT or call.ended_at_s is None:
        return False
    i = bisect_left(successes, call.request.arrived_at_s)
    return i < len(successes) and successes[i] <= call.ended_at_s


def _ended_s(call: Call, margin_s: float) -> float:
    end_s = call.ended_at_s
    if end_s is None or call.outcome is Outcome.OPEN:
        return inf
    left = call.outcome is Outcome.CLIENT_LEFT
    return max(call.request.arrived_at_s, end_s - margin_s) if left else end_s
