"""
Execution of plans on a connection: the only place that sleeps and breaks.

Nothing is decided here, and how a step looks on the wire is up to the protocol. The actual outcome is stored on the call,
which is closed exactly once, also if the client disconnects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.http.encoder import encode_head
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.outgoing import Wire
from mockserver.http.proxy_response import pass_back
from mockserver.model.framing import has_body
from mockserver.model.http import Response
from mockserver.model.plan import (
    Break,
    Converse,
    Drip,
    Forward,
    Hang,
    Outcome,
    Plan,
    Raw,
    Send,
    Step,
    Upgrade,
    Wait,
)
from mockserver.outbound.upstream import Upstream

if TYPE_CHECKING:
    from mockserver.http.websocket.conversation import Conversation


class Performer:
    """
    Performs plans. `upstream` sends requests to real services; `most_message_bytes` limits a WebSocket message, `graphql`
    starts a connection whose messages are operations.
    """

    def __init__(
        self,
        hang_limit_s: float,
        upstream: Upstream | None = None,
        *,
        most_message_bytes: int = 1 << 20,
        graphql: Callable[[Upgrade, Http1Wire], Conversation] | None = None,
    ) -> None:
        self._hang_limit_s = hang_limit_s
        self._most_message_bytes = most_message_bytes
        self._upstream = upstream
        self._graphql = graphql

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
                outcome = wire.lost
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
                await wire.raw(step.data)
            case Hang():
                wire.is_last()
                if step.closes_window:
                    wire.close_window()
                wire.nothing_is_due()
                await asyncio.sleep(self._hang_limit_s)
                wire.ends()
                return Outcome.CLOSE
            case Break():
                return await self._break(step, wire)
            case Converse():
                from mockserver.http.grpc_streams import converse  # few scenarios have gRPC

                await converse(step, wire)
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
            wire.break_off()
            wire.ends()
        return outcome

    async def _upgrade(self, step: Upgrade, wire: Wire) -> Outcome | None:
        from mockserver.http.websocket.conversation import Conversation  # needs an extra

        assert isinstance(wire, Http1Wire)  # no handshake comes by another protocol
        wire.keep_alive = False
        wire.begins(step.response.status)
        if step.speaks_graphql:
            assert self._graphql is not None
            conversation = self._graphql(step, wire)
        else:
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
        if response.trailers and step.upto is None:
            await self._drip(Drip(response, ((0.0, body),), chunked=True), wire)
            return
        promise = len(body) if step.promise is None else step.promise
        sent = body if step.upto is None else body[: step.upto]
        await wire.respond(response, promise, sent, promise - len(sent))

    async def _drip(self, step: Drip, wire: Wire) -> None:
        response = step.response
        # The first wait comes before the first byte of the body, not of the head.
        unsent: int | None = None
        if step.ended or not step.chunked:
            unsent = sum(len(data) for _, data in step.pieces) if step.chunked else len(response.body)
        bodiless = wire.head_only or not has_body(response.status)
        length = None if step.chunked else len(response.body)
        await wire.respond(response, length, b"", 0 if bodiless else unsent)
        if bodiless:
            return
        for wait_s, data in step.pieces:
            if wait_s:
                await asyncio.sleep(wait_s)
            if data:
                if unsent is not None:
                    unsent -= len(data)
                await wire.send(data, unsent)
        if step.chunked and step.ended:
            await wire.end(response.trailers)

    async def _break(self, step: Break, wire: Wire) -> Outcome:
        """Raises ConnectionError if the client has disconnected."""
        wire.is_last()
        taken = await wire.took_what_came()
        await wire.settle(step.outcome)
        match step.how:
            case "close":
                await wire.close(step.code)
            case "truncate":
                await wire.truncate()
            case "reset":
                await wire.reset(step.code)
        if not taken:
            raise ConnectionResetError("the client has disconnected")
        wire.ends()
        return step.outcome


def ready_response(response: Response) -> Plan:
    """Return the plan that sends one whole response."""
    return (Send(response),)
