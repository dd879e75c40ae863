"""
Completed calls as rows: everything that the call log keeps of them.

The next server has another monotonic clock: a row has the difference of its clock to Unix time. It is the same for all
calls of a server, so that intervals between them stay exact.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, fields
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.client_cert import ClientCert
from mockserver.model.grpc import GrpcRequest
from mockserver.model.headers import Headers
from mockserver.model.http import ABSENT, Request
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Outcome
from mockserver.model.websocket import Closed, FrameKind, RecordedFrame, WebSocketRecord
from mockserver.persistence.parts import Row, response_of, response_row, text_of

_CALL = ("number", "route_id", "scenario", "step", "tags", "status")
_FEW = (
    "_body_length", "automatic", "body_sha256", "effects", "error", "fault", "fields", "forwarded", "let", "replayed", "reply_length",
    "reply_sha256", "truncated", "webhooks",
)  # fmt: skip
"""Attributes of few calls."""
_TIMES = ("claimed_at_s", "first_byte_at_s", "last_byte_at_s", "left_at_s")
_REQUEST = (
    "method", "target", "path", "prefix", "complete", "client", "scheme", "arrived_s", "version", "max_json_members",
)  # fmt: skip
_DIFFERENCE = tuple(field.name for field in fields(Difference))
_WEBSOCKET = ("subprotocol", "received", "sent", "dropped")


def call_row(call: Call, clock_s: float) -> Row:
    """Return the row of a completed call. `clock_s` is the difference of the monotonic clock to Unix time."""
    arrived_at_s, few = call.request.arrived_at_s, call.rare or {}
    row = {
        "call": [getattr(call, name) for name in _CALL],
        "outcome": call.outcome,
        "arrived": [arrived_at_s, clock_s],
        "few": {name: few[name] for name in _FEW if name in few},
        "times": [_since(getattr(call, name), arrived_at_s) for name in _TIMES],
        "request": _request_row(call.request),
        "response": None if call.response is None else response_row(call.response),
    }
    if call.nearest:
        row["nearest"] = [
            [route.id, list(map(_difference_row, differences))] for route, differences in call.nearest
        ]
    if call.websocket is not None:
        row["websocket"] = _websocket_row(call.websocket, arrived_at_s)
    return row


def call_of(row: Row, ns: Namespace, clock_s: float) -> Call:
    """Return the call of a row."""
    arrived_at_s, before_s = row["arrived"]
    request = _request(row["request"], ns, arrived_at_s + (clock_s - before_s))
    number, *values = row["call"]
    call = Call(number, ns.name, request)
    for name, value in zip(_CALL[1:], values, strict=True):
        setattr(call, name, value)
    call.tags = tuple(call.tags)
    call.outcome = Outcome(row["outcome"])
    call.rare = row["few"] or None
    for name, offset_s in zip(_TIMES, row["times"], strict=True):
        if offset_s is not None:
            setattr(call, name, request.arrived_at_s + offset_s)
    if row["response"] is not None:
        call.response = response_of(row["response"])
    if "nearest" in row:
        found = ((ns.route(route_id), differences) for route_id, differences in row["nearest"])
        call.nearest = [(route, list(map(_difference, rows))) for route, rows in found if route is not None]
    if "websocket" in row:
        call.websocket = _websocket(row["websocket"], request.arrived_at_s)
    return call


def _since(at_s: float | None, arrived_at_s: float) -> float | None:
    return None if at_s is None else at_s - arrived_at_s


# Requests


def _request_row(request: Request) -> Row:
    raw = request.headers.raw
    cert = request.client_cert
    return {
        "fields": [getattr(request, name) for name in _REQUEST],
        # Reading the pairs of raw lines would keep both in memory.
        "headers": request.headers.pairs if raw is None else raw.decode("latin-1"),
        "body": text_of(request.body),
        "cert": None if cert is None else asdict(cert),
        "grpc": None if not isinstance(request, GrpcRequest) else request.reader is not None,
    }


def _request(row: Row, ns: Namespace, arrived_at_s: float) -> Request:
    given = dict(zip(_REQUEST, row["fields"], strict=True))
    given["version"] = tuple(given["version"])
    lines, cert, grpc = row["headers"], row["cert"], row["grpc"]
    headers = (
        Headers.of_head(lines.encode("latin-1")) if isinstance(lines, str) else Headers(map(tuple, lines))
    )
    request = Request(
        headers=headers,
        body=base64.b64decode(row["body"]),
        namespace=ns.name,
        client_cert=None if cert is None else ClientCert(**{**cert, "san": tuple(cert["san"])}),
        arrived_at_s=arrived_at_s,
        **given,
    )
    if grpc is None:
        return request
    request = GrpcRequest.of(request)
    if grpc:
        from mockserver.engine.grpc_calls import method_of  # few scenarios have gRPC

        request.reader = method_of(ns, request.path)
    return request


# What an unmatched call differs in


def _difference_row(difference: Difference) -> Row:
    values = {name: getattr(difference, name) for name in _DIFFERENCE}
    return {name: value for name, value in values.items() if value is not ABSENT}


def _difference(row: Row) -> Difference:
    return Difference(**row)


# WebSocket


def _websocket_row(record: WebSocketRecord, arrived_at_s: float) -> Row:
    closed = record.closed
    return {
        "fields": [getattr(record, name) for name in _WEBSOCKET],
        "closed": None if closed is None else [closed.by, closed.code, closed.reason],
        "frames": [
            [frame.is_sent, frame.at_s - arrived_at_s, frame.kind, text_of(frame.data), frame.length]
            for frame in record.frames
        ],
    }


def _websocket(row: Row, arrived_at_s: float) -> WebSocketRecord:
    frames = [
        RecordedFrame(is_sent, arrived_at_s + at_s, FrameKind(kind), base64.b64decode(data), length)
        for is_sent, at_s, kind, data, length in row["frames"]
    ]
    given: dict[str, Any] = dict(zip(_WEBSOCKET, row["fields"], strict=True))
    closed = None if row["closed"] is None else Closed(*row["closed"])
    return WebSocketRecord(
        **given, frames=frames, closed=closed, _kept_bytes=sum(len(frame.data) for frame in frames)
    )
