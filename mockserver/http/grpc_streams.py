"""
gRPC on HTTP/2: calls whose client and server both send a stream, which are answered while the client sends.

Any other call is an ordinary request, whose body is complete before it is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from mockserver.engine.grpc_calls import method_of
from mockserver.engine.namespace import Namespace
from mockserver.grpc.conversion import grpc_response
from mockserver.grpc.framing import FrameReader, MessageError, framed
from mockserver.http.refusals import slow_body
from mockserver.model.grpc import GrpcRequest, GrpcStatus
from mockserver.model.http import Response
from mockserver.model.plan import Converse, Outcome

if TYPE_CHECKING:
    from mockserver.http.h2.stream import BodyReader, StreamHandler
    from mockserver.http.listener import Listener
    from mockserver.http.outgoing import Wire

MOST_KEPT_BYTES = 256 * 1024
"""Limit of the bytes of a client's stream that the call log gets."""
_MOST_AT_ONCE = 16
"""Messages that are answered before other connections get their turn."""


_MOST_BYTES_AT_ONCE = 16 * 1024


class MessageFeed:
    """The messages of a stream, as they come. They are added to the body of the request."""

    __slots__ = ("_frames", "_is_over", "_pending", "_reader", "_request", "_size", "_taken")

    def __init__(self, reader: BodyReader, request: GrpcRequest) -> None:
        self._reader = reader
        self._request = request
        self._frames = FrameReader(request.headers.get("grpc-encoding", "identity"))
        self._pending: deque[bytes] = deque()
        self._is_over = False
        self._taken = self._size = 0

    async def wait(self) -> None:
        """Wait for the first message, for the end, or for bytes that are no message. Raises ConnectionError."""
        request, pending = self._request, self._pending
        while not pending and not self._is_over:
            data = await self._reader.read()
            self._is_over = not data
            request.body += data
            try:
                pending.extend(self._frames.feed(data))
            except MessageError:
                return  # the engine reads the body too, and refuses the call
        if pending:
            request.body = framed(pending[0])

    async def next(self) -> bytes | MessageError | None:
        """Return the next message, None at the end of the stream, or an error. Raises ConnectionError."""
        while not self._pending:
            data = b"" if self._is_over else await self._reader.read()
            if not data:
                self._is_over = True
                if self._frames.is_between:
                    return None
                return MessageError(GrpcStatus.INTERNAL, "the last message is cut off")
            try:
                self._pending.extend(self._frames.feed(data))
            except MessageError as error:
                return error
        message = self._pending.popleft()
        self._taken += 1
        self._size += len(message)
        if self._taken % _MOST_AT_ONCE == 0 or self._size > _MOST_BYTES_AT_ONCE:
            self._size = 0
            await asyncio.sleep(0)
        if self._taken > 1 and len(self._request.body) + len(message) < MOST_KEPT_BYTES:
            self._request.body += framed(message)
        return message


def stream_handler(listener: Listener, request: GrpcRequest, ns: Namespace) -> StreamHandler | None:
    """Return what answers a call while its client sends; None for a request that is answered when it is complete."""
    method = method_of(ns, request.path)
    if method is None or not method.is_bidirectional:
        return None

    async def answer(reader: BodyReader, wire: Wire) -> None:
        await _answer(listener, request, ns, reader, wire)

    return answer


async def _answer(
    listener: Listener, request: GrpcRequest, ns: Namespace, reader: BodyReader, wire: Wire
) -> None:
    engine = listener.engine
    feed = MessageFeed(reader, request)
    try:
        async with asyncio.timeout(listener.limits.read_timeout_s):
            await feed.wait()
    except TimeoutError:
        request.complete = False
        call = engine.begin_incomplete(request, ns, grpc_response(slow_body(listener.limits)))
    except (ConnectionError, asyncio.CancelledError):
        request.complete = False
        call = engine.begin_incomplete(request, ns, None)
        call.left_at_s = listener.mono()
        engine.finish(call, Outcome.CLIENT_LEFT)
        raise
    else:
        call = engine.begin(request, ns)
    wire.messages = feed.next
    await listener.perform(ns, call, wire)


async def converse(step: Converse, wire: Wire) -> None:
    """Perform the conversation of a call. Raises ConnectionError."""
    call, receive = wire.call, wire.messages
    assert call is not None
    assert receive is not None
    talk = step.talk(call)
    has_begun = False
    received = None
    try:
        while True:
            action = talk.send(received)
            received = None
            if action is None:
                received = await receive()
            elif isinstance(action, bytes):
                if not has_begun:
                    await wire.respond(step.response, None, b"", None)
                    has_begun = True
                await wire.send(action, None)
            else:
                await asyncio.sleep(action)
    except StopIteration:
        pass
    finally:
        talk.close()
    response = call.response
    assert response is not None
    if has_begun:
        await wire.end(response.trailers)
    else:
        # Without a message, the status is sent with the headers.
        await wire.respond(Response(200, (*response.headers, *response.trailers)), 0, b"", 0)
