"""
The streams of a connection: requests from header blocks and bodies, each answered at once or by a stream with a task.

A request whose response is ready is answered while its frame is read, without a stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from mockserver.engine.answers import problem_response
from mockserver.engine.namespace import Namespace
from mockserver.grpc.conversion import grpc_response
from mockserver.http.h2.credit import REPLY_CREDIT, RESET_COST, FrameCredit
from mockserver.http.h2.frames import (
    END_STREAM,
    PADDED,
    Http2Error,
    Http2StreamError,
    check,
    rst_stream,
    unpadded,
)
from mockserver.http.h2.hpack import TooManyFieldsError
from mockserver.http.h2.request_heads import RequestHead, RequestHeads, check_trailers
from mockserver.http.h2.response_heads import CONTINUE
from mockserver.http.h2.stream import BodyReader, Home, Http2Stream
from mockserver.http.h2.windows import ReceiveWindows
from mockserver.http.h2.wire import Http2Wire
from mockserver.http.h2.writer import FrameWriter
from mockserver.http.heads import BadHeadError, head_too_large
from mockserver.http.refusals import defect, slow_body, too_large, wrong_length
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.grpc import GrpcRequest
from mockserver.model.headers import Headers
from mockserver.model.http import HTTP_2, Peer, Request, Response
from mockserver.model.http2_codes import Http2Code
from mockserver.model.plan import Outcome, Plan, Send, is_one_send
from mockserver.model.problem import problem
from mockserver.real_time import REAL

if TYPE_CHECKING:
    from mockserver.http.h2.connection import Http2Connection
    from mockserver.http.h2.stream import StreamHandler
    from mockserver.http.listener import Listener

log = logging.getLogger("mockserver")

MOST_STREAMS = 250
"""Streams at once on one connection."""
Answering = Callable[[Http2Wire], Awaitable[None]]


class Http2Requests:
    """
    The requests of one connection. `begun` counts them, `served` those whose response was started. `last_id` is that of
    the last stream. `is_last`: no other request is answered.
    """

    __slots__ = (
        "_closed_ids", "_connection", "_credit", "_head_of", "_heads", "_last", "_listener", "_put_ready", "_windows", "_writer",
        "begun", "idle_since_s", "is_last", "last_id", "peer", "served", "streams",
    )  # fmt: skip

    peer: Peer

    def __init__(
        self,
        connection: Http2Connection,
        listener: Listener,
        writer: FrameWriter,
        credit: FrameCredit,
        windows: ReceiveWindows,
    ) -> None:
        self._connection = connection
        self._listener = listener
        self._writer = writer
        self._put_ready = writer.put_ready
        self._credit = credit
        self._windows = windows
        self._heads = RequestHeads(listener.limits)
        self._head_of = self._heads.read
        self._last = listener.limits.requests or None
        self._closed_ids: deque[int] = deque(maxlen=MOST_STREAMS)
        """Streams that ended before the client's side did: what it has sent meanwhile is dropped."""
        self.streams: dict[int, Http2Stream] = {}
        self.last_id = 0
        self.is_last = False
        self.idle_since_s = 0.0
        self.begun = 0
        self.served = 0

    def settle(self) -> None:
        """Answer what has come, and no more."""
        if not self._writer.is_open:
            return
        # The GOAWAY follows the last reply: some clients drop what comes after it. New streams are refused until then.
        self.is_last = True
        if not self.streams:
            self._connection.leave()

    def stream_of(self, stream_id: int) -> Http2Stream | None:
        """Return the stream; None if it is closed. Raises Http2Error if it was never opened."""
        stream = self.streams.get(stream_id)
        if stream is None:
            opened = 0 < stream_id <= self.last_id and stream_id & 1
            check(bool(opened), Http2Code.PROTOCOL_ERROR, "a frame names a stream that is not open")
        return None if stream is None or stream.is_closed else stream

    def wake(self) -> None:
        """Let streams that wait for the client go on."""
        for stream in self.streams.values():
            stream.wake()

    # Heads

    def read_block(self, flags: int, stream_id: int, block: bytes) -> None:
        """Handle the header block of a request, or of its trailers."""
        if stream_id <= self.last_id:
            self._read_trailers(flags, stream_id, block)
            return
        self.last_id = stream_id
        try:
            head = self._head_of(block)
        except TooManyFieldsError:
            # Without the rest of the block the connection can't go on.
            self._refuse(stream_id, head_too_large(self._listener.limits.head_bytes), Http2Code.NO_ERROR)
            raise Http2Error(
                Http2Code.ENHANCE_YOUR_CALM, "too many bytes of header fields; see --max-head"
            ) from None
        except BadHeadError as error:
            self._credit.spend(RESET_COST)
            self._refuse(stream_id, error, Http2Code.PROTOCOL_ERROR)
            return
        if self.is_last or (len(self.streams) >= MOST_STREAMS and self._open_streams() >= MOST_STREAMS):
            if not self.is_last:
                self._listener.refused["http2_streams"] += 1
            self._credit.spend()
            self._closed_ids.append(stream_id)
            self._writer.put(rst_stream(stream_id, Http2Code.REFUSED_STREAM))
            return
        self.begun += 1
        self._begin_request(stream_id, head, ends=bool(flags & END_STREAM))

    def _open_streams(self) -> int:
        """Count the streams without those that are closed and whose task has not ended yet (RFC 9113 5.1.2)."""
        return sum(not stream.is_closed for stream in self.streams.values())

    def _read_trailers(self, flags: int, stream_id: int, block: bytes) -> None:
        fields = self._heads.decode(block)
        stream = self.streams.get(stream_id)
        if stream is None or stream.is_closed:
            if stream is None and stream_id not in self._closed_ids:
                raise Http2Error(Http2Code.STREAM_CLOSED, "HEADERS names a stream that is closed")
            self._credit.spend()
            return
        if stream.has_ended:
            raise Http2StreamError(
                stream_id, Http2Code.STREAM_CLOSED, "HEADERS follows the end of its stream"
            )
        try:
            check_trailers(fields)
        except BadHeadError as error:
            raise Http2StreamError(stream_id, Http2Code.PROTOCOL_ERROR, str(error)) from None
        if not flags & END_STREAM:
            raise Http2StreamError(stream_id, Http2Code.PROTOCOL_ERROR, "trailers do not end their stream")
        self._body_complete(stream)

    def _begin_request(self, stream_id: int, head: RequestHead, *, ends: bool) -> None:
        listener = self._listener
        request = (GrpcRequest if head.is_grpc else Request).of_head(
            GRPC if head.is_grpc else head.method,
            head.target,
            Headers.of_head(head.raw, head.lower),
            self.peer,
            HTTP_2,
            REAL.time(),
            listener.mono(),
        )
        if head.method == "CONNECT":
            self._refuse_tunnel(stream_id, request)
            return
        ns = listener.namespace_of(request)
        if isinstance(ns, Response) and head.is_grpc:
            ns = grpc_response(ns)
        if isinstance(ns, Namespace):
            handler = listener.stream_handler(request, ns)
            if handler is not None:
                self._hand_over(stream_id, request, ns, handler, ends=ends)
                return
        if ends and not head.length:
            self._answer(stream_id, None, request, ns)
            return
        stream = self._open(stream_id, request, ns)
        stream.limit = listener.most_admin_body_bytes if ns is None else listener.most_body_bytes
        stream.length = head.length
        if ends:
            self._body_complete(stream)
            return
        stream.timer = asyncio.get_running_loop().call_later(
            listener.limits.read_timeout_s, self._too_slow, stream
        )
        if head.length is not None and head.length > stream.limit:
            self._refuse_body(stream, too_large(stream.limit), "body")
        elif head.expects_continue:
            self._writer.put_block(stream_id, CONTINUE, 0)

    def _refuse_tunnel(self, stream_id: int, request: Request) -> None:
        detail = "Send CONNECT by HTTP/1.1; inside the tunnel HTTP/2 is possible"
        document = problem(501, "no-connect", "There are no tunnels by HTTP/2", detail)
        self._listener.record_refused(request, self._listener.engine.default, document)
        self._writer.put_whole(stream_id, problem_response(document, ("x-mockserver-matched", "false")))
        self._writer.put(rst_stream(stream_id, Http2Code.NO_ERROR))
        self._closed_ids.append(stream_id)

    def _refuse(self, stream_id: int, error: BadHeadError, code: Http2Code) -> None:
        """Answer an invalid request. It is not recorded."""
        if error.limit is not None:
            self._listener.refused[error.limit] += 1
        self._writer.put_whole(stream_id, problem_response(error.document))
        self._writer.put(rst_stream(stream_id, code))
        self._closed_ids.append(stream_id)

    # Bodies

    def read_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Handle a DATA frame. Raises Http2Error, Http2StreamError."""
        size = len(payload)
        self._windows.received(size)
        stream = self.stream_of(stream_id)
        data = unpadded(payload) if flags & PADDED else payload
        if not data and not flags & END_STREAM:
            self._credit.spend()
        if stream is None:
            if stream_id not in self._closed_ids and stream_id not in self.streams:
                raise Http2StreamError(
                    stream_id, Http2Code.STREAM_CLOSED, "DATA names a stream that is closed"
                )
            return
        if stream.has_ended:
            raise Http2StreamError(stream_id, Http2Code.STREAM_CLOSED, "DATA follows the end of its stream")
        stream.receivable -= size
        if stream.receivable < 0:
            raise Http2StreamError(
                stream_id, Http2Code.FLOW_CONTROL_ERROR, "more data than the window allows"
            )
        if stream.reader is not None:
            stream.reader.feed(data)
            self._windows.make_room(stream, size - len(data))
        elif not stream.refused:
            self._windows.buffer(stream, data)
            if len(stream.body) > stream.limit:
                self._refuse_body(stream, too_large(stream.limit), "body")
            elif self._windows.are_overrun(stream.limit):
                self._listener.refused["body"] += 1
                raise Http2StreamError(
                    stream_id, Http2Code.ENHANCE_YOUR_CALM, "too many bodies are incomplete"
                )
            else:
                self._windows.make_room(stream, size)
        if flags & END_STREAM:
            self._body_complete(stream)

    def _body_complete(self, stream: Http2Stream) -> None:
        stream.has_ended = True
        stream.stop_timer()
        if stream.reader is not None:
            stream.reader.wake()
            return
        if stream.refused:
            return
        body = bytes(stream.body)
        self._windows.forget(stream)
        if stream.length not in (None, len(body)):
            stream.end_code = Http2Code.PROTOCOL_ERROR
            self._refuse_body(stream, wrong_length(stream.length or 0, len(body)), None)
            return
        stream.request.body = body
        self._answer(stream.id, stream, stream.request, stream.ns)

    def _refuse_body(self, stream: Http2Stream, response: Response, limit: str | None) -> None:
        """Answer a request whose body is not accepted; the stream is reset after that."""
        if limit is not None:
            self._listener.refused[limit] += 1
        self._windows.forget(stream)
        stream.refused = True
        request, ns, listener = stream.request, stream.ns, self._listener
        if isinstance(request, GrpcRequest):
            response = grpc_response(response)
        if isinstance(ns, Namespace):
            request.complete = False
            call = listener.engine.begin_incomplete(request, ns, response)
            self._begin(stream, partial(listener.perform, ns, call))
        else:
            self._begin(stream, partial(listener.send, response))

    def _too_slow(self, stream: Http2Stream) -> None:
        """Handle a body that was not complete within the timeout."""
        stream.timer = None
        self._refuse_body(stream, slow_body(self._listener.limits), "read_timeout")

    # Answering

    def _answer(self, stream_id: int, stream: Http2Stream | None, request: Request, ns: Home) -> None:
        """Answer a complete request, at once or in a task. `ns` is the result of `namespace_of`."""
        try:
            self._answer_or_raise(stream_id, stream, request, ns)
        except Exception:
            log.exception("a request could not be answered")
            self._writer.put_whole(stream_id, defect())
            if stream is not None:
                stream.is_done = True
                self._close(stream)
        if self.served == self._last:
            self._listener.refused["requests"] += 1
            self.settle()

    def _answer_or_raise(
        self, stream_id: int, stream: Http2Stream | None, request: Request, ns: Home
    ) -> None:
        listener = self._listener
        self.served += 1
        self.idle_since_s = request.arrived_at_s
        if isinstance(ns, Namespace):
            call = listener.engine.begin(request, ns)
            if (
                call.response is not None
                and call.consult is None
                and not call.due
                and (is_one_send(call.plan) or _has_trailers_alone(call.plan))
                and request.method != "HEAD"
                and self._put_ready(stream_id, call)
            ):
                if stream is not None:
                    stream.is_done = True
                    self._close(stream)
                return
            answering: Answering = partial(listener.perform, ns, call)
        elif ns is None:
            answering = partial(listener.answer_admin, request)
        else:
            answering = partial(listener.send, ns)
        if stream is None:
            stream = self._open(stream_id, request, ns)
            stream.has_ended = True
        self._begin(stream, answering)

    def _open(self, stream_id: int, request: Request, ns: Home) -> Http2Stream:
        stream = self.streams[stream_id] = Http2Stream(
            self._connection, stream_id, request, ns, self._writer.stream_window
        )
        self._listener.enter()
        return stream

    def _close(self, stream: Http2Stream) -> None:
        """Forget a stream, after telling the client if its end of it is open."""
        del self.streams[stream.id]
        stream.wire = stream.reader = None  # which refer to the stream
        stream.stop_timer()
        if stream.is_done:
            self._credit.earn(REPLY_CREDIT)
        if not stream.is_closed:
            if not stream.is_done:
                self._writer.put(rst_stream(stream.id, Http2Code.INTERNAL_ERROR))
            elif not stream.has_ended or stream.end_code is not Http2Code.NO_ERROR:
                self._writer.put(rst_stream(stream.id, stream.end_code))
            stream.is_closed = True
        if not stream.has_ended:
            self._closed_ids.append(stream.id)
        self._listener.leave()
        if self.is_last and not self.streams and self._writer.is_open:
            self._connection.leave()

    def _begin(self, stream: Http2Stream, answering: Answering) -> None:
        """Answer in a task."""
        wire = stream.wire = Http2Wire(
            stream, self._listener.engine, head_only=stream.request.method == "HEAD"
        )
        stream.task = asyncio.get_running_loop().create_task(self._run(stream, wire, answering))

    async def _run(self, stream: Http2Stream, wire: Http2Wire, answering: Answering) -> None:
        stream.is_running = True
        if stream.is_closed and stream.task is not None:
            stream.task.cancel()  # only now: a task that has not started could not report the outcome of its call
        try:
            await answering(wire)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client disconnected; the call has been closed
        except Exception:
            log.exception("a request could not be answered")
            if not wire.has_begun and not wire.is_closing:
                self._writer.put_whole(stream.id, defect())
                stream.is_done = True
        finally:
            stream.task = None
            self._close(stream)

    def _hand_over(
        self, stream_id: int, request: Request, ns: Namespace, handler: StreamHandler, *, ends: bool
    ) -> None:
        """Let a handler read the body and answer."""
        self.served += 1
        self.idle_since_s = request.arrived_at_s
        stream = self._open(stream_id, request, ns)
        reader = stream.reader = BodyReader(stream)
        stream.has_ended = ends
        self._begin(stream, partial(handler, reader))

    # The end of streams

    def reset_stream(self, stream: Http2Stream, code: int) -> None:
        """End a stream by an error code."""
        self._writer.put(rst_stream(stream.id, code))
        stream.is_closed = True
        self._windows.forget(stream)

    def stream_failed(self, error: Http2StreamError) -> None:
        """Handle an error of the client by resetting the stream. Raises Http2Error if there are too many."""
        stream = self.streams.get(error.stream_id)
        self._writer.put(rst_stream(error.stream_id, error.code))
        if stream is not None and not stream.is_closed:
            self.stream_lost(stream)
        self._credit.spend(RESET_COST)

    def stream_lost(self, stream: Http2Stream, outcome: Outcome = Outcome.CLIENT_LEFT) -> None:
        """Handle a stream that was reset, or whose connection is lost."""
        self._windows.forget(stream)
        if stream.wire is not None and not stream.is_closed:
            stream.wire.lost = outcome
        stream.is_closed = True
        if stream.task is None:
            if isinstance(stream.ns, Namespace):
                self._listener.record_incomplete(stream.request, stream.ns)
            self._close(stream)
            return
        if stream.reader is not None:
            stream.reader.wake()
        stream.wake()
        if stream.is_running:
            stream.task.cancel()

    def lost(self) -> None:
        """Handle the end of the connection."""
        for stream in tuple(self.streams.values()):
            self.stream_lost(stream)
        del self._connection  # which refers to this object

    def cut(self) -> None:
        """End the streams because the server closes the connection."""
        for stream in tuple(self.streams.values()):
            if not stream.is_closed:
                self.stream_lost(stream, Outcome.CLOSE)


def _has_trailers_alone(plan: Plan) -> bool:
    """Whether a plan is one whole response with trailers, as those of gRPC are."""
    step = plan[0] if len(plan) == 1 else None
    return isinstance(step, Send) and step.upto is None and bool(step.response.trailers)
