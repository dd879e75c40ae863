"""`/websockets`: open WebSocket connections. Messages can be sent to them, and they can be closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field, model_validator

from mockserver.admin.api import AdminRequest, Answer, ProblemError, json_answer, listing, number_in, table
from mockserver.admin.models import OpenWebSocketList, ReachedView
from mockserver.compiler.websockets import compile_pushed
from mockserver.engine.naming import route_named
from mockserver.errors import WrongValueError
from mockserver.model.call import Call
from mockserver.model.instants import instant
from mockserver.model.websocket import OpenWebSocket
from mockserver.schema.base import Spec
from mockserver.schema.websocket import CloseCode, CloseReason, MessageSpec

_TARGET = "Without `route` and `call`, all connections of the namespace."


class _Target(Spec):
    """Connections of a route, of one call, or all."""

    route: str | None = Field(default=None, description=f"Connections of this route. {_TARGET}")
    call: str | None = Field(default=None, description="The connection of this call, such as c-000017.")

    @model_validator(mode="after")
    def _one(self) -> _Target:
        if self.route is not None and self.call is not None:
            raise WrongValueError("`route` and `call` are both given", "Keep one of them")
        return self


class PushSpec(_Target, MessageSpec):
    """A message for open connections."""


class HangUpSpec(_Target):
    """The code and reason with which connections are closed."""

    code: CloseCode = 1000
    reason: CloseReason = ""


@table.get(
    "/websockets",
    "Open WebSocket connections, oldest first.",
    answer=OpenWebSocketList,
    query={"route": "Only those of this route."},
)
async def list_websockets(request: AdminRequest[Any]) -> Answer:
    wanted = request.route_id
    return listing(
        [
            _view(item)
            for item in request.ns.websockets.values()
            if wanted is None or item.call.route_id == wanted
        ]
    )


def _view(connection: OpenWebSocket) -> dict[str, Any]:
    call: Call = connection.call
    record = connection.record
    return {
        "call": call.id,
        "route": call.route_id,
        "opened": instant(call.request.arrived_s),
        "client": call.request.client,
        "subprotocol": record.subprotocol,
        "received": record.received,
        "sent": record.sent,
    }


@table.post(
    "/websockets/send",
    "Send a message to open WebSocket connections; 409 if there is none.",
    body=PushSpec,
    answer=ReachedView,
    errors=(409,),
)
async def send(request: AdminRequest[PushSpec]) -> Answer:
    kind, data = compile_pushed(request.body)
    return _reached(request, request.body, lambda connection: connection.push(kind, data))


@table.post(
    "/websockets/close",
    "Close open WebSocket connections; 409 if there is none.",
    body=HangUpSpec,
    answer=ReachedView,
    errors=(409,),
)
async def close(request: AdminRequest[HangUpSpec]) -> Answer:
    body = request.body
    return _reached(request, body, lambda connection: connection.close(body.code, body.reason))


def _reached(request: AdminRequest[Any], target: _Target, act: Callable[[OpenWebSocket], bool]) -> Answer:
    """Act on the connections of the target, and return those that it reached. Raises ProblemError for none."""
    connections = _connections(request, target)
    calls = [connection.call.id for connection in connections if act(connection)]
    if calls:
        return json_answer({"calls": calls})
    if connections:
        detail = "They are closing, or their clients do not read what was sent before"
        raise ProblemError(409, "not-reached", "No WebSocket connection could be reached", detail)
    detail = "A client must connect first: see GET /__admin/websockets and GET /__admin/calls"
    raise ProblemError(409, "no-connection", "There is no such open WebSocket connection", detail)


def _connections(request: AdminRequest[Any], target: _Target) -> list[OpenWebSocket]:
    open_ = request.ns.websockets
    if target.call is not None:
        text = target.call
        number = number_in(text if text.startswith("c-") else f"c-{text}", "c-")
        return [] if number is None or number not in open_ else [open_[number]]
    if target.route is None:
        return list(open_.values())
    route_id = route_named(request.ns, target.route).id
    return [connection for connection in open_.values() if connection.call.route_id == route_id]
