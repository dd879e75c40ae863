"""
A listener: creates the connections of one port and dispatches their requests.

The engine answers mocked requests; the admin API, if it is on this port, answers those below /__admin.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.engine.addressing import HEADER, PREFIXES, Addresser, UnknownNamespaceError
from mockserver.engine.answers import problem_response
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.webhooks import Due
from mockserver.errors import shown
from mockserver.http.callbacks import consulted
from mockserver.http.connection import Connection
from mockserver.http.heads import BadHeadError
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.limits import WireLimits
from mockserver.http.outgoing import Wire
from mockserver.http.performer import Performer, ready_response
from mockserver.http.protocol_detection import ProtocolDetector
from mockserver.http.stored_replies import PendingReply
from mockserver.http.tls.layer import ReadCert, TlsTransport
from mockserver.model.call import Call
from mockserver.model.grpc import GrpcRequest
from mockserver.model.http import ADMIN, MAX_JSON_MEMBERS, Peer, Request, Response, StreamReply, Via
from mockserver.model.plan import Outcome, Upgrade
from mockserver.model.problem import problem
from mockserver.outbound.upstream import Upstream
from mockserver.outbound.webhooks import WebhookService
from mockserver.real_time import REAL
from mockserver.store.delivery import DeliveryState

if TYPE_CHECKING:
    from mockserver.http.h2.stream import StreamHandler
    from mockserver.http.tunnel import Tunnels
    from mockserver.http.websocket.graphql import GraphQLConversation

KEEP_ALIVE_S = 3630.0
"""Timeout of an idle connection: longer than that of load balancers."""

AdminHandler = Callable[[Request], Awaitable[Response | StreamReply]]


class CallLedger(Protocol):
    """Completes calls."""

    def finish(self, call: Call, outcome: Outcome) -> Sequence[Due]: ...


class Replicated(Protocol):
    """Answers requests of namespaces that are shared with other servers."""

    def new_id(self) -> str:
        """Return a new request id, which makes the request idempotent."""

    def reply_when_stored(
        self,
        request: Request,
        name: str,
        request_id: str,
        header: tuple[str, str] | None,
        pending: PendingReply,
    ) -> bool:
        """Return whether the reply is known and will be passed to `pending` once it is stored; else call `answer`."""

    async def answer(
        self,
        request: Request,
        name: str,
        wire: Http1Wire,
        *,
        header: tuple[str, str] | None = None,
        request_id: str = "",
    ) -> None: ...

    async def answer_apart(
        self,
        request: Request,
        name: str,
        wire: Http1Wire,
        response: Response | None,
        document: dict[str, Any] | None = None,
    ) -> None: ...

    async def answer_admin(self, request: Request, wire: Http1Wire) -> None: ...

    def record_incomplete(self, request: Request, name: str) -> None: ...

    def record_refused(self, request: Request, document: dict[str, Any]) -> None: ...


class Served(Protocol):
    """A connection of any protocol. `idle_since_s`: time of its last request, by the monotonic clock."""

    transport: asyncio.Transport

    @property
    def idle_since_s(self) -> float: ...

    @property
    def is_idle(self) -> bool: ...

    def settle(self) -> None:
        """Answer what has come, and no more."""


@dataclass(frozen=True, slots=True)
class WireSettings:
    """`max_body_bytes` of a mocked request: larger ones get 413. `hang_limit_s` ends a hang."""

    max_body_bytes: int = 16 * 1024 * 1024
    max_json_members: int = MAX_JSON_MEMBERS
    max_admin_body_bytes: int = 64 * 1024 * 1024
    hang_limit_s: float = 600.0
    limits: WireLimits = field(default_factory=WireLimits)


class Listener:
    """Answers mocked requests with the engine and, if `admin` is given, those below /__admin with it."""

    def __init__(
        self,
        engine: Engine,
        addresser: Addresser,
        settings: WireSettings,
        webhooks: WebhookService,
        *,
        admin: AdminHandler | None,
        mock: bool = True,
        upstream: Upstream | None = None,
    ) -> None:
        self.engine = engine
        self.limits = settings.limits
        self.most_body_bytes = settings.max_body_bytes
        self.most_admin_body_bytes = settings.max_admin_body_bytes
        self.refused = engine.shared.refused
        self.mono = engine.shared.mono
        self.connections: set[Served] = set()
        self._max_json_members = settings.max_json_members
        self._addresser = addresser
        self._webhooks = webhooks
        self._admin = admin
        self._mock = mock
        self.performer = Performer(
            settings.hang_limit_s,
            upstream,
            most_message_bytes=settings.max_body_bytes,
            graphql=self._graphql_conversation,
        )
        self.replica: Replicated | None = None
        """With a shared store: answers instead of the engine."""
        self.stream_handler: Callable[[Request, Namespace], StreamHandler | None] = self._grpc_handler
        """Decides by the head of a request on HTTP/2 whether a handler reads its body while it comes."""
        self.tunnels: Tunnels | None = None
        """Where TLS is served: the tunnels of clients that use this port as a proxy."""
        self.faults: Counter[str] = Counter()
        """Number of injected faults since the server started, by kind."""
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._doors: list[ProtocolDetector] = []

    def connection(self, via: Via | None = None) -> Connection:
        return Connection(self, via)

    def door(self, context: ssl.SSLContext, read_cert: ReadCert, *, plain: bool) -> ProtocolDetector:
        """Create the protocol of a TLS port, which with `plain` accepts plain connections too."""
        door = ProtocolDetector(
            self.connection if plain else None,
            self._begin_tls,
            context,
            read_cert,
            most_waiting=self.limits.connections,
            refused=partial(self._refused, "connections"),
            handshake_s=self.limits.read_timeout_s,
            too_slow=partial(self._refused, "read_timeout"),
        )
        self._doors.append(door)
        return door

    def _refused(self, limit: str) -> None:
        self.refused[limit] += 1

    def _begin_tls(self, transport: TlsTransport) -> Connection:  # noqa: ARG002  (the connection is told of it)
        return self.connection()

    def peer_of(self, transport: asyncio.BaseTransport, via: Via | None = None) -> Peer:
        """Return the peer of a connection."""
        return Peer(
            _client_of(transport),
            "http" if transport.get_extra_info("sslcontext") is None else "https",
            transport.get_extra_info("client_cert"),
            self._max_json_members,
            via,
        )

    # Shutdown

    def enter(self) -> None:
        """Mark a connection as busy."""
        self._busy += 1
        self._idle.clear()

    def leave(self) -> None:
        """Mark a connection as idle."""
        self._busy -= 1
        if not self._busy:
            self._idle.set()

    def close_idle(self, now_s: float) -> None:
        """Close the connections that have been idle for longer than KEEP_ALIVE_S, by the monotonic clock."""
        for connection in tuple(self.connections):
            if connection.is_idle and now_s - connection.idle_since_s > KEEP_ALIVE_S:
                connection.transport.close()

    async def settle(self, grace_s: float) -> int:
        """
        Close idle connections, and wait for busy ones unless the client has disconnected. Return the busy ones' number.
        """
        for connection in tuple(self.connections):
            connection.settle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._busy:  # a completed upload may start a response
                    await self._idle.wait()
        return self._busy

    async def cut(self) -> None:
        """Abort all connections."""
        for connection in tuple(self.connections):
            connection.transport.abort()
        for door in self._doors:
            door.cut()
        if self.tunnels is not None:
            self.tunnels.cut()
        await self._idle.wait()
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop

    # Dispatch

    def namespace_of(self, request: Request) -> Namespace | Response | None:
        """
        Return the namespace that answers, and set name, prefix and path on the request. None: the admin API answers. A
        response: there is no such namespace.
        """
        path = request.path
        via = request.peer.via
        if (
            self._mock
            and via is None
            and not path.startswith(PREFIXES)
            and "mockserver" not in (request.headers.lower or HEADER)
        ):
            return self.engine.default  # no prefix and no header selects another
        if (
            path.startswith(ADMIN)
            and self._admin is not None
            and (via is None or not via.tunnel)  # a tunnel leads to another host
            and path[len(ADMIN) : len(ADMIN) + 1] in ("", "/")
        ):
            return None
        if not self._mock:
            return _not_here(path)
        try:
            return self._addresser.address(request)
        except UnknownNamespaceError as error:
            return self.no_namespace(error.name)

    def no_namespace(self, name: str) -> Response:
        """Return the response for an unknown namespace."""
        hint = self.engine.near_namespace(name)
        detail = f"Create it with POST /__admin/namespaces, or start with --namespaces auto. {hint}".strip()
        document = problem(404, "no-such-namespace", f"There is no namespace {shown(name, 110)}", detail)
        return problem_response(document, ("x-mockserver-matched", "false"))

    def attempted(self, peer: Peer, error: BadHeadError) -> None:
        """Records an attempt to speak HTTP/2, if it is one, in the default namespace: no more of it can be read."""
        if error.line is None:
            return
        at_s = self.mono()
        request = Request(
            *error.line, client=peer.client, arrived_s=REAL.time(), arrived_at_s=at_s, version=(2, 0)
        )
        self.record_refused(request, self.engine.default, error.document)

    def record_refused(self, request: Request, ns: Namespace, document: dict[str, Any]) -> None:
        """Records a request that is answered by a problem, and by no route. Those of an admin port are no calls."""
        if not self._mock:
            return
        if self.replica is not None:
            self.replica.record_refused(request, document)
            return
        call = self.engine.begin_refused(request, ns, document)
        call.first_byte_at_s = call.last_byte_at_s = self.mono()
        self.engine.finish(call, Outcome.DONE)

    def record_incomplete(self, request: Request, ns: Namespace) -> None:
        """Record a request whose client left in the middle of its body."""
        request.complete = False
        if self.replica is not None:
            self.replica.record_incomplete(request, ns.name)
            return
        call = self.engine.begin_incomplete(request, ns, None)
        call.left_at_s = self.mono()
        self.engine.finish(call, Outcome.CLIENT_LEFT)

    # Asynchronous responses

    def _grpc_handler(self, request: Request, ns: Namespace) -> StreamHandler | None:
        if not isinstance(request, GrpcRequest):
            return None
        from mockserver.http.grpc_streams import stream_handler  # few clients speak gRPC

        return stream_handler(self, request, ns)

    def _graphql_conversation(self, step: Upgrade, wire: Http1Wire) -> GraphQLConversation:
        from mockserver.http.websocket.graphql import GraphQLConversation  # few scenarios have GraphQL

        return GraphQLConversation(step, wire, self.most_body_bytes, self.serve, self.engine)

    async def serve(self, request: Request, ns: Namespace, wire: Wire) -> None:
        """Answer a request that came as a message of another connection."""
        await self.perform(ns, self.engine.begin(request, ns), wire)

    async def perform(self, ns: Namespace, call: Call, wire: Wire, ledger: CallLedger | None = None) -> None:
        """Perform the plan of a call. `ledger` completes it, by default the engine."""
        ledger = ledger or self.engine
        wire.answers(call)
        try:
            if call.consult is not None:
                await consulted(call)
            for due in call.due:
                if due.before and due.delivery.state is DeliveryState.WAITING:
                    await self._webhooks.deliver_before(ns, due.delivery)
        except asyncio.CancelledError:
            wire.interrupted()
            self._finish(ns, call, ledger, wire.lost)
            raise
        fault = call.fault
        if fault is not None:
            self.faults[fault] += 1
        try:
            await self.performer.perform(call.plan, wire, partial(self._finish, ns, call, ledger))
            if fault is None and call.fault is not None:  # a step of a WebSocket connection
                self.faults[call.fault] += 1
        except Exception:
            ledger.finish(call, Outcome.CLOSE)
            raise

    def _finish(self, ns: Namespace, call: Call, ledger: CallLedger, outcome: Outcome) -> None:
        """Complete the call. Its webhooks are sent even if the client has disconnected."""
        if not call.request.complete and outcome is not Outcome.CLIENT_LEFT:
            outcome = Outcome.INCOMPLETE
        self.send_webhooks(ns, ledger.finish(call, outcome))

    def send_webhooks(self, ns: Namespace, followed: Sequence[Due]) -> None:
        """Schedule the webhooks of a completed call; their delay starts now."""
        for due in followed:
            if not due.before and due.delivery.state is DeliveryState.WAITING:
                due.delivery.due_s = ns.clock.now_s() + due.delay_s
                self._webhooks.schedule(ns, due.delivery)

    async def send(self, response: Response, wire: Wire) -> None:
        """Send a response without recording it."""
        await self.performer.perform(ready_response(response), wire)

    async def answer_admin(self, request: Request, wire: Wire) -> None:
        """Answer a request to the admin API."""
        assert self._admin is not None
        await self.send_admin(await self._admin(request), wire)

    async def send_admin(self, answer: Response | StreamReply, wire: Wire) -> None:
        if isinstance(answer, StreamReply):
            await _stream(answer, wire)
        else:
            await self.send(answer, wire)


async def _stream(answer: StreamReply, wire: Wire) -> None:
    try:
        await wire.respond_until_close(answer.response)
        if wire.head_only:
            return
        wire.nothing_is_due()  # the stream has no end of its own
        async for piece in answer.pieces:
            await wire.send(piece, None)
    except ConnectionError:
        pass
    finally:
        close = getattr(answer.pieces, "aclose", None)
        if close is not None:
            await close()


def _not_here(path: str) -> Response:
    detail = f"This is the admin listener; {path} is not below {ADMIN}. Mocked requests go to the mock port"
    return problem_response(problem(404, "not-found", "Not here", detail))


def _client_of(transport: asyncio.BaseTransport) -> str:
    """`127.0.0.1:50312`, or `[::1]:50312`."""
    peer = transport.get_extra_info("peername")
    if not peer:
        return ""
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
