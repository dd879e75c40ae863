"""
One namespace that this replica owns: runs what it is told by the engine, and writes each of it down for the store.

What was run is appended in the same step, so the entries are in the order in which the engine has seen them. No
result leaves before `stored` has come back. Running the entries of another owner gives its memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.webhooks import Due
from mockserver.errors import SharedStoreError
from mockserver.model.call import Call
from mockserver.model.headers import Headers
from mockserver.model.http import Request, Response
from mockserver.model.plan import Forward, Outcome, Plan, Send
from mockserver.replicas.clock import LoggedClock, StoreClock
from mockserver.replicas.committer import Committer
from mockserver.replicas.constant import Added
from mockserver.replicas.entries import Kind, request_head, response_head
from mockserver.replicas.entry_writer import EntryWriter
from mockserver.replicas.opening import OPEN_AFTER, NamespaceOpening
from mockserver.replicas.store import Written
from mockserver.store.delivery import Delivery, DeliveryAttempt, DeliveryState, Try

T = TypeVar("T")
_SECRETS = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Header lines of admin calls that a replay does not need."""
_MOST_REMEMBERED = 20_000
"""Requests of other replicas whose reply is known again by their id."""


class OwnerLostError(SharedStoreError):
    """Another replica owns the namespace by now."""


Begun = tuple[Call, Plan]
"""A call, and what is performed for it: a closed call has no plan any more."""


class OwnerStore(Protocol):
    """What a journal needs of the manager of ownership."""

    async def read_blocks(self, journal: NamespaceJournal) -> Sequence[bytes]:
        """Read the next blocks of the namespace. Raises OwnerLostError, StoreAwayError."""

    async def confirm(self, journal: NamespaceJournal) -> None:
        """Make sure that nobody has taken the namespace over. Raises OwnerLostError, StoreAwayError."""

    def refused(self, journal: NamespaceJournal, result: Written) -> None:
        """The store has refused a group."""


class NamespaceJournal:
    """The calls and changes of a namespace, run and written down. `epoch` is that of the ownership."""

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
        self.engine = engine
        self.shared = engine.shared
        self.clock = clock
        self.open: dict[int, Call] = {}
        self.changes = asyncio.Lock()
        """Held by what changes the namespace and waits in between; calls wait for it."""
        self.due: dict[int, Sequence[Due]] = {}
        """Webhooks of calls that were completed before their last byte left."""
        self.when_idle: Callable[[NamespaceJournal], None] | None = None
        """Called by a completed call, if none is in progress and no change is being made."""
        self.entries = EntryWriter(ns.name, epoch, committer, partial(owner.refused, self), blocks=blocks)
        self.opening = NamespaceOpening(
            ns,
            self.entries,
            committer,
            self.changes,
            open_after=open_after,
            read_blocks=partial(owner.read_blocks, self),
            confirm=partial(owner.confirm, self),
        )
        self.replayed = 0
        """How many entries of earlier owners this memory is made of."""
        self._seen: dict[str, Begun] = {}
        if not isinstance(ns.clock, LoggedClock):
            ns.clock = LoggedClock(engine.shared.wall)
        assert isinstance(ns.clock, LoggedClock)
        ns.clock.told = self._clock_moved

    @property
    def recorded(self) -> int:
        """How many entries this memory is made of, without those of a checkpoint."""
        return self.entries.position + self.replayed + self.opening.added.total

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
        and from then on it is complete for everybody. `header` is one more line of the reply. A completed call that `is_local` is
        not `known` by its id, unless it is told to `remember`.
        """
        clock = self.clock
        at_s = clock.live()
        body = request.body  # the call log cuts a long one
        head: list[Any] = [request_head(request), request_id, header, None]
        clock.pinned, before_s = at_s, clock.pinned  # a context manager costs more
        try:
            call = self.run(request, header)
            begun = call, call.plan
            if _is_ready(call):
                head[3] = True
                self.complete(call, at_s)
        finally:
            clock.pinned = before_s
        self.entries.append(Kind.CALL, at_s, head, request.headers.as_bytes(), body)
        if not is_local or not head[3]:
            self.remember(request_id, begun)
        self.opening.decided(request, self.ns.shared.scenario_set.routes.get(call.route_id or ""))
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
        at_s = self.clock.live()
        body = request.body
        said = None if response is None else [*response_head(response), response.body]
        with self.clock.at(at_s):
            call = self.run_apart(request, response, document)
        head = [request_head(request), "", None, None, said, document]
        self.entries.append(Kind.CALL, at_s, head, request.headers.as_bytes(), body)
        return call

    def run(self, request: Request, header: tuple[str, str] | None) -> Call:
        """Have the engine decide a call."""
        call = self.engine.begin(request, self.ns)
        if header is not None:
            self.engine.add_header(call, *header)
        self.open[call.number] = call
        if call.forwarded is not None:
            call.plan = tuple(
                self._told(call, step) if isinstance(step, Forward) else step for step in call.plan
            )
        return call

    def run_apart(self, request: Request, response: Response | None, document: dict[str, Any] | None) -> Call:
        """Have the engine record a request that claims no route."""
        if document is None:
            call = self.engine.begin_incomplete(request, self.ns, response)
        else:
            call = self.engine.begin_refused(request, self.ns, document)
        self.open[call.number] = call
        return call

    def complete(self, call: Call, at_s: float) -> None:
        """The reply is whole and ready, and is handed out as soon as it is stored."""
        call.first_byte_at_s = call.last_byte_at_s = at_s
        self.close(call, Outcome.DONE)

    def close(self, call: Call, outcome: Outcome) -> None:
        """Have the engine complete a call."""
        self.open.pop(call.number, None)
        due = self.engine.finish(call, outcome)
        for webhook in due:
            if not webhook.before and webhook.delivery.state is DeliveryState.WAITING:
                webhook.delivery.due_s = self.ns.clock.now_s() + webhook.delay_s
        if due and not self.entries.is_replaying:
            self.due[call.number] = due
        elif due:
            self._wait_for(due)

    def tell_idle(self) -> None:
        """Call `when_idle` if nothing is in progress: all that was done is in the entries so far."""
        if (
            self.when_idle is not None
            and not self.open
            and not self.changes.locked()
            and not self.entries.token
        ):
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
            self.engine.answered(call, status)
            self.entries.append(Kind.ANSWERED, self.clock.live(), [call.number, status, call.first_byte_at_s])

    def left(self, call: Call) -> None:
        """As of the engine: the client has ended its side of the connection."""
        if call.outcome is not Outcome.OPEN:
            return
        at_s = self.clock.live()
        with self.clock.at(at_s):
            self.engine.left(call)
        self.entries.append(Kind.LEFT, at_s, [call.number])

    def finish(self, call: Call, outcome: Outcome) -> Sequence[Due]:
        """
        Close the call. Return the webhooks that are to be sent now. One that was closed before its last byte left, and
        whose client then did not take it, is amended.
        """
        if call.number in self.open:
            at_s = self.clock.live()
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
            with self.clock.at(at_s):
                self.close(call, outcome)
            self.entries.append(Kind.END, at_s, head, body)
            self.tell_idle()
        elif outcome is not call.outcome and outcome is Outcome.CLIENT_LEFT:
            self.amend(call, outcome)
        return self.due.pop(call.number, ())

    def amend(self, call: Call, outcome: Outcome, *, sent: bool = True) -> None:
        """Correct the outcome of a call that was closed before its reply left. `sent`: some of the reply has left."""
        at_s = self.clock.live()
        with self.clock.at(at_s):
            self.engine.amend(self.ns, call, outcome, sent=sent)
        self.entries.append(Kind.AMEND, at_s, [call.number, outcome.value, sent])

    async def completes(self, call: Call, outcome: Outcome) -> None:
        """The last byte of its reply is about to leave: close the call, and have it stored before."""
        if not call.request.complete:
            outcome = Outcome.INCOMPLETE
        if call.number in self.open:
            call.last_byte_at_s = self.clock.live()
            due = self.finish(call, outcome)
            if due:
                self.due[call.number] = due
        await self.entries.stored()

    def _told(self, call: Call, step: Forward) -> Forward:
        """Have the reply of a real service written down before it is used."""
        came = step.came

        def written(response: Response) -> bool:
            at_s = self.clock.live()
            with self.clock.at(at_s):
                self.entries.append(
                    Kind.REPLY, at_s, [call.number, *response_head(response), call.error], response.body
                )
                return came(response)

        return replace(step, came=written)

    def amend_added(self, added: Added, outcome: Outcome) -> None:
        """Correct the outcome of a call that a replica has added."""
        number = self.opening.added.number_of(*added)
        call = None if number is None else self.ns.call_log.get(number)
        if call is not None and call.outcome is Outcome.DONE:
            self.amend(call, outcome, sent=False)

    # Changes

    async def change(
        self, request: Request, run: Callable[[], Awaitable[T]], succeeded: Callable[[T], bool]
    ) -> T:
        """Run a call of the admin API that changes the namespace, alone, and write it down where it succeeded."""
        async with self.changes:
            await self.opening.closed()
            at_s = self.clock.live()
            with self.clock.at_in_task(at_s):
                answer = await run()
            if succeeded(answer):
                kept = [pair for pair in request.headers.pairs if pair[0].lower() not in _SECRETS]
                self.entries.append(
                    Kind.ADMIN, at_s, [request_head(request)], Headers(kept).as_bytes(), request.body
                )
        return answer

    def kept(self) -> None:
        """How long the namespace stays was changed."""
        self.entries.append(
            Kind.KEPT, self.clock.live(), [self.ns.ttl_s, self.ns.kept_at_s, self.ns.used_at_s]
        )

    def _clock_moved(self) -> None:
        self.entries.append(Kind.CLOCK, self.clock.now(), list(self.ns.clock.state()))

    # Webhooks

    def sending(self, delivery: Delivery, number: int) -> None:
        """An attempt begins: another owner can't know whether it was received."""
        self.entries.append(Kind.SENDING, self.clock.live(), [delivery.number, number])

    def sent(self, delivery: Delivery, attempt: Try | None, next_number: int) -> None:
        """An attempt has ended, or the delivery was given up. `next_number` is that of the attempt that follows, 0 for none."""
        said = None
        if attempt is not None:
            said = [attempt.at_s, attempt.sent_at_s, attempt.duration_ms, attempt.status, attempt.error]
        head = [delivery.number, delivery.state.value, delivery.error, delivery.due_s, next_number, said]
        self.entries.append(
            Kind.SENT, self.clock.live(), head, attempt.answer if attempt is not None else b""
        )

    def _wait_for(self, due: Sequence[Due]) -> None:
        """In a replay: what the owner would have sent waits in the timers."""
        for webhook in due:
            delivery = webhook.delivery
            if delivery.state is DeliveryState.WAITING and not any(
                attempt.delivery is delivery for attempt in self.ns.timers
            ):
                self.ns.timers.push(delivery.due_s, DeliveryAttempt(delivery))


def _is_ready(call: Call) -> bool:
    """Whether the reply is whole, and nothing is waited for before it is sent."""
    plan = call.plan
    if len(plan) != 1 or call.consult is not None:
        return False
    step = plan[0]
    if step.__class__ is not Send or step.upto is not None or step.promise is not None:
        return False
    return not call.due or not any(due.before for due in call.due)
