"""The body of a request on HTTP/1.1, within its limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from mockserver.engine.namespace import Namespace
from mockserver.http.chunks import BadChunkError, Chunks
from mockserver.http.heads import CHUNKED
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.refusals import LINGER_S, slow_body, too_large, unreadable
from mockserver.model.http import Request, Response

if TYPE_CHECKING:
    from mockserver.http.connection import Connection

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Incoming:
    """
    A request whose body is being read: at most `limit` bytes. `ns` is the result of `namespace_of`. A `refused` body is
    read to its end and dropped. `keep_alive`: the connection stays open after the response.
    """

    __slots__ = ("_chunks", "_connection", "_left", "_limit", "_lingered", "data", "keep_alive", "ns", "refused", "request")  # fmt: skip

    def __init__(self, connection: Connection, request: Request, length: int, *, keep_alive: bool) -> None:
        listener = connection.listener
        self._connection = connection
        self._left = length
        self._chunks = Chunks() if length == CHUNKED else None
        self._lingered: asyncio.Future[None] | None = None
        self.request = request
        self.keep_alive = keep_alive
        self.ns = listener.namespace_of(request)
        self._limit = listener.most_admin_body_bytes if self.ns is None else listener.most_body_bytes
        self.data = bytearray()
        self.refused = False
        listener.enter()

    def begin(self, data: bytes) -> bytes | None:
        """Read what has come with the head. Return the bytes after the body, None while it is incomplete."""
        connection = self._connection
        if self._left > self._limit:
            self._refuse(too_large(self._limit), "body")
        elif not data and _expects_continue(self.request):
            connection.transport.write(CONTINUE)
        if not self.refused:
            connection.start_timer()
        return self.read(data)

    def read(self, data: bytes) -> bytes | None:
        """Read more, and have a complete request answered. Return the bytes after it."""
        connection = self._connection
        try:
            rest = self._feed(data)
        except BadChunkError as error:
            self._close()
            if not self.refused:
                self._refuse(unreadable(f"{error}"), None)
            return None
        if len(self.data) > self._limit:
            self._refuse(too_large(self._limit), "body")
        if rest is None:
            return None
        self._close()
        if not self.refused:
            connection.stop_timer()
            self.request.body = bytes(self.data)
            self.data.clear()
            try:
                connection.answer(self.request, self.ns, self.keep_alive and not connection.is_last)
            except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
                connection.fail(error)
        return rest

    def _feed(self, data: bytes) -> bytes | None:
        """Return the bytes after the body, None while it is incomplete. Raises BadChunkError."""
        if self._chunks is not None:
            rest = self._chunks.feed(data, self.data)
        elif len(data) < self._left:
            self._left -= len(data)
            self.data += data
            rest = None
        else:
            self.data += data[: self._left]
            rest = data[self._left :]
            self._left = 0
        if self.refused:
            self.data.clear()
        return rest

    def ended(self) -> None:
        """Handle the end of the client's data in the middle of the body."""
        self._close()
        self.data.clear()
        if not self.refused and isinstance(self.ns, Namespace):
            self._connection.listener.record_incomplete(self.request, self.ns)

    def too_slow(self) -> None:
        """Handle a body that was not complete within the timeout."""
        self._refuse(slow_body(self._connection.listener.limits), "read_timeout")

    def _close(self) -> None:
        """Finish reading the body."""
        self._connection.body = None
        self._connection.listener.leave()
        if self._lingered is not None and not self._lingered.done():
            self._lingered.set_result(None)

    def _refuse(self, response: Response, limit: str | None) -> None:
        """Answer a request whose body is not accepted, then close the connection."""
        connection, listener = self._connection, self._connection.listener
        if limit is not None:
            listener.refused[limit] += 1
        connection.stop_timer()
        self.refused = True
        self.data.clear()
        request, ns = self.request, self.ns
        answering: Callable[[Http1Wire], Awaitable[None]]
        if not isinstance(ns, Namespace):
            connection.served += 1
            answering = partial(listener.send, response)
        elif listener.replica is not None:
            request.complete = False
            answering = partial(listener.replica.answer_apart, request, ns.name, response=response)
        else:
            request.complete = False
            call = listener.engine.begin_incomplete(request, ns, response)
            answering = partial(listener.perform, ns, call)
        connection.begin(self._answer_and_linger(answering))

    async def _answer_and_linger(self, answering: Callable[[Http1Wire], Awaitable[None]]) -> bool:
        """Answer, then read for a moment, so that a client that is still sending sees the response and not a reset."""
        connection = self._connection
        await answering(connection.reply_wire(self.request, keep_alive=False))
        is_sending = connection.body is not None and connection.is_open and not connection.has_ended
        if is_sending and not connection.transport.is_closing():
            self._lingered = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._lingered,), timeout=LINGER_S)
        return False


def _expects_continue(request: Request) -> bool:
    return request.version == (1, 1) and request.headers.get("expect", "").lower() == "100-continue"
