"""
The rule `breaker`: after a number of failures in a row the client makes no call for some time, then a few probes.

The server sees answers end some milliseconds before or after the client does. What depends on the order of two
events within that tolerance is decided in favour of the client.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from enum import Enum
from math import inf

from mockserver.attempts import Operation
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.load.timeline import TOLERANCE_S, LoadCall, timeline_of
from mockserver.model.call import Call
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted
from mockserver.schema.load import BreakerSpec

_END, _ARRIVAL, _END_AT_ONCE = range(3)


class _State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


def breaker_findings(spec: BreakerSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield a finding for the first call that an open circuit breaker would not have made."""
    calls = timeline_of(operations)
    breaker = _Breaker(spec, calls, TOLERANCE_S)
    reason = breaker.run()
    if reason is not None:
        yield reason
    elif breaker.tested:
        yield HELD
    else:
        # Failures that end beside a success count for the client's good alone.
        exact = _Breaker(spec, calls, 0.0)
        if exact.run() is not None:
            yield breaker.untested()
        else:
            yield HELD if exact.tested else exact.untested()


def _events(calls: list[LoadCall]) -> Iterator[tuple[float, int, int, LoadCall]]:
    """Yield time, kind and number of the arrivals and ends; of the same moment, ends of earlier calls come first."""
    for i, call in enumerate(calls):
        yield call.at_s, _ARRIVAL, i, call
        if call.ended_s < inf:
            yield call.ended_s, _END if call.ended_s > call.at_s else _END_AT_ONCE, i, call


class _Breaker:
    """What a circuit breaker of the client may do, at the most. `tested`: a call came after it had opened."""

    def __init__(self, spec: BreakerSpec, calls: list[LoadCall], tolerance_s: float) -> None:
        self._spec = spec
        self._calls = calls
        self._tolerance_s = tolerance_s
        self._successes = sorted(call.ended_s for call in calls if call.succeeded)
        self._state = _State.CLOSED
        self._row: list[LoadCall] = []
        self._probes: list[LoadCall] = []
        self._opened_s = self._opened_latest_s = 0.0
        """When the client opened, at the earliest and at the latest: the server sees later that the client has left."""
        self._closed_s = -inf
        self._possible_row: list[float] = []
        """When the failures ended that the client may have seen since the last success."""
        self._maybe_opened_s: float | None = None
        """When the client may have opened earlier, if it has been silent since."""
        self.opened = False
        self.tested = False
        self.most = 0

    def run(self) -> Finding | None:
        """Take all calls into account. Return a finding for the first that should not have come."""
        for _, kind, _, call in sorted(_events(self._calls), key=lambda event: event[:3]):
            if kind != _ARRIVAL:
                self.ended(call)
                continue
            reason = self.arrived(call)
            if reason is not None:
                return broken(f"breaker: {reason}", window=self.window(call))
        return None

    def untested(self) -> Finding:
        """Return why the calls say nothing of it."""
        row = counted(self._spec.opens_after, "failure")
        if self.opened:
            return nothing(
                f"breaker: no call came after {row} in a row: the client may have been done. "
                f"Let it go on for longer than {format_duration(self._spec.stays_open_s)}"
            )
        most = counted(self.most, "failure")
        return nothing(f"breaker: at most {most} in a row, and it opens after {self._spec.opens_after}")

    def arrived(self, call: LoadCall) -> str | None:
        """Return why there should have been no call now; None if it is allowed."""
        if call.hedge:
            return None  # the breaker let in its operation before
        early_s = self._maybe_opened_s
        if early_s is not None and call.at_s > early_s + TOLERANCE_S:
            # It had not opened then. It may have at a later failure.
            i = bisect_left(self._possible_row, call.at_s - TOLERANCE_S, self._spec.opens_after - 1)
            self._maybe_opened_s = self._possible_row[i] if i < len(self._possible_row) else None
        if self._state is _State.CLOSED:
            return None
        since_s = call.at_s - self._opened_latest_s
        if self._state is _State.OPEN and since_s < TOLERANCE_S:
            return None  # it was sent before the client had the answer
        self.tested = True
        opened_s = self._opened_s if early_s is None else min(early_s, self._opened_s)
        waited = call.at_s - opened_s >= self._spec.stays_open_s - TOLERANCE_S
        if self._state is _State.OPEN and waited:
            self._probes = []
        if len(self._probes) < self._spec.probes and (self._probes or waited):
            self._probes.append(call)
            self._state = _State.PROBING
            return None
        if self._state is _State.PROBING:
            return (
                f"{call.call.id} came while {counted(len(self._probes), 'probe')} had no answer, "
                f"at most {self._spec.probes} allowed"
            )
        row = f"{counted(len(self._row), 'failure')} in a row"
        what = f"the probe {self._row[-1].call.id} failed" if self._probes else row
        return (
            f"{call.call.id} came {since_s:.3f} s after {what}, "
            f"expected no call for {format_duration(self._spec.stays_open_s)}"
        )

    def ended(self, call: LoadCall) -> None:
        """Take the answer into account."""
        if self._state is _State.CLOSED:
            self._count(call)
        elif call.succeeded:
            self._state, self._closed_s, self._row, self._probes = _State.CLOSED, call.ended_s, [], []
            self._possible_row, self._maybe_opened_s = [], None
        elif call.failed and self._is_probe(call):
            self._open(call)
            self._row = [*self._row[-self._spec.opens_after :], call]

    def _is_probe(self, call: LoadCall) -> bool:
        return any(call.operation == probe.operation and call.at_s >= probe.at_s for probe in self._probes)

    def _count(self, call: LoadCall) -> None:
        """Count the answer while it is closed. Calls of before it closed may not count for the client."""
        end_s = call.ended_s
        if call.succeeded:
            self._row = []
            self._possible_row = [each for each in self._possible_row if each >= end_s - TOLERANCE_S]
        if not call.failed:
            return
        self._possible_row.append(end_s)
        if len(self._possible_row) >= self._spec.opens_after and self._maybe_opened_s is None:
            self._maybe_opened_s = end_s
        if call.at_s >= self._closed_s and not call.superseded and not self._beside_success(end_s):
            self._row.append(call)
            self.most = max(self.most, len(self._row))
            if len(self._row) >= self._spec.opens_after:
                self._open(call)
                self._probes = []
                self.opened = True

    def _open(self, call: LoadCall) -> None:
        self._state, self._opened_s, self._opened_latest_s = (
            _State.OPEN,
            call.ended_s,
            call.call.ended_at_s or call.ended_s,
        )

    def _beside_success(self, at_s: float) -> bool:
        """Whether a call succeeded so close to it that the client may have seen them in the other order."""
        if not self._tolerance_s:
            return False
        i = bisect_left(self._successes, at_s - self._tolerance_s)
        return i < len(self._successes) and self._successes[i] <= at_s + self._tolerance_s

    def window(self, call: LoadCall) -> list[Call]:
        """Return the failures that opened it, the probes, and the call that should not have come."""
        shown = {each.call.number: each.call for each in (*self._row, *self._probes, call)}
        return [shown[number] for number in sorted(shown)]
