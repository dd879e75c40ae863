"""
Processing time of calls, as a histogram over all namespaces.

Nothing is computed during a call: times are stored on the recorded calls, and read when requested. Calls that the log
has dropped by then are counted as unobserved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call

Times = tuple[float, float | None]
BOUNDS_S = (
    0.000_025,
    0.000_05,
    0.000_1,
    0.000_25,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    1.0,
)
"""Upper bounds of the buckets; one more is unbounded."""
_SLICE = 2000
"""Calls that are read in one slice of about 1 ms."""


class Latencies:
    """
    Time from the received request to the decision on its response.

    Delays of the scenario are not included. `counts` are per bucket, not cumulative.
    """

    __slots__ = ("_seen", "counts", "sum_s", "unobserved")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0
        self.unobserved = 0
        self._seen: dict[Namespace, int] = {}  # the number of the last call that was read

    def read(self, ns: Namespace) -> Iterator[None] | tuple[()]:
        """Read the new calls of a namespace. Yields between slices if there are many."""
        fresh = ns.last_number - self._seen.get(ns, 0)
        if fresh <= 0:
            return ()
        self._seen[ns] = ns.last_number
        calls = _times(ns.call_log.newest(fresh))
        self.unobserved += fresh - len(calls)
        if len(calls) > _SLICE:
            return self._sliced(calls)
        self._observe(calls)
        return ()

    def _sliced(self, calls: list[Times]) -> Iterator[None]:
        for start in range(0, len(calls), _SLICE):
            self._observe(calls[start : start + _SLICE])
            yield

    def _observe(self, calls: list[Times]) -> None:
        counts = self.counts
        for arrived_at_s, claimed_at_s in calls:
            if claimed_at_s is None:  # its time was that of the client
                continue
            took_s = max(0.0, claimed_at_s - arrived_at_s)
            counts[bisect_left(BOUNDS_S, took_s)] += 1
            self.sum_s += took_s

    def forget(self, ns: Namespace) -> None:
        """Drop a namespace that was removed."""
        self._seen.pop(ns, None)


def _times(calls: list[Call]) -> list[Times]:
    """Return arrival and decision times. None for an incomplete request."""
    return [
        (call.request.arrived_at_s, call.claimed_at_s if call.request.complete else None) for call in calls
    ]
