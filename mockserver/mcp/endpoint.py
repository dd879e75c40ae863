"""
`/__admin/mcp`: streamable HTTP on the running server.

Each request is complete in itself: no session is kept. The tools use the admin API over a connection to the same server,
as `mockserver mcp` does, so both do the same, whichever replica owns a namespace.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from mockserver.client.clients import TIMEOUT_S
from mockserver.client.http import Http
from mockserver.client.link import Link
from mockserver.mcp.serving import mcp_server
from mockserver.mcp.tools import AdminSession
from mockserver.model.http import ADMIN, Request, Response

_PASSED = ("accept", "content-type")
_PREFIX = "mcp-"
"""Headers of the protocol; others are not passed to it."""


class McpEndpoint:
    """Answers the requests of MCP clients, which the admin API has allowed already."""

    def __init__(self, admin_url: str, token: str) -> None:
        self._http = Http(admin_url, token=token.strip() or None, timeout_s=TIMEOUT_S, context=None)

    async def __call__(self, request: Request, namespace: str) -> Response:
        session = AdminSession(Link(self._http, ADMIN, namespace))
        manager = StreamableHTTPSessionManager(mcp_server(session), json_response=True, stateless=True)
        exchange = _HttpExchange(request)
        async with manager.run():
            await manager.handle_request(exchange.scope, exchange.receive, exchange.send)
        return exchange.response()

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()


class _HttpExchange:
    """A complete request as an ASGI application gets it, and its response."""

    def __init__(self, request: Request) -> None:
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.pairs
            if name.lower() in _PASSED or name.lower().startswith(_PREFIX)
        ]
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path,
            "raw_path": request.path.encode("latin-1"),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": None,
            "server": None,
        }
        self._body: bytes | None = request.decoded_body
        self._status = 500
        self._headers: list[tuple[str, str]] = []
        self._pieces: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            await asyncio.Event().wait()  # a client that leaves cancels the request
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message["headers"]
                if name.lower() != b"content-length"
            ]
        elif message["type"] == "http.response.body":
            self._pieces.append(message.get("body", b""))

    def response(self) -> Response:
        return Response(self._status, self._headers, b"".join(self._pieces))
