"""
The record of calls: the newest so many, in so many bytes. What is dropped is counted.

A call stands in it before the first byte of its answer leaves.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mockserver.model.brief import Brief, call_of, number_of
from mockserver.model.brief import cost_of as cost_of_brief
from mockserver.model.call import Call
from mockserver.model.http import Request, Response

KEPT_BODY_BYTES = 64 * 1024
_CALL_BYTES = 700
"""About what a call costs beside its headers and bodies."""


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """How much is kept: `calls` records, in about `calls_bytes` of memory."""

    calls: int = 10_000
    calls_bytes: int = 64_000_000


class Record:
    """The kept calls, oldest first; some of them in brief, until somebody looks."""

    __slots__ = ("_bytes", "_calls", "_most", "_most_bytes", "_opened", "cut", "dropped", "first_number")

    def __init__(self, limits: RecordLimits) -> None:
        self._most = limits.calls
        self._most_bytes = limits.calls_bytes
        self._calls: deque[Call | Brief] = deque()
        self._opened: dict[int, Call] = {}
        """Calls in brief that somebody has looked at, by their number."""
        self._bytes = 0
        self.dropped = 0
        self.first_number = 0
        """The number of the first call that was ever in it; 0 before there was one."""
        self.cut = 0
        """How many kept calls lost the end of their body."""

    def add(self, call: Call) -> None:
        if not self.first_number:
            self.first_number = call.number
        call.cost_bytes = _cost(call)
        self._bytes += call.cost_bytes
        self._calls.append(call)
        self._shrink()

    def jot(self, brief: Brief, cost_bytes: int) -> None:
        """Adds a call in brief: one that is over already."""
        calls = self._calls
        calls.append(brief)
        self._bytes += cost_bytes
        if len(calls) > self._most or self._bytes > self._most_bytes:
            self._shrink()
        if not self.first_number:
            self.first_number = number_of(brief)

    def forget(self) -> None:
        """Lets go of all of them, and keeps none from now on: who still holds the record holds no calls by it."""
        self._most = 0
        self._shrink()

    def _shrink(self) -> None:
        calls = self._calls
        while calls and (len(calls) > self._most or (self._bytes > self._most_bytes and len(calls) > 1)):
            oldest = calls.popleft()
            self.dropped += 1
            if isinstance(oldest, tuple):
                self._bytes -= cost_of_brief(oldest)
                if not self._opened:
                    continue
                call = self._opened.pop(number_of(oldest), None)
                if call is None:
                    continue
            else:
                call = oldest
                self._bytes -= call.cost_bytes
            call.forgotten = True
            self.cut -= call.truncated

    def trim(self, call: Call) -> None:
        """A closed call keeps the head of a long body, its length and its sha256."""
        request, response = call.request, call.response
        call.plan = ()
        request.forget_parsed()
        long_body = len(request.body) > KEPT_BODY_BYTES
        long_reply = response is not None and len(response.body) > KEPT_BODY_BYTES
        if not (long_body or long_reply or call.forwarded is not None):
            return
        if long_body:
            self._cut(call)
        if response is not None and long_reply:
            call.reply_length = max(call.reply_length, len(response.body))
            call.reply_sha256 = call.reply_sha256 or response.sha256
            call.response = type(response)(response.status, response.headers, response.body[:KEPT_BODY_BYTES])
        if not call.forgotten:
            cost = _cost(call)
            self._bytes += cost - call.cost_bytes
            call.cost_bytes = cost

    def _cut(self, call: Call) -> None:
        body = call.request.body
        call.body_sha256 = hashlib.sha256(body).hexdigest()
        call.request.body = body[:KEPT_BODY_BYTES]
        call.truncated = True
        if not call.forgotten:
            self.cut += 1

    def get(self, number: int) -> Call | None:
        """The call of that number, if it is still kept."""
        calls = self._calls
        at = number - _number(calls[0]) if calls else -1  # numbers have no gaps
        return self.opened(calls[at]) if 0 <= at < len(calls) else None

    def opened(self, kept: Call | Brief) -> Call:
        """The call itself: one in brief is made into one when it is first asked for, and stays it."""
        if not isinstance(kept, tuple):
            return kept
        number = number_of(kept)
        call = self._opened.get(number)
        if call is None:
            call = self._opened[number] = call_of(kept)
        return call

    @property
    def added(self) -> int:
        """How many calls were ever put into it."""
        return self.dropped + len(self._calls)

    def newest(self, most: int) -> list[Call | Brief]:
        """The newest so many, oldest first. Nobody looks at a call for it: one in brief stays so."""
        found = list(islice(reversed(self._calls), most))
        found.reverse()
        return found

    def looked_at_as(self, kept: Call | Brief) -> Call | None:
        """The call itself, unless it is one in brief that nobody has looked at."""
        if not isinstance(kept, tuple):
            return kept
        return self._opened.get(number_of(kept)) if self._opened else None

    @property
    def first_kept(self) -> int:
        """The number of the oldest call that is kept; 0 where there is none."""
        return _number(self._calls[0]) if self._calls else 0

    def glimpses(self, after: int = 0) -> Iterator[Call]:
        """
        Its calls behind that number for whoever only reads them and keeps none: what is recorded in brief stays so.
        These are the calls of now, also where others come and go meanwhile.
        """
        calls = self._calls
        size = len(calls) if after < self.first_kept else self.first_kept + len(calls) - after - 1
        for kept in self.newest(max(0, size)):
            if isinstance(kept, tuple):
                yield self._opened.get(number_of(kept)) or call_of(kept)
            else:
                yield kept

    def looked_at(self) -> Iterator[Call]:
        """Those of its calls that are more than a brief; every open one is among them."""
        return filter(None, map(self.looked_at_as, self._calls))

    def newest_times(self, most: int) -> list[tuple[float, float | None]]:
        """
        When each of the newest so many arrived and was decided, newest first. Nobody looks at a call for it: one
        in brief stays so. None for a request that never came whole.
        """
        return [
            (kept[4], kept[5])
            if isinstance(kept, tuple)
            else (kept.request.arrived_at_s, kept.claimed_at_s if kept.request.complete else None)
            for kept in islice(reversed(self._calls), most)
        ]

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def __iter__(self) -> Iterator[Call]:
        return map(self.opened, self._calls)

    def __reversed__(self) -> Iterator[Call]:
        return map(self.opened, reversed(self._calls))

    def __len__(self) -> int:
        return len(self._calls)


def _number(kept: Call | Brief) -> int:
    return number_of(kept) if isinstance(kept, tuple) else kept.number


def _cost(call: Call) -> int:
    return cost_of(call.request, call.response)


def cost_of(request: Request, response: Response | None) -> int:
    """About how many bytes the record of a call takes once somebody has looked at it."""
    cost = _CALL_BYTES + len(request.target) + len(request.body) + request.headers.size_bytes
    return cost if response is None else cost + len(response.body)
