"""A reply on a stream of HTTP/2."""

from __future__ import annotations

from mockserver.http.h2.frames import END_STREAM, PADDED, FrameType, frame
from mockserver.http.h2.response_heads import encode_head, encode_trailers
from mockserver.http.h2.stream import Http2Stream
from mockserver.http.outgoing import Ledger, Wire
from mockserver.model.framing import has_body
from mockserver.model.http import HTTP_2, Pairs, Response
from mockserver.model.http2_codes import Http2Code
from mockserver.model.plan import Outcome

_MOST_AT_ONCE = 64 * 1024
"""Bytes of one stream that are written before other streams get their turn."""


class Http2Wire(Wire):
    """
    A stream during its reply. The end of the body is flagged on its last frame if the length is known, else by a frame
    of its own.
    """

    __slots__ = ("_has_length", "stream")

    def __init__(self, stream: Http2Stream, engine: Ledger, *, head_only: bool) -> None:
        super().__init__(engine, version=HTTP_2, head_only=head_only, has_left=False)
        self.stream = stream
        self._has_length = False

    @property
    def is_closing(self) -> bool:
        return self.stream.is_closed or self.stream.connection.writer.transport.is_closing()

    async def respond(
        self, response: Response, length: int | None, body: bytes = b"", unsent: int | None = 0
    ) -> None:
        self._has_length = length is not None
        bodiless = self.head_only or not has_body(response.status)
        ends = bodiless or (self._has_length and unsent == 0)
        self.begins(response.status)
        await self._head(
            encode_head(response, length, head_only=self.head_only), ends=bodiless or (ends and not body)
        )
        if body and not bodiless:
            await self._data(body, ends=ends)

    async def send(self, data: bytes, unsent: int | None) -> None:
        await self._data(data, ends=self._has_length and unsent == 0)

    async def end(self, trailers: Pairs = ()) -> None:
        if self.stream.is_done:
            return
        if trailers:
            self.check_open()
            await self._head(encode_trailers(trailers), ends=True)
        else:
            await self._data(b"", ends=True)

    async def respond_until_close(self, response: Response) -> None:
        await self.respond(response, None, b"", None)

    async def raw(self, data: bytes) -> None:
        """Send a frame with them that is invalid: its padding is longer than the frame."""
        self.first_byte()
        self.has_begun = True
        stream = self.stream
        stream.connection.writer.put(frame(FrameType.DATA, PADDED, stream.id, b"\xff" + data[:100]))
        await self._sent()

    def is_last(self) -> None:
        """Do nothing: other streams go on."""

    async def reset(self, code: int | None) -> None:
        self._reset(Http2Code.INTERNAL_ERROR if code is None else code)

    async def close(self, code: int | None) -> None:
        stream = self.stream
        # A client may send a request again that the server says it has not processed.
        last_id = stream.id if self.has_begun else max(0, stream.id - 2)
        stream.connection.close_by_fault(stream, Http2Code.NO_ERROR if code is None else code, last_id)

    async def truncate(self) -> None:
        if not self.stream.is_done:
            await self._data(b"", ends=True)

    def break_off(self) -> None:
        self._reset(Http2Code.INTERNAL_ERROR)

    def _reset(self, code: int) -> None:
        self.check_open()
        self.stream.connection.requests.reset_stream(self.stream, code)

    def close_window(self) -> None:
        self.stream.connection.windows.close()

    async def took_what_came(self) -> bool:
        return True

    def interrupted(self) -> bool:
        stream = self.stream
        if stream.is_done and not stream.connection.writer.paused and not self.is_completed:
            self.completed()
        if self.lost is Outcome.CLOSE and not self.is_completed:
            self.ends()  # the server has closed the connection
            return False
        return super().interrupted()

    async def _head(self, block: bytes, *, ends: bool) -> None:
        stream = self.stream
        self.has_begun = True
        stream.is_done = ends
        stream.connection.writer.put_block(stream.id, block, END_STREAM if ends else 0)
        await self._sent()

    async def _data(self, data: bytes, *, ends: bool) -> None:
        """Send data as fast as the client takes it. Raises ConnectionError."""
        stream, writer = self.stream, self.stream.connection.writer
        at, length = 0, len(data)
        while at < length or ends:
            self.check_open()
            size = max(0, min(length - at, writer.window, stream.window, _MOST_AT_ONCE))
            if not size and length:
                await stream.changes()
                continue
            piece = data[at : at + size] if size < length else data
            at += size
            is_end = ends and at == length
            stream.is_done = is_end
            writer.put_data(stream, piece, END_STREAM if is_end else 0)
            await self._sent()
            if is_end:
                return

    async def _sent(self) -> None:
        """Wait until the connection has sent what was written. Raises ConnectionError."""
        while self.stream.connection.writer.paused:
            self.check_open()
            await self.stream.changes()
        if self.stream.is_done:
            self.completed()
        else:
            self.check_open()
