"""Calls: their requests, replies and WebSocket frames, how many there are, and those that no route matched."""

from __future__ import annotations

from typing import Any, Literal

from mockserver.admin.models.base import AdminView, list_of
from mockserver.admin.models.checks import NearestView


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


class BodyView(AdminView):
    """A body: `text` where it is UTF-8, else `base64`; `length` and `sha256` are of the whole."""

    text: str | None
    base64: str | None
    length: int
    sha256: str
    truncated: bool


class ClientCertView(AdminView):
    subject: str
    issuer: str
    san: list[str]
    serial: str
    fingerprint_sha256: str


class RequestView(AdminView):
    method: str
    target: str
    path: str
    query: list[list[str]]
    headers: list[list[str]]
    body: BodyView
    complete: bool
    protocol: str
    client: str
    client_cert: ClientCertView | None


class ReplyView(AdminView):
    status: int
    headers: list[list[str]]
    trailers: list[list[str]]
    body: BodyView


class TimesView(AdminView):
    """`arrived` is an instant; the others are milliseconds after it."""

    arrived: str
    claimed_ms: float | None
    first_byte_ms: float | None
    last_byte_ms: float | None
    left_ms: float | None


class GrpcView(AdminView):
    """
    A gRPC call: its messages and those of its reply as JSON, `details` of its status, and its deadline after
    `timeout_ms`. `unreadable` is the reason why there are no messages.
    """

    service: str
    method: str
    messages: list[Any]
    unreadable: str | None
    timeout_ms: float | None
    status: str | None
    text: str | None
    details: list[Any]
    replies: list[Any]


class CallView(AdminView):
    """A call. `routes` are all routes that took part, `route` the first: several only for GraphQL."""

    id: str
    number: int
    namespace: str
    route: str | None
    routes: list[str]
    scenario: str | None
    step: int | None
    matched: bool
    automatic: bool
    replayed: bool
    forwarded: str | None
    fault: str | None
    outcome: str
    error: dict[str, Any] | None
    request: RequestView
    reply: ReplyView | None
    websocket: WebSocketView | None
    grpc: GrpcView | None
    let: dict[str, Any]
    effects: list[Any]
    webhooks: list[Any]
    times: TimesView


class BriefView(AdminView):
    """A call in brief: `target` may be cut, `effects` and `webhooks` are how many, `duration_ms` null while it is open, `size` the bytes of the reply's body."""

    id: str
    number: int
    route: str | None
    routes: list[str]
    step: int | None
    matched: bool
    automatic: bool
    replayed: bool
    complete: bool
    fault: str | None
    outcome: str
    method: str
    target: str
    status: int | None
    grpc_status: str | None
    effects: int
    webhooks: int
    arrived: str
    duration_ms: float | None
    size: int | None


CallList = list_of("CallList", CallView | BriefView)


class UnmatchedView(CallView):
    nearest: list[NearestView]
    suggestion: str


UnmatchedList = list_of("UnmatchedList", UnmatchedView)


class CountView(AdminView):
    count: int
    exact: bool


class RouteCountView(AdminView):
    calls: int
    statuses: dict[str, int]
    in_flight: int
    most_in_flight: int


class CountsView(AdminView):
    total: int
    routes: dict[str, RouteCountView]
    unmatched: int
    incomplete: int
    automatic: int
