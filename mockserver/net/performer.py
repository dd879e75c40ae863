"""
Performs a plan on a connection: the only sleep, abort and raw write of the house.

Nothing is decided here. What really happened is written on the call, which is
closed exactly once, also where the client leaves in the middle.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable

from mockserver.model.call import Call
from mockserver.model.http import Response
from mockserver.model.plan import Break, Drip, Forward, Hang, Outcome, Plan, Raw, Send, Step, Wait
from mockserver.net.encode import LAST_CHUNK, chunk, closes, encode_head, lies
from mockserver.net.passing import pass_back
from mockserver.net.upstream import Upstream

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_OUTPUT_WAIT_S = 1.0


class Wire:
    """
    One connection as a plan sees it. `drained` awaits an empty write buffer;
    `keep_alive` turns false once nothing more may follow.
    """

    __slots__ = ("drained", "head_only", "keep_alive", "transport", "version")

    def __init__(
        self,
        transport: asyncio.Transport,
        drained: Callable[[], asyncio.Future[None] | None],
        *,
        version: tuple[int, int],
        keep_alive: bool,
        head_only: bool,
    ) -> None:
        self.transport = transport
        self.drained = drained
        self.version = version
        self.keep_alive = keep_alive
        self.head_only = head_only

    async def write(self, data: bytes) -> None:
        """Hands bytes to the transport and waits until its buffer is empty. Raises ConnectionError."""
        if self.transport.is_closing():
            raise ConnectionResetError("the client has left")
        self.transport.write(data)
        waiter = self.drained()
        if waiter is not None:
            await waiter


class Performer:
    """Performs plans. `mono` is the monotonic clock that calls are timed by, `upstream` asks real services."""

    def __init__(
        self, mono: Callable[[], float], hang_limit_s: float, upstream: Upstream | None = None
    ) -> None:
        self._mono = mono
        self._hang_limit_s = hang_limit_s
        self._upstream = upstream

    async def perform(self, plan: Plan, call: Call | None, wire: Wire) -> Outcome:
        """
        The outcome. Raises CancelledError, with the time written on the call,
        where the client leaves.
        """
        try:
            for step in plan:
                outcome = await self._step(step, call, wire)
                if outcome is not None:
                    return outcome
        except (ConnectionError, asyncio.CancelledError) as why:
            wire.keep_alive = False
            if call is not None:
                call.left_at_s = self._mono()
            if isinstance(why, asyncio.CancelledError):
                raise
            return Outcome.CLIENT_LEFT
        if call is not None:
            call.last_byte_at_s = self._mono()
        return Outcome.DONE

    async def _step(self, step: Step, call: Call | None, wire: Wire) -> Outcome | None:
        match step:
            case Wait():
                await asyncio.sleep(step.seconds)
            case Send():
                await self._send(step, call, wire)
            case Drip():
                await self._drip(step, call, wire)
            case Raw():
                self._first_byte(call)
                await wire.write(step.data)
            case Hang():
                wire.keep_alive = False
                await asyncio.sleep(self._hang_limit_s)
                self._ended(call)
                return Outcome.CLOSE
            case Break():
                wire.keep_alive = False
                await self._break(step, wire)
                self._ended(call)
                return step.outcome
            case Forward():
                return await self._forward(step, call, wire)
        return None

    async def _forward(self, step: Forward, call: Call | None, wire: Wire) -> Outcome | None:
        assert call is not None
        assert self._upstream is not None
        async with self._upstream.ask(step, call.request) as reply:
            outcome = await pass_back(
                step, call, reply, wire, perform=self._step, begun=lambda: self._first_byte(call)
            )
        if outcome is Outcome.CLOSE:
            # Only now: the end of the connection ends this task, and the service's connection was still to be closed.
            wire.keep_alive = False
            wire.transport.close()
            self._ended(call)
        return outcome

    def _first_byte(self, call: Call | None) -> None:
        if call is not None and call.first_byte_at_s is None:
            call.first_byte_at_s = self._mono()

    def _ended(self, call: Call | None) -> None:
        if call is not None:
            call.last_byte_at_s = self._mono()

    async def _send(self, step: Send, call: Call | None, wire: Wire) -> None:
        response = step.response
        body = response.body
        promise = len(body) if step.promise is None else step.promise
        if closes(response) or (lies(response, len(body)) and not wire.head_only):
            wire.keep_alive = False
        head = encode_head(response, length=promise, keep_alive=wire.keep_alive, version=wire.version)
        self._first_byte(call)
        if wire.head_only or response.status in (204, 304):
            await wire.write(head)
        else:
            await wire.write(head + (body if step.upto is None else body[: step.upto]))

    async def _drip(self, step: Drip, call: Call | None, wire: Wire) -> None:
        response = step.response
        chunked = step.chunked and wire.version >= (1, 1)
        if closes(response) or (step.chunked and not chunked) or self._lies(step, wire):
            wire.keep_alive = False
        length = None if step.chunked else len(response.body)
        # The first wait stands before the first byte of the body, not of the head.
        head = encode_head(response, length=length, keep_alive=wire.keep_alive, version=wire.version)
        self._first_byte(call)
        await wire.write(head)
        if wire.head_only:
            return
        for wait_s, data in step.pieces:
            if wait_s:
                await asyncio.sleep(wait_s)
            if data:
                await wire.write(chunk(data) if chunked else data)
        if chunked and step.ended:
            await wire.write(LAST_CHUNK)

    @staticmethod
    def _lies(step: Drip, wire: Wire) -> bool:
        return not step.chunked and not wire.head_only and lies(step.response, len(step.response.body))

    async def _break(self, step: Break, wire: Wire) -> None:
        if step.how == "close":
            wire.transport.close()
            return
        await _sent_by_kernel(wire.transport)
        sock = wire.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        wire.transport.abort()


async def _sent_by_kernel(transport: asyncio.Transport) -> None:
    """
    Waits, at most a second, until the kernel has delivered what was written:
    an RST would throw away what still stands in its queue.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or not sys.platform.startswith("linux"):
        await asyncio.sleep(0.02)
        return
    deadline = asyncio.get_running_loop().time() + _OUTPUT_WAIT_S
    with contextlib.suppress(OSError):
        while asyncio.get_running_loop().time() < deadline:
            waiting = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
            if not waiting:
                return
            await asyncio.sleep(0.001)


def ready_response(response: Response) -> Plan:
    """The plan that sends one response whole."""
    return (Send(response),)
