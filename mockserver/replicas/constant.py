"""
Calls that any replica may decide while a namespace is open: nothing that a namespace remembers changes their reply.

Each is added to the list of the namespace in the store before it is answered, with others in one group. The store takes
a group only while the namespace is open, so an answer is never older than a change that was answered.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from typing import Protocol

from mockserver.engine.routes import Route
from mockserver.engine.routing import host_fits
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.errors import MockServerError, SharedStoreError
from mockserver.matching.field_index import WORTH
from mockserver.model.http import Request, Response
from mockserver.model.plan import is_one_send
from mockserver.replicas.clock import StoreClock
from mockserver.replicas.committer import MOST_BYTES, MOST_ENTRIES, Committer
from mockserver.replicas.entries import Kind, encode, request_head
from mockserver.replicas.store import (
    AddedGroup,
    EntryGroup,
    StoreIsFullError,
    StoreRefusedError,
    Written,
)
from mockserver.store.call_log import KEPT_BODY_BYTES

_UNUSED_S = 60.0
Added = tuple[str, int, int]
"""A call that was added: its writer, its group and its place there."""


class ClosedError(SharedStoreError):
    """The namespace is not open any more; nothing was written."""


def is_constant(route: Route) -> bool:
    """Whether the route always has the same reply, which is sent at once."""
    return (
        route.static is not None
        and route.unconditional
        and route.per is None
        and route.sequence.single
        and route.static[0].fault is None
        and is_one_send(route.static[0].plan)
    )


def constant_route(scenario_set: ScenarioSet, request: Request) -> Route | None:
    """
    Return the route that answers the request in a namespace that has changed nothing of the scenarios. None if what a
    namespace remembers decides, or if the body is so long that the call log cuts it.
    """
    if len(request.body) > KEPT_BODY_BYTES:
        return None
    candidates = scenario_set.index.candidates(request.method, request.path)
    if len(candidates) >= WORTH:
        candidates = scenario_set.narrowed(request.method, request.path, candidates, request)
    off = scenario_set.off
    for entry, _ in candidates:
        route = entry.target
        if off and route.scenario.name in off:
            continue
        if route.matcher is not None and not route.matcher.holds(request):
            continue
        if route.host is not None and not host_fits(route.host, request.host):
            continue
        return route if is_constant(route) else None
    return None


def constant_response(route: Route) -> Response:
    assert route.static is not None
    return route.static[0].response


class AddedHandler(Protocol):
    """Hears that a call was added, or why it was not or may not have been; with `error` no answer of it may be sent."""

    def __call__(self, error: MockServerError | None, added: Added) -> None: ...


class ConstantWriter:
    """
    Adds the calls of one replica to one namespace. `token` is that by which it is open, empty if it is not known to be.
    `lost` is called with calls that were written after their callers had been told that they may not be.
    """

    def __init__(
        self, name: str, clock: StoreClock, committer: Committer, lost: Callable[[Added], None]
    ) -> None:
        self.name = name
        self.token = ""
        self._id = secrets.token_hex(6)
        self._clock = clock
        self._committer = committer
        self._lost = lost
        self._sequence = 0
        self._added_at_s = clock.live()
        self._waiting: deque[tuple[bytes, Route, str, str, float, AddedHandler]] = deque()
        self._taken: dict[int, list[AddedHandler]] = {}
        """By group; an empty list for one whose calls were given up."""

    def add(self, request: Request, route: Route, then: AddedHandler) -> None:
        """Add a call; `then` hears of it."""
        head = [request_head(request), route.id]
        at_s = self._added_at_s = self._clock.live()
        entry = encode(Kind.CONSTANT, at_s, head, request.headers.as_bytes(), request.body)
        self._waiting.append((entry, route, request.method, request.path, request.arrived_at_s, then))
        self._committer.wants(self)

    def take(self) -> AddedGroup | None:
        """Return the next group; None if there is nothing to write."""
        waiting = self._waiting
        if not self.token:
            self._refuse_waiting(ClosedError("the namespace is not open"))
            return None
        if not waiting:
            return None
        entries: list[bytes] = []
        handlers: list[AddedHandler] = []
        tallies: dict[tuple[str, str, str, int], int] = {}
        size, latest_s = 0, 0.0
        while waiting and len(entries) < MOST_ENTRIES and size < MOST_BYTES:
            entry, route, method, path, arrived_at_s, then = waiting.popleft()
            entries.append(entry)
            handlers.append(then)
            size += len(entry)
            latest_s = max(latest_s, arrived_at_s)
            tally = route.id, method, path, constant_response(route).status
            tallies[tally] = tallies.get(tally, 0) + 1
        self._sequence += 1
        self._taken[self._sequence] = handlers
        head = [self._id, self._sequence, latest_s, [[*tally, calls] for tally, calls in tallies.items()]]
        header = encode(Kind.ADDED, self._clock.live(), head)
        block = b"".join((header, *entries))
        return AddedGroup(self.name, self.token, self._id, self._sequence, block, len(entries))

    def is_unused(self, now_s: float) -> bool:
        """Whether nothing was added for a long time."""
        return not self._waiting and not self._taken and now_s - self._added_at_s > _UNUSED_S

    def written(self, group: AddedGroup | EntryGroup, result: Written) -> None:
        """Hear what became of a group."""
        handlers = self._taken.pop(group.sequence)
        if result is Written.DONE:
            if not handlers:
                for index in range(group.count):
                    self._lost((self._id, group.sequence, index))
            for index, then in enumerate(handlers):
                then(None, (self._id, group.sequence, index))
            return
        error: MockServerError = ClosedError("the namespace is not open")
        if result is Written.FULL:
            error = StoreIsFullError("the store has no memory left")
        elif result is Written.REFUSED:
            error = StoreRefusedError("the store did not take what was done")
        if isinstance(group, AddedGroup) and group.token == self.token:
            self.token = ""
        for index, then in enumerate(handlers):
            then(error, (self._id, group.sequence, index))

    def give_up(self, error: MockServerError) -> None:
        """Tell the waiting callers that it takes too long. What is not being sent yet is never written."""
        self._refuse_waiting(error)
        for sequence, handlers in self._taken.items():
            self._taken[sequence] = []
            for index, then in enumerate(handlers):
                then(error, (self._id, sequence, index))

    def _refuse_waiting(self, error: MockServerError) -> None:
        waiting, self._waiting = self._waiting, deque()
        for *_, then in waiting:
            then(error, ("", 0, 0))
