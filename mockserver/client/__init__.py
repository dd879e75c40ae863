"""
Client of a mock server in any process: `Client` blocks, `AsyncClient` is awaited. It needs only the standard library.
"""

from mockserver.client.clients import AsyncClient, Client
from mockserver.client.errors import ClientError, Refused, Unreachable, VerificationFailed, WrongEventLoop
from mockserver.client.namespaces import AsyncNamespace, Namespace
from mockserver.client.records import (
    Call,
    Calls,
    Delivery,
    Operation,
    Operations,
    Request,
    Response,
    Try,
    Unmatched,
    WebSocketConnection,
    WebSocketFrame,
)
from mockserver.client.routes import AsyncRoute, Route

__all__ = [
    "AsyncClient",
    "AsyncNamespace",
    "AsyncRoute",
    "Call",
    "Calls",
    "Client",
    "ClientError",
    "Delivery",
    "Namespace",
    "Operation",
    "Operations",
    "Refused",
    "Request",
    "Response",
    "Route",
    "Try",
    "Unmatched",
    "Unreachable",
    "VerificationFailed",
    "WebSocketConnection",
    "WebSocketFrame",
    "WrongEventLoop",
]
