"""Views of values in the admin API. Secrets are masked unless `reveal`."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route, Scenario
from mockserver.grpc.pools import GrpcMethod
from mockserver.model.call import Call
from mockserver.model.client_cert import ClientCert
from mockserver.model.coding import UnreadableBodyError, decode_content
from mockserver.model.grpc import GrpcRequest, decode_text, timeout_s, trailer
from mockserver.model.http import Pairs, Request, Response
from mockserver.model.instants import instant
from mockserver.model.websocket import FrameKind, RecordedFrame, WebSocketRecord
from mockserver.redaction.redaction import (
    mask_body,
    mask_bytes,
    mask_field,
    mask_header,
    mask_path,
    mask_target,
    mask_text,
    mask_tree,
)
from mockserver.store.call_log import KEPT_BODY_BYTES

LONGEST_TARGET = 2000
"""Maximum length of the target in a brief view, in characters."""


def _ms(call: Call, at_s: float | None) -> float | None:
    return None if at_s is None else round((at_s - call.request.arrived_at_s) * 1000, 3)


def call_view(call: Call, *, reveal: bool = False) -> dict[str, Any]:
    """Return the complete view of a call."""
    return {
        "id": call.id,
        "number": call.number,
        "namespace": call.namespace,
        "route": call.route_id,
        "routes": call.route_ids,
        "scenario": call.scenario,
        "step": call.step,
        "matched": call.matched,
        "automatic": call.automatic,
        "replayed": call.replayed,
        "forwarded": call.forwarded,
        "fault": call.fault,
        "outcome": call.outcome.value,
        "error": call.error if reveal else mask_tree(call.error),
        "request": _request_view(call, reveal=reveal),
        "reply": _reply_view(call, reveal=reveal),
        "websocket": None if call.websocket is None else websocket_view(call, call.websocket, reveal=reveal),
        "grpc": grpc_view(call, reveal=reveal),
        "let": (call.let or {}) if reveal else mask_tree(call.let or {}),
        "effects": call.effects if reveal else mask_tree(call.effects),
        "webhooks": call.webhooks,
        "times": {
            "arrived": instant(call.request.arrived_s),
            "claimed_ms": _ms(call, call.claimed_at_s),
            "first_byte_ms": _ms(call, call.first_byte_at_s),
            "last_byte_ms": _ms(call, call.last_byte_at_s),
            "left_ms": _ms(call, call.left_at_s),
        },
    }


def brief_view(call: Call) -> dict[str, Any]:
    """Return the brief view of a call, with secrets masked."""
    request, ended_at_s = call.request, call.ended_at_s
    return {
        "id": call.id,
        "number": call.number,
        "route": call.route_id,
        "routes": call.route_ids,
        "step": call.step,
        "matched": call.matched,
        "automatic": call.automatic,
        "replayed": call.replayed,
        "complete": request.complete,
        "fault": call.fault,
        "outcome": call.outcome.value,
        "method": request.method,
        "target": mask_target(request.target)[:LONGEST_TARGET],
        "status": call.status,
        "grpc_status": call.grpc_status,
        "effects": len(call.effects),
        "webhooks": len(call.webhooks),
        "arrived": instant(request.arrived_s),
        "duration_ms": _ms(call, ended_at_s),
        "size": _size(call),
    }


def _size(call: Call) -> int | None:
    """Return the number of bytes of the reply's body; None if no status line was sent."""
    response = call.response
    if response is None or call.status is None:
        return None
    return max(call.reply_length, 0 if call.request.method == "HEAD" else len(response.body))


def _pairs(pairs: Pairs, *, reveal: bool) -> list[list[str]]:
    return [[name, value if reveal else mask_header(name, value)] for name, value in pairs]


def _request_view(call: Call, *, reveal: bool) -> dict[str, Any]:
    request: Request = call.request
    return {
        "method": request.method,
        "target": request.target if reveal else mask_target(request.target),
        "path": request.path if reveal else mask_path(request.path),
        "query": [
            [name, value if reveal else mask_field(name, value)] for name, value in request.query_pairs
        ],
        "headers": _pairs(request.headers.pairs, reveal=reveal),
        "body": body_view(
            request.body,
            length=call.body_length,
            sha256=call.body_sha256,
            truncated=call.truncated,
            shown_as=None if reveal else form_of(request.headers.pairs),
        ),
        "complete": request.complete,
        "protocol": f"HTTP/{request.version[0]}"
        if request.version[0] > 1
        else f"HTTP/1.{request.version[1]}",
        "client": request.client,
        "client_cert": _cert_view(request.client_cert),
    }


def _cert_view(cert: ClientCert | None) -> dict[str, Any] | None:
    return None if cert is None else {**asdict(cert), "san": list(cert.san)}


def _reply_view(call: Call, *, reveal: bool) -> dict[str, Any] | None:
    response: Response | None = call.response
    if response is None or call.status is None:  # no status line was sent
        return None
    body = b"" if call.request.method == "HEAD" else response.body
    return {
        "status": response.status,
        "headers": _pairs(response.headers, reveal=reveal),
        "trailers": _pairs(response.trailers, reveal=reveal),
        "body": body_view(
            body,
            length=max(len(body), call.reply_length),
            sha256=None if call.request.method == "HEAD" else call.reply_sha256,
            shown_as=None if reveal else form_of(response.headers),
        ),
    }


def websocket_view(call: Call, record: WebSocketRecord, *, reveal: bool) -> dict[str, Any]:
    """Return the frames of a WebSocket connection, and how it was closed."""
    closed = record.closed
    return {
        "subprotocol": record.subprotocol,
        "received": record.received,
        "sent": record.sent,
        "dropped": record.dropped,
        "closed": None
        if closed is None
        else {"by": closed.by, "code": closed.code, "reason": mask_text(closed.reason)},
        "frames": [
            {
                "direction": "sent" if frame.is_sent else "received",
                "at_ms": _ms(call, frame.at_s),
                "type": frame.kind.value,
                "body": _payload_view(frame, reveal=reveal),
            }
            for frame in record.frames
        ],
    }


def _payload_view(frame: RecordedFrame, *, reveal: bool) -> dict[str, Any]:
    """Return the payload of a frame; that of a close frame without its code."""
    data, length = frame.data, frame.length
    if frame.kind is FrameKind.CLOSE:
        data, length = data[2:], max(0, length - 2)
    view = body_view(data, length=length, sha256="-", shown_as=None if reveal else Form())
    del view["sha256"]
    return view


@dataclass(frozen=True, slots=True)
class Form:
    """The properties of a body that masking needs: its media type, and its content-codings in the order of their use."""

    media_type: str = ""
    codings: tuple[str, ...] = ()


def form_of(headers: Pairs) -> Form:
    """Return the form that these header lines declare."""
    lines = [(name.lower(), value) for name, value in headers]
    media_type = next((value for name, value in lines if name == "content-type"), "")
    codings = ",".join(value for name, value in lines if name == "content-encoding")
    return Form(media_type.partition(";")[0].strip().lower(), tuple(codings.split(",")) if codings else ())


def body_view(
    body: bytes,
    *,
    length: int,
    sha256: str | None = None,
    truncated: bool | None = None,
    shown_as: Form | None = None,
) -> dict[str, Any]:
    """Return a body as text if it is UTF-8, else in Base64; masked according to `shown_as`."""
    kept = body[:KEPT_BODY_BYTES]
    text = _text_of(kept, length)
    encoded = base64.b64encode(kept).decode() if text is None else None
    if shown_as is not None:
        text, encoded = _masked(kept, text, shown_as)
    return {
        "text": text,
        "base64": encoded,
        "length": length,
        "sha256": sha256 or hashlib.sha256(body).hexdigest(),
        "truncated": len(kept) < length if truncated is None else truncated,
    }


def _text_of(kept: bytes, length: int) -> str | None:
    try:
        return kept.decode()
    except UnicodeDecodeError as error:
        # A cut may fall into the middle of a character.
        return kept[: error.start].decode() if len(kept) < length and error.start > len(kept) - 4 else None


def _masked(kept: bytes, text: str | None, form: Form) -> tuple[str | None, str | None]:
    """
    Return text and Base64 without secrets.

    A body with a secret behind its content-coding is shown decoded; one that can't be searched is not shown.
    """
    if text is not None:
        return mask_body(text, form.media_type), None
    if not form.codings:
        return None, base64.b64encode(mask_bytes(kept, form.media_type)).decode()
    try:
        plain = decode_content(kept, list(form.codings), KEPT_BODY_BYTES)
    except UnreadableBodyError:
        return None, None
    masked = mask_bytes(plain, form.media_type)
    if masked == plain:
        return None, base64.b64encode(kept).decode()
    return masked.decode("utf-8", "replace"), None


def route_view(ns: Namespace, route: Route) -> dict[str, Any]:
    """Return a route as written, with what the server knows about it."""
    position = ns.peek(route)
    index = route.sequence.settle(position, ns.clock.now_s())
    steps = len(route.sequence)
    return {
        **route.data,
        "id": route.id,
        "scenario": route.scenario.name,
        "name": route.name,
        "calls": ns.counts.calls_of(route.id),
        "step": steps if index is None else index + 1,
        "steps": steps,
        "exhausted": index is None,
    }


def scenario_view(ns: Namespace, scenario: Scenario) -> dict[str, Any]:
    source = scenario.source
    return {
        "name": scenario.name,
        "active": ns.is_active(scenario),
        "description": scenario.spec.description,
        "origin": "file" if source.file is not None else "admin",
        "file": source.label if source.file is not None else None,
        "base": scenario.spec.base,
        "host": scenario.spec.host,
        "routes": [route.id for route in scenario.routes],
    }


def grpc_view(call: Call, *, reveal: bool) -> dict[str, Any] | None:
    """Return the gRPC part of a call; None for any other call."""
    request = call.request
    if not isinstance(request, GrpcRequest):
        return None
    response = call.response if call.status is not None else None
    method = request.reader if isinstance(request.reader, GrpcMethod) else None
    messages, unreadable = _messages(call, request)
    text = details = None
    replies: list[Any] = []
    if response is not None:
        text = trailer(response, "grpc-message")
        packed = trailer(response, "grpc-status-details-bin")
        if method is not None:
            replies = method.replies(response.body)
            details = method.details(packed) if packed is not None else None
    service, _, name = request.path[1:].rpartition("/")
    timeout = timeout_s(request.headers.get("grpc-timeout"))
    view = {
        "service": service,
        "method": name,
        "messages": messages,
        "unreadable": unreadable,
        "timeout_ms": None if timeout is None else round(timeout * 1000, 6),
        "status": call.grpc_status,
        "text": None if text is None else decode_text(text),
        "details": details or [],
        "replies": replies,
    }
    if reveal:
        return view
    masked = {key: mask_tree(view[key]) for key in ("messages", "details", "replies")}
    return {**view, **masked, "text": None if view["text"] is None else mask_text(str(view["text"]))}


def _messages(call: Call, request: GrpcRequest) -> tuple[list[Any], str | None]:
    if call.truncated:
        return [], f"only the first {len(request.body)} bytes of the messages are kept"
    try:
        return request.messages, None
    except UnreadableBodyError as error:
        return [], str(error)
