"""`/mcp`: tools for AI assistants, by streamable HTTP of the Model Context Protocol (the extra `mcp`)."""

from __future__ import annotations

from typing import Any

from mockserver.admin.api import AdminRequest, Answer, table


@table.post(
    "/mcp",
    "MCP endpoint (streamable HTTP): tools for AI assistants.",
    raw=True,
    status=200,
    also=(202,),
    errors=(501,),
    namespaced=False,
    described=False,
)
async def serve_mcp(request: AdminRequest[Any]) -> Answer:
    return await request.services.mcp(request.http, request.ns.name)
