"""The gRPC part of a call in the admin API: its messages as JSON, its status and its deadline."""

from __future__ import annotations

from typing import Any

from mockserver.grpc.pools import GrpcMethod
from mockserver.model.call import Call
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.grpc import GrpcRequest, decode_text, timeout_s, trailer
from mockserver.redaction.redaction import mask_text, mask_tree


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
