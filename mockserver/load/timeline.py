"""The calls of all operations in the order of their arrival: what rules on load look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    is part of an attempt, and no retry. `failed`: it had a retryable answer, or none.
    """

    call: Call
    operation: int
    retry: bool
    failed: bool

    @property
    def at_s(self) -> float:
        return self.call.request.arrived_at_s

    @property
    def ended_s(self) -> float:
        """When it ended for the client at the earliest; infinite while it is open."""
        end_s = self.call.ended_at_s
        if end_s is None or self.call.outcome is Outcome.OPEN:
            return inf
        left = self.call.outcome is Outcome.CLIENT_LEFT
        return max(self.at_s, end_s - LEAVING_S) if left else end_s


def timeline_of(operations: Iterable[Operation]) -> list[LoadCall]:
    """Return the calls of all operations in the order of their arrival."""
    calls = [call for operation in operations for call in _calls_of(operation)]
    return sorted(calls, key=lambda call: (call.at_s, call.call.number))


def _calls_of(operation: Operation) -> Iterator[LoadCall]:
    for i, attempt in enumerate(operation.attempts):
        step_before = i > 0 and operation.attempts[i - 1].step is not None
        failed = attempt.step is None and retryable(attempt.call)
        yield LoadCall(attempt.call, operation.number, i > 0 and not step_before, failed)
