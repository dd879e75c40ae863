"""
One of many replicas: answers where it owns the namespace of a request, and passes the request on where it does not.

A request that gets no answer on its way, because its owner has gone, is asked of the next owner under the same id: what
it did is done once, whatever was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from mockserver.engine.answers import problem_response
from mockserver.engine.engine import NamespaceExistsError
from mockserver.engine.routes import Route
from mockserver.errors import MockServerError
from mockserver.http.connection import PendingReply
from mockserver.http.encoder import encode
from mockserver.http.http1_wire import Http1Wire, reset, sent_by_kernel
from mockserver.http.listener import Listener
from mockserver.http.performer import ready_response
from mockserver.model.call import Call
from mockserver.model.http import HTTP_1_1, Request, Response
from mockserver.model.plan import Outcome, Plan, is_one_send
from mockserver.model.problem import problem
from mockserver.replicas.committer import WAIT_S, StoreTimeoutError
from mockserver.replicas.constant import (
    Added,
    ClosedError,
    ConstantWriter,
    constant_response,
    constant_route,
)
from mockserver.replicas.entries import request_head, request_of, response_head, response_of
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError
from mockserver.replicas.link import (
    Frames,
    LinkLostError,
    LinkServer,
    PeerLink,
    RelayedReply,
    RemoteTransport,
    Sort,
    pack_ask,
    unpack_ask,
)
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.store import Facts, Member, StoreAwayError, StoreIsFullError, StoreRefusedError
from mockserver.store.call_log import KEPT_BODY_BYTES

log = logging.getLogger("mockserver")

HELD_S = 10.0
"""How long a request is held while the owner of its namespace is being replaced."""
_PAUSE_S = 0.05
_CUT_S = 10.0
"""So long the answer to a request of another replica is kept after the connection to it broke."""


class AdminAnswerer(Protocol):
    """Answers calls of the admin API."""

    async def answer(self, request: Request, wire: Http1Wire) -> None: ...


class Apart:
    """A request that claims no route: its body never came whole, or it can't be answered."""

    __slots__ = ("amended", "document", "response")

    def __init__(
        self,
        response: Response | None,
        document: dict[str, Any] | None = None,
        amended: tuple[Added, Outcome] | None = None,
    ) -> None:
        self.response = response
        self.document = document
        self.amended = amended
        """No request at all, but the outcome of a call that a replica has added."""

    def plain(self) -> list[Any]:
        """Return it as plain values."""
        response = self.response
        return [
            None if response is None else [*response_head(response), response.body],
            self.document,
            None if self.amended is None else [list(self.amended[0]), self.amended[1].value],
        ]

    @classmethod
    def of(cls, plain: list[Any]) -> Apart:
        response, document, amended = plain
        return cls(
            None if response is None else response_of(response[:-1], response[-1]),
            document,
            None if amended is None else (tuple(amended[0]), Outcome(amended[1])),
        )


class NoAnswerError(MockServerError):
    """The request gets a response that no scenario made: `response` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__("there is no answer")
        self.response = response


class NamespaceOpenError(MockServerError):
    """Any replica may decide the call: whoever was asked by the client adds it by that token."""

    def __init__(self, token: str) -> None:
        super().__init__("the namespace is open")
        self.token = token


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
        self._admin = admin
        self._links: dict[str, PeerLink] = {}
        self._secret = secret
        self.server = server
        server.serve(secret, self._asked)
        self.administration: AdminAnswerer
        self._last = 0
        self._prefix = f"{secrets.token_hex(6)}."
        self._writers: dict[str, ConstantWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.relayed = 0
        """Requests that were passed on to other replicas."""
        self.answered = 0
        """Requests of clients of this replica."""

    # Requests of clients

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
        request_id = request_id or self.new_id()
        began_s = asyncio.get_running_loop().time()
        while True:
            try:
                home = await self._home(name)
                if isinstance(home, NamespaceJournal):
                    await self.run(
                        home, request.again(), request_id, wire, header=header, apart=apart, is_admin=is_admin
                    )
                    return
                if await self._relay(home, request, name, request_id, wire, header, apart, is_admin=is_admin):
                    return
                self.ownership.forget_home(name, home)
            except NamespaceOpenError as error:
                if isinstance(home, Member) and home.digest != self.ownership.member.digest:
                    await self._send(away("this replica has other scenario files than the others"), wire)
                    return
                if await self._answer_constant(name, error.token, request, wire):
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
        if self._writers and header is None and self._add_constant(request, name, pending):
            return True
        # The call log cuts a long body, and it may have to be asked once more.
        own = request if len(request.body) <= KEPT_BODY_BYTES else request.again()
        ready = self._begun_ready(own, name, request_id, header, is_local=True)
        if ready is None:
            return False
        journal, call, response = ready
        self.answered += 1

        def stored(error: MockServerError | None) -> None:
            if error is None:
                if due := journal.take_due(call):
                    self.listener.send_webhooks(journal.ns, due)
                pending.take(encode(response, request.arrived_s), partial(_left, journal, call))
            else:
                if not isinstance(error, OwnerLostError):
                    self._lost(journal, call)
                    journal.remember(request_id, (call, ()))
                pending.ask_again()

        journal.when_stored(stored)
        return True

    def _begun_ready(
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
        journal = self.ownership.journals.get(name)
        if journal is None or journal.token or journal.changes.locked() or self.ownership.committer.is_away:
            return None
        begun = None if is_local else journal.known(request_id)
        call, plan = begun or journal.begin(request, request_id, header, is_local=is_local)
        if call.number in journal.open or call.outcome is not Outcome.DONE or not is_one_send(plan):
            return None
        return journal, call, plan[0].response  # type: ignore[union-attr]

    # Calls that any replica may decide

    def _add_constant(self, request: Request, name: str, pending: PendingReply) -> bool:
        """Decide a call whose reply is constant, if the namespace is known to be open."""
        writer = self._writers.get(name)
        if writer is None or not writer.token or self.ownership.committer.is_away or self.ownership.error:
            return False
        route = constant_route(self.listener.engine.shared.scenario_set, request)
        if route is None:
            return False
        self.answered += 1
        writer.add(request, route, partial(self._added, name, request, route, pending))
        return True

    def _added(
        self,
        name: str,
        request: Request,
        route: Route,
        pending: PendingReply,
        error: MockServerError | None,
        added: Added,
    ) -> None:
        if error is None:
            left = partial(self._amend, name, Outcome.CLIENT_LEFT, added)
            pending.take(encode(constant_response(route), request.arrived_s), left)
        elif isinstance(error, ClosedError):
            pending.ask_again()
        else:
            pending.take(encode(failure(error), request.arrived_s), lambda: None)

    async def _answer_constant(self, name: str, token: str, request: Request, wire: Http1Wire) -> bool:
        """
        Answer a call of a namespace that is open by that token. False: it is closed by now, and the call was not added.
        Raises ConnectionError.
        """
        route = constant_route(self.listener.engine.shared.scenario_set, request)
        assert route is not None  # the owner has the same files, and has found one
        writer = self._writers.get(name)
        if writer is None:
            lost = partial(self._amend, name, Outcome.LOST)
            writer = ConstantWriter(name, self.ownership.clock, self.ownership.committer, lost)
            self._writers[name] = writer
        writer.token = token
        place: asyncio.Future[Added] = asyncio.get_running_loop().create_future()

        def then(error: MockServerError | None, added: Added) -> None:
            if place.cancelled():
                if error is None:
                    self._amend(name, Outcome.CLIENT_LEFT, added)
            elif error is None:
                place.set_result(added)
            else:
                place.set_exception(error)

        writer.add(request, route, then)
        try:
            await place
            await self.listener.performer.perform(
                ready_response(constant_response(route)), wire, _raise_where_left
            )
        except ClosedError:
            return False
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError) as error:
            await self._send(failure(error), wire)
        except (ConnectionError, asyncio.CancelledError):
            is_added = place.done() and not place.cancelled() and place.exception() is None
            if is_added and not wire.interrupted():
                self._amend(name, Outcome.CLIENT_LEFT, place.result())
            raise
        return True

    def _amend(self, name: str, outcome: Outcome, added: Added) -> None:
        """Tell the owner what became of a call that was added."""
        self._record(Request("POST", "/"), name, Apart(None, amended=(added, outcome)))

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
        if wire.has_begun:
            wire.transport.abort()
            raise ConnectionResetError("the reply was begun, and its rest is lost")
        await self.listener.send(response, wire)

    # A namespace that is owned here

    async def run(
        self,
        journal: NamespaceJournal,
        request: Request,
        request_id: str,
        wire: Http1Wire,
        *,
        header: tuple[str, str] | None = None,
        apart: Apart | None = None,
        is_admin: bool = False,
    ) -> None:
        """Answer a request as the owner of its namespace. Raises OwnerLostError, NoAnswerError, NamespaceOpenError."""
        if is_admin:
            await self.listener.send_admin(await self._admin(request, journal), wire)
            return
        if journal.known(request_id) is None:
            await self._admitted(journal, request, header, apart)
        if apart is not None and apart.amended is not None:
            journal.amend_added(*apart.amended)
            await journal.stored()
            return
        begun = journal.known(request_id)  # it may have come again meanwhile
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
                begun = journal.begin(request, request_id, header)
        call, plan = begun
        is_ready = call.number not in journal.open
        try:
            await journal.stored()
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError) as error:
            self._lost(journal, call)
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
            await self.listener.perform(journal.ns, call, wire, journal)
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError, OwnerLostError) as error:
            self._lost(journal, call, sent=wire.has_begun)
            raise NoAnswerError(failure(error)) from error

    async def _admitted(
        self,
        journal: NamespaceJournal,
        request: Request,
        header: tuple[str, str] | None,
        apart: Apart | None,
    ) -> None:
        """Wait until a call can begin here. Raises OwnerLostError, StoreAwayError, NoAnswerError, NamespaceOpenError."""

        def is_constant() -> bool:
            scenario_set = self.listener.engine.shared.scenario_set
            return apart is None and header is None and constant_route(scenario_set, request) is not None

        try:
            token = await journal.admit(is_constant)
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError) as error:
            raise NoAnswerError(failure(error)) from error
        if token:
            raise NamespaceOpenError(token)

    def _lost(self, journal: NamespaceJournal, call: Call, *, sent: bool = False) -> None:
        """Nobody knows yet whether what the call did is in the store; its client gets no answer of the scenario."""
        if journal.lost is not None:
            return
        if call.number in journal.open:
            journal.finish(call, Outcome.LOST)
        else:
            journal.amend(call, Outcome.LOST, sent=sent)

    async def _send_ready(
        self, journal: NamespaceJournal, call: Call, plan: Plan, request: Request, wire: Http1Wire
    ) -> None:
        """Send the reply of a call that is closed already."""
        listener = self.listener
        listener.send_webhooks(journal.ns, journal.take_due(call))
        response = plan[0].response  # type: ignore[union-attr]
        try:
            if wire.keep_alive and not wire.head_only and request.version == HTTP_1_1 and is_one_send(plan):
                await wire.write(encode(response, request.arrived_s), 0)
            else:
                await listener.performer.perform(plan, wire, _raise_where_left)
        except (ConnectionError, asyncio.CancelledError):
            if not wire.interrupted():
                journal.amend(
                    call, Outcome.CLIENT_LEFT, sent=wire.has_begun and not wire.transport.is_closing()
                )
            raise

    # A namespace of another replica

    async def _relay(
        self,
        owner: Member,
        request: Request,
        name: str,
        request_id: str,
        wire: Http1Wire,
        header: tuple[str, str] | None,
        apart: Apart | None,
        *,
        is_admin: bool,
    ) -> bool:
        """Have another replica answer. False: the namespace is not there, or the replica can't be reached."""
        payload = pack_ask(
            [
                request_id,
                name,
                request_head(request),
                request.headers.as_bytes(),
                request.body,
                header,
                None if apart is None else apart.plain(),
                is_admin,
                wire.keep_alive,
                wire.head_only,
            ]
        )
        exchange = RelayedReply()
        self.relayed += 1
        while True:
            link = self._link(owner)
            try:
                stream = await link.ask(payload, exchange)
            except LinkLostError:
                if exchange.received:
                    wire.transport.abort()
                    raise ConnectionResetError("the owner has gone in the middle of its reply") from None
                return False
            try:
                return await self._passed_back(link, stream, exchange, wire)
            except LinkLostError:
                await asyncio.sleep(_PAUSE_S)  # the same once more: what has come already is not sent again
            finally:
                link.forget(stream)

    async def _passed_back(
        self, link: PeerLink, stream: int, exchange: RelayedReply, wire: Http1Wire
    ) -> bool:
        """Pass the frames of an answer on to the client. Raises LinkLostError."""
        transport = wire.transport
        wire.client_left = lambda: link.tell(Sort.EOF, stream)
        if wire.has_left:
            link.tell(Sort.EOF, stream)
        try:
            while True:
                sort, payload = await exchange.next()
                if sort is Sort.REPLY:
                    await wire.write(payload)
                    link.tell(Sort.ACK, stream)
                    return True
                if sort is Sort.DATA:
                    await wire.write(payload)
                    link.tell(Sort.ACK, stream, exchange.received)
                elif sort is Sort.END:
                    wire.keep_alive = wire.keep_alive and payload == b"\1"
                    link.tell(Sort.ACK, stream, exchange.received)
                    return True
                elif sort is Sort.CLOSE or sort is Sort.RESET:
                    wire.keep_alive = False
                    link.tell(Sort.ACK, stream, exchange.received)
                    if sort is Sort.CLOSE:
                        transport.close()
                    else:
                        await sent_by_kernel(transport)
                        reset(transport)
                    return True
                elif sort is Sort.MOVED:
                    return False
                elif sort is Sort.OPENED:
                    raise NamespaceOpenError(payload.decode())
                else:
                    raise NoAnswerError(away(payload.decode()))
        except (ConnectionError, asyncio.CancelledError):
            link.tell(Sort.GONE, stream)
            raise
        finally:
            wire.client_left = None

    def _link(self, member: Member) -> PeerLink:
        link = self._links.get(member.address)
        if link is None:
            link = self._links[member.address] = PeerLink(member.address, self._secret)
        return link

    # Requests that other replicas pass on

    def _asked(self, server: LinkServer, frames: Frames, stream: int, received: int, payload: bytes) -> None:
        try:
            request_id, name, head, raw, body, header, said, is_admin, keep_alive, head_only = unpack_ask(
                payload
            )
            request = request_of(head, raw, body, name)
        except (ValueError, TypeError) as error:
            frames.send(Sort.FAILED, stream, 0, f"{error}".encode())
            return
        transport = server.transports.get(request_id)
        if transport is not None:
            server.attach(request_id, transport, frames, stream, received)
            return
        if received:
            frames.send(Sort.FAILED, stream, 0, b"the rest of the reply is lost")
            return
        line = None if header is None else (header[0], header[1])
        is_plain = (
            said is None and not is_admin and keep_alive and not head_only and request.version == HTTP_1_1
        )
        if is_plain and self._reply_at_once(server, frames, stream, request, name, request_id, line):
            return
        apart = None if said is None else Apart.of(said)
        transport = RemoteTransport(request.client)
        server.attach(request_id, transport, frames, stream, 0)
        wire = Http1Wire(
            transport,
            transport,
            self.listener.engine,
            version=request.version,
            keep_alive=keep_alive,
            head_only=head_only,
        )
        transport.ended = wire.client_ended
        task = asyncio.get_running_loop().create_task(
            self._answer_other(
                server, transport, wire, request, name, request_id, line, apart, is_admin=is_admin
            )
        )
        transport.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _reply_at_once(
        self,
        server: LinkServer,
        frames: Frames,
        stream: int,
        request: Request,
        name: str,
        request_id: str,
        header: tuple[str, str] | None,
    ) -> bool:
        """
        Answer a request of another replica without a task, where the namespace is here and the reply whole and ready.
        False: nothing was done, or the call was begun and goes on by its id.
        """
        ready = self._begun_ready(request, name, request_id, header, is_local=False)
        if ready is None:
            return False
        journal, call, response = ready

        def over(*, taken: bool) -> None:
            journal.forget(request_id)
            if not taken:
                _left(journal, call)

        def over_failed(*, taken: bool) -> None:  # noqa: ARG001  (it is lost already)
            journal.forget(request_id)

        def stored(error: MockServerError | None) -> None:
            if error is None:
                self.listener.send_webhooks(journal.ns, journal.take_due(call))
                server.reply(frames, stream, encode(response, request.arrived_s), over)
            elif isinstance(error, OwnerLostError):
                frames.send(Sort.MOVED, stream)
            else:
                self._lost(journal, call)
                server.reply(frames, stream, encode(failure(error), request.arrived_s), over_failed)

        journal.when_stored(stored)
        return True

    async def _answer_other(
        self,
        server: LinkServer,
        transport: RemoteTransport,
        wire: Http1Wire,
        request: Request,
        name: str,
        request_id: str,
        header: tuple[str, str] | None,
        apart: Apart | None,
        *,
        is_admin: bool,
    ) -> None:
        try:
            journal = await self._owned(name)
            if journal is None:
                transport.tell(Sort.MOVED)
                return
            await self.run(journal, request, request_id, wire, header=header, apart=apart, is_admin=is_admin)
            transport.end(keep_alive=wire.keep_alive)
            async with asyncio.timeout(_CUT_S):
                await transport.drained()
            journal.forget(request_id)
        except NamespaceOpenError as error:
            transport.tell(Sort.OPENED, error.token.encode())
        except (OwnerLostError, StoreAwayError):
            transport.tell(Sort.MOVED)  # whoever asks tries once more, or finds that the store is away
        except (NoAnswerError, StoreRefusedError, StoreIsFullError) as error:
            with contextlib.suppress(ConnectionError):
                await self._send(error.response if isinstance(error, NoAnswerError) else failure(error), wire)
                transport.end(keep_alive=wire.keep_alive)
        except (ConnectionError, asyncio.CancelledError, TimeoutError):
            pass  # whoever noticed that the client has left has closed the call
        except Exception as error:
            log.exception("a request of another replica could not be answered")
            transport.tell(Sort.FAILED, f"{type(error).__name__}: its log says more".encode())
        finally:
            server.forget(request_id)

    async def _owned(self, name: str) -> NamespaceJournal | None:
        home = await self.ownership.home(name)
        return home if isinstance(home, NamespaceJournal) else None

    def tidy(self) -> None:
        """Give up answers whose asker has gone, connections to replicas that have, and writers that are not used."""
        now_s = self.ownership.clock.live()
        for name in [name for name, writer in self._writers.items() if writer.is_unused(now_s)]:
            del self._writers[name]
        self.server.drop_cut(_CUT_S)
        addresses = {member.address for member in self.ownership.members.values()}
        for address in [address for address in self._links if address not in addresses]:
            self._links.pop(address).close()

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await self.server.close()
        for link in self._links.values():
            link.close()
        await self.ownership.stop()


def _raise_where_left(outcome: Outcome) -> None:
    if outcome is Outcome.CLIENT_LEFT:
        raise ConnectionResetError("the client has disconnected")


def _left(journal: NamespaceJournal, call: Call) -> None:
    """The client did not take the reply."""
    if journal.lost is None:
        journal.amend(call, Outcome.CLIENT_LEFT, sent=False)


def away(reason: str) -> Response:
    detail = f"The shared store is not available: {reason}. Try again in a second; GET /__admin/health/ready says when"
    document = problem(503, "store", "The shared store is away", detail)
    return problem_response(document, ("Retry-After", "1"))


def failure(error: MockServerError) -> Response:
    """Return the answer to a request that the store has not taken, for that reason."""
    return full() if isinstance(error, StoreIsFullError) else away(str(error))


def full() -> Response:
    detail = "The shared store has no memory left, so nothing was done. Raise its maxmemory, or lower --calls"
    return problem_response(problem(503, "store", "The shared store is full", detail), ("Retry-After", "1"))


def lost() -> Response:
    detail = (
        "The replica that answered this request has gone, and its reply with it. The call is recorded as lost"
    )
    return problem_response(problem(503, "store", "The reply was lost", detail), ("Retry-After", "1"))
