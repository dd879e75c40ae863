"""
WebSocket connections as values: messages, the steps of a script, and the frames that a call keeps.

The steps are data with functions of the variables of a call; `http/websocket` performs them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Protocol

from mockserver.model.http import MAX_JSON_MEMBERS, Request, UnreadableBodyError

MOST_FRAMES = 1000
"""Frames that a call keeps; further ones are counted."""
MOST_FRAMES_BYTES = 256 * 1024
"""Bytes of payloads that a call keeps; further frames are counted."""
MOST_PAYLOAD_BYTES = 64 * 1024
"""Bytes that are kept of one payload."""
FRAME_BYTES = 200
"""Approximate memory of a frame without its payload."""


class FrameKind(StrEnum):
    """What a frame is; a fragmented message is one frame."""

    TEXT = "text"
    BINARY = "binary"
    PING = "ping"
    PONG = "pong"
    CLOSE = "close"


MESSAGES = frozenset({FrameKind.TEXT, FrameKind.BINARY})


class Message:
    """A message: `data` is its payload. `request` is a request with that body, for conditions on bodies."""

    __slots__ = ("data", "kind", "request")

    def __init__(self, kind: FrameKind, data: bytes, most_members: int = MAX_JSON_MEMBERS) -> None:
        self.kind = kind
        self.data = data
        self.request = Request("WS", "/", body=data, max_json_members=most_members)

    @property
    def text(self) -> str:
        """The text of a text message. Raises UnreadableBodyError."""
        if self.kind is not FrameKind.TEXT:
            raise UnreadableBodyError("it is a binary message")
        return self.request.text

    @property
    def json(self) -> Any:
        """The message as JSON. Raises UnreadableBodyError."""
        return self.request.json

    @property
    def base64(self) -> str:
        """The payload in Base64."""
        return base64.b64encode(self.data).decode()


class Variables(Protocol):
    """The variables of a call's templates, and its random choices."""

    def scope(self, message: Message | None) -> Any:
        """Return the scope after that message. Raises TemplateError."""

    def chance(self) -> Random: ...


@dataclass(frozen=True, slots=True)
class SendStep:
    """Send a message; `data` returns its payload for a scope. Raises TemplateError."""

    kind: FrameKind
    data: Callable[[Callable[[], Any]], bytes]


@dataclass(frozen=True, slots=True)
class ReceiveStep:
    """Wait for a message that `holds`. After `timeout_s` the connection is closed."""

    holds: Callable[[Message], bool]
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class DelayStep:
    """Wait; `seconds` are those of a scope. Raises TemplateError."""

    seconds: Callable[[Callable[[], Any], Callable[[], Random]], float]


@dataclass(frozen=True, slots=True)
class CloseStep:
    """Close the connection with that code; `reason` returns the text for a scope. Raises TemplateError."""

    code: int
    reason: Callable[[Callable[[], Any]], bytes]


@dataclass(frozen=True, slots=True)
class FaultStep:
    """Break the connection."""

    kind: str


@dataclass(frozen=True, slots=True)
class RepeatStep:
    """Perform the steps that many times; None: until the connection ends."""

    times: int | None
    steps: Script


@dataclass(frozen=True, slots=True)
class Rule:
    """Messages that `holds` are answered by these steps."""

    holds: Callable[[Message], bool]
    steps: Script


@dataclass(frozen=True, slots=True)
class OnStep:
    """From now on, the first rule that holds answers a message."""

    rules: tuple[Rule, ...]


ScriptStep = SendStep | ReceiveStep | DelayStep | CloseStep | FaultStep | RepeatStep | OnStep
Script = tuple[ScriptStep, ...]


# What a call keeps


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame with the beginning of its payload; `is_sent` by the server. `at_s` is on the monotonic clock."""

    is_sent: bool
    at_s: float
    kind: FrameKind
    data: bytes
    length: int

    @property
    def is_message(self) -> bool:
        """Whether it is a message, and no ping, pong or close frame."""
        return self.kind in MESSAGES


@dataclass(frozen=True, slots=True)
class Closed:
    """Who closed a connection, and how; 1006: without a close frame."""

    by: str
    code: int
    reason: str


@dataclass(slots=True)
class WebSocketRecord:
    """
    The frames of a connection. `received` and `sent` count all its messages; `dropped` are frames that were counted
    only. `closed` is None as long as it is open.
    """

    subprotocol: str | None = None
    received: int = 0
    sent: int = 0
    dropped: int = 0
    frames: list[RecordedFrame] = field(default_factory=list)
    closed: Closed | None = None
    _kept_bytes: int = 0

    def add(self, kind: FrameKind, data: bytes, at_s: float, *, is_sent: bool, keep: bool = True) -> int:
        """Record a frame. Return the memory that it takes."""
        if kind in MESSAGES:
            if is_sent:
                self.sent += 1
            else:
                self.received += 1
        kept = data[:MOST_PAYLOAD_BYTES]
        if not keep or len(self.frames) >= MOST_FRAMES or self._kept_bytes + len(kept) > MOST_FRAMES_BYTES:
            self.dropped += 1
            return 0
        self.frames.append(RecordedFrame(is_sent, at_s, kind, kept, len(data)))
        self._kept_bytes += len(kept)
        return FRAME_BYTES + len(kept)

    @property
    def size_bytes(self) -> int:
        """Approximate memory of the frames that are kept."""
        return len(self.frames) * FRAME_BYTES + self._kept_bytes

    @property
    def has_cut_messages(self) -> bool:
        """Whether a message of the client is kept in part only."""
        return any(
            frame.length > len(frame.data) for frame in self.frames if frame.is_message and not frame.is_sent
        )


class OpenWebSocket(Protocol):
    """An open connection, as the admin API uses it."""

    @property
    def call(self) -> Any:
        """The call of its handshake."""

    @property
    def record(self) -> WebSocketRecord: ...

    def push(self, kind: FrameKind, data: bytes) -> bool:
        """Send a message. Return whether it could be sent: not if the client does not read, or the connection is closing."""

    def close(self, code: int, reason: str) -> bool:
        """Start the closing handshake. Return whether it had not started."""
