"""
Calls that replicas have added to an open namespace, as its owner reads them from the store.

They are counted as soon as they are read. The call log gets them when somebody may look: most of them would have been
dropped from it by then.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable

from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.replicas.constant import is_constant
from mockserver.replicas.entries import Kind, LogEntry, entries_of, first_of, request_of

_MOST_GROUPS = 4096
"""Groups whose calls can be amended."""


class AddedCalls:
    """`unlogged` calls are counted, and not in the call log yet; no other call may begin before they are."""

    def __init__(self, ns: Namespace) -> None:
        self._ns = ns
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._firsts: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._waiting_bytes = 0
        self.unlogged = 0
        self.total = 0

    def can_count(self, header: LogEntry) -> bool:
        """Whether the routes of a block are still those that its replica had."""
        return all(
            (route := self._ns.route(tally[0])) is not None and is_constant(route) for tally in header.head[3]
        )

    def count(self, block: bytes) -> bool:
        """Count the calls of a block. False: it has none, since the owner has written it."""
        header = first_of(block)
        if header.kind is not Kind.ADDED:
            return False
        writer, sequence, arrived_at_s, tallies = header.head
        ns = self._ns
        self._firsts[writer, sequence] = ns.last_number + self.unlogged + 1
        if len(self._firsts) > _MOST_GROUPS:
            self._firsts.popitem(last=False)
        total = 0
        for route_id, method, path, status, calls in tallies:
            ns.counts.add(route_id, (method, path), status, calls)
            route = ns.route(route_id)
            if route is not None:
                position = ns.position(route, None)
                position.number += calls
                position.draws += calls
            total += calls
        ns.used_at_s = max(ns.used_at_s, arrived_at_s)
        self.total += total
        self.unlogged += total
        self._waiting.append((total, block))
        self._waiting_bytes += len(block)
        limits = ns.shared.limits
        while waiting := self._waiting:
            count, oldest = waiting[0]
            newer_bytes = self._waiting_bytes - len(oldest)  # the call log counts more for each call
            if self.unlogged - count < limits.calls and newer_bytes < limits.calls_bytes:
                break
            waiting.popleft()
            self._waiting_bytes = newer_bytes
            self._skip(count)
        return True

    def _skip(self, count: int) -> None:
        """The call log would have dropped them."""
        ns = self._ns
        ns.call_log.skip(ns.last_number + 1, count)
        ns.last_number += count
        self.unlogged -= count

    async def log(self, pause: Callable[[], Awaitable[None]]) -> None:
        """Put them into the call log. `pause` lets others have their turn."""
        if not self._waiting:
            return
        while self._waiting:
            count, block = self._waiting.popleft()
            self._waiting_bytes -= len(block)
            for entry in entries_of(block)[1:]:
                self._log(entry)
            self.unlogged -= count
            await pause()
        self._ns.tell()

    def _log(self, entry: LogEntry) -> None:
        ns = self._ns
        head, route_id = entry.head
        route = ns.route(route_id)
        assert route is not None
        assert route.static is not None
        ns.last_number += 1
        call = Call(ns.last_number, ns.name, request_of(head, entry.first, entry.second, ns.name))
        call.route_id, call.scenario, call.tags, call.step = route.id, route.scenario.name, route.tags, 1
        call.response = route.static[0].response
        call.status = call.response.status
        call.claimed_at_s = call.first_byte_at_s = call.last_byte_at_s = entry.at_s
        call.outcome = Outcome.DONE
        ns.call_log.add(call)
        ns.call_log.trim(call)

    def number_of(self, writer: str, sequence: int, index: int) -> int | None:
        """Return the number of a call; None if its group was never written, or long ago."""
        first = self._firsts.get((writer, sequence))
        return None if first is None else first + index
