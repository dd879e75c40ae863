"""
One connection: reads its requests in order, and answers each before it reads the next.

A request whose response is ready is answered at once, in `data_received`. Everything that waits runs in a task of the
connection; data received meanwhile is buffered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from mockserver.engine.answers import NO_WEBSOCKET, problem_response
from mockserver.engine.namespace import Namespace
from mockserver.engine.routing import expects_websocket
from mockserver.http.encoder import encode
from mockserver.http.heads import PREFACE_LINE, TUNNEL, BadHeadError, Heads, check_beginning, too_large_head
from mockserver.http.http1_wire import Http1Wire, Receiver
from mockserver.http.incoming import Incoming
from mockserver.http.refusals import closing, defect, slow_head, too_many
from mockserver.http.stored_replies import PendingReply, answer_when_stored
from mockserver.http.websocket.handshake import NO_REPLICAS, handshake_problem, refused_handshake
from mockserver.model.call import Call
from mockserver.model.http import HTTP_1_1, WEBSOCKET, Request, Response, Via
from mockserver.model.plan import DONE, Outcome, is_one_send
from mockserver.real_time import REAL

if TYPE_CHECKING:
    from mockserver.http.listener import Listener

log = logging.getLogger("mockserver")

MOST_BYTES_AT_ONCE = 16 * 1024
"""Bytes of requests that are answered in one go; then other connections get their turn."""
MOST_HELD_BYTES = 1 << 20
"""Bytes buffered while a request is being answered. Above the limit reading pauses, and a disconnect is not noticed."""
_LOOKED_AT_BYTES = 4096
"""Bytes of an incomplete head that are validated."""


class Connection(asyncio.Protocol):
    """
    A connection of a listener. `paused`: the write buffer is not empty. `has_ended`: the client sends nothing more;
    requests received before that are still answered.
    """

    __slots__ = (
        "_drained", "_heads", "_held", "_is_running", "_reading_paused", "_receiver", "_task", "_timer", "_via", "body", "has_ended",
        "idle_since_s", "is_last", "is_open", "last", "listener", "paused", "served", "transport", "wire",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, listener: Listener, via: Via | None = None) -> None:
        self.listener = listener
        self._via = via
        self._heads: Heads
        self.body: Incoming | None = None
        self._held = bytearray()
        """Received and not read yet: the beginning of a head, or, while a task is running, requests."""
        self._task: asyncio.Task[None] | PendingReply | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self.is_last = False
        self.is_open = False
        self._is_running = False
        self._reading_paused = False
        self._receiver: Receiver | None = None
        self.last = listener.limits.requests or -1
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
        return self._task is None and self.body is None and not self._held

    def settle(self) -> None:
        """Stop after the current response. Requests of a client that has disconnected are aborted."""
        self.is_last = True
        if self._task is None:
            if self.body is None:
                self.end()
        elif self._receiver is not None:
            self._receiver.going_away()
        elif self.has_ended:
            self.transport.abort()

    # Transport events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        listener = self.listener
        if len(listener.connections) >= listener.limits.connections:
            listener.refused["connections"] += 1
            self.transport.write(closing(too_many(listener.limits)))
            self.transport.close()
            return
        listener.connections.add(self)
        self.idle_since_s = listener.mono()
        self.is_open = True
        # With an empty buffer as the limit, a call counts as sent only when nothing is waiting to be written.
        self.transport.set_write_buffer_limits(high=0)
        self._heads = Heads(listener.peer_of(transport, self._via), listener.limits.headers)

    def eof_received(self) -> bool:
        """Return whether the connection stays open: a request is still to be answered."""
        if not self.is_open or self.transport.is_closing():
            return False
        if not self.has_ended:
            self.has_ended = True
            self.stop_timer()
            if self.body is not None:
                self.body.ended()
            if self._receiver is not None:
                self._receiver.ended()
            elif self.wire is not None:
                self.wire.client_ended()
        return self._task is not None

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self.is_open = False
        self.listener.connections.discard(self)
        self.stop_timer()
        self._held.clear()
        body = self.body
        if body is not None:
            body.ended()
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
        if not self.is_open:
            raise ConnectionResetError("the client has disconnected")
        self._drained = asyncio.get_running_loop().create_future()  # only the task waits
        await self._drained

    # Reading

    def _read_more(self, data: bytes) -> None:
        """Handle data that is not the beginning of a request."""
        if not self.is_open:
            return
        if self._receiver is not None:
            self._receiver.received(data)
            return
        if self.body is not None:
            rest = self.body.read(data)
            if rest and self.is_open:
                if self._task is None:
                    self.data_received(rest)
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
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        """Read requests until one has to wait; buffer the rest."""
        if self._task is not None or self.body is not None or self._held or not self.is_open:
            self._read_more(data)
            return
        listener = self.listener
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
                        self.begin(_let_others())
                        return
                    head_bytes = data[at:end]
                request, length, keep_alive = self._heads.read(head_bytes, REAL.time(), listener.mono())
                at = end
                if self._timer is not None:
                    self.stop_timer()
                if length:
                    if length == TUNNEL:
                        self._open_tunnel(request, data[at:])
                        return
                    end = at + length
                    if at < end <= len(data) and length <= listener.most_body_bytes:
                        request.body = data[at:end]
                        self._heads.skip(request.body)
                        at = end
                        length = 0
                    else:
                        self.body = Incoming(self, request, length, keep_alive=keep_alive)
                        data, at = self.body.begin(data[at:]) or b"", 0
                if not length:
                    self.answer(request, listener.namespace_of(request), keep_alive)
                if self._task is not None or not self.is_open:
                    self._held += data[at:]
                    return
        except BadHeadError as error:
            if not (error.line == PREFACE_LINE and self._switch_to_http2(data)):
                self._refuse(error)
        except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
            self.fail(error)

    def _wait_for_head(self) -> None:
        """Handle an incomplete head."""
        held, limit = self._held, self.listener.limits.head_bytes
        if self.has_ended:
            self.end()
        elif len(held) > limit:
            self._refuse(too_large_head(held, limit))
        else:
            self.start_timer()
            if len(held) < _LOOKED_AT_BYTES:
                try:
                    check_beginning(bytes(held))
                except BadHeadError as error:
                    self._refuse(error)

    # Limits

    def start_timer(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.listener.limits.read_timeout_s, self._too_slow)

    def stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        """Handle a request that was not complete within the timeout."""
        self._timer = None
        if self.body is not None:
            self.body.too_slow()
        else:
            self._refuse(slow_head(self.listener.limits))

    def _refuse(self, error: BadHeadError) -> None:
        """Answer an invalid request, and close the connection."""
        listener = self.listener
        if error.limit is not None:
            listener.refused[error.limit] += 1
        listener.attempted(self._heads.peer, error)
        self.transport.write(closing(problem_response(error.document)))
        self.end()

    def fail(self, error: Exception) -> None:
        """Log an internal error, and answer with a 500."""
        log.error("a request could not be answered", exc_info=error)
        if self.is_open and (self.wire is None or not self.wire.has_begun):
            self.transport.write(closing(defect()))
        self.end()

    def end(self) -> None:
        self.stop_timer()
        self.is_open = False
        self._held.clear()
        self.transport.close()

    # Answering

    def answer(self, request: Request, ns: Namespace | Response | None, keep_alive: bool) -> None:
        """Answer a complete request, at once or in a task. `ns` is the result of `namespace_of`."""
        listener = self.listener
        if ns is None:
            self.begin(self._admin(request, keep_alive))
            return
        if isinstance(ns, Response):
            self.begin(self._plain(request, keep_alive, ns))
            return
        upgrades = "\nupgrade:" in (request.headers.lower or "") and request.offers_websocket
        if upgrades and expects_websocket(ns, request):
            problem_document = handshake_problem(request) if listener.replica is None else NO_REPLICAS
            if problem_document is not None:
                listener.record_refused(request, ns, problem_document)
                self.begin(self._plain(request, keep_alive, refused_handshake(problem_document)))
                return
            request.method, upgrades = WEBSOCKET, False
        if listener.replica is not None:
            answer_when_stored(self, listener.replica, request, ns, keep_alive=keep_alive, upgrades=upgrades)
            return
        call = listener.engine.begin(request, ns)
        if upgrades:
            listener.engine.add_header(call, "x-mockserver-upgrade", NO_WEBSOCKET)
        self.served += 1
        self.idle_since_s = request.arrived_at_s
        if (
            keep_alive
            and call.response is not None
            and (call.rare is None or ("consult" not in call.rare and not call.rare.get("due")))
            and request.version is HTTP_1_1
            and is_one_send(call.plan)
            and request.method != "HEAD"
            and not self.has_ended
            and self.served != self.last
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
                self.end()
                return
            if not self.paused:
                call.first_byte_at_s = call.last_byte_at_s = listener.mono()
                listener.engine.finish(call, DONE)
                return
            call.first_byte_at_s = listener.mono()
            self.begin(self._wait_until_sent(call, keep_alive))
            return
        self.begin(self._perform(ns, call, keep_alive))

    def wait_for(self, pending: PendingReply) -> None:
        """Read nothing before `wait_is_over`."""
        self._task, self._is_running = pending, True
        self.listener.enter()

    def wait_is_over(self) -> None:
        self._task = None
        self.listener.leave()

    def reply_wire(self, request: Request, keep_alive: bool) -> Http1Wire:
        """Return the encoded reply. The last one of a connection has `Connection: close`."""
        keep_alive = keep_alive and not (self.has_ended and not self._held)
        if self.served == self.last:
            self.listener.refused["requests"] += 1
            keep_alive = False
        self.wire = Http1Wire(
            self.transport,
            self,
            self.listener.engine,
            version=request.version,
            keep_alive=keep_alive,
            head_only=request.method == "HEAD",
        )
        return self.wire

    def begin(self, answering: Coroutine[Any, Any, bool]) -> None:
        """Answer in a task, which returns whether the connection stays open. Then read the buffered data."""
        self.listener.enter()
        self._is_running = False
        self._task = asyncio.get_running_loop().create_task(self._run(answering))

    async def _run(self, answering: Coroutine[Any, Any, bool]) -> None:
        self._is_running = True
        stays = False
        if not self.is_open and self._task is not None:
            self._task.cancel()
        try:
            stays = await answering
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client disconnected; the call has been closed
        except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
            self.fail(error)
        finally:
            self.wire = None
            self._task = None
            self.listener.leave()
        if not self.is_open:
            return
        if stays:
            self.read_next()
        else:
            self.end()

    def read_next(self) -> None:
        """Read the data that was buffered while a response was sent."""
        if self.is_last:
            self.end()
            return
        self._go_on()
        if self.has_ended and self._task is None and self.is_open:
            self.end()

    async def _perform(self, ns: Namespace, call: Call, keep_alive: bool) -> bool:
        wire = self.reply_wire(call.request, keep_alive)
        await self.listener.perform(ns, call, wire)
        return wire.keep_alive

    async def _wait_until_sent(self, call: Call, keep_alive: bool) -> bool:
        """Complete the call once a slow client has received the whole response."""
        wire = self.reply_wire(call.request, keep_alive)
        wire.answers(call)
        outcome = Outcome.DONE
        try:
            await wire.write(b"", 0)
        except (ConnectionError, asyncio.CancelledError):
            if not wire.interrupted():
                outcome = Outcome.CLIENT_LEFT
        self.listener.engine.finish(call, outcome)
        return wire.keep_alive

    async def _admin(self, request: Request, keep_alive: bool) -> bool:
        self.served += 1
        wire = self.reply_wire(request, keep_alive)
        if self.listener.replica is not None:
            await self.listener.replica.answer_admin(request, wire)
        else:
            await self.listener.answer_admin(request, wire)
        return wire.keep_alive

    async def _plain(self, request: Request, keep_alive: bool, response: Response) -> bool:
        self.served += 1
        wire = self.reply_wire(request, keep_alive)
        await self.listener.send(response, wire)
        return wire.keep_alive

    # HTTP/2

    def _switch_to_http2(self, data: bytes) -> bool:
        """Have HTTP/2 go on, if its preface is all that came before. Return whether it does."""
        if self.served or self.listener.replica is not None or not data.startswith(b"PRI "):
            return False
        from mockserver.http.h2.connection import Http2Connection  # few clients speak it in plain text

        self.stop_timer()
        self._held[:0] = data
        self._hand_over(Http2Connection(self.listener, self._via))
        return True

    # As a proxy

    def _open_tunnel(self, request: Request, rest: bytes) -> None:
        """Answers a CONNECT; `rest` is what the client sends without waiting for that."""
        self.served += 1
        self._held += rest
        self.begin(self._tunnel(request))

    async def _tunnel(self, request: Request) -> bool:
        from mockserver.http.tunnel import ESTABLISHED, tunnel_for  # few clients ask for one

        made = await tunnel_for(self.listener, request)
        if isinstance(made, Response):
            self.transport.write(closing(made))
            return False
        self.transport.write(ESTABLISHED)
        self._hand_over(made)
        return True

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        """Has another protocol go on with the transport, beginning with what has come meanwhile."""
        self.is_open = False
        self.listener.connections.discard(self)
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


async def _let_others() -> bool:
    """Let other connections have their turn. The connection stays open."""
    await asyncio.sleep(0)
    return True
