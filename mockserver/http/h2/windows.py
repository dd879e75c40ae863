"""How much a client may send: on all streams, and on each. What is read makes room for more."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.http.h2.frames import Setting, check, settings, window_update
from mockserver.http.h2.stream import WINDOW_BYTES, Http2Stream
from mockserver.model.http2_codes import Http2Code

CONNECTION_WINDOW_BYTES = 1 << 20
"""Bytes that a client may send on all streams before they are read."""
_MOST_BODIES = 4
"""Bodies of the largest allowed size whose bytes one connection may have received in part."""


class ReceiveWindows:
    """The windows of one connection. `put` writes a frame."""

    __slots__ = ("_bodies_bytes", "_is_closed", "_put", "_receivable")

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._receivable = CONNECTION_WINDOW_BYTES
        self._is_closed = False
        self._bodies_bytes = 0

    def received(self, size: int) -> None:
        """Take data from the window of the connection. Raises Http2Error."""
        self._receivable -= size
        check(self._receivable >= 0, Http2Code.FLOW_CONTROL_ERROR, "more data than the window allows")
        if self._receivable < CONNECTION_WINDOW_BYTES // 2 and not self._is_closed:
            self._put(window_update(0, CONNECTION_WINDOW_BYTES - self._receivable))
            self._receivable = CONNECTION_WINDOW_BYTES

    def buffer(self, stream: Http2Stream, data: bytes) -> None:
        """Add data to the body of a stream."""
        stream.body += data
        self._bodies_bytes += len(data)

    def are_overrun(self, limit: int) -> bool:
        """Whether incomplete bodies take too much, for bodies of that limit."""
        return self._bodies_bytes > _MOST_BODIES * max(limit, CONNECTION_WINDOW_BYTES)

    def forget(self, stream: Http2Stream) -> None:
        """Drop the body of a stream."""
        self._bodies_bytes -= len(stream.body)
        stream.body.clear()
        stream.stop_timer()

    def make_room(self, stream: Http2Stream, size: int) -> None:
        """Let the client send as much more on a stream as was read."""
        stream.owed += size
        if stream.owed >= WINDOW_BYTES // 2 and not (stream.has_ended or stream.is_closed or self._is_closed):
            self._put(window_update(stream.id, stream.owed))
            stream.receivable += stream.owed
            stream.owed = 0

    def close(self) -> None:
        """Let the client send no more bodies."""
        self._is_closed = True
        self._put(settings({Setting.INITIAL_WINDOW_SIZE: 0}))
