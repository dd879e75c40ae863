"""
The call log: the newest calls, limited in number and bytes. Dropped calls are counted.

A call is added before the first byte of its response is sent.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

from mockserver.model.call import Call
from mockserver.model.http import Response

KEPT_BODY_BYTES = 64 * 1024
_CALL_BYTES = 700
"""Approximate size of a call without its headers and bodies."""
_UNIT_BYTES = 64
"""Unit of a call's cost: small integers take no memory of their own."""
_NUMBER = attrgetter("number")


@dataclass(frozen=True, slots=True)
class CallLogLimits:
    """Limits: `calls` entries, in about `calls_bytes` of memory."""

    calls: int = 10_000
    calls_bytes: int = 64_000_000


class CallLog:
    """The logged calls, oldest first."""

    __slots__ = ("_calls", "_cost", "_most", "_most_cost", "cut", "dropped", "first_number", "removed")

    def __init__(self, limits: CallLogLimits) -> None:
        self._most = limits.calls
        self._most_cost = limits.calls_bytes // _UNIT_BYTES
        self._calls: deque[Call] = deque()
        self._cost = 0
        self.dropped = 0
        self.removed = 0
        """Number of calls that were removed one by one."""
        self.first_number = 0
        """The number of the first call that was ever added; 0 if there was none."""
        self.cut = 0
        """Number of logged calls with a truncated body."""

    def add(self, call: Call) -> None:
        if not self.first_number:
            self.first_number = call.number
        calls = self._calls
        call.cost = cost = _cost_of(call)
        self._cost += cost
        calls.append(call)
        if len(calls) > self._most or self._cost > self._most_cost:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Drop the oldest calls while a limit is exceeded."""
        calls = self._calls
        while calls and (len(calls) > self._most or (self._cost > self._most_cost and len(calls) > 1)):
            oldest = calls.popleft()
            self.dropped += 1
            self._cost -= oldest.cost
            oldest.cost = 0
            if oldest.rare is not None:
                self.cut -= oldest.truncated

    def grew(self, call: Call, size_bytes: int) -> None:
        """Take into account that a logged call needs more memory."""
        if not call.cost:
            return
        cost = -(-size_bytes // _UNIT_BYTES)
        call.cost += cost
        self._cost += cost
        self._drop_oldest()

    def put_back(self, calls: Sequence[Call]) -> None:
        """Log calls of an earlier server, oldest first, that were counted as dropped."""
        self.dropped = max(0, self.dropped - len(calls))
        for call in calls:
            self.cut += call.truncated
            self.add(call)

    def skip(self, first: int, count: int) -> None:
        """Count calls as dropped that were never added, with all before them. `first` is the number of the first one."""
        if not self.first_number:
            self.first_number = first
        for call in self._calls:
            call.cost = 0
        self.dropped += len(self._calls) + count
        self._calls.clear()
        self._cost = self.cut = 0

    def trim(self, call: Call) -> None:
        """Truncate the long bodies of a closed call, keeping length and sha256."""
        request, response = call.request, call.response
        call.plan = ()
        request.forget_parsed()
        if len(request.body) > KEPT_BODY_BYTES:
            self._cut(call)
        elif response is None or (
            len(response.body) <= KEPT_BODY_BYTES and (call.rare is None or "forwarded" not in call.rare)
        ):
            return
        if response is not None and len(response.body) > KEPT_BODY_BYTES:
            call.reply_length = max(call.reply_length, len(response.body))
            call.reply_sha256 = call.reply_sha256 or response.sha256
            call.response = Response(
                response.status, response.headers, response.body[:KEPT_BODY_BYTES], trailers=response.trailers
            )
        if call.cost:
            self._cost -= call.cost
            call.cost = _cost_of(call)
            self._cost += call.cost

    def _cut(self, call: Call) -> None:
        body = call.request.body
        call.body_length = len(body)
        call.body_sha256 = hashlib.sha256(body).hexdigest()
        call.request.body = body[:KEPT_BODY_BYTES]
        call.truncated = True
        if call.cost:
            self.cut += 1

    def remove(self, call: Call) -> None:
        """Remove a logged call. It counts neither as dropped nor as logged."""
        del self._calls[self._place(call.number)]
        self.removed += 1
        self._cost -= call.cost
        self.cut -= call.truncated
        call.cost = 0

    def _place(self, number: int) -> int:
        """Return the place of the first call of that number or a later one."""
        return bisect_left(self._calls, number, key=_NUMBER)

    def get(self, number: int) -> Call | None:
        """Return the call of that number, if it is still in the log."""
        place = self._place(number)
        call = self._calls[place] if place < len(self._calls) else None
        return call if call is not None and call.number == number else None

    @property
    def added(self) -> int:
        """Number of calls ever added."""
        return self.dropped + self.removed + len(self._calls)

    def newest(self, most: int) -> list[Call]:
        """Return the newest calls, oldest first."""
        result = list(islice(reversed(self._calls), most))
        result.reverse()
        return result

    def after(self, number: int) -> list[Call]:
        """Return the calls after that number, as a copy."""
        return self.newest(len(self._calls) - self._place(number + 1))

    @property
    def size_bytes(self) -> int:
        return self._cost * _UNIT_BYTES

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def __reversed__(self) -> Iterator[Call]:
        return reversed(self._calls)

    def __len__(self) -> int:
        return len(self._calls)


def _cost_of(call: Call) -> int:
    """Return the approximate memory of a call, in units."""
    request, response = call.request, call.response
    raw = request.headers.raw
    headers_bytes = request.headers.size_bytes if raw is None else len(raw)
    size_bytes = _CALL_BYTES + len(request.target) + len(request.body) + headers_bytes
    if response is not None:
        size_bytes += len(response.body)
    if call.rare is not None and "websocket" in call.rare:
        size_bytes += call.rare["websocket"].size_bytes
    return (size_bytes + _UNIT_BYTES - 1) // _UNIT_BYTES
