"""The frames that a connection writes, and the calls whose response is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.http.h2.credit import DATA_CREDIT, REPLY_CREDIT
from mockserver.http.h2.frames import (
    DEFAULT_FRAME_BYTES,
    DEFAULT_WINDOW,
    END_HEADERS,
    END_STREAM,
    FrameType,
    frame,
)
from mockserver.http.h2.hpack import NO_TABLE
from mockserver.http.h2.response_heads import encode_head, encode_trailers, ready_head
from mockserver.http.h2.stream import Http2Stream
from mockserver.model.call import Call
from mockserver.model.framing import has_body
from mockserver.model.http import Response
from mockserver.model.plan import Outcome

if TYPE_CHECKING:
    from mockserver.http.listener import Listener


class FrameWriter:
    """
    Writes at once or, while it `is_held`, at the next `flush`. `paused`: the write buffer is not empty. `window` is how
    much the client takes on all streams, `stream_window` how much on a new one, `frame_bytes` how much in a frame.
    """

    __slots__ = (
        "_earn", "_engine", "_mono", "_out", "_ready", "_table_update", "_waiting", "frame_bytes", "is_held", "is_open", "paused",
        "stream_window", "transport", "window",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, listener: Listener, earn: Callable[[int], None]) -> None:
        self._engine = listener.engine
        self._mono = listener.mono
        self._earn = earn
        self._out: list[bytes] = []
        self._ready: list[Call] = []
        """Calls whose whole response is in `_out`."""
        self._waiting: list[Call] = []
        """Calls whose whole response is in the write buffer."""
        self._table_update = NO_TABLE
        self.is_open = False
        self.is_held = False
        self.paused = False
        self.window = DEFAULT_WINDOW
        self.stream_window = DEFAULT_WINDOW
        self.frame_bytes = DEFAULT_FRAME_BYTES

    def put(self, data: bytes) -> None:
        """Write frames."""
        if not self.is_open:
            return
        self._out.append(data)
        if not self.is_held:
            self.flush()

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
        self._earn(DATA_CREDIT)
        most = self.frame_bytes
        if size <= most:
            self.put(frame(FrameType.DATA, flags, stream.id, data))
            return
        frames = [
            frame(FrameType.DATA, flags if at + most >= size else 0, stream.id, data[at : at + most])
            for at in range(0, size, most)
        ]
        self.put(b"".join(frames))

    def put_ready(self, stream_id: int, call: Call) -> bool:
        """Write a whole response. False, if the client does not take it at once."""
        response = call.response
        assert response is not None
        body = response.body if has_body(response.status) else b""
        size = len(body)
        if size > self.window or size > self.stream_window or size > self.frame_bytes:
            return False
        try:
            trailers = encode_trailers(response.trailers) if response.trailers else b""
            block = encode_head(response, None) if trailers else ready_head(response, call.request.arrived_s)
        except Exception:
            self._engine.finish(call, Outcome.CLOSE)
            raise
        self._earn(REPLY_CREDIT)
        self._ready.append(call)
        self.window -= size
        self.put_block(stream_id, block, 0 if size or trailers else END_STREAM)
        if size:
            self.put(frame(FrameType.DATA, 0 if trailers else END_STREAM, stream_id, body))
        if trailers:
            self.put_block(stream_id, trailers, END_STREAM)
        return True

    def put_whole(self, stream_id: int, response: Response) -> None:
        """Write a short response that is not recorded, if the client takes it."""
        body = response.body
        if len(body) > min(self.window, self.stream_window, self.frame_bytes):
            body = b""
        self.put_block(stream_id, encode_head(response, len(body)), 0 if body else END_STREAM)
        if body:
            self.window -= len(body)
            self.put(frame(FrameType.DATA, END_STREAM, stream_id, body))

    def flush(self) -> None:
        """Write what was held."""
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
        now_s = self._mono()
        for call in ready:
            call.first_byte_at_s = now_s
        if self.paused:
            self._waiting += ready
        else:
            self._finish(ready)

    def resume(self) -> None:
        """The write buffer is empty."""
        self.paused = False
        sent, self._waiting = self._waiting, []
        self._finish(sent)

    def close(self) -> None:
        """Write nothing more."""
        self.is_open = self.is_held = False
        self.flush()

    def lost(self) -> None:
        """Handle the end of the connection."""
        self.is_open = False
        self._left(self._ready + self._waiting)
        self._ready, self._waiting = [], []

    def _finish(self, calls: list[Call]) -> None:
        """Complete calls whose whole response was sent."""
        now_s = self._mono()
        for call in calls:
            call.last_byte_at_s = now_s
            self._engine.finish(call, Outcome.DONE)

    def _left(self, calls: list[Call]) -> None:
        """Complete calls whose response was not received."""
        for call in calls:
            call.left_at_s = self._mono()
            self._engine.finish(call, Outcome.CLIENT_LEFT)
