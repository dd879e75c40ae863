"""
GraphQL over WebSocket: the protocol graphql-transport-ws.

Each operation is a call of its own, answered as if its client had sent it with POST.
https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.graphql.operations import SOCKET_PROTOCOL
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.outgoing import Ledger, Wire
from mockserver.http.websocket.conversation import ClosingError, Conversation
from mockserver.model.http import HTTP_1_1, Pairs, Request, Response, UnreadableBodyError
from mockserver.model.plan import Break, Outcome, Upgrade
from mockserver.model.websocket import FrameKind, Message, ReceiveStep
from mockserver.real_time import REAL
from mockserver.responses.bodies import dump_json

INIT_TIMEOUT_S = 3.0
"""Time for `connection_init` after the handshake."""
MOST_OPERATIONS = 100
"""Operations of one connection that run at once."""
_OF_THE_HANDSHAKE = ("connection", "upgrade", "content-", "transfer-encoding", "sec-websocket-", "accept")

Serve = Callable[[Request, Namespace, Wire], Awaitable[None]]
"""Answers a request of that namespace."""


class GraphQLConversation(Conversation):
    """A connection whose messages are operations. `serve` answers one."""

    def __init__(self, step: Upgrade, wire: Http1Wire, most_bytes: int, serve: Serve, ledger: Ledger) -> None:
        super().__init__(step, wire, most_bytes)
        self._serve = serve
        self._ledger = ledger
        self._running: dict[str, asyncio.Task[None]] = {}
        self._headers: list[tuple[str, str]] = []

    async def _perform_script(self) -> None:
        if self.record.subprotocol is None:
            self._refuse(4406, f"Subprotocol not acceptable: offer {SOCKET_PROTOCOL}")
        await self._init()
        while True:
            await self._handle(await self._next())

    async def _next(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Return the next message. Raises ClosingError if it is not valid."""
        message = await self._receive(ReceiveStep(_any, timeout_s))
        try:
            document = message.json if message.kind is FrameKind.TEXT else None
        except UnreadableBodyError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("type"), str):
            self._refuse(4400, "Invalid message: send a JSON object with a type")
        assert isinstance(document, dict)
        return document

    async def _init(self) -> None:
        while True:
            try:
                async with asyncio.timeout(INIT_TIMEOUT_S):
                    document = await self._next()
            except TimeoutError:
                self._refuse(4408, "Connection initialisation timeout")
            kind = document["type"]
            if kind == "connection_init":
                self._headers = self._headers_of(document.get("payload"))
                await self._tell({"type": "connection_ack"})
                return
            if kind == "ping":
                await self._tell({"type": "pong"})
            elif kind != "pong":
                self._refuse(4401, "Unauthorized")

    def _headers_of(self, payload: object) -> list[tuple[str, str]]:
        """Return the headers of operations: those of the handshake, and the texts that connection_init has."""
        handshake = self.call.request.headers.pairs
        lines = [line for line in handshake if not line[0].lower().startswith(_OF_THE_HANDSHAKE)]
        known = {name.lower() for name, _ in lines}
        for name, value in payload.items() if isinstance(payload, dict) else ():
            safe = isinstance(value, str) and not any(c in f"{name}{value}" for c in "\r\n\0")
            if safe and name.lower() not in known:
                lines.append((name, value))
        return [
            *lines,
            ("sec-websocket-protocol", self.record.subprotocol or ""),
            ("content-type", "application/json"),
        ]

    async def _handle(self, document: dict[str, Any]) -> None:
        match document["type"]:
            case "subscribe":
                self._subscribe(document.get("id"), document.get("payload"))
            case "complete":
                task = self._running.pop(str(document.get("id")), None)
                if task is not None:
                    task.cancel()
            case "ping":
                await self._tell({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                self._refuse(4429, "Too many initialisation requests")
            case _:
                self._refuse(4400, "Invalid message: its type is not known")

    def _subscribe(self, name: object, payload: object) -> None:
        if not isinstance(name, str) or not name or not isinstance(payload, dict):
            self._refuse(4400, "Invalid message: subscribe has an id and a payload")
        assert isinstance(name, str)
        if name in self._running:
            self._refuse(4409, f"Subscriber for {name[:50]} already exists")
        if len(self._running) >= MOST_OPERATIONS:
            self._refuse(4429, "Too many operations")
        handshake = self.call.request
        request = Request(
            "POST", handshake.target, self._headers, dump_json(payload), path=handshake.path, prefix=handshake.prefix,
            namespace=handshake.namespace, client=handshake.client, scheme=handshake.scheme, arrived_s=REAL.time(),
            arrived_at_s=self._ledger.shared.mono(), max_json_members=handshake.max_json_members,
        )  # fmt: skip
        self._running[name] = self._start(self._operate(name, request))

    async def _operate(self, name: str, request: Request) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await self._serve(request, self._ns, OperationWire(self, name, self._ledger))
        finally:
            if self._running.get(name) is task:
                del self._running[name]
            if task in self._tasks:
                self._tasks.remove(task)

    async def _tell(self, document: dict[str, Any]) -> None:
        await self.tell(dump_json(document))

    def _refuse(self, code: int, reason: str) -> None:
        """Close the connection. Raises ClosingError."""
        self.close(code, reason)
        raise ClosingError

    # As the wire of an operation uses it

    @property
    def is_over(self) -> bool:
        """Whether nothing can be sent any more."""
        return not self._is_open

    async def tell(self, data: bytes) -> None:
        """Send a message. Raises ConnectionError if nothing can be sent any more."""
        if not self._is_open:
            raise ConnectionResetError("the connection is closing")
        self._say(FrameKind.TEXT, data)
        await self._drain()

    def break_by(self, ending: Break) -> None:
        """Break the connection."""
        self._end(ending)

    def write_raw(self, data: bytes) -> None:
        """Write bytes that are no frame."""
        self._transport.write(data)


def _any(_message: Message) -> bool:
    return True


class OperationWire(Wire):
    """Sends the reply of one operation as messages. Each document of a stream is a line."""

    __slots__ = ("_conversation", "_is_stream", "_name", "_received", "_status")

    def __init__(self, conversation: GraphQLConversation, name: str, ledger: Ledger) -> None:
        super().__init__(ledger, version=HTTP_1_1, head_only=False, has_left=False)
        self._conversation = conversation
        self._name = json.dumps(name).encode()
        self._is_stream = False
        self._received = b""
        self._status = 0

    @property
    def is_closing(self) -> bool:
        return self._conversation.is_over

    async def respond(
        self, response: Response, length: int | None, body: bytes = b"", unsent: int | None = 0
    ) -> None:
        self.begins(response.status)
        self._status = response.status
        self._is_stream = length is None
        await self.send(body, unsent)

    async def send(self, data: bytes, unsent: int | None) -> None:
        self._received += data
        if self._is_stream:
            *lines, self._received = self._received.split(b"\n")
            for line in lines:
                await self._message(b"next", line)
        elif not unsent:
            await self._whole()

    async def _whole(self) -> None:
        """Send a whole response: a result, or the errors of an operation that was not executed."""
        try:
            document = json.loads(self._received)
        except ValueError:
            document = None
        if self._status == 200 and isinstance(document, dict) and "data" in document:
            await self._message(b"next", self._received)
            await self._message(b"complete", None)
        else:
            errors = document.get("errors") if isinstance(document, dict) else None
            text = f"The operation was answered with status {self._status}"
            await self._message(b"error", dump_json(errors or [{"message": text}]))
        self.completed()

    async def end(self, trailers: Pairs = ()) -> None:  # noqa: ARG002  (messages have none)
        await self._message(b"complete", None)
        self.completed()

    async def _message(self, kind: bytes, payload: bytes | None) -> None:
        self.check_open()
        tail = b"" if payload is None else b',"payload":' + payload
        await self._conversation.tell(b'{"id":' + self._name + b',"type":"' + kind + b'"' + tail + b"}")

    async def respond_until_close(self, response: Response) -> None:
        raise NotImplementedError(response)

    async def raw(self, data: bytes) -> None:
        self.first_byte()
        self._conversation.write_raw(data)

    def is_last(self) -> None:
        pass

    async def reset(self, code: int | None) -> None:  # noqa: ARG002  (a code of HTTP/2)
        self._conversation.break_by(Break("reset", Outcome.RESET))

    async def close(self, code: int | None) -> None:  # noqa: ARG002
        self._conversation.break_by(Break("close", Outcome.CLOSE))

    async def truncate(self) -> None:
        self._conversation.break_by(Break("close", Outcome.CLOSE))

    def break_off(self) -> None:
        self._conversation.break_by(Break("close", Outcome.CLOSE))

    def close_window(self) -> None:
        pass

    async def took_what_came(self) -> bool:
        return not self.is_closing
