"""The reply that accepts a WebSocket handshake, and the messages of its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from mockserver.model.http import Request, Response, UnreadableBodyError
from mockserver.model.plan import Upgrade, Wait
from mockserver.model.websocket import DelayStep, FrameKind, Message, Script, SendStep
from mockserver.responses.bodies import compile_body
from mockserver.responses.delays import Delay, seconds_of
from mockserver.responses.planner import HeaderMakers, Planned, Reply
from mockserver.schema.delays import DelayRangeSpec
from mockserver.schema.reply import ReplySpec
from mockserver.schema.websocket import MESSAGE_KINDS, MessageSpec
from mockserver.templating.scope import UndefinedError
from mockserver.templating.templates import Scope, Template

_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OF_THE_HANDSHAKE = ("connection", "upgrade", "content-", "transfer-encoding", "sec-websocket-")
"""Beginnings of header names that a scenario does not set: they follow from the handshake."""


def accept_of(key: str) -> str:
    """Return the value of Sec-WebSocket-Accept for a key (RFC 6455 4.2.2)."""
    digest = hashlib.sha1(key.encode() + _KEY_SUFFIX, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


class WebSocketReply(Reply):
    """A reply that accepts a WebSocket handshake, then performs a script."""

    __slots__ = ("_script", "_subprotocols")

    def __init__(
        self, spec: ReplySpec, *, headers: HeaderMakers, delay: Delay | None, script: Script
    ) -> None:
        super().__init__(
            spec, status=101, headers=headers, body=None, stream=None, delay=delay, throttle=None
        )
        self.ready = None
        self._script = script
        self._subprotocols = spec.subprotocol

    def plan(
        self,
        status: int,
        scope: Callable[[], Scope],
        chance: Callable[[], Random],
        request: Request,
    ) -> Planned:
        """Return the steps for one call. Raises TemplateError."""
        lines = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        key = request.headers.get("sec-websocket-key")
        if key is not None:
            lines.append(("Sec-WebSocket-Accept", accept_of(key)))
        subprotocol = self._chosen(request)
        if subprotocol is not None:
            lines.append(("Sec-WebSocket-Protocol", subprotocol))
        own = self._header_lines(scope())
        lines += [line for line in own if not line[0].lower().startswith(_OF_THE_HANDSHAKE)]
        response = Response(status, lines)
        step = Upgrade(response, self._script, _CallVariables(scope, chance))
        wait_s = self._wait_s(scope(), chance)
        return Planned((Wait(wait_s), step) if wait_s else (step,), response)

    def _chosen(self, request: Request) -> str | None:
        """Return the first supported subprotocol that the client offers; None if it offers none of them."""
        lines = request.headers.all("sec-websocket-protocol")
        offered = [name.strip() for line in lines for name in line.split(",") if name.strip()]
        supported = offered[:1] if self._subprotocols is None else self._subprotocols
        return next((name for name in supported if name in offered), None)


class _CallVariables:
    """The variables of one call, after each of its messages."""

    __slots__ = ("_scope", "chance")

    def __init__(self, scope: Callable[[], Scope], chance: Callable[[], Random]) -> None:
        self._scope = scope
        self.chance = chance

    def scope(self, message: Message | None) -> Scope:
        scope = self._scope()
        return scope.renewed() if message is None else scope.renewed(message=MessageParts(message))


class MessageParts(Mapping[str, Any]):
    """`message` in templates: the members of a received message, read when they are used."""

    __slots__ = ("_message",)

    def __init__(self, message: Message) -> None:
        self._message = message

    def __getitem__(self, name: str) -> Any:
        if name not in MESSAGE_KINDS:
            raise KeyError(name)
        try:
            return getattr(self._message, name)
        except UnreadableBodyError as error:
            raise UndefinedError(f"message.{name}", why=str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(MESSAGE_KINDS)

    def __len__(self) -> int:
        return len(MESSAGE_KINDS)


def compile_send(spec: MessageSpec, names: frozenset[str], *, raw: bool) -> SendStep:
    """Compile a message that is sent. Raises InvalidInputError."""
    fields = {name: getattr(spec, name) for name in spec.model_fields_set}
    body = compile_body(ReplySpec.known(**fields, raw=raw), _no_files, names)
    assert body is not None
    kind = FrameKind.BINARY if body.kind == "base64" else FrameKind.TEXT
    static = body.static

    def data(scope: Callable[[], Scope]) -> bytes:
        return static if static is not None else body.bytes_of(scope())

    return SendStep(kind, data)


def delay_step(delay: float | DelayRangeSpec | Template) -> DelayStep:
    """Return the step that waits so long."""
    return DelayStep(lambda scope, chance: seconds_of(delay, scope, chance))


def _no_files(*_: object) -> bytes:
    raise AssertionError("a message is no file")
