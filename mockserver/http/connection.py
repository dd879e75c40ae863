"""
One connection: reads its requests in order, and answers each before it reads the next.

A request whose response is ready is answered at once, in `data_received`. Everything that waits runs in a task of the
connection; data received meanwhile is buffered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from mockserver.engine.answers import NO_WEBSOCKET, problem_response
from mockserver.engine.namespace import Namespace
from mockserver.engine.routing import expects_websocket
from mockserver.http.chunks import BadChunkError, Chunks
from mockserver.http.encoder import encode
from mockserver.http.heads import (
    CHUNKED,
    TUNNEL,
    BadHeadError,
    check_beginning,
    read_head,
    too_large_head,
)
from mockserver.http.http1_wire import Http1Wire, Receiver
from mockserver.http.refusals import (
    LINGER_S,
    closing,
    defect,
    slow_body,
    slow_head,
    too_large,
    too_many,
    unreadable,
)
from mockserver.http.websocket.handshake import NO_REPLICAS, handshake_problem, refused_handshake
from mockserver.model.call import Call
from mockserver.model.http import HTTP_1_1, WEBSOCKET, Peer, Request, Response, Via
from mockserver.model.plan import Outcome, is_one_send
from mockserver.real_time import REAL

if TYPE_CHECKING:
    from mockserver.http.listener import Listener, Replicated

log = logging.getLogger("mockserver")

MOST_BYTES_AT_ONCE = 16 * 1024
"""Bytes of requests that are answered in one go; then other connections get their turn."""
MOST_HELD_BYTES = 1 << 20
"""Bytes buffered while a request is being answered. Above the limit reading pauses, and a disconnect is not noticed."""
_LOOKED_AT_BYTES = 4096
"""Bytes of an incomplete head that are validated."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Incoming:
    """
    A request whose body is being read: at most `limit` bytes. `ns` is the result of `namespace_of`. A `refused` body is
    read to its end and dropped. `keep_alive`: the connection stays open after the response.
    """

    __slots__ = ("chunks", "data", "keep_alive", "left", "limit", "ns", "refused", "request")

    def __init__(
        self,
        request: Request,
        length: int,
        ns: Namespace | Response | None,
        limit: int,
        *,
        keep_alive: bool,
    ) -> None:
        self.request = request
        self.keep_alive = keep_alive
        self.ns = ns
        self.limit = limit
        self.data = bytearray()
        self.left = length
        self.chunks = Chunks() if length == CHUNKED else None
        self.refused = False

    def feed(self, data: bytes) -> bytes | None:
        """Read body data. Return the bytes after the body, None while it is incomplete. Raises BadChunkError."""
        if self.chunks is not None:
            rest = self.chunks.feed(data, self.data)
        elif len(data) < self.left:
            self.left -= len(data)
            self.data += data
            rest = None
        else:
            self.data += data[: self.left]
            rest = data[self.left :]
            self.left = 0
        if self.refused:
            self.data.clear()
        return rest


class Connection(asyncio.Protocol):
    """
    A connection of a listener. `paused`: the write buffer is not empty. `has_ended`: the client sends nothing more;
    requests received before that are still answered.
    """

    __slots__ = (
        "_body", "_drained", "_held", "_is_last", "_is_open", "_is_running", "_last", "_lingered", "_listener", "_peer", "_reading_paused", "_receiver", "_task",
        "_timer", "_via", "has_ended", "idle_since_s", "paused", "served", "transport", "wire",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, listener: Listener, via: Via | None = None) -> None:
        self._listener = listener
        self._via = via
        self._peer: Peer
        self._body: Incoming | None = None
        self._held = bytearray()
        """Received and not read yet: the beginning of a head, or, while a task is running, requests."""
        self._task: asyncio.Task[None] | PendingReply | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._lingered: asyncio.Future[None] | None = None
        self._is_last = False
        self._is_open = False
        self._is_running = False
        self._reading_paused = False
        self._receiver: Receiver | None = None
        self._last = listener.limits.requests or None
        self.paused = False
        self.has_ended = False
        self.idle_since_s = 0.0
        """Time of its last request, by the monotonic clock."""
        self.served = 0
        """Number of requests whose response was started."""
        self.wire: Http1Wire | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is being read or answered."""
        return self._task is None and self._body is None and not self._held

    def settle(self) -> None:
        """Stop after the current response. Requests of a client that has disconnected are aborted."""
        self._is_last = True
        if self._task is None:
            if self._body is None:
                self._end()
        elif self._receiver is not None:
            self._receiver.going_away()
        elif self.has_ended:
            self.transport.abort()

    # Transport events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        listener = self._listener
        if len(listener.connections) >= listener.limits.connections:
            listener.refused["connections"] += 1
            self.transport.write(closing(too_many(listener.limits)))
            self.transport.close()
            return
        listener.connections.add(self)
        self.idle_since_s = listener.mono()
        self._is_open = True
        # With an empty buffer as the limit, a call counts as sent only when nothing is waiting to be written.
        self.transport.set_write_buffer_limits(high=0)
        self._peer = listener.peer_of(transport, self._via)

    def data_received(self, data: bytes) -> None:
        if self._task is None and self._body is None and not self._held and self._is_open:
            self._read(data)
        else:
            self._read_more(data)

    def eof_received(self) -> bool:
        """Return whether the connection stays open: a request is still to be answered."""
        if not self._is_open or self.transport.is_closing():
            return False
        if not self.has_ended:
            self.has_ended = True
            self._stop_timer()
            if self._body is not None:
                self._body_ended(self._body)
            if self._receiver is not None:
                self._receiver.ended()
            elif self.wire is not None:
                self.wire.client_ended()
        return self._task is not None

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self._is_open = False
        self._listener.connections.discard(self)
        self._stop_timer()
        self._held.clear()
        body = self._body
        if body is not None:
            self._body_ended(body)
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_exception(ConnectionResetError("the client has disconnected"))
        if self._task is not None and self._is_running:
            self._task.cancel()  # a task that has not started could not report the outcome of its call

    def pass_data(self, receiver: Receiver | None) -> None:
        """Pass everything that the client sends to the receiver, and what is not read yet; None: read requests."""
        self._receiver = receiver
        if receiver is None:
            return
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        held, self._held = bytes(self._held), bytearray()
        if held:
            receiver.received(held)
        if self.has_ended:
            receiver.ended()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    async def drained(self) -> None:
        """Wait until everything that was written has been sent. Raises ConnectionError."""
        if not self.paused:
            return
        if not self._is_open:
            raise ConnectionResetError("the client has disconnected")
        self._drained = asyncio.get_running_loop().create_future()  # only the task waits
        await self._drained

    # Reading

    def _read_more(self, data: bytes) -> None:
        """Handle data that is not the beginning of a request."""
        if not self._is_open:
            return
        if self._receiver is not None:
            self._receiver.received(data)
            return
        if self._body is not None:
            rest = self._read_body(self._body, data)
            if rest and self._is_open:
                if self._task is None:
                    self._read(rest)
                else:
                    self._held += rest
            return
        start = max(0, len(self._held) - 3)
        self._held += data
        if self._task is None:
            if self._held.find(b"\r\n\r\n", start) < 0:
                self._wait_for_head()
            else:
                self._go_on()
        elif len(self._held) > MOST_HELD_BYTES and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def _go_on(self) -> None:
        """Read the buffered data."""
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        if self._held:
            data, self._held = bytes(self._held), bytearray()
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Read requests until one has to wait; buffer the rest."""
        listener = self._listener
        at = 0
        try:
            while at < len(data):
                if data[at] in b"\r\n":
                    at += 1  # ignore empty lines before a request line (RFC 9112 2.2)
                    continue
                end = data.find(b"\r\n\r\n", at) + 4
                if end < 4:
                    self._held += data[at:] if at else data
                    self._wait_for_head()
                    return
                if end - at > listener.limits.head_bytes:
                    raise too_large_head(data[at:end], listener.limits.head_bytes)  # noqa: TRY301
                head_bytes = data
                if at or end != len(data):
                    if at >= MOST_BYTES_AT_ONCE:
                        self._held += data[at:]
                        self._begin(_let_others())
                        return
                    head_bytes = data[at:end]
                request, length, keep_alive = read_head(
                    head_bytes,
                    self._peer,
                    listener.limits.headers,
                    REAL.time(),
                    listener.mono(),
                )
                at = end
                if self._timer is not None:
                    self._stop_timer()
                if length:
                    if length == TUNNEL:
                        self._open_tunnel(request, data[at:])
                        return
                    end = at + length
                    if at < end <= len(data) and length <= listener.most_body_bytes:
                        request.body = data[at:end]
                        at = end
                        length = 0
                    else:
                        rest = self._open_body(request, length, data[at:], keep_alive=keep_alive)
                        data, at = rest or b"", 0
                if not length:
                    self._answer(request, listener.namespace_of(request), keep_alive)
                if self._task is not None or not self._is_open:
                    self._held += data[at:]
                    return
        except BadHeadError as error:
            if not (error.is_preface and self._switch_to_http2(data)):
                self._refuse(error)
        except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
            self._fail(error)

    def _wait_for_head(self) -> None:
        """Handle an incomplete head."""
        held, limit = self._held, self._listener.limits.head_bytes
        if self.has_ended:
            self._end()
        elif len(held) > limit:
            self._refuse(too_large_head(held, limit))
        else:
            if self._timer is None:
                self._start_timer()
            if len(held) < _LOOKED_AT_BYTES:
                try:
                    check_beginning(bytes(held))
                except BadHeadError as error:
                    self._refuse(error)

    def _open_body(self, request: Request, length: int, rest: bytes, *, keep_alive: bool) -> bytes | None:
        """Start reading an incomplete body. Return the bytes after it."""
        listener = self._listener
        ns = listener.namespace_of(request)
        listener.enter()
        limit = listener.most_admin_body_bytes if ns is None else listener.most_body_bytes
        body = self._body = Incoming(request, length, ns, limit, keep_alive=keep_alive)
        if length > limit:
            self._refuse_body(body, too_large(limit), "body")
        elif not rest and _expects_continue(request):
            self.transport.write(CONTINUE)
        if self._timer is None and not body.refused:
            self._start_timer()
        return self._read_body(body, rest)

    def _read_body(self, body: Incoming, data: bytes) -> bytes | None:
        """Read more of a body. Return the bytes after it."""
        try:
            rest = body.feed(data)
        except BadChunkError as error:
            self._close_body()
            if not body.refused:
                self._refuse_body(body, unreadable(f"{error}"), None)
            return None
        if len(body.data) > body.limit:
            self._refuse_body(body, too_large(body.limit), "body")
        if rest is None:
            return None
        self._close_body()
        if not body.refused:
            self._stop_timer()
            body.request.body = bytes(body.data)
            body.data.clear()
            try:
                self._answer(body.request, body.ns, body.keep_alive and not self._is_last)
            except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
                self._fail(error)
        return rest

    def _close_body(self) -> None:
        """Finish reading the body."""
        self._body = None
        self._listener.leave()
        if self._lingered is not None and not self._lingered.done():
            self._lingered.set_result(None)

    def _refuse_body(self, body: Incoming, response: Response, limit: str | None) -> None:
        """Answer a request whose body is not accepted, then close the connection."""
        if limit is not None:
            self._listener.refused[limit] += 1
        self._stop_timer()
        body.refused = True
        body.data.clear()
        request, ns = body.request, body.ns
        if not isinstance(ns, Namespace):
            self._begin(self._plain_and_linger(request, response))
            return
        request.complete = False
        if self._listener.replica is not None:
            self._begin(self._replicated_and_linger(self._listener.replica, request, ns, response))
            return
        call = self._listener.engine.begin_incomplete(request, ns, response)
        self._begin(self._perform_and_linger(ns, call))

    def _body_ended(self, body: Incoming) -> None:
        """Handle the end of the client's data in the middle of a body."""
        self._close_body()
        body.data.clear()
        if body.refused or not isinstance(body.ns, Namespace):
            return
        request = body.request
        request.complete = False
        if self._listener.replica is not None:
            self._listener.replica.record_incomplete(request, body.ns.name)
            return
        engine = self._listener.engine
        call = engine.begin_incomplete(request, body.ns, None)
        call.left_at_s = self._listener.mono()
        engine.finish(call, Outcome.CLIENT_LEFT)

    # Limits

    def _start_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._listener.limits.read_timeout_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        """Handle a request that was not complete within the timeout."""
        self._timer = None
        if self._body is not None:
            self._refuse_body(self._body, slow_body(self._listener.limits), "read_timeout")
        else:
            self._refuse(slow_head(self._listener.limits))

    def _refuse(self, error: BadHeadError) -> None:
        """Answer an invalid request, and close the connection."""
        listener = self._listener
        if error.limit is not None:
            listener.refused[error.limit] += 1
        if error.line is not None:
            listener.attempted(self._peer, error)
        self.transport.write(closing(problem_response(error.document)))
        self._end()

    def _fail(self, error: Exception) -> None:
        """Log an internal error, and answer with a 500."""
        log.error("a request could not be answered", exc_info=error)
        if self._is_open and (self.wire is None or not self.wire.has_begun):
            self.transport.write(closing(defect()))
        self._end()

    def _end(self) -> None:
        self._stop_timer()
        self._is_open = False
        self._held.clear()
        self.transport.close()

    # Answering

    def _answer(self, request: Request, ns: Namespace | Response | None, keep_alive: bool) -> None:
        """Answer a complete request, at once or in a task. `ns` is the result of `namespace_of`."""
        listener = self._listener
        if ns is None:
            self._begin(self._admin(request, keep_alive))
            return
        if isinstance(ns, Response):
            self._begin(self._plain(request, keep_alive, ns))
            return
        upgrades = "\nupgrade:" in (request.headers.lower or "") and request.offers_websocket
        if upgrades and expects_websocket(ns, request):
            problem_document = handshake_problem(request) if listener.replica is None else NO_REPLICAS
            if problem_document is not None:
                listener.record_refused(request, ns, problem_document)
                self._begin(self._plain(request, keep_alive, refused_handshake(problem_document)))
                return
            request.method, upgrades = WEBSOCKET, False
        if listener.replica is not None:
            self._answer_replicated(listener.replica, request, ns, keep_alive, upgrades=upgrades)
            return
        call = listener.engine.begin(request, ns)
        if upgrades:
            listener.engine.add_header(call, "x-mockserver-upgrade", NO_WEBSOCKET)
        self.served += 1
        self.idle_since_s = request.arrived_at_s
        if (
            keep_alive
            and call.response is not None
            and call.consult is None
            and not call.due
            and request.version is HTTP_1_1
            and is_one_send(call.plan)
            and request.method != "HEAD"
            and not self.has_ended
            and self.served != self._last
            and not self.paused
        ):
            transport = self.transport
            try:
                transport.write(encode(call.response, request.arrived_s))
            except Exception:
                listener.engine.finish(call, Outcome.CLOSE)
                raise
            if transport.is_closing():
                call.left_at_s = listener.mono()
                listener.engine.finish(call, Outcome.CLIENT_LEFT)
                self._end()
                return
            if not self.paused:
                call.first_byte_at_s = call.last_byte_at_s = listener.mono()
                listener.engine.finish(call, Outcome.DONE)
                return
            call.first_byte_at_s = listener.mono()
            self._begin(self._wait_until_sent(call, keep_alive))
            return
        self._begin(self._perform(ns, call, keep_alive))

    def _wire(self, request: Request, keep_alive: bool) -> Http1Wire:
        """Return the encoded reply. The last one of a connection has `Connection: close`."""
        keep_alive = keep_alive and not (self.has_ended and not self._held)
        if self.served == self._last:
            self._listener.refused["requests"] += 1
            keep_alive = False
        self.wire = Http1Wire(
            self.transport,
            self,
            self._listener.engine,
            version=request.version,
            keep_alive=keep_alive,
            head_only=request.method == "HEAD",
        )
        return self.wire

    def _begin(self, answering: Coroutine[Any, Any, bool]) -> None:
        """Answer in a task, which returns whether the connection stays open. Then read the buffered data."""
        listener = self._listener
        listener.enter()
        self._is_running = False
        self._task = asyncio.get_running_loop().create_task(self._run(answering))

    async def _run(self, answering: Coroutine[Any, Any, bool]) -> None:
        self._is_running = True
        stays = False
        if not self._is_open and self._task is not None:
            self._task.cancel()
        try:
            stays = await answering
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client disconnected; the call has been closed
        except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
            self._fail(error)
        finally:
            self.wire = None
            self._task = None
            self._listener.leave()
        if not self._is_open:
            return
        if stays:
            self._next()
        else:
            self._end()

    def _next(self) -> None:
        """Read the data that was buffered while a response was sent."""
        if self._is_last:
            self._end()
            return
        self._go_on()
        if self.has_ended and self._task is None and self._is_open:
            self._end()

    async def _perform(self, ns: Namespace, call: Call, keep_alive: bool) -> bool:
        wire = self._wire(call.request, keep_alive)
        await self._listener.perform(ns, call, wire)
        return wire.keep_alive

    # HTTP/2

    def _switch_to_http2(self, data: bytes) -> bool:
        """Have HTTP/2 go on, if its preface is all that came before. Return whether it does."""
        if self.served or self._listener.replica is not None or not data.startswith(b"PRI "):
            return False
        from mockserver.http.h2.connection import Http2Connection  # few clients speak it in plain text

        self._stop_timer()
        self._held[:0] = data
        self._hand_over(Http2Connection(self._listener, self._via))
        return True

    # As a proxy

    def _open_tunnel(self, request: Request, rest: bytes) -> None:
        """Answers a CONNECT; `rest` is what the client sends without waiting for that."""
        self.served += 1
        self._held += rest
        self._begin(self._tunnel(request))

    async def _tunnel(self, request: Request) -> bool:
        from mockserver.http.tunnel import ESTABLISHED, tunnel_for  # few clients ask for one

        made = await tunnel_for(self._listener, request)
        if isinstance(made, Response):
            self.transport.write(closing(made))
            return False
        self.transport.write(ESTABLISHED)
        self._hand_over(made)
        return True

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        """Has another protocol go on with the transport, beginning with what has come meanwhile."""
        self._is_open = False
        self._listener.connections.discard(self)
        if self._reading_paused:
            self.transport.resume_reading()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if self.paused:
            protocol.pause_writing()
        held, self._held = bytes(self._held), bytearray()
        if held and not self.transport.is_closing():
            protocol.data_received(held)
        if self.has_ended and not protocol.eof_received():
            self.transport.close()

    # Answering with a shared store

    def _answer_replicated(
        self, replica: Replicated, request: Request, ns: Namespace, keep_alive: bool, *, upgrades: bool
    ) -> None:
        """Answer a request once it is stored; the connection waits until then."""
        self.served += 1
        self.idle_since_s = request.arrived_at_s
        header = ("x-mockserver-upgrade", NO_WEBSOCKET) if upgrades else None
        request_id = replica.new_id()
        if (
            keep_alive
            and request.version is HTTP_1_1
            and request.method != "HEAD"
            and not self.has_ended
            and self.served != self._last
        ):
            pending = PendingReply(self, replica, request, ns, header, request_id)
            self._task, self._is_running = pending, True
            self._listener.enter()
            if replica.reply_when_stored(request, ns.name, request_id, header, pending):
                return
            self._task = None
            self._listener.leave()
        self._begin(self._replicated(replica, request, ns, keep_alive, header, request_id))

    def _take_reply(self, data: bytes, left: Callable[[], None]) -> None:
        """Send the reply of a call that is stored. `left` is called if the client does not receive it."""
        self._task = None
        self._listener.leave()
        if not self._is_open or self.transport.is_closing():
            left()
            return
        try:
            self.transport.write(data)
            if self.transport.is_closing():
                left()
                self._end()
            elif self.paused:
                self._begin(self._wait_until_taken(left))
            else:
                self._next()
        except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
            self._fail(error)

    def _ask_again(
        self,
        replica: Replicated,
        request: Request,
        ns: Namespace,
        header: tuple[str, str] | None,
        request_id: str,
    ) -> None:
        """Answer the request without the shortcut: the namespace has another owner, or the store is not available."""
        self._task = None
        self._listener.leave()
        if self._is_open:
            self._begin(self._replicated(replica, request, ns, True, header, request_id))

    async def _wait_until_taken(self, left: Callable[[], None]) -> bool:
        try:
            await self.drained()
        except (ConnectionError, asyncio.CancelledError):
            left()
            raise
        return True

    async def _replicated(
        self,
        replica: Replicated,
        request: Request,
        ns: Namespace,
        keep_alive: bool,
        header: tuple[str, str] | None,
        request_id: str,
    ) -> bool:
        wire = self._wire(request, keep_alive)
        await replica.answer(request, ns.name, wire, header=header, request_id=request_id)
        return wire.keep_alive

    async def _replicated_and_linger(
        self, replica: Replicated, request: Request, ns: Namespace, response: Response
    ) -> bool:
        wire = self._wire(request, keep_alive=False)
        await replica.answer_apart(request, ns.name, wire, response)
        await self._linger()
        return False

    async def _wait_until_sent(self, call: Call, keep_alive: bool) -> bool:
        """Complete the call once a slow client has received the whole response."""
        wire = self._wire(call.request, keep_alive)
        wire.answers(call)
        outcome = Outcome.DONE
        try:
            await wire.write(b"", 0)
        except (ConnectionError, asyncio.CancelledError):
            if not wire.interrupted():
                outcome = Outcome.CLIENT_LEFT
        self._listener.engine.finish(call, outcome)
        return wire.keep_alive

    async def _perform_and_linger(self, ns: Namespace, call: Call) -> bool:
        wire = self._wire(call.request, False)
        await self._listener.perform(ns, call, wire)
        await self._linger()
        return False

    async def _admin(self, request: Request, keep_alive: bool) -> bool:
        self.served += 1
        wire = self._wire(request, keep_alive)
        if self._listener.replica is not None:
            await self._listener.replica.answer_admin(request, wire)
        else:
            await self._listener.answer_admin(request, wire)
        return wire.keep_alive

    async def _plain(self, request: Request, keep_alive: bool, response: Response) -> bool:
        self.served += 1
        wire = self._wire(request, keep_alive)
        await self._listener.send(response, wire)
        return wire.keep_alive

    async def _plain_and_linger(self, request: Request, response: Response) -> bool:
        wire = self._wire(request, False)
        await self._listener.send(response, wire)
        await self._linger()
        return False

    async def _linger(self) -> None:
        """Read for a moment, so that a client that is still sending sees the response and not a reset."""
        if self._body is None or not self._is_open or self.has_ended or self.transport.is_closing():
            return
        self._lingered = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._lingered,), timeout=LINGER_S)


class PendingReply:
    """A reply that waits for the store, without a task."""

    __slots__ = ("_connection", "_parts", "_replica")

    def __init__(
        self,
        connection: Connection,
        replica: Replicated,
        request: Request,
        ns: Namespace,
        header: tuple[str, str] | None,
        request_id: str,
    ) -> None:
        self._connection = connection
        self._replica = replica
        self._parts = request, ns, header, request_id

    def cancel(self) -> None:
        """Do nothing on a disconnect: `take` notices it."""

    def take(self, data: bytes, left: Callable[[], None]) -> None:
        """Send the reply. `left` is called if the client does not receive it."""
        self._connection._take_reply(data, left)  # noqa: SLF001  (a part of the connection)

    def ask_again(self) -> None:
        """Answer the request elsewhere: its reply is not known here."""
        self._connection._ask_again(self._replica, *self._parts)  # noqa: SLF001


def _expects_continue(request: Request) -> bool:
    return request.version == (1, 1) and request.headers.get("expect", "").lower() == "100-continue"


async def _let_others() -> bool:
    """Let other connections have their turn. The connection stays open."""
    await asyncio.sleep(0)
    return True
