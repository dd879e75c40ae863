"""
A follower of the calls of a namespace, which polls for completed calls.

It reads the call log when it is polled, so that calls cost the same with and without followers. Calls that the log
drops before a poll are counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain

from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.plan import Outcome


class Follower:
    """
    `holds` selects calls, None for all. At most `most` calls wait to be taken; above that, only the newest `sample` are
    kept, until no more than `calm` complete between two polls. It registers itself with the namespace until `leave`.
    """

    def __init__(
        self, ns: Namespace, holds: Callable[[Call], bool] | None, *, most: int, sample: int, calm: int
    ) -> None:
        self._ns = ns
        self._holds = holds
        self._most = most
        self._sample = min(sample, most)
        self._calm = min(calm, most)
        self._flooded = False
        self._record = ns.call_log
        self._seen = self._record.added
        self._open: list[Call] = [call for call in self._record if _is_open(call)]
        self._left: list[Call] = []
        """Calls reported as `client_left` whose client may still receive the response; they are reported again then."""
        self._waiting: deque[Call] = deque()
        self._lost = 0
        ns.followers |= {self}

    def leave(self) -> None:
        self._ns.followers -= {self}

    def resume(self, after: int) -> None:
        """
        Continue after the call of that number. Calls completed since then are waiting. A call may complete after a
        later one; if that call is not in the log any more, its number decides, and calls before the log's first are
        lost: after a restart with a state file all of them. A number that was not reached yet is from before a restart
        without one: then no call was reported.
        """
        record, last_number = self._record, self._ns.last_number
        if after > last_number:
            after = 0
        kept = record.newest(len(record))
        completed = [call for call in kept if not _is_open(call)]
        last = next((call for call in completed if call.number == after), None)
        if last is None:
            missed = sorted((call for call in completed if call.number > after), key=ending)
            first = kept[0].number if kept else last_number + 1
            self._lost += max(0, first - after - 1)
        else:
            missed = sorted((item for item in completed if ending(item) > ending(last)), key=ending)
        if self._holds is not None:
            missed = [item for item in missed if self._holds(item)]
        self._lost += max(0, len(missed) - self._most)
        self._waiting.extend(missed[-self._most :])

    def take(self, most: int) -> tuple[list[Call], int]:
        """
        Return the next completed calls, at most that many, in order of completion; and how many before them were lost.
        With `holds`, the lost ones include calls that were dropped from the log, selected or not.
        """
        self.gather()
        waiting = self._waiting
        lost, self._lost = self._lost, 0
        return [waiting.popleft() for _ in range(min(most, len(waiting)))], lost

    def gather(self) -> None:
        """Poll the call log. Calls in it now are not lost, even if the log drops them."""
        if self._record is not self._ns.call_log:
            self._record, self._seen = self._ns.call_log, 0
        record = self._record
        fresh, self._seen = record.added - self._seen, record.added
        wanted = fresh
        bound = self._calm if self._flooded else self._most
        self._flooded = self._holds is None and len(self._waiting) + fresh > bound
        if self._flooded:
            # Skip calls that would be dropped.
            self._lost += len(self._waiting)
            self._waiting.clear()
            wanted = min(fresh, self._sample)
        kept = record.newest(wanted)
        self._lost += fresh - len(kept)
        self._wait(self._completed(kept))

    def _completed(self, kept: list[Call]) -> list[Call]:
        """Return the calls that are completed, including those that were open before, in order of completion."""
        before, self._open = self._open, []
        completed: list[Call] = [
            call for call in self._left if call.home is None and call.outcome is not Outcome.CLIENT_LEFT
        ]
        self._left = [call for call in self._left if call.home is not None]
        for call in chain(before, kept):
            if _is_open(call):
                self._open.append(call)
            else:
                completed.append(call)
                if call.home is not None:
                    self._left.append(call)
        return sorted(completed, key=ending)

    def forget(self) -> None:
        """Handle a reset of the call log. Open calls complete unrecorded."""
        self.gather()
        self._open.clear()
        self._left.clear()

    def _wait(self, calls: Iterable[Call]) -> None:
        waiting, holds = self._waiting, self._holds
        waiting.extend(calls if holds is None else filter(holds, calls))
        if len(waiting) > self._most:
            self._lost += len(waiting) - self._sample
            while len(waiting) > self._sample:
                waiting.popleft()


def _is_open(call: Call) -> bool:
    return call.outcome is Outcome.OPEN


def ending(call: Call) -> tuple[float, int]:
    """Return the sort key of a completed call: calls may complete in the same tick of the clock."""
    return call.ended_at_s or 0.0, call.number
