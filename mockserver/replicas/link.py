"""
Connections between replicas: requests go to the replica that owns their namespace, and the bytes of the answers come back.

One connection carries many exchanges. Each frame of an answer is numbered and kept until it is acknowledged, so an
exchange survives a lost connection: the requesting replica connects again, says how much it has, and gets the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import struct
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Protocol, cast

from mockserver.errors import MockServerError

_FRAME = struct.Struct(">IBII")
MOST_FRAME_BYTES = 512 * 1024 * 1024
_MOST_UNPROVEN_BYTES = 1024
"""Of a frame from who has not proved to know the secret."""
HANDSHAKE_S = 2.0
_NONCE_BYTES = 32


class Sort(IntEnum):
    """What a frame is. Numbers are part of the protocol."""

    ASK = 1
    """A request; its number is how many frames of the answer have come already."""
    ACK = 2
    """So many frames of the answer have reached the client."""
    EOF = 3
    """The client has ended its side of the connection."""
    GONE = 4
    """The client has left."""
    DATA = 5
    """Bytes of the answer."""
    END = 6
    """The answer is complete; the payload says whether the connection of the client stays."""
    CLOSE = 7
    RESET = 8
    MOVED = 9
    """The namespace is not here."""
    FAILED = 10
    """No answer can be given; the payload says why."""
    REPLY = 11
    """All of an answer that was whole and ready, after which the connection of the client stays."""
    OPENED = 12
    """The namespace is open: the requesting replica decides the call. The payload is the token by which it is added."""


_UNNUMBERED = frozenset({Sort.MOVED, Sort.FAILED, Sort.REPLY, Sort.OPENED})
"""Frames that are all of an answer."""


class LinkLostError(MockServerError):
    """The connection to another replica broke."""


class Frames(asyncio.Protocol):
    """One side of a connection. `came` gets each frame, `lost` is told of the end."""

    def __init__(self, came: Callable[[Sort, int, int, bytes], None], lost: Callable[[], None]) -> None:
        self._came = came
        self._lost = lost
        self._held = bytearray()
        self._outgoing: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.most_bytes = MOST_FRAME_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        held = self._held
        held += data
        at = 0
        while len(held) - at >= _FRAME.size:
            length, sort, stream, number = _FRAME.unpack_from(held, at)
            if length > self.most_bytes:
                self.abort()
                return
            end = at + _FRAME.size + length
            if end > len(held):
                break
            payload = bytes(held[at + _FRAME.size : end])
            at = end
            try:
                self._came(Sort(sort), stream, number, payload)
            except ValueError:  # no frame of ours
                self.abort()
                return
        del held[:at]

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self.transport = None
        self._outgoing.clear()
        self._lost()

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def send(self, sort: Sort, stream: int, number: int = 0, payload: bytes = b"") -> None:
        """Send a frame. Frames of one turn of the loop go out in one write."""
        if self.transport is None:
            return
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(_FRAME.pack(len(payload), sort, stream, number))
        if payload:
            self._outgoing.append(payload)

    def _flush(self) -> None:
        if self.transport is not None and self._outgoing:
            self.transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


# Who asks


class RelayedReply:
    """One request that another replica answers: the frames of its answer, in order, each once."""

    __slots__ = ("_arrived", "_frames", "lost", "received")

    def __init__(self) -> None:
        self._frames: deque[tuple[Sort, bytes]] = deque()
        self._arrived: asyncio.Future[None] | None = None
        self.received = 0
        """Frames of the answer that have come."""
        self.lost = False

    def put(self, sort: Sort, number: int, payload: bytes) -> None:
        if sort in _UNNUMBERED:
            self._frames.append((sort, payload))
        elif number == self.received + 1:
            self.received = number
            self._frames.append((sort, payload))
        else:
            return  # it came before
        self._wake()

    def cut(self) -> None:
        """The connection broke."""
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def next(self) -> tuple[Sort, bytes]:
        """Wait for a frame. Raises LinkLostError."""
        while not self._frames:
            if self.lost:
                raise LinkLostError("the connection to another replica broke")
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        return self._frames.popleft()


class PeerLink:
    """A connection to another replica, made when it is needed."""

    def __init__(self, address: str, secret: bytes) -> None:
        self._address = address
        self._secret = secret
        self._frames: Frames | None = None
        self._exchanges: dict[int, RelayedReply] = {}
        self._last = 0
        self._connecting: asyncio.Task[Frames] | None = None

    async def ask(self, payload: bytes, exchange: RelayedReply) -> int:
        """Send a request, or the same once more. Return its stream. Raises LinkLostError."""
        frames = self._frames
        if frames is None or not frames.is_open:
            frames = await self._connected()
            if not frames.is_open:  # nobody would tell the exchange that it was lost before it began
                raise LinkLostError("the connection to another replica broke")
        self._last = self._last % 0xFFFFFFFF + 1
        stream = self._last
        exchange.lost = False
        self._exchanges[stream] = exchange
        frames.send(Sort.ASK, stream, exchange.received, payload)
        return stream

    def tell(self, sort: Sort, stream: int, number: int = 0) -> None:
        """Tell the other side of an exchange what the client does."""
        if self._frames is not None and stream in self._exchanges:
            self._frames.send(sort, stream, number)

    def forget(self, stream: int) -> None:
        """End the exchange."""
        self._exchanges.pop(stream, None)

    async def _connected(self) -> Frames:
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add_done_callback(self._connect_done)
        try:
            return await asyncio.shield(self._connecting)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise LinkLostError(f"the replica at {self._address} can't be reached: {error}") from error

    def _connect_done(self, task: asyncio.Task[Frames]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()

    async def _connect(self) -> Frames:
        host, _, port = self._address.rpartition(":")
        loop = asyncio.get_running_loop()
        frames: Frames
        proven = loop.create_future()

        def came(sort: Sort, stream: int, number: int, payload: bytes) -> None:
            if not proven.done():
                proven.set_result(payload)
                return
            exchange = self._exchanges.get(stream)
            if exchange is not None:
                exchange.put(sort, number, payload)

        def lost() -> None:
            if not proven.done():
                proven.set_exception(ConnectionResetError("it closed the connection"))
            if self._frames is frames:
                self._frames = None
            exchanges, self._exchanges = self._exchanges, {}
            for exchange in exchanges.values():
                exchange.cut()

        async with asyncio.timeout(HANDSHAKE_S):
            _, frames = await loop.create_connection(lambda: Frames(came, lost), host.strip("[]"), int(port))
            nonce = await proven
        frames.send(Sort.ASK, 0, 0, hmac.digest(self._secret, nonce, hashlib.sha256))
        self._frames = frames
        return frames

    def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self._frames is not None:
            self._frames.abort()


# Who answers


class RemoteTransport(asyncio.Transport):
    """
    A client that is connected to another replica, as a transport: what is written goes there. It is its own flow control:
    writing is paused while frames are not acknowledged.
    """

    def __init__(self, peername: str) -> None:
        super().__init__()
        self._peername = peername
        self._frames: Frames | None = None
        self._stream = 0
        self._number = 0
        self._unacknowledged: deque[tuple[Sort, int, bytes]] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._closing = False
        self.task: asyncio.Task[None] | None = None
        self.ended: Callable[[], None] = lambda: None
        """Called when the client ends its side."""
        self.has_ended = False
        self.cut_at_s: float | None = None
        """When the connection to the other replica broke, by the loop's clock."""

    def attach(self, frames: Frames, stream: int, received: int) -> None:
        """Send there what the other side has not got."""
        self._frames, self._stream, self.cut_at_s = frames, stream, None
        for sort, number, payload in self._unacknowledged:
            if number > received:
                frames.send(sort, stream, number, payload)

    @property
    def key(self) -> tuple[Frames | None, int]:
        """The connection and the stream that it sends to."""
        return self._frames, self._stream

    def detach(self, now_s: float) -> None:
        self._frames, self.cut_at_s = None, now_s

    def _send(self, sort: Sort, payload: bytes = b"") -> None:
        self._number += 1
        self._unacknowledged.append((sort, self._number, payload))
        if self._frames is not None:
            self._frames.send(sort, self._stream, self._number, payload)

    @property
    def paused(self) -> bool:
        return bool(self._unacknowledged)

    def acknowledged(self, number: int) -> None:
        """All frames up to that number have reached the client."""
        while self._unacknowledged and self._unacknowledged[0][1] <= number:
            self._unacknowledged.popleft()
        if not self._unacknowledged and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def drained(self) -> None:
        if not self._unacknowledged:
            return
        if self._closing:
            raise ConnectionResetError("the client has disconnected")
        self._drained = asyncio.get_running_loop().create_future()
        await self._drained

    def client_ended(self) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.ended()

    def client_left(self) -> None:
        """The client, or the replica that it is connected to, has gone."""
        self._closing = True
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(ConnectionResetError("the client has disconnected"))
        if self.task is not None:
            self.task.cancel()

    # As a transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing and data:
            self._send(Sort.DATA, bytes(data))

    def tell(self, sort: Sort, payload: bytes = b"") -> None:
        """Say that there is no answer here."""
        if self._frames is not None:
            self._frames.send(sort, self._stream, 0, payload)

    def end(self, *, keep_alive: bool) -> None:
        """End the answer."""
        if not self._closing:
            self._send(Sort.END, b"\1" if keep_alive else b"\0")

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._send(Sort.CLOSE)

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            self._send(Sort.RESET)

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  (asyncio's signature)
        return self._peername if name == "peername" else default


class TakenHandler(Protocol):
    """Hears whether the client has taken an answer."""

    def __call__(self, *, taken: bool) -> None: ...


AskHandler = Callable[["LinkServer", Frames, int, int, bytes], None]


class LinkServer:
    """Takes connections of other replicas that know the secret, from `serve` on."""

    def __init__(self) -> None:
        self._secret = b""
        self._asked: AskHandler | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[Frames] = set()
        self.transports: dict[str, RemoteTransport] = {}
        """By the ids of their requests."""
        self._by_stream: dict[tuple[Frames | None, int], RemoteTransport] = {}
        self._replied: dict[tuple[Frames | None, int], TakenHandler] = {}

    def serve(self, secret: bytes, asked: AskHandler) -> None:
        """Answer requests from now on."""
        self._secret, self._asked = secret, asked

    async def listen(self, host: str, port: int) -> int:
        """Return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def _connection(self) -> Frames:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        proven = False

        def came(sort: Sort, stream: int, number: int, payload: bytes) -> None:
            nonlocal proven
            if not proven:
                if self._asked is None or not hmac.compare_digest(
                    payload, hmac.digest(self._secret, nonce, hashlib.sha256)
                ):
                    frames.abort()
                    return
                proven = True
                frames.most_bytes = MOST_FRAME_BYTES
                timer.cancel()
                return
            if sort is Sort.ASK:
                assert self._asked is not None
                self._asked(self, frames, stream, number, payload)
                return
            over = self._replied.pop((frames, stream), None) if self._replied else None
            if over is not None:
                over(taken=sort is not Sort.GONE)
                return
            transport = self._by_stream.get((frames, stream))
            if transport is None:
                return
            if sort is Sort.ACK:
                transport.acknowledged(number)
            elif sort is Sort.EOF:
                transport.client_ended()
            elif sort is Sort.GONE:
                transport.client_left()

        def lost() -> None:
            timer.cancel()
            self._connections.discard(frames)
            now_s = asyncio.get_running_loop().time()
            for key in [key for key in self._by_stream if key[0] is frames]:
                self._by_stream.pop(key).detach(now_s)
            for key in [key for key in self._replied if key[0] is frames]:
                del self._replied[key]

        frames = _Greeting(came, lost, nonce)
        self._connections.add(frames)
        timer = asyncio.get_running_loop().call_later(HANDSHAKE_S, lambda: None if proven else frames.abort())
        return frames

    def attach(
        self, request_id: str, transport: RemoteTransport, frames: Frames, stream: int, received: int
    ) -> None:
        """The exchange goes on over that connection."""
        self.transports[request_id] = transport
        self._by_stream[frames, stream] = transport
        transport.attach(frames, stream, received)

    def reply(self, frames: Frames, stream: int, data: bytes, over: TakenHandler) -> None:
        """Send all of an answer. `over` is called once it is known whether the client has taken it."""
        frames.send(Sort.REPLY, stream, 0, data)
        if frames.is_open:
            self._replied[frames, stream] = over

    def forget(self, request_id: str) -> None:
        """End the exchange."""
        transport = self.transports.pop(request_id, None)
        if transport is not None:
            self._by_stream.pop(transport.key, None)

    def drop_cut(self, longer_than_s: float) -> None:
        """Give up the exchanges whose connection has been broken for longer."""
        now_s = asyncio.get_running_loop().time()
        for request_id, transport in tuple(self.transports.items()):
            if transport.cut_at_s is not None and now_s - transport.cut_at_s > longer_than_s:
                transport.client_left()
                self.forget(request_id)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for transport in tuple(self.transports.values()):
            transport.client_left()
        for frames in tuple(self._connections):
            frames.abort()


class _Greeting(Frames):
    """The side that takes connections: it asks for a proof first."""

    def __init__(
        self, came: Callable[[Sort, int, int, bytes], None], lost: Callable[[], None], nonce: bytes
    ) -> None:
        super().__init__(came, lost)
        self._nonce = nonce
        self.most_bytes = _MOST_UNPROVEN_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.send(Sort.ACK, 0, 0, self._nonce)
