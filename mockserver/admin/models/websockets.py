"""WebSocket connections and their frames."""

from __future__ import annotations

from typing import Literal

from mockserver.admin.models.base import AdminView, list_of


class FrameBodyView(AdminView):
    """A payload: `text` where it is UTF-8, else `base64`; `length` is of the whole."""

    text: str | None
    base64: str | None
    length: int
    truncated: bool


class FrameView(AdminView):
    """A frame of a WebSocket connection; a fragmented message is one. `at_ms` is counted from the handshake."""

    direction: Literal["received", "sent"]
    at_ms: float
    type: Literal["text", "binary", "ping", "pong", "close"]
    body: FrameBodyView


class ClosedView(AdminView):
    """How a WebSocket connection ended; code 1006: without a close frame."""

    by: Literal["client", "server"]
    code: int
    reason: str


class WebSocketView(AdminView):
    """
    A WebSocket connection. `received` and `sent` count its messages, `dropped` the frames that are not in `frames`;
    `closed` is null while it is open.
    """

    subprotocol: str | None
    received: int
    sent: int
    dropped: int
    closed: ClosedView | None
    frames: list[FrameView]


class OpenWebSocketView(AdminView):
    """An open WebSocket connection; `call` is its handshake."""

    call: str
    route: str
    opened: str
    client: str
    subprotocol: str | None
    received: int
    sent: int


OpenWebSocketList = list_of("OpenWebSocketList", OpenWebSocketView)


class ReachedView(AdminView):
    """The calls of the connections that were reached."""

    calls: list[str]
