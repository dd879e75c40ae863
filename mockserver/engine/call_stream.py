"""
Somebody who follows the calls of a namespace: looks now and then at what is over since.

Nobody calls it for a call. It reads the record when it is asked to, so that calls cost the same with followers
as without. What it can't keep up with it counts.
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
    `holds` says which calls it wants, None for all. At most `most` wait to be taken; of more, the newest `sample` stay,
    and so it goes on until no more than `calm` come between two looks.
    It enters itself into the namespace, and stays there until `leave`.
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
        self._record = ns.record
        self._seen = self._record.added
        self._open: list[Call] = [call for call in self._record if _is_open(call)]
        self._left: list[Call] = []
        """Calls that were told as `client_left`, and whose client may still take the answer: then they are told again."""
        self._waiting: deque[Call] = deque()
        self._lost = 0
        ns.followers |= {self}

    def leave(self) -> None:
        self._ns.followers -= {self}

    def resume(self, after: int) -> None:
        """
        Takes up behind the call of that number: what ended since is waiting then. A call may end after a later one;
        where that call is recorded no longer, its number decides, and those before the record's first are lost: after
        a restart with a state file that is all of them. A number that was not reached yet is from before a restart
        without one: then nothing that is here was told.
        """
        record, last_number = self._record, self._ns.last_number
        if after > last_number:
            after = 0
        kept = record.newest(len(record))
        over = [call for call in kept if not _is_open(call)]
        last = next((call for call in over if call.number == after), None)
        if last is None:
            missed = sorted((call for call in over if call.number > after), key=ending)
            first = kept[0].number if kept else last_number + 1
            self._lost += max(0, first - after - 1)
        else:
            missed = sorted((one for one in over if ending(one) > ending(last)), key=ending)
        if self._holds is not None:
            missed = [one for one in missed if self._holds(one)]
        self._lost += max(0, len(missed) - self._most)
        self._waiting.extend(missed[-self._most :])

    def take(self, most: int) -> tuple[list[Call], int]:
        """
        The next calls that are over, at most so many, in the order in which they ended; and how many before them it
        could not keep. With `holds`, those are among them that the record had dropped, whether they held or not.
        """
        self.gather()
        waiting = self._waiting
        lost, self._lost = self._lost, 0
        return [waiting.popleft() for _ in range(min(most, len(waiting)))], lost

    def gather(self) -> None:
        """Looks at the record. What is in it now is not missed, whatever becomes of the record."""
        if self._record is not self._ns.record:
            self._record, self._seen = self._ns.record, 0
        record = self._record
        fresh, self._seen = record.added - self._seen, record.added
        wanted = fresh
        bound = self._calm if self._flooded else self._most
        self._flooded = self._holds is None and len(self._waiting) + fresh > bound
        if self._flooded:
            # What would not stay need not be looked at.
            self._lost += len(self._waiting)
            self._waiting.clear()
            wanted = min(fresh, self._sample)
        kept = record.newest(wanted)
        self._lost += fresh - len(kept)
        self._wait(self._over(kept))

    def _over(self, kept: list[Call]) -> list[Call]:
        """Which of these are over, and which that were open are by now, in the order in which they ended."""
        before, self._open = self._open, []
        over: list[Call] = [
            call for call in self._left if call.home is None and call.outcome is not Outcome.CLIENT_LEFT
        ]
        self._left = [call for call in self._left if call.home is not None]
        for call in chain(before, kept):
            if _is_open(call):
                self._open.append(call)
            else:
                over.append(call)
                if call.home is not None:
                    self._left.append(call)
        return sorted(over, key=ending)

    def forget(self) -> None:
        """The namespace is about to begin a new record. Calls that are open end unrecorded."""
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
    """When a call that is over ended, to tell it from any other: calls may end in the same tick of the clock."""
    return call.ended_at_s or 0.0, call.number
