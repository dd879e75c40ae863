"""Recreates calls from documents of the admin API, with the parts that the grouping of attempts reads."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mockserver.model.call import Call
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.grpc import GrpcRequest
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome


class RecordedMessages:
    """Messages that the server has read."""

    is_stream = False

    def __init__(self, messages: list[Any], unreadable: str | None) -> None:
        self._messages = messages
        self._unreadable = unreadable

    def messages(self, _: Request) -> list[Any]:
        """Return the messages as JSON. Raises UnreadableBodyError."""
        if self._unreadable is not None:
            raise UnreadableBodyError(self._unreadable)
        return self._messages

    def replies(self, _: bytes) -> list[Any]:
        """Return nothing: the test does not need them."""
        return []


def call_from_view(view: Mapping[str, Any]) -> Call:
    """Create a call from an unmasked view. Wall-clock times replace the monotonic clock of the server."""
    request_view, reply_view, times = view["request"], view["reply"], view["times"]
    arrived_s = datetime.fromisoformat(times["arrived"]).timestamp()
    headers = [(name, value) for name, value in request_view["headers"]]
    request = Request(
        request_view["method"],
        request_view["target"],
        headers,
        _body(request_view["body"]),
        complete=request_view["complete"],
        arrived_s=arrived_s,
        arrived_at_s=arrived_s,
    )
    if view["grpc"] is not None:
        request = GrpcRequest.of(request)
        request.reader = RecordedMessages(view["grpc"]["messages"], view["grpc"]["unreadable"])
    call = Call(view["number"], view["namespace"], request)
    call.route_id, call.automatic, call.replayed = view["route"], view["automatic"], view["replayed"]
    call.fault, call.outcome, call.effects = view["fault"], Outcome(view["outcome"]), list(view["effects"])
    call.body_sha256 = request_view["body"]["sha256"]
    if reply_view is not None:
        is_lost = call.outcome is Outcome.CLIENT_LEFT and times["first_byte_ms"] is None
        call.status = None if is_lost else reply_view["status"]
        headers, trailers = (
            [(name, value) for name, value in reply_view[part]] for part in ("headers", "trailers")
        )
        call.response = Response(reply_view["status"], headers, trailers=trailers)
    for name in ("claimed", "first_byte", "last_byte", "left"):
        ms = times[f"{name}_ms"]
        setattr(call, f"{name}_at_s", None if ms is None else arrived_s + ms / 1000)
    return call


def _body(view: Mapping[str, Any]) -> bytes:
    if view.get("base64") is not None:
        return base64.b64decode(view["base64"])
    return (view["text"] or "").encode("utf-8", "surrogatepass")
