"""One stream of a connection: what of its request has come, and what its reply waits for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mockserver.engine.namespace import Namespace
from mockserver.model.http import Request, Response
from mockserver.model.http2_codes import Http2Code

if TYPE_CHECKING:
    from mockserver.http.h2.connection import Http2Connection
    from mockserver.http.h2.wire import Http2Wire
    from mockserver.http.outgoing import Wire

    StreamHandler = Callable[["BodyReader", Wire], Awaitable[None]]
    """Reads the body of a request while it comes, and answers. It is cancelled when the client has left."""

WINDOW_BYTES = 256 * 1024
"""Bytes that a client may send on one stream before they are read."""
Home = Namespace | Response | None
"""Who answers a request: the result of `namespace_of`."""


class Http2Stream:
    """
    A stream that is not answered at once. `ns` is the result of `namespace_of`.

    `window` is how much the client takes, `receivable` how much it may send. `has_ended`: the client sends nothing more;
    `is_done`: the reply is complete; `is_closed`: either side has reset the stream, or the connection is lost.
    """

    __slots__ = (
        "_waiter", "body", "connection", "end_code", "has_ended", "id", "is_closed", "is_done", "is_running", "length", "limit", "ns",
        "owed", "reader", "receivable", "refused", "request", "task", "timer", "window", "wire",
    )  # fmt: skip

    def __init__(
        self,
        connection: Http2Connection,
        stream_id: int,
        request: Request,
        ns: Home,
        window: int,
    ) -> None:
        self.connection = connection
        self.id = stream_id
        self.request = request
        self.ns = ns
        self.window = window
        self.receivable = WINDOW_BYTES
        self.owed = 0
        """Bytes that were read, and that the client may send again."""
        self.body = bytearray()
        self.length: int | None = None
        self.limit = 0
        self.refused = False
        """Whether the body is dropped, and the reply says why."""
        self.reader: BodyReader | None = None
        self.has_ended = False
        self.is_done = False
        self.is_closed = False
        self.is_running = False
        self.end_code = Http2Code.NO_ERROR
        """What the client is told if the stream ends while it still sends."""
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.wire: Http2Wire | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def changes(self) -> None:
        """Wait until the client takes more, the connection has sent what was written, or the stream is closed."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def wake(self) -> None:
        """Let what waits for a change go on."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class BodyReader:
    """The body of a request that is answered while it comes. What is read makes room for more."""

    __slots__ = ("_pieces", "_stream", "_waiter")

    def __init__(self, stream: Http2Stream) -> None:
        self._stream = stream
        self._pieces: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """Return the next bytes; none at the end of the body. Raises ConnectionError if the client has left."""
        stream = self._stream
        while not self._pieces:
            if stream.is_closed:
                raise ConnectionResetError("the client has disconnected")
            if stream.has_ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        piece = self._pieces.popleft()
        stream.connection.windows.make_room(stream, len(piece))
        return piece

    def feed(self, data: bytes) -> None:
        if data:
            self._pieces.append(data)
        self.wake()

    def wake(self) -> None:
        """Let the reader see the end."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
