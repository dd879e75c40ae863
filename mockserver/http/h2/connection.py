"""
One connection of HTTP/2: reads frames, and keeps to the flow control of the client.

What was answered in one turn is written at once. Work that a client causes without making progress is limited, see
`FrameCredit`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from mockserver.http.h2.credit import FrameCredit
from mockserver.http.h2.frames import (
    ACK,
    DEFAULT_FRAME_BYTES,
    DEFAULT_WINDOW,
    END_HEADERS,
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
    check,
    check_priority,
    frame,
    goaway,
    read_settings,
    settings,
    unpadded,
    window_update,
)
from mockserver.http.h2.hpack import HeaderBlockError, TooManyFieldsError
from mockserver.http.h2.requests import MOST_STREAMS, Http2Requests
from mockserver.http.h2.stream import WINDOW_BYTES, Http2Stream
from mockserver.http.h2.windows import CONNECTION_WINDOW_BYTES, ReceiveWindows
from mockserver.http.h2.writer import FrameWriter
from mockserver.http.refusals import LINGER_S
from mockserver.model.http import Via
from mockserver.model.http2_codes import Http2Code

if TYPE_CHECKING:
    from mockserver.http.listener import Listener

log = logging.getLogger("mockserver")

MOST_BYTES_AT_ONCE = 16 * 1024
"""Bytes of frames, apart from bodies, that are read in one go; then other connections get their turn."""
MOST_REQUESTS_AT_ONCE = 64
MOST_HELD_BYTES = 1 << 20
"""Bytes buffered while others have their turn, or the client does not read. Above the limit reading pauses."""


class Http2Connection(asyncio.Protocol):
    """A connection of a listener."""

    __slots__ = (
        "_block", "_has_settings", "_held", "_listener", "_preface", "_read_block", "_read_data", "_reading_paused", "_spend", "_timer",
        "_turn", "_via", "requests", "transport", "windows", "writer",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, listener: Listener, via: Via | None = None) -> None:
        self._listener = listener
        self._via = via
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
        self._reading_paused = False
        credit = FrameCredit(listener)
        self._spend = credit.spend
        self.writer = FrameWriter(listener, credit.earn)
        self.windows = ReceiveWindows(self.writer.put)
        self.requests = Http2Requests(self, listener, self.writer, credit, self.windows)
        self._read_block = self.requests.read_block
        self._read_data = self.requests.read_data

    @property
    def is_idle(self) -> bool:
        """Whether no request is being read or answered."""
        return not self.requests.streams and not self._held and self._block is None

    @property
    def idle_since_s(self) -> float:
        """Time of its last request, by the monotonic clock."""
        return self.requests.idle_since_s

    def settle(self) -> None:
        """Answer what has come, and no more."""
        self.requests.settle()

    # Transport events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = self.writer.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        listener = self._listener
        self.writer.is_open = True
        if len(listener.connections) >= listener.limits.connections:
            listener.refused["connections"] += 1
            self._fail(Http2Error(Http2Code.ENHANCE_YOUR_CALM, "too many connections; see --max-connections"))
            return
        listener.connections.add(self)
        self.requests.idle_since_s = listener.mono()
        self.requests.peer = listener.peer_of(transport, self._via)
        self.writer.put(
            settings(
                {
                    Setting.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
                    Setting.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
                    Setting.MAX_HEADER_LIST_SIZE: listener.limits.head_bytes,
                }
            )
            + window_update(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW)
        )
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        writer = self.writer
        if not writer.is_open:
            return
        if writer.paused or self._turn is not None:
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
        self._listener.connections.discard(self)
        self._stop_timer()
        self._forget_input()
        self.writer.lost()
        self.requests.lost()

    def pause_writing(self) -> None:
        self.writer.paused = True

    def resume_writing(self) -> None:
        self.writer.resume()
        self.requests.wake()
        if self.writer.is_open and self._turn is None and self._held:
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
        if self.writer.paused or not self.writer.is_open:
            return
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        self._read(self._taken())

    def _read(self, data: bytes) -> None:
        """Read frames for one turn, and write what they cause."""
        writer = self.writer
        writer.is_held = True
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
            writer.is_held = False
        writer.flush()

    def _read_preface(self, data: bytes) -> bytes:
        """Return what follows the preface. Raises Http2Error."""
        part = data[: len(self._preface)]
        if not self._preface.startswith(part):
            raise Http2Error(Http2Code.PROTOCOL_ERROR, "the connection preface of HTTP/2 is invalid")
        self._preface = self._preface[len(part) :]
        return data[len(part) :]

    def _read_frames(self, data: bytes) -> None:
        at, end, budget = 0, len(data), MOST_BYTES_AT_ONCE
        writer, requests = self.writer, self.requests
        most_begun = requests.begun + MOST_REQUESTS_AT_ONCE
        while end - at >= HEAD_BYTES and writer.is_open:
            if budget <= 0 or requests.begun >= most_begun:
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
                requests.stream_failed(error)
        if not writer.is_open:
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
            check(stream_id == 0, Http2Code.PROTOCOL_ERROR, "a PING names a stream")
            check(len(payload) == 8, Http2Code.FRAME_SIZE_ERROR, "a PING has not 8 bytes")
            if not flags & ACK:
                self.writer.put(frame(FrameType.PING, ACK, 0, payload))
        elif kind == FrameType.PRIORITY:
            self._spend()
            check(stream_id != 0, Http2Code.PROTOCOL_ERROR, "a PRIORITY names no stream")
            if len(payload) != 5:
                raise Http2StreamError(stream_id, Http2Code.FRAME_SIZE_ERROR, "a PRIORITY has not 5 bytes")
            check_priority(stream_id, payload)
        elif kind == FrameType.GOAWAY:
            check(stream_id == 0, Http2Code.PROTOCOL_ERROR, "a GOAWAY names a stream")
            check(len(payload) >= 8, Http2Code.FRAME_SIZE_ERROR, "a GOAWAY has not 8 bytes")
            self.settle()
        elif kind in (FrameType.PUSH_PROMISE, FrameType.CONTINUATION):
            raise Http2Error(Http2Code.PROTOCOL_ERROR, f"a client can't send a {FrameType(kind).name} here")
        else:
            self._spend()  # unknown frames are ignored (RFC 9113 4.1)

    # Frames of the connection

    def _read_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._spend()
        check(stream_id == 0, Http2Code.PROTOCOL_ERROR, "SETTINGS names a stream")
        if flags & ACK:
            check(not payload, Http2Code.FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS has a payload")
            return
        check(len(payload) % 6 == 0, Http2Code.FRAME_SIZE_ERROR, "SETTINGS has an incomplete entry")
        self._has_settings = True
        window = self.writer.stream_window
        for key, value in read_settings(payload):
            if key == Setting.INITIAL_WINDOW_SIZE:
                check(value <= MOST_WINDOW, Http2Code.FLOW_CONTROL_ERROR, "a window is too large")
                window = value
            elif key == Setting.MAX_FRAME_SIZE:
                valid = DEFAULT_FRAME_BYTES <= value <= MOST_FRAME_BYTES
                check(valid, Http2Code.PROTOCOL_ERROR, "MAX_FRAME_SIZE is invalid")
                self.writer.frame_bytes = min(value, 4 * DEFAULT_FRAME_BYTES)
            elif key == Setting.ENABLE_PUSH:
                check(value <= 1, Http2Code.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        for stream in self.requests.streams.values():
            stream.window += window - self.writer.stream_window
            check(stream.window <= MOST_WINDOW, Http2Code.FLOW_CONTROL_ERROR, "a window is too large")
        self.writer.stream_window = window
        self.writer.put(frame(FrameType.SETTINGS, ACK, 0))
        self.requests.wake()

    def _read_window_update(self, stream_id: int, payload: bytes) -> None:
        self._spend()
        check(len(payload) == 4, Http2Code.FRAME_SIZE_ERROR, "a WINDOW_UPDATE has not 4 bytes")
        size = int.from_bytes(payload) & MOST_WINDOW
        if stream_id == 0:
            check(size > 0, Http2Code.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
            self.writer.window += size
            check(self.writer.window <= MOST_WINDOW, Http2Code.FLOW_CONTROL_ERROR, "the window is too large")
            self.requests.wake()
            return
        stream = self.requests.stream_of(stream_id)
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
        check(len(payload) == 4, Http2Code.FRAME_SIZE_ERROR, "a RST_STREAM has not 4 bytes")
        stream = self.requests.stream_of(stream_id)
        if stream is not None:
            self._spend()
            stream.has_ended = True
            self.requests.stream_lost(stream)

    # Header blocks

    def _read_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if flags & PADDED:
            payload = unpadded(payload)
        priority = b""
        if flags & PRIORITISED:
            check(len(payload) >= 5, Http2Code.FRAME_SIZE_ERROR, "HEADERS has no priority")
            priority, payload = payload[:5], payload[5:]
        check(bool(stream_id & 1), Http2Code.PROTOCOL_ERROR, "HEADERS names no stream of a client")
        if flags & END_HEADERS:
            self._read_block(flags, stream_id, payload)
        else:
            self._block = (stream_id, flags, bytearray(payload))
        if priority:
            check_priority(stream_id, priority)

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

    # The end of the connection

    def close_by_fault(self, stream: Http2Stream, code: int, last_id: int) -> None:
        """Close the connection because a reply of the scenario says so. Other streams are lost."""
        self.writer.put(goaway(last_id, code))
        stream.is_closed = True
        self.end()

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

    def leave(self) -> None:
        """Close a connection on which everything is answered."""
        self.writer.put(goaway(self.requests.last_id, Http2Code.NO_ERROR))
        self.end()

    def _fail(self, error: Http2Error) -> None:
        """Close the connection because of a violation of the protocol."""
        if self.writer.is_open:
            self.writer.put(goaway(self.requests.last_id, error.code, str(error)))
            self.end()

    def end(self) -> None:
        """Close the connection, after the client has had a chance to read why."""
        self.writer.close()
        self._stop_timer()
        self._forget_input()
        self.requests.cut()
        transport = self.transport
        if self._reading_paused or not transport.can_write_eof() or transport.is_closing():
            transport.close()
            return
        try:
            transport.write_eof()
        except OSError:  # the client has reset the connection, which the loop does not know yet
            transport.close()
            return
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, transport.close)
