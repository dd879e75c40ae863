"""
From bytes to requests, on aiohttp's server: reads a request whole, asks the engine, has the plan performed.

aiohttp parses and keeps the connections; what is written is ours, so that the
record says what really left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError
from aiohttp.web_request import BaseRequest

from mockserver.engine.addressing import Addresser, UnknownNamespace
from mockserver.engine.answers import NO_WEBSOCKET, asks_for_websocket, problem_response
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.sending import Due
from mockserver.errors import shown
from mockserver.model.call import Call
from mockserver.model.delivery import DeliveryState
from mockserver.model.http import ADMIN, MAX_JSON_MEMBERS, Headers, Request, Response, StreamReply, certified
from mockserver.model.plan import Outcome
from mockserver.model.problem import problem
from mockserver.net.arrival import TooSlow, WireLimits, without_traceback
from mockserver.net.connection import Connection, Done
from mockserver.net.consulting import consulted
from mockserver.net.door import Door
from mockserver.net.encode import encode_head
from mockserver.net.lane import Lane, blob_of, client_of, is_proved
from mockserver.net.outgoing import Wire
from mockserver.net.parser import Unsupported
from mockserver.net.performer import Performer, ready_response
from mockserver.net.tls import ReadCert, TlsTransport
from mockserver.net.upstream import Upstream
from mockserver.net.webhooks import Courier
from mockserver.real_time import REAL

log = logging.getLogger("mockserver")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


AdminHandler = Callable[[Request], Awaitable[Response | StreamReply]]


@dataclass(frozen=True, slots=True)
class WireSettings:
    """`max_body_bytes` of a mocked request; larger ones get 413. `hang_limit_s` ends a hang."""

    max_body_bytes: int = 16 * 1024 * 1024
    max_json_members: int = MAX_JSON_MEMBERS
    max_admin_body_bytes: int = 64 * 1024 * 1024
    hang_limit_s: float = 600.0
    lane: bool = True
    limits: WireLimits = field(default_factory=WireLimits)


class Listener:
    """Answers mocked requests by the engine and, where `admin` is given, those below /__admin by it."""

    def __init__(
        self,
        engine: Engine,
        addresser: Addresser,
        settings: WireSettings,
        courier: Courier,
        *,
        admin: AdminHandler | None,
        mock: bool = True,
        upstream: Upstream | None = None,
    ) -> None:
        self._engine = engine
        self._addresser = addresser
        self._settings = settings
        self._courier = courier
        self._admin = admin
        self._mock = mock
        self._performer = Performer(settings.hang_limit_s, upstream)
        self.faults: Counter[str] = Counter()
        """How many replies were broken on purpose since the server began, by kind. None of them takes the lane."""
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.has_lane = mock and settings.lane and is_proved()
        self.server = _Server(
            self, self._make_lane(), settings.limits, engine.shared.refused, self._attempted
        )
        self._tls_lane = self._make_lane()  # what a lane keeps of a request has its scheme in it
        self._doors: list[Door] = []

    def _make_lane(self) -> Lane | None:
        if not self.has_lane:
            return None
        admin = self._admin is not None
        settings = self._settings
        return Lane(
            self._engine,
            self._addresser,
            admin=admin,
            max_body_bytes=settings.max_body_bytes,
            max_json_members=settings.max_json_members,
        )

    def door(self, context: ssl.SSLContext, read_cert: ReadCert, *, plain: bool) -> Door:
        """A port of TLS, and, with `plain`, of plain connections too; else of `server` it is one of those alone."""
        door = Door(
            self.server if plain else None,
            self._begin_tls,
            context,
            read_cert,
            most_waiting=self._settings.limits.connections,
            refused=partial(self._refused, "connections"),
            handshake_s=self._settings.limits.read_timeout_s,
            too_slow=partial(self._refused, "read_timeout"),
        )
        self._doors.append(door)
        return door

    def _refused(self, limit: str) -> None:
        self._engine.shared.refused[limit] += 1

    def _begin_tls(self, transport: TlsTransport) -> Connection:
        """A lane tells requests apart by their bytes, and those don't show the client's certificate."""
        has_cert = transport.get_extra_info("client_cert") is not None
        return self.server.connection(None if has_cert else self._tls_lane)

    async def settle(self, grace_s: float) -> int:
        """Closes idle connections, and gives busy ones a moment, unless the client has left. How many are still busy."""
        self.server.pre_shutdown()
        for connection in self.server.connections:
            if connection.has_ended and connection.transport is not None:  # type: ignore[attr-defined]
                connection.transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        return self._busy

    async def cut(self) -> None:
        """
        Cuts every connection. aiohttp's own shutdown waits for each handler in
        turn: with thousands of hanging replies that takes seconds.
        """
        for connection in self.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        for door in self._doors:
            door.cut()
        await self._idle.wait()

    async def handle(self, http: BaseRequest) -> web.StreamResponse:
        """One request, from its head to the last byte of its answer."""
        self._busy += 1
        self._idle.clear()
        connection: Any = http.protocol
        try:
            return Done(connection, keep_alive=await self._handle(http, connection))
        except ConnectionError:
            return Done(
                connection, keep_alive=False
            )  # the client has left; whoever noticed it has closed the call
        finally:
            connection.wire = None
            # The traceback of a body's error leads to frames that hold the body, and these to the error: a cycle.
            error = http.content.exception()
            if error is not None:
                without_traceback(error)
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _handle(self, http: BaseRequest, connection: Any) -> bool:
        """Whether the connection stays."""
        if connection._paused:  # noqa: SLF001  (aiohttp's own flow control)
            await connection._drain_helper()  # noqa: SLF001  what the lane has answered before this has not left yet: a slow reader
        arrived_s, arrived_at_s = REAL.time(), self._engine.shared.mono()
        message = http._message  # noqa: SLF001  (the raw head, which the public attributes normalise)
        target = message.path
        headers = Headers.of_blob(blob_of(message.raw_headers))
        raw_path = _path_of(target)
        transport = http.transport
        begun = connection.begun.pop(id(message), None)
        if transport is None:
            return False
        wire = connection.wire = Wire(
            transport,
            connection,
            self._engine,
            version=(message.version.major, message.version.minor),
            keep_alive=not message.should_close and not self._is_last(connection) and not connection.is_last,
            head_only=message.method == "HEAD",
        )
        if begun is not None:
            ns, call = begun
            return await self._finish_begun(ns, call, wire)
        request = certified(
            transport.get_extra_info("client_cert"),
            message.method,
            target,
            headers=headers,
            path=raw_path,
            client=client_of(transport),
            scheme=http.scheme,
            arrived_s=arrived_s,
            arrived_at_s=arrived_at_s,
            version=wire.version,
            max_json_members=self._settings.max_json_members,
        )
        if self._admin is not None and (raw_path == ADMIN or raw_path.startswith(ADMIN + "/")):
            return await self._answer_admin(http, request, wire)
        if not self._mock:
            return await self._plain(wire, http, _not_here(raw_path))
        try:
            address = self._addresser.find(raw_path, headers)
        except UnknownNamespace as why:
            return await self._plain(wire, http, _no_namespace(self._engine, why.name))
        request.path = address.path
        request.prefix = address.prefix
        request.namespace = address.ns.name
        return await self._answer(http, request, address.ns, wire)

    def _is_last(self, connection: Any) -> bool:
        """Whether this is the last request that its connection may make."""
        connection.served += 1
        most = self._settings.limits.requests
        if not most or connection.served < most:
            return False
        self._engine.shared.refused["requests"] += 1
        return True

    def _attempted(self, client: str, attempt: Unsupported) -> None:
        """Records an attempt to speak HTTP/2, in the default namespace: no more of it can be read."""
        if not self._mock or attempt.line is None:
            return
        at_s = self._engine.shared.mono()
        request = Request(
            *attempt.line, client=client, arrived_s=REAL.time(), arrived_at_s=at_s, version=(2, 0)
        )
        call = self._engine.begin_refused(request, self._engine.default, attempt.document)
        call.first_byte_at_s = call.last_byte_at_s = at_s
        self._engine.finish(call, Outcome.DONE)

    # Mocked requests

    async def _answer(self, http: BaseRequest, request: Request, ns: Namespace, wire: Wire) -> bool:
        limit = self._settings.max_body_bytes
        try:
            body = await _read(http, wire, limit)
        except _TooLarge:
            self._engine.shared.refused["body"] += 1
            return await self._refuse(request, ns, wire, http, _too_large(limit))
        except TooSlow as why:
            return await self._refuse(request, ns, wire, http, _too_slow(why))
        except (asyncio.CancelledError, ConnectionError):
            wire.call = self._engine.begin_incomplete(_cut_short(request), ns, None)
            wire.interrupted()
            self._engine.finish(wire.call, Outcome.CLIENT_LEFT)
            raise
        except (PayloadEncodingError, web.RequestPayloadError) as why:
            return await self._refuse(request, ns, wire, http, _unreadable(str(why)))
        request.body = body
        call = self._engine.begin(request, ns)
        if asks_for_websocket(request):
            self._engine.add_header(call, "x-mockserver-upgrade", NO_WEBSOCKET)
        return await self._finish_begun(ns, call, wire)

    async def _finish_begun(self, ns: Namespace, call: Call, wire: Wire) -> bool:
        """Performs a call that was begun, here or on the lane. Whether the connection stays."""
        wire.answers(call)
        try:
            if call.consult is not None:
                await consulted(call)
            for due in call.due:
                if due.before and due.delivery.state is DeliveryState.WAITING:
                    await self._courier.deliver_before(ns, due.delivery)
        except asyncio.CancelledError:
            wire.interrupted()
            self._finish(ns, call, Outcome.CLIENT_LEFT)
            raise
        await self._perform(ns, call, wire)
        return wire.keep_alive

    async def _refuse(
        self, request: Request, ns: Namespace, wire: Wire, http: BaseRequest, response: Response
    ) -> bool:
        """Answers a request whose body is not taken whole, and ends the connection."""
        wire.keep_alive = False
        call = self._engine.begin_incomplete(_cut_short(request), ns, response)
        wire.answers(call)
        await self._perform(ns, call, wire)
        await _linger(http, wire)
        return False

    def _finish(self, ns: Namespace, call: Call, outcome: Outcome) -> None:
        """Closes the call. That its client has left stops no webhook."""
        if not call.request.complete and outcome is not Outcome.CLIENT_LEFT:
            outcome = Outcome.INCOMPLETE
        self._send(ns, self._engine.finish(call, outcome))

    def _send(self, ns: Namespace, followed: list[Due]) -> None:
        """Hands over the webhooks of a call that is over; their delay begins now."""
        for due in followed:
            if not due.before and due.delivery.state is DeliveryState.WAITING:
                due.delivery.due_s = ns.clock.now_s() + due.delay_s
                self._courier.schedule(ns, due.delivery)

    async def _perform(self, ns: Namespace, call: Call, wire: Wire) -> None:
        if call.fault is not None:
            self.faults[call.fault] += 1
        try:
            await self._performer.perform(call.plan, wire, partial(self._finish, ns, call))
        except Exception:
            self._engine.finish(call, Outcome.CLOSE)
            raise

    async def _plain(self, wire: Wire, http: BaseRequest, response: Response) -> bool:
        """Answers without the engine, and without reading what follows the head."""
        if http.can_read_body:
            wire.keep_alive = False
        await self._performer.perform(ready_response(response), wire)
        if http.can_read_body:
            await _linger(http, wire)
        return wire.keep_alive

    # The admin API

    async def _answer_admin(self, http: BaseRequest, request: Request, wire: Wire) -> bool:
        assert self._admin is not None
        try:
            request.body = await _read(http, wire, self._settings.max_admin_body_bytes)
        except _TooLarge:
            return await self._plain(wire, http, _too_large(self._settings.max_admin_body_bytes))
        except TooSlow as why:
            return await self._plain(wire, http, _too_slow(why))
        except (PayloadEncodingError, web.RequestPayloadError) as why:
            return await self._plain(wire, http, _unreadable(str(why)))
        answer = await self._admin(request)
        if isinstance(answer, StreamReply):
            await _stream(answer, wire)
        else:
            await self._performer.perform(ready_response(answer), wire)
        return wire.keep_alive


async def _stream(answer: StreamReply, wire: Wire) -> None:
    wire.keep_alive = False
    response = Response(answer.response.status, [*answer.response.headers, ("Connection", "close")])
    try:
        await wire.write(encode_head(response, length=None, keep_alive=False, version=(1, 0)))
        if wire.head_only:
            return
        wire.nothing_is_due()  # it has no end of its own
        async for piece in answer.pieces:
            await wire.write(piece)
    except ConnectionError:
        pass
    finally:
        close = getattr(answer.pieces, "aclose", None)
        if close is not None:
            await close()


class _TooLarge(Exception):
    pass


async def _read(http: BaseRequest, wire: Wire, limit: int) -> bytes:
    """The body as sent. Answers `Expect: 100-continue` first, unless the length alone says that it is too large."""
    length = http.content_length
    if length is not None and length > limit:
        raise _TooLarge
    if not http.can_read_body:
        return b""
    if (
        http.headers.get("expect", "").lower() == "100-continue"
        and wire.version >= (1, 1)
        and not http.content.is_eof()
    ):
        await wire.write(CONTINUE)
    pieces, size = [], 0
    async for piece in http.content.iter_any():
        size += len(piece)
        if size > limit:
            raise _TooLarge
        pieces.append(piece)
    return b"".join(pieces)


async def _linger(http: BaseRequest, wire: Wire) -> None:
    """Reads on for a moment, so that a client still sending gets to see the answer and not a reset."""
    if wire.transport.is_closing():
        return
    try:
        async with asyncio.timeout(2):
            async for _ in http.content.iter_any():
                pass
    except (TimeoutError, ConnectionError, PayloadEncodingError, TooSlow, web.RequestPayloadError):
        return


def _cut_short(request: Request) -> Request:
    request.complete = False
    return request


def _path_of(target: str) -> str:
    """The raw path of a request target, also where it is an absolute URL (RFC 9112 3.2.2)."""
    if target.startswith("/"):
        return target.partition("?")[0]
    if "://" in target:
        return urlsplit(target).path or "/"
    return target.partition("?")[0]


def _too_large(limit: int) -> Response:
    detail = f"The body is larger than {limit} bytes. Start the server with a larger --max-body"
    return problem_response(problem(413, "body-too-large", "The body is too large", detail))


def _too_slow(why: TooSlow) -> Response:
    detail = (
        f"Its body was not in within {why}. Send it faster, or start the server with a longer --read-timeout"
    )
    return problem_response(problem(408, "too-slow", "The request came too slowly", detail))


def _unreadable(why: str) -> Response:
    return problem_response(problem(400, "bad-request", "The body can't be read", why))


def _not_here(path: str) -> Response:
    detail = f"This is the admin listener; {path} is not below {ADMIN}. Mocked requests go to the mock port"
    return problem_response(problem(404, "not-found", "Not here", detail))


def _no_namespace(engine: Engine, name: str) -> Response:
    hint = engine.near_namespace(name)
    detail = f"Create it with POST /__admin/namespaces, or start with --namespaces auto. {hint}".strip()
    document = problem(404, "no-such-namespace", f"There is no namespace {shown(name, 110)}", detail)
    return problem_response(document, ("x-mockserver-matched", "false"))


class _Server(web.Server):
    """Makes our connections; a client that leaves cancels what is done for it."""

    def __init__(
        self,
        listener: Listener,
        lane: Lane | None,
        limits: WireLimits,
        refused: Counter[str],
        attempted: Callable[[str, Unsupported], None],
    ) -> None:
        super().__init__(listener.handle, handler_cancellation=True)
        self._attempted = attempted
        self._limits = limits
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._lane = lane

    def __call__(self) -> Connection:
        return self.connection(self._lane)

    def connection(self, lane: Lane | None) -> Connection:
        return Connection(
            self,
            lane,
            self._limits,
            self._refused,
            self._attempted,
            loop=self._loop,
            access_log=None,  # an access log halves the speed
            auto_decompress=False,
            keepalive_timeout=3630,
            lingering_time=0,  # `_linger` does it, and knows what can go wrong with it
        )
