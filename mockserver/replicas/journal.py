"""
One namespace that this replica owns: runs what it is told by the engine, and writes each of it down for the store.

What was run is appended in the same step, so the entries are in the order in which the engine has seen them. Nobody is
told what came of it before `stored` has come back. Running the entries of another owner by `replay` gives its memory.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.webhooks import Due
from mockserver.errors import MockServerError, SharedStoreError
from mockserver.model.call import Call
from mockserver.model.headers import Headers
from mockserver.model.http import Request, Response
from mockserver.model.plan import Forward, Outcome, Plan, Send
from mockserver.replicas.added import AddedCalls
from mockserver.replicas.clock import StoreClock
from mockserver.replicas.committer import MOST_BYTES, MOST_ENTRIES, Committer, StoreTimeoutError
from mockserver.replicas.constant import Added, constant_route, is_constant
from mockserver.replicas.entries import (
    BadEntryError,
    Kind,
    LogEntry,
    encode,
    entries_of,
    first_of,
    request_head,
    request_of,
    response_head,
    response_of,
)
from mockserver.replicas.store import MOST_BLOCKS, AddedGroup, EntryGroup, Written
from mockserver.store.clock import VirtualClock
from mockserver.store.delivery import Delivery, DeliveryAttempt, DeliveryState, Try

T = TypeVar("T")
_SECRETS = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Header lines of admin calls that a replay does not need."""
_MOST_REMEMBERED = 20_000
"""Requests of other replicas whose reply is known again by their id."""
OPEN_AFTER = 256
"""A namespace is opened after this many calls with constant replies and without any other."""


class OwnerLostError(SharedStoreError):
    """Another replica owns the namespace by now."""


class LoggedClock(VirtualClock):
    """The clock of a namespace, whose changes are told."""

    __slots__ = ("told",)

    def __init__(self, wall: Callable[[], float], told: Callable[[], None] = lambda: None) -> None:
        super().__init__(wall)
        self.told = told

    def freeze(self, at_s: float | None = None) -> None:
        super().freeze(at_s)
        self.told()

    def move_to(self, at_s: float) -> None:
        super().move_to(at_s)
        self.told()

    def resume(self) -> None:
        super().resume()
        self.told()

    def reset(self) -> None:
        super().reset()
        self.told()

    def restore(self, state: tuple[float, float | None]) -> None:
        super().restore(state)
        self.told()


AdminRun = Callable[[Request, Namespace], Awaitable[object]]
"""Runs a call of the admin API again, with no effect outside of the namespace."""
Begun = tuple[Call, Plan]
"""A call, and what is performed for it: a closed call has no plan any more."""


@dataclass(slots=True)
class Mark:
    """
    The end of a block. With a `token`, the namespace is open from there on to replicas that have it; with an empty one
    it is closed. `blocks` is the number of blocks before it, once that is known.
    """

    token: str | None = None
    blocks: int = -1


class OwnerStore(Protocol):
    """What a journal asks of whoever manages ownership."""

    async def read_blocks(self, journal: NamespaceJournal) -> Sequence[bytes]:
        """Read the next blocks of the namespace. Raises OwnerLostError, StoreAwayError."""

    async def confirm(self, journal: NamespaceJournal) -> None:
        """Make sure that nobody has taken the namespace over. Raises OwnerLostError, StoreAwayError."""

    def refused(self, journal: NamespaceJournal, result: Written) -> None:
        """The store has refused a group."""


class NamespaceJournal:
    """
    The only writer of its namespace, unless that is open. `position` counts the entries that were appended here,
    `confirmed` those that the store has taken. `blocks` are those of the list in the store that this memory has; the
    last ones may not be written yet. `epoch` is that of the claim.

    While the namespace is open, other replicas add calls with constant replies to the list by a `token`. All else
    waits until it is closed again and those calls are known here, so it makes no difference who has decided them.
    """

    def __init__(
        self,
        ns: Namespace,
        engine: Engine,
        clock: StoreClock,
        committer: Committer,
        owner: OwnerStore,
        epoch: str,
        *,
        blocks: int = 0,
        open_after: int = OPEN_AFTER,
    ) -> None:
        self.ns = ns
        self.epoch = epoch
        self.position = 0
        self.confirmed = 0
        self.blocks = blocks
        self.unwritten: deque[bytes | Mark] = deque()
        self.groups = 0
        """How many groups were made in this epoch."""
        self.lost: MockServerError | None = None
        """Why nothing can be written any more."""
        self.open: dict[int, Call] = {}
        self.changes = asyncio.Lock()
        """Held by what changes the namespace and waits in between; calls wait for it."""
        self.due: dict[int, Sequence[Due]] = {}
        """Webhooks of calls that were completed before their last byte left."""
        self.when_idle: Callable[[NamespaceJournal], None] | None = None
        """Called by a call that is over, if none is in progress and no change is being made."""
        self.token = ""
        """By which other replicas add calls; empty while the namespace is closed."""
        self.attended = 0
        """Calls of the admin API in progress: the namespace stays closed."""
        self.added = AddedCalls(ns)
        self._open_after = open_after
        self._constants = 0
        self._written_token = ""
        self._is_closing = False
        self._closing: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._unread = 0
        """Own blocks that were written while the namespace is open, and not read again yet."""
        self._replayed = 0
        self._owner = owner
        self._engine = engine
        self._clock = clock
        self._committer = committer
        self._waiting: deque[tuple[int, Callable[[MockServerError | None], None]]] = deque()
        self._replaying = False
        self._seen: dict[str, Begun] = {}
        self.shared = engine.shared
        if not isinstance(ns.clock, LoggedClock):
            ns.clock = LoggedClock(engine.shared.wall)
        assert isinstance(ns.clock, LoggedClock)
        ns.clock.told = self._clock_moved

    # Writing

    def append(
        self, kind: Kind, at_s: float, head: list[Any], first: bytes = b"", second: bytes = b""
    ) -> None:
        """Add one entry, which the committer writes with others."""
        if self._replaying:
            return
        self.position += 1
        self.unwritten.append(encode(kind, at_s, head, first, second))
        self._committer.wants(self)

    async def stored(self) -> None:
        """
        Wait until all entries so far are in the store. Raises OwnerLostError, StoreIsFullError, and StoreTimeoutError
        after a second.
        """
        if self.lost is None and self.confirmed >= self.position:
            return
        future = asyncio.get_running_loop().create_future()

        def told(error: MockServerError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.when_stored(told)
        await future

    def when_stored(self, then: Callable[[MockServerError | None], None]) -> None:
        """Call that once all entries so far are in the store, or with the reason why that is not known."""
        if self.lost is not None:
            then(self.lost)
        elif self.confirmed >= self.position:
            then(None)
        elif self._committer.is_away:
            then(StoreTimeoutError("the store did not answer within a second"))
        else:
            self._waiting.append((self.position, then))

    def give_up(self, error: MockServerError) -> None:
        """Whoever waits is told that it takes too long. The entries are written all the same, later."""
        waiting, self._waiting = self._waiting, deque()
        for _, then in waiting:
            then(error)

    def take(self) -> EntryGroup | None:
        """Return the next group; None if there is nothing to write."""
        unwritten = self.unwritten
        entries: list[bytes] = []
        size = 0
        while unwritten and len(entries) < MOST_ENTRIES and size < MOST_BYTES:
            entry = unwritten[0]
            if isinstance(entry, Mark):
                if entries:
                    break
                unwritten.popleft()
                entry.blocks = self.blocks + self._unread
                if entry.token is not None:
                    self._written_token = entry.token
                    return self._group(b"", 1)
            else:
                unwritten.popleft()
                entries.append(entry)
                size += len(entry)
        if not entries:
            return None
        if self.token:
            self._unread += 1  # its place among the blocks of others is known when they are read
        else:
            self.blocks += 1
        return self._group(b"".join(entries), len(entries))

    def _group(self, block: bytes, count: int) -> EntryGroup:
        self.groups += 1
        return EntryGroup(self.ns.name, self.epoch, self.groups, block, count, self._written_token)

    def written(self, group: EntryGroup | AddedGroup, result: Written) -> None:
        """Hear what became of a group."""
        if result is not Written.DONE:
            self._owner.refused(self, result)
            return
        self.confirmed += group.count
        waiting = self._waiting
        while waiting and waiting[0][0] <= self.confirmed:
            waiting.popleft()[1](None)

    def fail(self, error: MockServerError) -> None:
        """Nothing more can be written: whoever waits is told."""
        if self.lost is None:
            self.lost = error
        self.unwritten.clear()
        self.give_up(error)

    # Calls

    def begin(
        self,
        request: Request,
        request_id: str = "",
        header: tuple[str, str] | None = None,
        *,
        is_local: bool = False,
    ) -> Begun:
        """
        Decide a call. One whose reply is whole and ready is completed at once: nobody can see it before it is stored,
        and from then on it is over for everybody. `header` is one more line of the reply. A completed call that `is_local` is
        not `known` by its id, unless it is told to `remember`.
        """
        clock = self._clock
        at_s = clock.live()
        body = request.body  # the call log cuts a long one
        head: list[Any] = [request_head(request), request_id, header, None]
        clock.pinned, before_s = at_s, clock.pinned  # a context manager costs more
        try:
            call = self._begun(request, header)
            begun = call, call.plan
            if _is_ready(call):
                head[3] = True
                self._complete(call, at_s)
        finally:
            clock.pinned = before_s
        self.append(Kind.CALL, at_s, head, request.headers.as_bytes(), body)
        if not is_local or not head[3]:
            self.remember(request_id, begun)
        route = self.ns.shared.scenario_set.routes.get(call.route_id or "")
        if route is None or not is_constant(route):
            self._constants = 0
        elif (constants := self._constants + 1) < self._open_after:
            self._constants = constants
        else:
            self._consider_opening(request)
        if self.when_idle is not None:
            self.tell_idle()
        return begun

    def begin_incomplete(self, request: Request, response: Response | None) -> Call:
        """Record a request whose body never came whole, and the answer to it."""
        return self._recorded(request, response, None)

    def begin_refused(self, request: Request, document: dict[str, Any]) -> Call:
        """Record a request that can't be answered, with the problem that says why."""
        return self._recorded(request, None, document)

    def _recorded(self, request: Request, response: Response | None, document: dict[str, Any] | None) -> Call:
        at_s = self._clock.live()
        body = request.body
        said = None if response is None else [*response_head(response), response.body]
        with self._clock.at(at_s):
            call = self._begun_apart(request, response, document)
        head = [request_head(request), "", None, None, said, document]
        self.append(Kind.CALL, at_s, head, request.headers.as_bytes(), body)
        return call

    def _begun(self, request: Request, header: tuple[str, str] | None) -> Call:
        call = self._engine.begin(request, self.ns)
        if header is not None:
            self._engine.add_header(call, *header)
        self.open[call.number] = call
        if call.forwarded is not None:
            call.plan = tuple(
                self._told(call, step) if isinstance(step, Forward) else step for step in call.plan
            )
        return call

    def _begun_apart(
        self, request: Request, response: Response | None, document: dict[str, Any] | None
    ) -> Call:
        if document is None:
            call = self._engine.begin_incomplete(request, self.ns, response)
        else:
            call = self._engine.begin_refused(request, self.ns, document)
        self.open[call.number] = call
        return call

    def _complete(self, call: Call, at_s: float) -> None:
        """The reply is whole and ready, and is handed out as soon as it is stored."""
        call.first_byte_at_s = call.last_byte_at_s = at_s
        self._finish(call, Outcome.DONE)

    def _finish(self, call: Call, outcome: Outcome) -> None:
        self.open.pop(call.number, None)
        due = self._engine.finish(call, outcome)
        for webhook in due:
            if not webhook.before and webhook.delivery.state is DeliveryState.WAITING:
                webhook.delivery.due_s = self.ns.clock.now_s() + webhook.delay_s
        if due and not self._replaying:
            self.due[call.number] = due
        elif due:
            self._wait_for(due)

    def tell_idle(self) -> None:
        """Call `when_idle` if nothing is in progress: all that was done is in the entries so far."""
        if self.when_idle is not None and not self.open and not self.changes.locked() and not self.token:
            self.when_idle(self)

    def known(self, request_id: str) -> Begun | None:
        """Return the call of a request that came before, and whose answer was lost on its way."""
        return self._seen.get(request_id)

    def take_due(self, call: Call) -> Sequence[Due]:
        """Return the webhooks of a closed call, which are to be sent now."""
        return self.due.pop(call.number, ()) if self.due else ()

    def remember(self, request_id: str, begun: Begun) -> None:
        """The request may come again, since its answer may be lost."""
        if request_id:
            self._seen[request_id] = begun
            if len(self._seen) > _MOST_REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def forget(self, request_id: str) -> None:
        """Its answer has come."""
        self._seen.pop(request_id, None)

    def answered(self, call: Call, status: int) -> None:
        """As of the engine: the status line is about to be sent."""
        if call.status is None and call.home is not None:
            self._engine.answered(call, status)
            self.append(Kind.ANSWERED, self._clock.live(), [call.number, status, call.first_byte_at_s])

    def left(self, call: Call) -> None:
        """As of the engine: the client has ended its side of the connection."""
        if call.outcome is not Outcome.OPEN:
            return
        at_s = self._clock.live()
        with self._clock.at(at_s):
            self._engine.left(call)
        self.append(Kind.LEFT, at_s, [call.number])

    def finish(self, call: Call, outcome: Outcome) -> Sequence[Due]:
        """
        Close the call. Return the webhooks that are to be sent now. One that was closed before its last byte left, and
        whose client then did not take it, is amended.
        """
        if call.number in self.open:
            at_s = self._clock.live()
            said = None
            body = b""
            if call.forwarded is not None and call.response is not None:
                said = [*response_head(call.response), call.reply_length, call.reply_sha256]
                body = call.response.body
            head = [
                call.number,
                outcome.value,
                call.first_byte_at_s,
                call.last_byte_at_s,
                call.left_at_s,
                said,
                call.error,
            ]
            with self._clock.at(at_s):
                self._finish(call, outcome)
            self.append(Kind.END, at_s, head, body)
            self.tell_idle()
        elif outcome is not call.outcome and outcome is Outcome.CLIENT_LEFT:
            self.amend(call, outcome)
        return self.due.pop(call.number, ())

    def amend(self, call: Call, outcome: Outcome, *, sent: bool = True) -> None:
        """Correct the outcome of a call that was closed before its reply left. `sent`: some of the reply has left."""
        at_s = self._clock.live()
        with self._clock.at(at_s):
            self._engine.amend(self.ns, call, outcome, sent=sent)
        self.append(Kind.AMEND, at_s, [call.number, outcome.value, sent])

    async def completes(self, call: Call, outcome: Outcome) -> None:
        """The last byte of its reply is about to leave: close the call, and have it stored before."""
        if not call.request.complete:
            outcome = Outcome.INCOMPLETE
        if call.number in self.open:
            call.last_byte_at_s = self._clock.live()
            due = self.finish(call, outcome)
            if due:
                self.due[call.number] = due
        await self.stored()

    def _told(self, call: Call, step: Forward) -> Forward:
        """Have the reply of a real service written down before it is used."""
        came = step.came

        def written(response: Response) -> bool:
            at_s = self._clock.live()
            with self._clock.at(at_s):
                self.append(
                    Kind.REPLY, at_s, [call.number, *response_head(response), call.error], response.body
                )
                return came(response)

        return replace(step, came=written)

    # Open to other replicas

    def _consider_opening(self, request: Request) -> None:
        """Open the namespace to other replicas, if nothing but the scenarios decides what is answered."""
        self._constants = 0
        ns = self.ns
        if (
            self.token
            or self.attended
            or self.changes.locked()
            or ns.overlay is not None
            or ns.outage is not None
            or ns.recordings is not None
            or ns.watchers
            or ns.listeners
            or ns.followers
            or self._committer.is_away
            or constant_route(ns.shared.scenario_set, request) is None
        ):
            return
        self.token = secrets.token_hex(8)
        self._mark(self.token)

    def _mark(self, token: str) -> None:
        self.position += 1
        self.unwritten.append(Mark(token))
        self._committer.wants(self)

    async def admit(self, is_constant: Callable[[], bool]) -> str:
        """
        Wait until a call can begin here, and return an empty text. If the namespace is open, and the call is one that
        any replica may decide, return the token by which whoever was asked adds it. Raises OwnerLostError,
        StoreTimeoutError, StoreAwayError.
        """
        while self.token or self.changes.locked():
            if not self.token:
                async with self.changes:
                    pass
            elif self._is_closing or not is_constant():
                await self.closed()
            else:
                await self.stored()  # the store knows of it
                await self._owner.confirm(self)
                if self.token and not self._is_closing:
                    return self.token
        return ""

    async def closed(self) -> None:
        """
        Wait until no other replica adds calls, and those that were added are known here. Raises OwnerLostError,
        StoreTimeoutError, StoreAwayError.
        """
        if not self.token:
            return
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
            self._closing.add_done_callback(self._close_done)
        await asyncio.shield(self._closing)

    def _close_done(self, task: asyncio.Task[None]) -> None:
        self._closing = None
        if not task.cancelled():
            task.exception()  # whoever waits has it too

    async def _close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._mark("")
        await self.stored()
        await self.catch_up()
        await self.added.log(_let_others)
        self.blocks += self._unread  # nobody else has written since
        self.token, self._is_closing, self._constants, self._unread = "", False, 0, 0

    async def catch_up(self) -> None:
        """Count what other replicas have added. Raises OwnerLostError, StoreAwayError."""
        async with self._reading:
            while True:
                blocks = await self._owner.read_blocks(self)
                for block in blocks:
                    self.blocks += 1
                    if not self.added.count(block):
                        self._unread -= 1
                if len(blocks) < MOST_BLOCKS:
                    return

    @property
    def is_open(self) -> bool:
        """Whether other replicas can add calls."""
        return bool(self.token) and not self._is_closing

    @property
    def is_complete(self) -> bool:
        """Whether this memory is that of the first `blocks` blocks, with calls that are not in the call log yet."""
        return not self._unread and self.confirmed >= self.position

    @property
    def recorded(self) -> int:
        """How many entries this memory is made of, without those of a checkpoint."""
        return self.position + self._replayed + self.added.total

    def end(self) -> Mark:
        """Return the place after all entries so far; its `blocks` are known once these are stored."""
        mark = Mark()
        if self.token:
            mark.blocks = self.blocks
        else:
            self.unwritten.append(mark)
            self._committer.wants(self)
        return mark

    def amend_added(self, added: Added, outcome: Outcome) -> None:
        """Correct the outcome of a call that a replica has added."""
        number = self.added.number_of(*added)
        call = None if number is None else self.ns.record.get(number)
        if call is not None and call.outcome is Outcome.DONE:
            self.amend(call, outcome, sent=False)

    # Changes

    async def change(
        self, request: Request, run: Callable[[], Awaitable[T]], succeeded: Callable[[T], bool]
    ) -> T:
        """Run a call of the admin API that changes the namespace, alone, and write it down where it succeeded."""
        async with self.changes:
            await self.closed()
            at_s = self._clock.live()
            with self._clock.at_in_task(at_s):
                answer = await run()
            if succeeded(answer):
                kept = [pair for pair in request.headers.pairs if pair[0].lower() not in _SECRETS]
                self.append(Kind.ADMIN, at_s, [request_head(request)], Headers(kept).as_bytes(), request.body)
        return answer

    def kept(self) -> None:
        """How long the namespace stays was changed."""
        self.append(Kind.KEPT, self._clock.live(), [self.ns.ttl_s, self.ns.kept_at_s, self.ns.used_at_s])

    def _clock_moved(self) -> None:
        self.append(Kind.CLOCK, self._clock.now(), list(self.ns.clock.state()))

    # Webhooks

    def sending(self, delivery: Delivery, number: int) -> None:
        """An attempt begins: another owner can't know whether it was received."""
        self.append(Kind.SENDING, self._clock.live(), [delivery.number, number])

    def sent(self, delivery: Delivery, attempt: Try | None, next_number: int) -> None:
        """An attempt is over, or the delivery was given up. `next_number` is that of the attempt that follows, 0 for none."""
        said = None
        if attempt is not None:
            said = [attempt.at_s, attempt.sent_at_s, attempt.duration_ms, attempt.status, attempt.error]
        head = [delivery.number, delivery.state.value, delivery.error, delivery.due_s, next_number, said]
        self.append(Kind.SENT, self._clock.live(), head, attempt.answer if attempt is not None else b"")

    def _wait_for(self, due: Sequence[Due]) -> None:
        """In a replay: what the owner would have sent waits in the timers."""
        for webhook in due:
            delivery = webhook.delivery
            if delivery.state is DeliveryState.WAITING and not any(
                attempt.delivery is delivery for attempt in self.ns.timers
            ):
                self.ns.timers.push(delivery.due_s, DeliveryAttempt(delivery))

    # Replays

    async def replay(
        self, blocks: Sequence[bytes], run: AdminRun, pause: Callable[[], Awaitable[None]]
    ) -> None:
        """
        Run the entries of an earlier owner. `pause` lets others have their turn. Raises BadEntryError. Calls that were
        open then are lost: their client was connected to nobody who lives. Listeners hear of these alone: the earlier
        owner has told its own of the others.
        """
        self._replaying = True
        listeners, self.ns.listeners = self.ns.listeners, frozenset()
        try:
            for block in blocks:
                try:
                    await self._apply_block(block, run, pause)
                except (ValueError, TypeError, LookupError, AttributeError) as error:
                    raise BadEntryError(f"an entry is wrong: {type(error).__name__}: {error}") from error
            await self.added.log(pause)
        finally:
            self._replaying = False
            self.ns.listeners = listeners
        self.due.clear()
        for call in tuple(self.open.values()):
            self.finish(call, Outcome.LOST)
        self.due.clear()

    async def _apply_block(self, block: bytes, run: AdminRun, pause: Callable[[], Awaitable[None]]) -> None:
        header = first_of(block)
        if header.kind is Kind.ADDED and self.added.can_count(header):
            self._clock.at_least(header.at_s)
            self.added.count(block)
            await pause()
            return
        await self.added.log(pause)
        for entry in entries_of(block):
            await self._apply(entry, run)
            self._replayed += 1
            await pause()

    async def _apply(self, entry: LogEntry, run: AdminRun) -> None:
        self._clock.at_least(entry.at_s)
        if entry.kind is Kind.ADMIN:
            request = request_of(entry.head[0], entry.first, entry.second, self.ns.name)
            with self._clock.at_in_task(entry.at_s):
                await run(request, self.ns)
            return
        with self._clock.at(entry.at_s):
            _APPLY[entry.kind](self, entry)

    def _apply_call(self, entry: LogEntry) -> None:
        head, request_id, header, completed, *apart = entry.head
        request = request_of(head, entry.first, entry.second, self.ns.name)
        if apart:
            said, document = apart
            self._begun_apart(request, None if said is None else response_of(said[:-1], said[-1]), document)
            return
        call = self._begun(request, None if header is None else (header[0], header[1]))
        self.remember(request_id, (call, call.plan))
        if completed:
            self._complete(call, entry.at_s)

    def _apply_added(self, entry: LogEntry) -> None:
        """Calls follow that can't be counted, since the scenarios are others."""

    def _apply_constant(self, entry: LogEntry) -> None:
        request = request_of(entry.head[0], entry.first, entry.second, self.ns.name)
        call = self._begun(request, None)
        self._complete(call, entry.at_s)

    def _apply_answered(self, entry: LogEntry) -> None:
        number, status, first_byte_at_s = entry.head
        call = self.open.get(number)
        if call is not None:
            call.first_byte_at_s = first_byte_at_s
            self._engine.answered(call, status)

    def _apply_left(self, entry: LogEntry) -> None:
        call = self.open.get(entry.head[0])
        if call is not None:
            self._engine.left(call)

    def _apply_end(self, entry: LogEntry) -> None:
        number, outcome, first_byte_at_s, last_byte_at_s, left_at_s, said, error = entry.head
        call = self.open.get(number)
        if call is None:
            return
        call.first_byte_at_s, call.last_byte_at_s = first_byte_at_s, last_byte_at_s
        if left_at_s is not None:
            call.left_at_s = left_at_s
        if said is not None:
            *head, length, digest = said
            call.response = response_of(head, entry.first)
            call.reply_length, call.reply_sha256 = length, digest
        if error is not None:
            call.error = error
        self._finish(call, Outcome(outcome))

    def _apply_amend(self, entry: LogEntry) -> None:
        number, outcome, sent = entry.head
        call = self.ns.record.get(number)
        if call is not None:
            self._engine.amend(self.ns, call, Outcome(outcome), sent=sent)

    def _apply_reply(self, entry: LogEntry) -> None:
        number, status, headers, reason, error = entry.head
        call = self.open.get(number)
        step = (
            next((step for step in call.plan if isinstance(step, Forward)), None)
            if call is not None
            else None
        )
        if call is not None and step is not None:
            call.error = error
            step.came(response_of([status, headers, reason], entry.first))

    def _apply_clock(self, entry: LogEntry) -> None:
        offset_s, frozen_s = entry.head
        self.ns.clock.restore((offset_s, frozen_s))

    def _apply_sending(self, entry: LogEntry) -> None:
        delivery = self.ns.deliveries.get(entry.head[0])
        if delivery is not None:
            delivery.again = True

    def _apply_sent(self, entry: LogEntry) -> None:
        number, state, error, due_s, next_number, said = entry.head
        delivery = self.ns.deliveries.get(number)
        if delivery is None:
            return
        delivery.again = False
        if said is not None:
            at_s, sent_at_s, duration_ms, status, failure = said
            delivery.tries.append(Try(at_s, sent_at_s, duration_ms, status, failure, entry.first))
        delivery.state, delivery.error, delivery.due_s = DeliveryState(state), error, due_s
        timers = self.ns.timers
        timers.remove(lambda attempt: attempt.delivery is delivery)
        if next_number:
            timers.push(due_s, DeliveryAttempt(delivery, next_number))

    def _apply_kept(self, entry: LogEntry) -> None:
        self.ns.ttl_s, self.ns.kept_at_s, self.ns.used_at_s = entry.head


async def _let_others() -> None:
    await asyncio.sleep(0)


def _is_ready(call: Call) -> bool:
    """Whether the reply is whole, and nothing is waited for before it is sent."""
    plan = call.plan
    if len(plan) != 1 or call.consult is not None:
        return False
    step = plan[0]
    if step.__class__ is not Send or step.upto is not None or step.promise is not None:
        return False
    return not call.due or not any(due.before for due in call.due)


_APPLY: dict[Kind, Callable[[NamespaceJournal, LogEntry], None]] = {
    Kind.CALL: NamespaceJournal._apply_call,  # noqa: SLF001  (its own class)
    Kind.ANSWERED: NamespaceJournal._apply_answered,  # noqa: SLF001
    Kind.LEFT: NamespaceJournal._apply_left,  # noqa: SLF001
    Kind.END: NamespaceJournal._apply_end,  # noqa: SLF001
    Kind.AMEND: NamespaceJournal._apply_amend,  # noqa: SLF001
    Kind.REPLY: NamespaceJournal._apply_reply,  # noqa: SLF001
    Kind.CLOCK: NamespaceJournal._apply_clock,  # noqa: SLF001
    Kind.SENDING: NamespaceJournal._apply_sending,  # noqa: SLF001
    Kind.SENT: NamespaceJournal._apply_sent,  # noqa: SLF001
    Kind.KEPT: NamespaceJournal._apply_kept,  # noqa: SLF001
    Kind.ADDED: NamespaceJournal._apply_added,  # noqa: SLF001
    Kind.CONSTANT: NamespaceJournal._apply_constant,  # noqa: SLF001
}
