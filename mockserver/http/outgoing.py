"""
One reply being sent: what is written, what is still due, and whether the client is connected.

A reply is completed when its last byte has been sent, whatever the client does afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from mockserver.model.call import Call
from mockserver.model.plan import Outcome

_OUTPUT_WAIT_S = 1.0
_TCP_CLOSE = 7
"""State of a socket that was reset, in TCP_INFO."""
_IS_LINUX = sys.platform.startswith("linux")


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


class HasClock(Protocol):
    """`mono` is the monotonic clock of calls."""

    @property
    def mono(self) -> Callable[[], float]: ...


class Ledger(Protocol):
    """Receives the progress of the reply to a call: the engine, or a layer between it and a shared store."""

    @property
    def shared(self) -> HasClock: ...

    def answered(self, call: Call, status: int) -> None: ...

    def left(self, call: Call) -> None: ...


class Wire:
    """
    The connection during one reply. `keep_alive` turns false once no other reply may follow. `call` is None for replies
    that are not recorded. `has_left`: the client has closed its side of the connection. It may have disconnected or
    still wait for the response: the two look the same until something is sent.
    """

    __slots__ = ("_engine", "_flow", "_settle", "_task", "_unsent", "call", "client_left", "has_begun", "has_left", "head_only", "is_completed", "keep_alive", "transport", "version")  # fmt: skip

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
        self.transport = transport
        self._flow = flow
        self._engine = engine
        self.version = version
        self.keep_alive = keep_alive
        self.head_only = head_only
        self.call: Call | None = None
        self.has_left = self._flow.has_ended
        self.has_begun = False
        self.is_completed = False
        self._unsent: int | None = None
        self._task: asyncio.Task[Any] | None = None
        self._settle: Callable[[Call, Outcome], Awaitable[None]] | None = None
        self.client_left: Callable[[], None] | None = None
        """Called when the client closes its side of the connection."""

    def settled_by(self, ledger: Ledger, settle: Callable[[Call, Outcome], Awaitable[None]]) -> None:
        """
        Set the ledger that receives the progress. `settle` is awaited before the last byte of a reply is sent, and
        before the server closes the connection, so that everything the client can observe is stored by then.
        """
        self._engine = ledger
        self._settle = settle

    async def settle(self, outcome: Outcome) -> None:
        """Report the outcome before the end of the reply."""
        if self._settle is not None and self.call is not None:
            await self._settle(self.call, outcome)

    def answers(self, call: Call) -> None:
        """Set the call of the reply."""
        self.call = call
        if self.has_left:
            self._engine.left(call)

    def begins(self, status: int) -> None:
        """Report the status line before it is sent. Raises ConnectionError."""
        self.first_byte()
        if self.call is not None:
            self._engine.answered(self.call, status)

    def first_byte(self) -> None:
        """Report the first byte before it is sent. Raises ConnectionError."""
        if self.transport.is_closing():
            raise ConnectionResetError("the client has disconnected")
        call = self.call
        if call is not None and call.first_byte_at_s is None:
            call.first_byte_at_s = self._engine.shared.mono()

    async def write(self, data: bytes, unsent: int | None = None) -> None:
        """
        Write bytes and wait until the buffer is empty. `unsent` bytes of the reply follow these, None for an unknown
        number. Raises ConnectionError.
        """
        if self.transport.is_closing():
            raise ConnectionResetError("the client has disconnected")
        if unsent == 0 and self._settle is not None:
            await self.settle(Outcome.DONE)
        self.has_begun = True
        self.transport.write(data)
        if self.transport.is_closing():
            raise ConnectionResetError("the client has disconnected")
        self._unsent = unsent
        if self._flow.paused:
            await self._flow.drained()
        if unsent == 0:
            await self.complete()

    def pass_data(self, receiver: Receiver | None) -> None:
        """Have a receiver go on with what the client sends."""
        # Between replicas, no plan does this.
        cast("PassesData", self._flow).pass_data(receiver)

    async def drained(self) -> None:
        """Wait until the buffer is empty; only one task may wait. Raises ConnectionError."""
        if self._flow.paused:
            await self._flow.drained()

    async def complete(self) -> None:
        """Wait until the client has received the whole reply. Raises ConnectionError if it has not."""
        if self.has_left and self.call is not None and not await was_taken(self.transport):
            raise ConnectionResetError("the client has disconnected")
        self._completed()

    def _completed(self) -> None:
        self.is_completed = True
        if self.call is not None:
            self.call.last_byte_at_s = self._engine.shared.mono()

    def interrupted(self) -> bool:
        """Handle a lost connection. Return whether the reply was completed: its last bytes may have just been sent."""
        self.keep_alive = False
        if self._unsent == 0 and not self._flow.paused and not self.has_left and not self.is_completed:
            self._completed()
        if not self.is_completed and self.call is not None and self.call.left_at_s is None:
            self.call.left_at_s = self._engine.shared.mono()
        return self.is_completed

    async def took_what_came(self) -> bool:
        """Whether the client has received the part of the reply that was sent, as far as is known."""
        if not self.has_left:
            return True
        begun = self.call is not None and self.call.first_byte_at_s is not None
        return begun and await was_taken(self.transport)

    def ends(self) -> None:
        """Close the connection from the server's side."""
        if self.call is not None:
            self.call.last_byte_at_s = self._engine.shared.mono()

    # The client closes its side

    def nothing_is_due(self) -> None:
        """Let the reply end as soon as the client closes its side: nothing more is sent without an event."""
        if self.has_left:
            raise ConnectionResetError("the client has disconnected")
        self._task = asyncio.current_task()

    def client_ended(self) -> None:
        """Handle the end of the client's side of the connection."""
        self.has_left = True
        if self.client_left is not None:
            self.client_left()
        if self.call is not None and not self.is_completed:
            self._engine.left(self.call)
        if self._task is not None:
            self._task.cancel()


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
