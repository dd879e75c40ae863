"""
One of many replicas: answers where it owns the namespace of a request, and passes the request on where it does not.

A request that gets no answer on its way, because its owner has gone, is asked of the next owner under the same id: what
it did is done once, whatever was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from mockserver.engine.engine import NamespaceExistsError
from mockserver.errors import MockServerError
from mockserver.http.encoder import encode
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.listener import Listener
from mockserver.http.stored_replies import PendingReply
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome
from mockserver.replicas.asks import Apart, Ask
from mockserver.replicas.committer import WAIT_S
from mockserver.replicas.constant import Added
from mockserver.replicas.constant_answers import ConstantAnswers
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError
from mockserver.replicas.link import LinkServer, RemoteTransport
from mockserver.replicas.local_answers import LocalAnswers, NamespaceOpenError, close_as_lost, not_received
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.problems import NoAnswerError, away, failure, send_problem
from mockserver.replicas.relay import Relay
from mockserver.replicas.relayed_requests import RelayedRequests
from mockserver.replicas.store import Facts, Member, StoreAwayError, StoreIsFullError, StoreRefusedError
from mockserver.store.call_log import KEPT_BODY_BYTES

HELD_S = 10.0
"""How long a request is held while the owner of its namespace is being replaced."""
_PAUSE_S = 0.05


class AdminAnswerer(Protocol):
    """Answers calls of the admin API."""

    async def answer(self, request: Request, wire: Http1Wire) -> None: ...


class NoNamespaceError(MockServerError):
    """There is no namespace of that name."""


class Replica:
    """
    `admin` answers the admin API of the namespaces that are owned here; `listener` performs. `facts` are those of a
    namespace that a request may make, None where it may not.
    """

    def __init__(
        self,
        ownership: Ownership,
        listener: Listener,
        *,
        secret: bytes,
        server: LinkServer,
        facts: Callable[[str], Facts | None],
        unknown: Callable[[str], Response],
        admin: Callable[[Request, NamespaceJournal], Awaitable[Any]],
    ) -> None:
        self.ownership = ownership
        self.listener = listener
        self._facts = facts
        self._unknown = unknown
        self._local = LocalAnswers(ownership, listener, admin)
        self._constants = ConstantAnswers(ownership, listener, self._amend)
        self.relay = Relay(secret)
        self._relayed = RelayedRequests(ownership, listener, server, self._local)
        server.serve(secret, self._relayed.asked)
        self.administration: AdminAnswerer
        self._last = 0
        self._prefix = f"{secrets.token_hex(6)}."
        self._tasks: set[asyncio.Task[None]] = set()
        self.answered = 0
        """Requests of clients of this replica."""

    async def answer(
        self,
        request: Request,
        name: str,
        wire: Http1Wire,
        *,
        header: tuple[str, str] | None = None,
        apart: Apart | None = None,
        is_admin: bool = False,
        request_id: str = "",
    ) -> None:
        """Answer a request for that namespace, here or by another replica. Raises ConnectionError."""
        self.answered += not is_admin and (apart is None or apart.amended is None)
        ask = Ask(request, name, request_id or self.new_id(), header, apart, is_admin)
        began_s = asyncio.get_running_loop().time()
        while True:
            try:
                home = await self._home(name)
                if isinstance(home, NamespaceJournal):
                    await self._local.answer(home, replace(ask, request=request.again()), wire)
                    return
                if await self.relay.answer(home, ask, wire):
                    return
                self.ownership.forget_home(name, home)
            except NamespaceOpenError as error:
                if isinstance(home, Member) and home.digest != self.ownership.member.digest:
                    await self._send(away("this replica has other scenario files than the others"), wire)
                    return
                if await self._constants.answer(name, error.token, request, wire):
                    return
                if asyncio.get_running_loop().time() - began_s <= HELD_S:
                    continue  # it was closed meanwhile
            except NoNamespaceError:
                if is_admin:
                    await self.listener.answer_admin(request, wire)  # it says so in its own way
                else:
                    await self._send(self._unknown(name), wire)
                return
            except NoAnswerError as error:
                await self._send(error.response, wire)
                return
            except StoreAwayError as error:
                if asyncio.get_running_loop().time() - began_s > WAIT_S or self.ownership.committer.is_away:
                    await self._send(away(str(error)), wire)
                    return
            except (StoreRefusedError, StoreIsFullError) as error:
                await self._send(failure(error), wire)
                return
            except OwnerLostError:
                pass
            if asyncio.get_running_loop().time() - began_s > HELD_S:
                await self._send(away("no replica has taken the namespace over"), wire)
                return
            await asyncio.sleep(_PAUSE_S)

    def new_id(self) -> str:
        """Return an id for a request, by which it is done once."""
        self._last += 1
        return f"{self._prefix}{self._last}"

    def reply_when_stored(
        self,
        request: Request,
        name: str,
        request_id: str,
        header: tuple[str, str] | None,
        pending: PendingReply,
    ) -> bool:
        """
        Decide a call without a task, where the namespace is here and the reply whole and ready: `pending` gets it once
        the store has the call. False: `answer` goes on with that id.
        """
        if self._constants.writers and header is None and self._constants.add(request, name, pending):
            self.answered += 1
            return True
        # The call log cuts a long body, and it may have to be asked once more.
        own = request if len(request.body) <= KEPT_BODY_BYTES else request.again()
        ready = self._local.begin_ready(own, name, request_id, header, is_local=True)
        if ready is None:
            return False
        journal, call, response = ready
        self.answered += 1

        def stored(error: MockServerError | None) -> None:
            if error is None:
                if due := journal.take_due(call):
                    self.listener.send_webhooks(journal.ns, due)
                pending.take(encode(response, request.arrived_s), partial(not_received, journal, call))
            else:
                if not isinstance(error, OwnerLostError):
                    close_as_lost(journal, call)
                    journal.remember(request_id, (call, ()))
                pending.ask_again()

        journal.entries.when_stored(stored)
        return True

    async def answer_admin(self, request: Request, wire: Http1Wire) -> None:
        """Answer a call of the admin API. Raises ConnectionError."""
        await self.administration.answer(request, wire)

    async def answer_apart(
        self,
        request: Request,
        name: str,
        wire: Http1Wire,
        response: Response | None,
        document: dict[str, Any] | None = None,
    ) -> None:
        """Answer a request that claims no route."""
        await self.answer(request, name, wire, apart=Apart(response, document))

    def record_incomplete(self, request: Request, name: str) -> None:
        """Record a request whose client left in the middle of its body."""
        self._record(request, name, Apart(None))

    def record_refused(self, request: Request, document: dict[str, Any]) -> None:
        """Record a request that can't be answered."""
        self._record(request, request.namespace, Apart(None, document))

    def _amend(self, name: str, outcome: Outcome, added: Added) -> None:
        """Tell the owner what became of a call that was added."""
        self._record(Request("POST", "/"), name, Apart(None, amended=(added, outcome)))

    def _record(self, request: Request, name: str, apart: Apart) -> None:
        """Record a request whose client waits for nothing."""
        transport = RemoteTransport(request.client)
        transport.client_left()
        wire = Http1Wire(
            transport, transport, self.listener.engine, version=(1, 1), keep_alive=False, head_only=False
        )
        task = asyncio.get_running_loop().create_task(self._recorded(request, name, wire, apart))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recorded(self, request: Request, name: str, wire: Http1Wire, apart: Apart) -> None:
        with contextlib.suppress(ConnectionError):
            await self.answer(request, name, wire, apart=apart)

    async def _home(self, name: str) -> NamespaceJournal | Member:
        """Raises NoNamespaceError, StoreAwayError."""
        ownership = self.ownership
        if ownership.committer.is_away:
            raise StoreAwayError("the store does not answer")
        if ownership.error is not None:
            raise StoreAwayError(ownership.error)
        home = await ownership.home(name)
        if home is None:
            facts = self._facts(name)
            if facts is None:
                raise NoNamespaceError
            try:
                return await ownership.make(name, facts)
            except NamespaceExistsError:
                home = await ownership.home(name)
                if home is None:
                    raise NoNamespaceError from None
        return home

    async def _send(self, response: Response, wire: Http1Wire) -> None:
        await send_problem(response, self.listener, wire)

    def tidy(self) -> None:
        """Give up answers whose asker has gone, connections to replicas that have, and writers that are not used."""
        self._constants.drop_unused()
        self._relayed.tidy()
        self.relay.keep({member.address for member in self.ownership.members.values()})

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await self._relayed.close()
        self.relay.keep(set())
        await self.ownership.stop()
