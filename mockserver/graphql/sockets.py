"""The reply that accepts a WebSocket handshake for operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from mockserver.graphql.operations import SOCKET_PROTOCOL
from mockserver.model.http import Request
from mockserver.model.plan import Upgrade
from mockserver.responses.planner import Planned
from mockserver.responses.websocket import WebSocketReply
from mockserver.schema.reply import ReplySpec
from mockserver.templating.templates import Scope


class OperationsReply(WebSocketReply):
    """Accepts a handshake; then each message of the client is one of graphql-transport-ws."""

    __slots__ = ()

    def __init__(self) -> None:
        spec = ReplySpec.known(status=200, subprotocol=[SOCKET_PROTOCOL])
        super().__init__(spec, headers=(), delay=None, script=())

    def plan(
        self, status: int, scope: Callable[[], Scope], chance: Callable[[], Random], request: Request
    ) -> Planned:
        planned = super().plan(status, scope, chance, request)
        (step,) = planned.plan
        assert isinstance(step, Upgrade)
        return Planned((replace(step, speaks_graphql=True),), planned.response)
