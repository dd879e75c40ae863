"""
One connection of HTTP/2: reads frames, answers requests, and keeps to the flow control of the client.

A request whose response is ready is answered while its frame is read, without a stream; what was answered in one turn is
written at once. Everything that waits is a stream with a task. Work that a client causes without making progress is
limited, see `_spend`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from mockserver.engine.answers import problem_response
from mockserver.engine.namespace import Namespace
from mockserver.http.h2.frames import (
    ACK,
    DEFAULT_FRAME_BYTES,
    DEFAULT_WINDOW,
    END_HEADERS,
    END_STREAM,
    HEAD_BYTES,
    MOST_FRAME_BYTES,
    MOST_WINDOW,
    PADDED,
    PREFACE,
    PRIORITISED,
    FrameType,
    Http2Error,
    Http2StreamError,
    Setting,
    frame,
    goaway,
    read_settings,
    rst_stream,
    settings,
    unpadded,
    window_update,
)
from mockserver.http.h2.hpack import NO_TABLE, HeaderBlockError, HeaderDecoder, TooManyFieldsError
from mockserver.http.h2.request_heads import RequestHead, check_trailers, request_head
from mockserver.http.h2.response_heads import CONTINUE, encode_head, ready_head
from mockserver.http.h2.stream import WINDOW_BYTES, BodyReader, Http2Stream
from mockserver.http.h2.wire import Http2Wire
from mockserver.http.heads import BadHeadError, head_too_large
from mockserver.http.refusals import LINGER_S, defect, slow_body, too_large, wrong_length
from mockserver.model.call import Call
from mockserver.model.framing import has_body
from mockserver.model.headers import Headers
from mockserver.model.http import HTTP_2, Peer, Request, Response, Via
from mockserver.model.http2_codes import Http2Code
from mockserver.model.plan import Outcome, is_one_send
from mockserver.model.problem import problem
from mockserver.real_time import REAL

if TYPE_CHECKING:
    from mockserver.http.h2.stream import StreamHandler
    from mockserver.http.listener import Listener

log = logging.getLogger("mockserver")

MOST_STREAMS = 250
"""Streams at once on one connection."""
MOST_BYTES_AT_ONCE = 16 * 1024
"""Bytes of frames, apart from bodies, that are read in one go; then other connections get their turn."""
MOST_REQUESTS_AT_ONCE = 64
MOST_HELD_BYTES = 1 << 20
"""Bytes buffered while others have their turn, or the client does not read. Above the limit reading pauses."""
_WINDOW_BYTES = 1 << 20
"""Bytes that a client may send on all streams before they are read."""
_MOST_BODIES = 4
"""Bodies of the largest allowed size whose bytes one connection may have received in part."""
CREDIT = 1000
"""Frames without progress that a client may send at once."""
_CREDIT_A_SECOND = 50
_REPLY_CREDIT = 2
_DATA_CREDIT = 4
"""For the updates of two windows, and some."""
_RESET_COST = 10
"""Of an error for which a stream is reset."""
_MOST_KNOWN_HEADS = 64
_MOST_KNOWN_BYTES = 512


class Http2Connection(asyncio.Protocol):
    """
    A connection of a listener. `paused`: the write buffer is not empty. `window` is how much the client takes on all
    streams.
    """

    __slots__ = (
        "_block", "_bodies_bytes", "_closed_ids", "_credit", "_credited_at_s", "_decoder", "_frame_bytes", "_has_settings",
        "_held", "_initial_window", "_is_last", "_is_open", "_is_reading", "_known_heads", "_known_since", "_last", "_last_id",
        "_listener", "_out", "_peer", "_preface", "_reading_paused", "_ready", "_receivable", "_requests_left", "_streams",
        "_table_update", "_timer", "_turn", "_via", "_waiting", "_window_closed", "idle_since_s", "paused", "served", "transport",
        "window",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, listener: Listener, via: Via | None = None) -> None:
        self._listener = listener
        self._via = via
        self._peer: Peer
        self._preface = PREFACE
        """The part of the preface that has not come yet."""
        self._has_settings = False
        self._held = bytearray()
        self._turn: asyncio.Handle | None = None
        """The next turn to read, if there is more than one."""
        self._timer: asyncio.TimerHandle | None = None
        """Of an incomplete frame or header block; once the connection is closed, of its end."""
        self._block: tuple[int, int, bytearray] | None = None
        """Stream, flags and beginning of an incomplete header block."""
        self._decoder = HeaderDecoder(listener.limits.head_bytes)
        self._known_heads: dict[bytes, RequestHead] = {}
        self._known_since = 0
        self._streams: dict[int, Http2Stream] = {}
        self._last_id = 0
        self._closed_ids: deque[int] = deque(maxlen=MOST_STREAMS)
        """Streams that ended before the client's side did: what it has sent meanwhile is dropped."""
        self._initial_window = DEFAULT_WINDOW
        self._frame_bytes = DEFAULT_FRAME_BYTES
        self.window = DEFAULT_WINDOW
        self._receivable = _WINDOW_BYTES
        self._window_closed = False
        self._bodies_bytes = 0
        self._credit = CREDIT
        self._credited_at_s = 0.0
        self._requests_left = 0
        self._out: list[bytes] = []
        self._ready: list[Call] = []
        """Calls whose whole response is in `_out`."""
        self._waiting: list[Call] = []
        """Calls whose whole response is in the write buffer."""
        self._table_update = NO_TABLE
        self._is_open = False
        self._is_last = False
        self._is_reading = False
        self._reading_paused = False
        self._last = listener.limits.requests or None
        self.paused = False
        self.idle_since_s = 0.0
        """Time of its last request, by the monotonic clock."""
        self.served = 0
        """Number of requests whose response was started."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is being read or answered."""
        return not self._streams and not self._held and self._block is None

    def settle(self) -> None:
        """Answer what has come, and no more."""
        if not self._is_open:
            return
        # The GOAWAY follows the last reply: some clients drop what comes after it. New streams are refused until then.
        self._is_last = True
        if not self._streams:
            self._leave()

    # Transport events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        listener = self._listener
        self._is_open = True
        if len(listener.connections) >= listener.limits.connections:
            listener.refused["connections"] += 1
            self._fail(Http2Error(Http2Code.ENHANCE_YOUR_CALM, "too many connections; see --max-connections"))
            return
        listener.connections.add(self)
        self.idle_since_s = self._credited_at_s = listener.mono()
        self._peer = listener.peer_of(transport, self._via)
        self.put(
            settings(
                {
                    Setting.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
                    Setting.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
                    Setting.MAX_HEADER_LIST_SIZE: listener.limits.head_bytes,
                }
            )
            + window_update(0, _WINDOW_BYTES - DEFAULT_WINDOW)
        )
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            return
        if self.paused or self._turn is not None:
            self._held += data
            self._stop_timer()
            if len(self._held) > MOST_HELD_BYTES and not self._reading_paused:
                self._reading_paused = True
                self.transport.pause_reading()
            return
        if self._held:
            self._held += data
            data = self._taken()
        self._read(data)

    def eof_received(self) -> bool:
        """Close: a client that sends nothing more can't take a reply either."""
        return False

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self._is_open = False
        self._listener.connections.discard(self)
        self._stop_timer()
        self._forget_input()
        self._left(self._ready + self._waiting)
        self._ready, self._waiting = [], []
        for stream in tuple(self._streams.values()):
            self._stream_lost(stream)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        sent, self._waiting = self._waiting, []
        self._finish(sent)
        self._wake_streams()
        if self._is_open and self._turn is None and self._held:
            self._turn = asyncio.get_running_loop().call_soon(self._go_on)

    # Reading

    def _taken(self) -> bytes:
        data, self._held = bytes(self._held), bytearray()
        return data

    def _forget_input(self) -> None:
        self._held.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _go_on(self) -> None:
        """Read what is buffered."""
        self._turn = None
        if self.paused or not self._is_open:
            return
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        self._read(self._taken())

    def _read(self, data: bytes) -> None:
        """Read frames for one turn, and write what they cause."""
        self._is_reading = True
        try:
            if self._preface:
                data = self._read_preface(data)
            self._read_frames(data)
        except Http2Error as error:
            self._fail(error)
        except (HeaderBlockError, TooManyFieldsError) as error:
            self._fail(Http2Error(Http2Code.COMPRESSION_ERROR, str(error)))
        except Exception:
            log.exception("a connection of HTTP/2 failed")
            self._fail(Http2Error(Http2Code.INTERNAL_ERROR, "This is a bug in mockserver; see its log"))
        finally:
            self._is_reading = False
        self._flush()

    def _read_preface(self, data: bytes) -> bytes:
        """Return what follows the preface. Raises Http2Error."""
        part = data[: len(self._preface)]
        if not self._preface.startswith(part):
            raise Http2Error(Http2Code.PROTOCOL_ERROR, "the connection preface of HTTP/2 is invalid")
        self._preface = self._preface[len(part) :]
        return data[len(part) :]

    def _read_frames(self, data: bytes) -> None:
        at, end, budget = 0, len(data), MOST_BYTES_AT_ONCE
        self._requests_left = MOST_REQUESTS_AT_ONCE
        while end - at >= HEAD_BYTES and self._is_open:
            if budget <= 0 or not self._requests_left:
                self._turn = asyncio.get_running_loop().call_soon(self._go_on)
                break
            length = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
            if length > DEFAULT_FRAME_BYTES:
                raise Http2Error(
                    Http2Code.FRAME_SIZE_ERROR, f"a frame has more than {DEFAULT_FRAME_BYTES} bytes"
                )
            start = at + HEAD_BYTES
            if start + length > end:
                break
            kind, flags = data[at + 3], data[at + 4]
            stream_id = int.from_bytes(data[at + 5 : start]) & 0x7FFFFFFF
            at = start + length
            budget -= HEAD_BYTES if kind == FrameType.DATA else HEAD_BYTES + length
            try:
                self._read_frame(kind, flags, stream_id, data[start:at])
            except Http2StreamError as error:
                self._stream_failed(error)
        if not self._is_open:
            return
        if at < end:
            self._held += data[at:]
        has_begun = self._block is not None or not self._has_settings
        if self._turn is not None or (at and not has_begun):
            self._stop_timer()
        if self._turn is None and self._timer is None and (self._held or has_begun):
            self._start_timer()

    def _read_frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        """Raises Http2Error, Http2StreamError."""
        if self._block is not None:
            if kind != FrameType.CONTINUATION or stream_id != self._block[0]:
                raise Http2Error(Http2Code.PROTOCOL_ERROR, "a header block is not continued")
            self._read_continuation(flags, payload)
            return
        if not self._has_settings and kind != FrameType.SETTINGS:
            raise Http2Error(Http2Code.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        if kind == FrameType.HEADERS:
            self._read_headers(flags, stream_id, payload)
        elif kind == FrameType.DATA:
            self._read_data(flags, stream_id, payload)
        elif kind == FrameType.WINDOW_UPDATE:
            self._read_window_update(stream_id, payload)
        elif kind == FrameType.RST_STREAM:
            self._read_rst_stream(stream_id, payload)
        elif kind == FrameType.SETTINGS:
            self._read_settings(flags, stream_id, payload)
        elif kind == FrameType.PING:
            self._spend()
            _check(stream_id == 0, Http2Code.PROTOCOL_ERROR, "a PING names a stream")
            _check(len(payload) == 8, Http2Code.FRAME_SIZE_ERROR, "a PING has not 8 bytes")
            if not flags & ACK:
                self.put(frame(FrameType.PING, ACK, 0, payload))
        elif kind == FrameType.PRIORITY:
            self._spend()
            _check(stream_id != 0, Http2Code.PROTOCOL_ERROR, "a PRIORITY names no stream")
            if len(payload) != 5:
                raise Http2StreamError(stream_id, Http2Code.FRAME_SIZE_ERROR, "a PRIORITY has not 5 bytes")
            _check_priority(stream_id, payload)
        elif kind == FrameType.GOAWAY:
            _check(stream_id == 0, Http2Code.PROTOCOL_ERROR, "a GOAWAY names a stream")
            _check(len(payload) >= 8, Http2Code.FRAME_SIZE_ERROR, "a GOAWAY has not 8 bytes")
            self.settle()
        elif kind in (FrameType.PUSH_PROMISE, FrameType.CONTINUATION):
            raise Http2Error(Http2Code.PROTOCOL_ERROR, f"a client can't send a {FrameType(kind).name} here")
        else:
            self._spend()  # unknown frames are ignored (RFC 9113 4.1)

    def _spend(self, cost: int = 1) -> None:
        """
        Take a frame without progress from the client's credit, which grows with requests, replies and time. Raises
        Http2Error.
        """
        self._credit -= cost
        if self._credit >= 0:
            return
        now_s = self._listener.mono()
        self._credit = min(CREDIT, int((now_s - self._credited_at_s) * _CREDIT_A_SECOND)) - cost
        self._credited_at_s = now_s
        if self._credit < 0:
            self._listener.refused["http2_flood"] += 1
            raise Http2Error(Http2Code.ENHANCE_YOUR_CALM, "too many frames without progress")

    def _earn(self, credit: int) -> None:
        if self._credit < CREDIT:
            self._credit += credit

    # Frames of the connection

    def _read_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._spend()
        _check(stream_id == 0, Http2Code.PROTOCOL_ERROR, "SETTINGS names a stream")
        if flags & ACK:
            _check(not payload, Http2Code.FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS has a payload")
            return
        _check(len(payload) % 6 == 0, Http2Code.FRAME_SIZE_ERROR, "SETTINGS has an incomplete entry")
        self._has_settings = True
        window = self._initial_window
        for key, value in read_settings(payload):
            if key == Setting.INITIAL_WINDOW_SIZE:
                _check(value <= MOST_WINDOW, Http2Code.FLOW_CONTROL_ERROR, "a window is too large")
                window = value
            elif key == Setting.MAX_FRAME_SIZE:
                valid = DEFAULT_FRAME_BYTES <= value <= MOST_FRAME_BYTES
                _check(valid, Http2Code.PROTOCOL_ERROR, "MAX_FRAME_SIZE is invalid")
                self._frame_bytes = min(value, 4 * DEFAULT_FRAME_BYTES)
            elif key == Setting.ENABLE_PUSH:
                _check(value <= 1, Http2Code.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        for stream in self._streams.values():
            stream.window += window - self._initial_window
            _check(stream.window <= MOST_WINDOW, Http2Code.FLOW_CONTROL_ERROR, "a window is too large")
        self._initial_window = window
        self.put(frame(FrameType.SETTINGS, ACK, 0))
        self._wake_streams()

    def _read_window_update(self, stream_id: int, payload: bytes) -> None:
        self._spend()
        _check(len(payload) == 4, Http2Code.FRAME_SIZE_ERROR, "a WINDOW_UPDATE has not 4 bytes")
        size = int.from_bytes(payload) & MOST_WINDOW
        if stream_id == 0:
            _check(size > 0, Http2Code.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
            self.window += size
            _check(self.window <= MOST_WINDOW, Http2Code.FLOW_CONTROL_ERROR, "the window is too large")
            self._wake_streams()
            return
        stream = self._stream_of(stream_id)
        if stream is None:
            return
        if not size:
            raise Http2StreamError(stream_id, Http2Code.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
        stream.window += size
        if stream.window > MOST_WINDOW:
            raise Http2StreamError(stream_id, Http2Code.FLOW_CONTROL_ERROR, "a window is too large")
        stream.wake()

    def _read_rst_stream(self, stream_id: int, payload: bytes) -> None:
        self._spend()
        _check(len(payload) == 4, Http2Code.FRAME_SIZE_ERROR, "a RST_STREAM has not 4 bytes")
        stream = self._stream_of(stream_id)
        if stream is not None:
            self._spend()
            stream.has_ended = True
            self._stream_lost(stream)

    def _stream_of(self, stream_id: int) -> Http2Stream | None:
        """Return the stream; None if it is closed. Raises Http2Error if it was never opened."""
        stream = self._streams.get(stream_id)
        if stream is None:
            opened = 0 < stream_id <= self._last_id and stream_id & 1
            _check(bool(opened), Http2Code.PROTOCOL_ERROR, "a frame names a stream that is not open")
        return None if stream is None or stream.is_closed else stream

    # Requests

    def _read_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if flags & PADDED:
            payload = unpadded(payload)
        priority = b""
        if flags & PRIORITISED:
            _check(len(payload) >= 5, Http2Code.FRAME_SIZE_ERROR, "HEADERS has no priority")
            priority, payload = payload[:5], payload[5:]
        _check(bool(stream_id & 1), Http2Code.PROTOCOL_ERROR, "HEADERS names no stream of a client")
        if flags & END_HEADERS:
            self._read_block(flags, stream_id, payload)
        else:
            self._block = (stream_id, flags, bytearray(payload))
        if priority:
            _check_priority(stream_id, priority)

    def _read_continuation(self, flags: int, payload: bytes) -> None:
        self._spend()
        assert self._block is not None
        stream_id, begun, block = self._block
        block += payload
        if len(block) > self._listener.limits.head_bytes:
            self._listener.refused["head"] += 1
            raise Http2Error(Http2Code.ENHANCE_YOUR_CALM, "a header block is too large; see --max-head")
        if flags & END_HEADERS:
            self._block = None
            self._read_block(begun, stream_id, bytes(block))

    def _read_block(self, flags: int, stream_id: int, block: bytes) -> None:
        """Handle the header block of a request, or of its trailers."""
        if stream_id <= self._last_id:
            self._read_trailers(flags, stream_id, block)
            return
        self._last_id = stream_id
        try:
            head = self._head_of(block)
        except TooManyFieldsError:
            # Without the rest of the block the connection can't go on.
            self._refuse(stream_id, head_too_large(self._listener.limits.head_bytes), Http2Code.NO_ERROR)
            raise Http2Error(
                Http2Code.ENHANCE_YOUR_CALM, "too many bytes of header fields; see --max-head"
            ) from None
        except BadHeadError as error:
            self._spend(_RESET_COST)
            self._refuse(stream_id, error, Http2Code.PROTOCOL_ERROR)
            return
        if self._is_last or len(self._streams) >= MOST_STREAMS:
            if not self._is_last:
                self._listener.refused["http2_streams"] += 1
            self._spend()
            self._closed_ids.append(stream_id)
            self.put(rst_stream(stream_id, Http2Code.REFUSED_STREAM))
            return
        self._requests_left -= 1
        self._begin_request(stream_id, head, ends=bool(flags & END_STREAM))

    def _head_of(self, block: bytes) -> RequestHead:
        """Return the head. A client that repeats itself sends the same block. Raises BadHeadError."""
        decoder, known = self._decoder, self._known_heads
        head = known.get(block)
        if head is not None and decoder.changes == self._known_since:
            return head
        fields = decoder.decode(block)
        if decoder.changes != self._known_since:
            # What the block means depended on the table before the change.
            known.clear()
            self._known_since = decoder.changes
            return request_head(fields, self._listener.limits.headers)
        head = request_head(fields, self._listener.limits.headers)
        if len(block) <= _MOST_KNOWN_BYTES:
            if len(known) >= _MOST_KNOWN_HEADS:
                known.clear()
            known[block] = head
        return head

    def _read_trailers(self, flags: int, stream_id: int, block: bytes) -> None:
        fields = self._decoder.decode(block)
        stream = self._streams.get(stream_id)
        if stream is None or stream.is_closed:
            if stream is None and stream_id not in self._closed_ids:
                raise Http2Error(Http2Code.STREAM_CLOSED, "HEADERS names a stream that is closed")
            self._spend()
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
        request = Request.of_head(
            head.method,
            head.target,
            Headers.of_head(head.raw, head.lower),
            self._peer,
            HTTP_2,
            REAL.time(),
            listener.mono(),
        )
        if head.method == "CONNECT":
            self._refuse_tunnel(stream_id, request)
            return
        ns = listener.namespace_of(request)
        if isinstance(ns, Namespace) and listener.stream_handler is not None:
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
            self.put_block(stream_id, CONTINUE, 0)

    def _refuse_tunnel(self, stream_id: int, request: Request) -> None:
        detail = "Send CONNECT by HTTP/1.1; inside the tunnel HTTP/2 is possible"
        document = problem(501, "no-connect", "There are no tunnels by HTTP/2", detail)
        self._listener.record_refused(request, self._listener.engine.default, document)
        self._put_whole(stream_id, problem_response(document, ("x-mockserver-matched", "false")))
        self.put(rst_stream(stream_id, Http2Code.NO_ERROR))
        self._closed_ids.append(stream_id)

    def _refuse(self, stream_id: int, error: BadHeadError, code: Http2Code) -> None:
        """Answer an invalid request. It is not recorded."""
        if error.limit is not None:
            self._listener.refused[error.limit] += 1
        self._put_whole(stream_id, problem_response(error.document))
        self.put(rst_stream(stream_id, code))
        self._closed_ids.append(stream_id)

    def _put_whole(self, stream_id: int, response: Response) -> None:
        """Write a short response that is not recorded, if the client takes it."""
        body = response.body
        if len(body) > min(self.window, self._initial_window, self._frame_bytes):
            body = b""
        self.put_block(stream_id, encode_head(response, len(body)), 0 if body else END_STREAM)
        if body:
            self.window -= len(body)
            self.put(frame(FrameType.DATA, END_STREAM, stream_id, body))

    # Bodies

    def _read_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._receivable -= size
        _check(self._receivable >= 0, Http2Code.FLOW_CONTROL_ERROR, "more data than the window allows")
        if self._receivable < _WINDOW_BYTES // 2 and not self._window_closed:
            self.put(window_update(0, _WINDOW_BYTES - self._receivable))
            self._receivable = _WINDOW_BYTES
        stream = self._stream_of(stream_id)
        data = unpadded(payload) if flags & PADDED else payload
        if not data and not flags & END_STREAM:
            self._spend()
        if stream is None:
            if stream_id not in self._closed_ids and stream_id not in self._streams:
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
            self.make_room(stream, size - len(data))
        elif not stream.refused:
            self._body_received(stream, data, size)
        if flags & END_STREAM:
            self._body_complete(stream)

    def _body_received(self, stream: Http2Stream, data: bytes, size: int) -> None:
        stream.body += data
        self._bodies_bytes += len(data)
        if len(stream.body) > stream.limit:
            self._refuse_body(stream, too_large(stream.limit), "body")
        elif self._bodies_bytes > _MOST_BODIES * max(stream.limit, _WINDOW_BYTES):
            self._listener.refused["body"] += 1
            raise Http2StreamError(stream.id, Http2Code.ENHANCE_YOUR_CALM, "too many bodies are incomplete")
        else:
            self.make_room(stream, size)

    def make_room(self, stream: Http2Stream, size: int) -> None:
        """Let the client send as much more on a stream as was read."""
        stream.owed += size
        if stream.owed >= WINDOW_BYTES // 2 and not (
            stream.has_ended or stream.is_closed or self._window_closed
        ):
            self.put(window_update(stream.id, stream.owed))
            stream.receivable += stream.owed
            stream.owed = 0

    def close_window(self) -> None:
        """Let the client send no more bodies."""
        self._window_closed = True
        self.put(settings({Setting.INITIAL_WINDOW_SIZE: 0}))

    def _forget_body(self, stream: Http2Stream) -> None:
        self._bodies_bytes -= len(stream.body)
        stream.body.clear()
        stream.stop_timer()

    def _body_complete(self, stream: Http2Stream) -> None:
        stream.has_ended = True
        stream.stop_timer()
        if stream.reader is not None:
            stream.reader.wake()
            return
        if stream.refused:
            return
        body = bytes(stream.body)
        self._forget_body(stream)
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
        self._forget_body(stream)
        stream.refused = True
        request, ns, listener = stream.request, stream.ns, self._listener
        if isinstance(ns, Namespace):
            request.complete = False
            call = listener.engine.begin_incomplete(request, ns, response)
            self._begin(stream, lambda wire: listener.perform(ns, call, wire))
        else:
            self._begin(stream, lambda wire: listener.send(response, wire))

    def _too_slow(self, stream: Http2Stream) -> None:
        """Handle a body that was not complete within the timeout."""
        stream.timer = None
        self._refuse_body(stream, slow_body(self._listener.limits), "read_timeout")

    # Answering

    def _answer(
        self,
        stream_id: int,
        stream: Http2Stream | None,
        request: Request,
        ns: Namespace | Response | None,
    ) -> None:
        """Answer a complete request, at once or in a task. `ns` is the result of `namespace_of`."""
        try:
            self._answer_or_raise(stream_id, stream, request, ns)
        except Exception:
            log.exception("a request could not be answered")
            self._put_whole(stream_id, defect())
            if stream is not None:
                stream.is_done = True
                self._close(stream)
        if self.served == self._last:
            self._listener.refused["requests"] += 1
            self.settle()

    def _answer_or_raise(
        self,
        stream_id: int,
        stream: Http2Stream | None,
        request: Request,
        ns: Namespace | Response | None,
    ) -> None:
        listener = self._listener
        self.served += 1
        self.idle_since_s = request.arrived_at_s
        answering: Callable[[Http2Wire], Awaitable[None]]
        if isinstance(ns, Namespace):
            call = listener.engine.begin(request, ns)
            if (
                call.response is not None
                and call.consult is None
                and not call.due
                and is_one_send(call.plan)
                and request.method != "HEAD"
                and self._put_ready(stream_id, call)
            ):
                if stream is not None:
                    stream.is_done = True
                    self._close(stream)
                return
            home = ns

            def answering(wire: Http2Wire) -> Awaitable[None]:
                return listener.perform(home, call, wire)
        elif ns is None:

            def answering(wire: Http2Wire) -> Awaitable[None]:
                return listener.answer_admin(request, wire)
        else:
            response = ns

            def answering(wire: Http2Wire) -> Awaitable[None]:
                return listener.send(response, wire)

        if stream is None:
            stream = self._open(stream_id, request, ns)
            stream.has_ended = True
        self._begin(stream, answering)

    def _put_ready(self, stream_id: int, call: Call) -> bool:
        """Write a whole response. False, if the client does not take it at once."""
        response = call.response
        assert response is not None
        body = response.body if has_body(response.status) else b""
        size = len(body)
        if size > self.window or size > self._initial_window or size > self._frame_bytes:
            return False
        try:
            block = ready_head(response, call.request.arrived_s)
        except Exception:
            self._listener.engine.finish(call, Outcome.CLOSE)
            raise
        self._earn(_REPLY_CREDIT)
        self._ready.append(call)
        self.window -= size
        self.put_block(stream_id, block, 0 if size else END_STREAM)
        if size:
            self.put(frame(FrameType.DATA, END_STREAM, stream_id, body))
        return True

    def _open(self, stream_id: int, request: Request, ns: Namespace | Response | None) -> Http2Stream:
        stream = self._streams[stream_id] = Http2Stream(self, stream_id, request, ns, self._initial_window)
        self._listener.enter()
        return stream

    def _close(self, stream: Http2Stream) -> None:
        """Forget a stream, after telling the client if its end of it is open."""
        del self._streams[stream.id]
        stream.stop_timer()
        if stream.is_done:
            self._earn(_REPLY_CREDIT)
        if not stream.is_closed:
            if not stream.is_done:
                self.put(rst_stream(stream.id, Http2Code.INTERNAL_ERROR))
            elif not stream.has_ended or stream.end_code is not Http2Code.NO_ERROR:
                self.put(rst_stream(stream.id, stream.end_code))
            stream.is_closed = True
        if not stream.has_ended:
            self._closed_ids.append(stream.id)
        self._listener.leave()
        if self._is_last and not self._streams and self._is_open:
            self._leave()

    def _begin(self, stream: Http2Stream, answering: Callable[[Http2Wire], Awaitable[None]]) -> None:
        """Answer in a task."""
        wire = stream.wire = Http2Wire(
            stream, self._listener.engine, head_only=stream.request.method == "HEAD"
        )
        stream.task = asyncio.get_running_loop().create_task(self._run(stream, wire, answering))

    async def _run(
        self, stream: Http2Stream, wire: Http2Wire, answering: Callable[[Http2Wire], Awaitable[None]]
    ) -> None:
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
                self._put_whole(stream.id, defect())
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
        self._begin(stream, lambda wire: handler(reader, wire))

    # Writing

    def put(self, data: bytes) -> None:
        """Write, at the end of the turn if frames are being read."""
        if not self._is_open:
            return
        self._out.append(data)
        if not self._is_reading:
            self._flush()

    def put_block(self, stream_id: int, block: bytes, flags: int) -> None:
        """Write a header block."""
        if self._table_update:
            block, self._table_update = self._table_update + block, b""
        if len(block) <= DEFAULT_FRAME_BYTES:
            self.put(frame(FrameType.HEADERS, flags | END_HEADERS, stream_id, block))
            return
        pieces = [block[at : at + DEFAULT_FRAME_BYTES] for at in range(0, len(block), DEFAULT_FRAME_BYTES)]
        frames = [frame(FrameType.HEADERS, flags, stream_id, pieces[0])]
        frames += [frame(FrameType.CONTINUATION, 0, stream_id, piece) for piece in pieces[1:-1]]
        frames.append(frame(FrameType.CONTINUATION, END_HEADERS, stream_id, pieces[-1]))
        self.put(b"".join(frames))

    def put_data(self, stream: Http2Stream, data: bytes, flags: int) -> None:
        """Write data that the windows allow."""
        size = len(data)
        self.window -= size
        stream.window -= size
        self._earn(_DATA_CREDIT)
        most = self._frame_bytes
        if size <= most:
            self.put(frame(FrameType.DATA, flags, stream.id, data))
            return
        frames = [
            frame(FrameType.DATA, flags if at + most >= size else 0, stream.id, data[at : at + most])
            for at in range(0, size, most)
        ]
        self.put(b"".join(frames))

    def _flush(self) -> None:
        if not self._out:
            return
        out, self._out = self._out, []
        self.transport.write(b"".join(out))
        ready, self._ready = self._ready, []
        if not ready:
            return
        if self.transport.is_closing():
            self._left(ready)
            return
        now_s = self._listener.mono()
        for call in ready:
            call.first_byte_at_s = now_s
        if self.paused:
            self._waiting += ready
        else:
            self._finish(ready)

    def _finish(self, calls: list[Call]) -> None:
        """Complete calls whose whole response was sent."""
        now_s = self._listener.mono()
        for call in calls:
            call.last_byte_at_s = now_s
            self._listener.engine.finish(call, Outcome.DONE)

    def _left(self, calls: list[Call]) -> None:
        """Complete calls whose response was not received."""
        for call in calls:
            call.left_at_s = self._listener.mono()
            self._listener.engine.finish(call, Outcome.CLIENT_LEFT)

    def _wake_streams(self) -> None:
        for stream in self._streams.values():
            stream.wake()

    # The end of streams, and of the connection

    def reset_stream(self, stream: Http2Stream, code: int) -> None:
        """End a stream by an error code."""
        self.put(rst_stream(stream.id, code))
        stream.is_closed = True
        self._forget_body(stream)

    def _stream_failed(self, error: Http2StreamError) -> None:
        """Handle an error of the client by resetting the stream. Raises Http2Error if there are too many."""
        stream = self._streams.get(error.stream_id)
        self.put(rst_stream(error.stream_id, error.code))
        if stream is not None and not stream.is_closed:
            self._stream_lost(stream)
        self._spend(_RESET_COST)

    def _stream_lost(self, stream: Http2Stream, outcome: Outcome = Outcome.CLIENT_LEFT) -> None:
        """Handle a stream that was reset, or whose connection is lost."""
        self._forget_body(stream)
        if stream.wire is not None and not stream.is_closed:
            stream.wire.lost = outcome
        stream.is_closed = True
        if stream.task is None:
            self._body_lost(stream)
            self._close(stream)
            return
        if stream.reader is not None:
            stream.reader.wake()
        stream.wake()
        if stream.is_running:
            stream.task.cancel()

    def _body_lost(self, stream: Http2Stream) -> None:
        """Record a request whose body did not come."""
        if not isinstance(stream.ns, Namespace):
            return
        request = stream.request
        request.complete = False
        call = self._listener.engine.begin_incomplete(request, stream.ns, None)
        call.left_at_s = self._listener.mono()
        self._listener.engine.finish(call, Outcome.CLIENT_LEFT)

    def close_by_fault(self, stream: Http2Stream, code: int, last_id: int) -> None:
        """Close the connection because a reply of the scenario says so. Other streams are lost."""
        self.put(goaway(last_id, code))
        stream.is_closed = True
        self._end()

    def _start_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._listener.limits.read_timeout_s, self._stalled)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stalled(self) -> None:
        """Handle a frame, a header block or a preface that was not complete within the timeout."""
        self._timer = None
        self._listener.refused["read_timeout"] += 1
        self._fail(
            Http2Error(Http2Code.SETTINGS_TIMEOUT, "a frame was not complete in time; see --read-timeout")
        )

    def _leave(self) -> None:
        """Close a connection on which everything is answered."""
        self.put(goaway(self._last_id, Http2Code.NO_ERROR))
        self._end()

    def _fail(self, error: Http2Error) -> None:
        """Close the connection because of a violation of the protocol."""
        if self._is_open:
            self.put(goaway(self._last_id, error.code, str(error)))
            self._end()

    def _end(self) -> None:
        """Close the connection, after the client has had a chance to read why."""
        self._is_open = False
        self._is_reading = False
        self._flush()
        self._stop_timer()
        self._forget_input()
        for stream in tuple(self._streams.values()):
            if not stream.is_closed:
                self._stream_lost(stream, Outcome.CLOSE)
        transport = self.transport
        if self._reading_paused or not transport.can_write_eof() or transport.is_closing():
            transport.close()
            return
        transport.write_eof()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, transport.close)


def _check(holds: bool, code: Http2Code, text: str) -> None:
    """Raises Http2Error if the condition does not hold."""
    if not holds:
        raise Http2Error(code, text)


def _check_priority(stream_id: int, priority: bytes) -> None:
    """Raises Http2StreamError for a stream that depends on itself (RFC 7540 5.3.1)."""
    if int.from_bytes(priority[:4]) & MOST_WINDOW == stream_id:
        raise Http2StreamError(stream_id, Http2Code.PROTOCOL_ERROR, "a stream depends on itself")
