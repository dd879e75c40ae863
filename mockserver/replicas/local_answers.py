"""Requests for the namespaces that this replica owns: decided by their journals, and answered once that is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mockserver.errors import MockServerError
from mockserver.http.encoder import encode
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.listener import Listener
from mockserver.model.call import Call
from mockserver.model.http import HTTP_1_1, Request, Response
from mockserver.model.plan import Outcome, Plan, is_one_send
from mockserver.replicas.asks import Ask
from mockserver.replicas.committer import StoreTimeoutError
from mockserver.replicas.constant import constant_route
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.problems import NoAnswerError, failure, lost
from mockserver.replicas.store import StoreIsFullError, StoreRefusedError


class NamespaceOpenError(MockServerError):
    """Any replica may decide the call: the replica that received it adds it with that token."""

    def __init__(self, token: str) -> None:
        super().__init__("the namespace is open")
        self.token = token


class LocalAnswers:
    """`admin` answers the admin API of a namespace."""

    def __init__(
        self,
        ownership: Ownership,
        listener: Listener,
        admin: Callable[[Request, NamespaceJournal], Awaitable[Any]],
    ) -> None:
        self._ownership = ownership
        self._listener = listener
        self._admin = admin

    def begin_ready(
        self,
        request: Request,
        name: str,
        request_id: str,
        header: tuple[str, str] | None,
        *,
        is_local: bool,
    ) -> tuple[NamespaceJournal, Call, Response] | None:
        """
        Decide a call, where the namespace is here. Return it with its reply if that is whole and ready. None: nothing was
        done, or the call was begun and goes on by its id.
        """
        journal = self._ownership.journals.get(name)
        if (
            journal is None
            or journal.entries.token
            or journal.changes.locked()
            or self._ownership.committer.is_away
        ):
            return None
        begun = None if is_local else journal.known(request_id)
        call, plan = begun or journal.begin(request, request_id, header, is_local=is_local)
        if call.number in journal.open or call.outcome is not Outcome.DONE or not is_one_send(plan):
            return None
        return journal, call, plan[0].response  # type: ignore[union-attr]

    async def answer(self, journal: NamespaceJournal, ask: Ask, wire: Http1Wire) -> None:
        """Answer as the owner of the namespace. Raises OwnerLostError, NoAnswerError, NamespaceOpenError."""
        request, apart = ask.request, ask.apart
        if ask.is_admin:
            await self._listener.send_admin(await self._admin(request, journal), wire)
            return
        if journal.known(ask.id) is None:
            await self._admitted(journal, ask)
        if apart is not None and apart.amended is not None:
            journal.amend_added(*apart.amended)
            await journal.entries.stored()
            return
        begun = journal.known(ask.id)  # it may have come again meanwhile
        if begun is not None and begun[0].outcome is Outcome.LOST:
            raise NoAnswerError(lost())
        if begun is None:
            if apart is not None:
                call = (
                    journal.begin_incomplete(request, apart.response)
                    if apart.document is None
                    else journal.begin_refused(request, apart.document)
                )
                begun = call, call.plan
            else:
                begun = journal.begin(request, ask.id, ask.header)
        call, plan = begun
        is_ready = call.number not in journal.open
        try:
            await journal.entries.stored()
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError) as error:
            close_as_lost(journal, call)
            raise NoAnswerError(failure(error)) from error
        except asyncio.CancelledError:
            if is_ready:
                journal.amend(call, Outcome.CLIENT_LEFT, sent=False)
            else:
                journal.finish(call, Outcome.CLIENT_LEFT)
            raise
        wire.settled_by(journal, journal.completes)
        if is_ready:
            await self._send_ready(journal, call, plan, request, wire)
            return
        try:
            await self._listener.perform(journal.ns, call, wire, journal)
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError, OwnerLostError) as error:
            close_as_lost(journal, call, sent=wire.has_begun)
            raise NoAnswerError(failure(error)) from error

    async def _admitted(self, journal: NamespaceJournal, ask: Ask) -> None:
        """Wait until a call can begin here. Raises OwnerLostError, StoreAwayError, NoAnswerError, NamespaceOpenError."""

        def is_constant() -> bool:
            scenario_set = self._listener.engine.shared.scenario_set
            plain = ask.apart is None and ask.header is None
            return plain and constant_route(scenario_set, ask.request) is not None

        try:
            token = await journal.opening.admit(is_constant)
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError) as error:
            raise NoAnswerError(failure(error)) from error
        if token:
            raise NamespaceOpenError(token)

    async def _send_ready(
        self, journal: NamespaceJournal, call: Call, plan: Plan, request: Request, wire: Http1Wire
    ) -> None:
        """Send the reply of a call that is closed already."""
        listener = self._listener
        listener.send_webhooks(journal.ns, journal.take_due(call))
        response = plan[0].response  # type: ignore[union-attr]
        try:
            if wire.keep_alive and not wire.head_only and request.version == HTTP_1_1 and is_one_send(plan):
                await wire.write(encode(response, request.arrived_s), 0)
            else:
                await listener.performer.perform(plan, wire, raise_where_left)
        except (ConnectionError, asyncio.CancelledError):
            if not wire.interrupted():
                journal.amend(
                    call, Outcome.CLIENT_LEFT, sent=wire.has_begun and not wire.transport.is_closing()
                )
            raise


def close_as_lost(journal: NamespaceJournal, call: Call, *, sent: bool = False) -> None:
    """Nobody knows yet whether what the call did is in the store; its client gets no answer of the scenario."""
    if journal.entries.lost is not None:
        return
    if call.number in journal.open:
        journal.finish(call, Outcome.LOST)
    else:
        journal.amend(call, Outcome.LOST, sent=sent)


def not_received(journal: NamespaceJournal, call: Call) -> None:
    """The client did not take the reply."""
    if journal.entries.lost is None:
        journal.amend(call, Outcome.CLIENT_LEFT, sent=False)


def raise_where_left(outcome: Outcome) -> None:
    """Raises ConnectionError if the client has left."""
    if outcome is Outcome.CLIENT_LEFT:
        raise ConnectionResetError("the client has disconnected")
