"""
Execution of plans on a connection: the only place that sleeps, aborts and writes raw bytes.

Nothing is decided here. The actual outcome is stored on the call, which is closed exactly once, also if the client
disconnects.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from mockserver.http.encoder import LAST_CHUNK, chunk, closes, encode_head
from mockserver.http.outgoing import Wire, sent_by_kernel
from mockserver.http.proxy_response import pass_back
from mockserver.model.framing import has_body
from mockserver.model.http import Response
from mockserver.model.plan import Break, Drip, Forward, Hang, Outcome, Plan, Raw, Send, Step, Upgrade, Wait
from mockserver.outbound.upstream import Upstream

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Performer:
    """Performs plans. `upstream` sends requests to real services; `most_message_bytes` limits a WebSocket message."""

    def __init__(
        self, hang_limit_s: float, upstream: Upstream | None = None, *, most_message_bytes: int = 1 << 20
    ) -> None:
        self._hang_limit_s = hang_limit_s
        self._most_message_bytes = most_message_bytes
        self._upstream = upstream

    async def perform(self, plan: Plan, wire: Wire, ended: Callable[[Outcome], None] | None = None) -> None:
        """
        Call `ended` with the outcome as soon as it is known. Does not raise if the client disconnects: its connection
        is closed, and nothing waits for the rest.
        """
        outcome = Outcome.DONE
        try:
            for step in plan:
                broken = await self._step(step, wire, ended)
                if broken is not None:
                    outcome = broken
                    break
        except (ConnectionError, asyncio.CancelledError):
            if not wire.interrupted():
                outcome = Outcome.CLIENT_LEFT
        if ended is not None:
            ended(outcome)

    async def _step(
        self, step: Step, wire: Wire, ended: Callable[[Outcome], None] | None = None
    ) -> Outcome | None:
        match step:
            case Wait():
                await asyncio.sleep(step.seconds)
            case Send():
                await self._send(step, wire)
            case Drip():
                await self._drip(step, wire)
            case Raw():
                wire.first_byte()
                await wire.write(step.data)
            case Hang():
                wire.keep_alive = False
                wire.nothing_is_due()
                await asyncio.sleep(self._hang_limit_s)
                wire.ends()
                return Outcome.CLOSE
            case Break():
                return await self._break(step, wire)
            case Forward():
                return await self._forward(step, wire, ended)
            case Upgrade():
                return await self._upgrade(step, wire)
        return None

    async def _forward(
        self, step: Forward, wire: Wire, ended: Callable[[Outcome], None] | None
    ) -> Outcome | None:
        assert wire.call is not None
        assert self._upstream is not None
        async with self._upstream.ask(step, wire.call.request) as reply:
            outcome = await pass_back(step, wire.call, reply, wire, perform=self._step)
            if outcome is None and ended is not None:
                # Before closing the service's connection, which takes a while: the client may disconnect meanwhile.
                ended(Outcome.DONE)
        if outcome is Outcome.CLOSE:
            # After that, since the end of the connection ends this task.
            wire.keep_alive = False
            wire.transport.close()
            wire.ends()
        return outcome

    async def _upgrade(self, step: Upgrade, wire: Wire) -> Outcome | None:
        from mockserver.http.websocket.conversation import Conversation  # needs an extra

        wire.keep_alive = False
        wire.begins(step.response.status)
        conversation = Conversation(step, wire, self._most_message_bytes)
        by = "client"
        try:
            await wire.write(encode_head(step.response, length=None))
            wire.pass_data(conversation)
            try:
                ending = await conversation.run()
            finally:
                wire.pass_data(None)
            outcome = await self._step(ending, wire)
            by = "server"
            return outcome
        finally:
            conversation.over(by)

    async def _send(self, step: Send, wire: Wire) -> None:
        response = step.response
        body = response.body if has_body(response.status) else b""
        promise = len(body) if step.promise is None else step.promise
        if closes(response):
            wire.keep_alive = False
        head = encode_head(
            response,
            length=promise,
            keep_alive=wire.keep_alive,
            version=wire.version,
            head_only=wire.head_only,
        )
        wire.begins(response.status)
        if wire.head_only:
            await wire.write(head, 0)
            return
        sent = body if step.upto is None else body[: step.upto]
        await wire.write(head + sent, promise - len(sent))

    async def _drip(self, step: Drip, wire: Wire) -> None:
        response = step.response
        chunked = step.chunked and wire.version >= (1, 1)
        if closes(response) or (step.chunked and not chunked):
            wire.keep_alive = False
        bodiless = wire.head_only or not has_body(response.status)
        # The first wait comes before the first byte of the body, not of the head.
        head = encode_head(
            response,
            length=None if step.chunked else len(response.body),
            keep_alive=wire.keep_alive,
            version=wire.version,
            head_only=wire.head_only,
        )
        wire.begins(response.status)
        if bodiless:
            await wire.write(head, 0)
            return
        unsent = sum(len(data) for _, data in step.pieces) if step.chunked else len(response.body)
        # Only a length, or the end of all pieces for a body that ends with the connection, tells when the reply is complete.
        is_known = not chunked and (step.ended or not step.chunked)
        await wire.write(head, unsent if is_known else None)
        for wait_s, data in step.pieces:
            if wait_s:
                await asyncio.sleep(wait_s)
            if data:
                unsent -= len(data)
                await wire.write(chunk(data) if chunked else data, unsent if is_known else None)
        if chunked and step.ended:
            await wire.write(LAST_CHUNK, 0)

    async def _break(self, step: Break, wire: Wire) -> Outcome:
        """Raises ConnectionError if the client has disconnected."""
        wire.keep_alive = False
        taken = await wire.took_what_came()
        await wire.settle(step.outcome)
        if step.how == "close":
            wire.transport.close()
        else:
            with contextlib.suppress(asyncio.CancelledError):  # the client closes first, with the same result
                await sent_by_kernel(wire.transport)
            reset(wire.transport)
        if not taken:
            raise ConnectionResetError("the client has disconnected")
        wire.ends()
        return step.outcome


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with a TCP RST."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):  # the socket is closed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    transport.abort()


def ready_response(response: Response) -> Plan:
    """Return the plan that sends one whole response."""
    return (Send(response),)
