"""A reply on HTTP/1.1 and HTTP/1.0: its bytes, and what of them the client has received."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from typing import Protocol, cast

from mockserver.http.encoder import LAST_CHUNK, chunk, closes, encode_head, last_chunk
from mockserver.http.outgoing import Ledger, Wire
from mockserver.model.framing import has_body
from mockserver.model.http import Pairs, Response
from mockserver.model.plan import Outcome

_OUTPUT_WAIT_S = 1.0
_TCP_CLOSE = 7
"""State of a socket that was reset, in TCP_INFO."""
_IS_LINUX = sys.platform.startswith("linux")
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Receiver(Protocol):
    """Goes on with what a client sends: another protocol than HTTP."""

    def received(self, data: bytes) -> None: ...

    def ended(self) -> None:
        """Take the end of the client's data."""

    def going_away(self) -> None:
        """End soon: the server stops."""


class Flow(Protocol):
    """Flow control of a connection. Writing is paused while the write buffer is not empty."""

    @property
    def paused(self) -> bool: ...

    @property
    def has_ended(self) -> bool: ...

    async def drained(self) -> None: ...


class PassesData(Protocol):
    """A connection of a client, which can use another protocol than HTTP."""

    def pass_data(self, receiver: Receiver | None) -> None:
        """Pass everything that the client sends to the receiver, and what is not read yet; None: read requests."""


class Http1Wire(Wire):
    """The connection during one reply. `keep_alive` turns false once no other reply may follow."""

    __slots__ = ("_chunked", "_flow", "keep_alive", "transport")

    def __init__(
        self,
        transport: asyncio.Transport,
        flow: Flow,
        engine: Ledger,
        *,
        version: tuple[int, int],
        keep_alive: bool,
        head_only: bool,
    ) -> None:
        super().__init__(engine, version=version, head_only=head_only, has_left=flow.has_ended)
        self.transport = transport
        self._flow = flow
        self.keep_alive = keep_alive
        self._chunked = False

    @property
    def is_closing(self) -> bool:
        return self.transport.is_closing()

    async def respond(
        self, response: Response, length: int | None, body: bytes = b"", unsent: int | None = 0
    ) -> None:
        self._chunked = length is None and self.version >= (1, 1)
        if closes(response) or (length is None and not self._chunked):
            self.keep_alive = False
        head = encode_head(
            response,
            length=length,
            keep_alive=self.keep_alive,
            version=self.version,
            head_only=self.head_only,
        )
        self.begins(response.status)
        if self.head_only or not has_body(response.status):
            await self.write(head, 0 if self.head_only else unsent or 0)
        else:
            await self.write(head + body, None if self._chunked else unsent)

    async def send(self, data: bytes, unsent: int | None) -> None:
        if self._chunked:
            await self.write(chunk(data), None)
        else:
            await self.write(data, unsent)

    async def end(self, trailers: Pairs = ()) -> None:
        if self.is_completed:
            return
        if self._chunked:
            await self.write(last_chunk(trailers) if trailers else LAST_CHUNK, 0)
        else:
            await self._complete()

    async def respond_until_close(self, response: Response) -> None:
        self.keep_alive = False
        response = Response(response.status, [*response.headers, ("Connection", "close")])
        await self.write(encode_head(response, length=None, keep_alive=False, version=(1, 0)))

    async def raw(self, data: bytes) -> None:
        self.first_byte()
        await self.write(data)

    def is_last(self) -> None:
        self.keep_alive = False

    async def reset(self, code: int | None) -> None:  # noqa: ARG002  (TCP has no codes)
        self.keep_alive = False
        with contextlib.suppress(asyncio.CancelledError):  # the client closes first, with the same result
            await sent_by_kernel(self.transport)
        reset(self.transport)

    async def close(self, code: int | None) -> None:  # noqa: ARG002  (TCP has no codes)
        self.break_off()

    async def truncate(self) -> None:
        self.break_off()

    def break_off(self) -> None:
        self.keep_alive = False
        self.transport.close()

    def close_window(self) -> None:
        """Do nothing: the window is that of TCP."""

    def pass_data(self, receiver: Receiver | None) -> None:
        """Have a receiver go on with what the client sends."""
        # Between replicas, no plan does this.
        cast("PassesData", self._flow).pass_data(receiver)

    async def drained(self) -> None:
        """Wait until the buffer is empty; only one task may wait. Raises ConnectionError."""
        if self._flow.paused:
            await self._flow.drained()

    async def write(self, data: bytes, unsent: int | None = None) -> None:
        """
        Write bytes and wait until the buffer is empty. `unsent` bytes of the reply follow these, None for an unknown
        number. Raises ConnectionError.
        """
        self.check_open()
        if unsent == 0 and self._settle is not None:
            await self.settle(Outcome.DONE)
        self.has_begun = True
        self.transport.write(data)
        self.check_open()
        self._unsent = unsent
        await self.drained()
        if unsent == 0:
            await self._complete()

    async def _complete(self) -> None:
        """Wait until the client has received the whole reply. Raises ConnectionError if it has not."""
        if self.has_left and self.call is not None and not await was_taken(self.transport):
            raise ConnectionResetError("the client has disconnected")
        self.completed()

    def interrupted(self) -> bool:
        """Return whether the reply was completed: its last bytes may have just been sent."""
        self.keep_alive = False
        if self._unsent == 0 and not self._flow.paused and not self.has_left and not self.is_completed:
            self.completed()
        return super().interrupted()

    async def took_what_came(self) -> bool:
        if not self.has_left:
            return True
        begun = self.call is not None and self.call.first_byte_at_s is not None
        return begun and await was_taken(self.transport)


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with a TCP RST."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):  # the socket is closed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    transport.abort()


async def sent_by_kernel(transport: asyncio.Transport) -> None:
    """Wait until the kernel has delivered what was written: a RST would discard what is still queued."""
    if not _IS_LINUX:
        await asyncio.sleep(0.02)
        return
    await was_taken(transport)


async def was_taken(transport: asyncio.Transport) -> bool:
    """
    Return whether the client's kernel has acknowledged all data. Waits while there is progress, at most a second
    without. Linux only; elsewhere it is False.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or not _IS_LINUX:
        return False
    now_s = asyncio.get_running_loop().time
    fewest, deadline_s = sys.maxsize, 0.0
    with contextlib.suppress(OSError, ValueError):  # the socket is closed
        while not transport.is_closing():
            queued, is_reset = _state_of(sock.fileno())
            if is_reset:
                return False
            if not queued:
                return True
            if queued < fewest:
                fewest, deadline_s = queued, now_s() + _OUTPUT_WAIT_S
            elif now_s() >= deadline_s:
                return False
            await asyncio.sleep(0.001)
    return False


def _state_of(fd: int) -> tuple[int, bool]:
    """Return the number of unacknowledged bytes, and whether the client has reset the socket. Raises OSError."""
    import fcntl  # only on some platforms
    import termios

    queued = struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    with socket.socket(fileno=os.dup(fd)) as sock:
        return queued, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
