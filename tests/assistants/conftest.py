import asyncio
import contextlib
import sys

import pytest

from mockserver.client.clients import link_to
from mockserver.mcp.tools import AdminSession

SCENARIO = """
routes:
  - {name: data, request: POST /data, reply: [503, 503, {json: {success: true}}], expect: {max: 3}}
  - {name: pay, request: "POST /pay/{id}", reply: {status: 201, json: {id: "{{ path.id }}"}, effect: {kind: paid}}}
"""


class Assistant:
    """An MCP client whose failures are those of the test."""

    def __init__(self, client):
        self.client = client

    async def call(self, tool, /, **arguments):
        """Text and data of a tool."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.content[0].text, result.structured_content

    async def refused(self, tool, /, **arguments):
        """The text of a tool's error."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.content[0].text
        return result.content[0].text


class OneByOne:
    """Like an assistant, but each tool has a session of its own: a fixture can't hold one open."""

    def __init__(self, url):
        self._url = url

    async def call(self, tool, /, **arguments):
        async with in_memory(self._url) as assistant:
            return await assistant.call(tool, **arguments)

    async def refused(self, tool, /, **arguments):
        async with in_memory(self._url) as assistant:
            return await assistant.refused(tool, **arguments)


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@contextlib.asynccontextmanager
async def in_memory(url, token=None, report=None, mode="auto"):
    """An assistant whose MCP server is in this process, and uses the admin API of a server."""
    from mcp import Client

    from mockserver.mcp.serving import mcp_server

    link = link_to(url, token)
    try:
        async with Client(mcp_server(AdminSession(link, report)), mode=mode) as client:
            yield Assistant(client)
    finally:
        link.http.close()


@contextlib.asynccontextmanager
async def over_stdio(folder, *args, env=None):
    """An assistant that has started `mockserver mcp`."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command = StdioServerParameters(
        command=sys.executable, args=["-m", "mockserver", "mcp", *args], env=env or {}, cwd=folder
    )
    with (folder / "stderr").open("w") as errors:
        async with asyncio.timeout(30), Client(stdio_client(command, errlog=errors)) as client:
            yield Assistant(client)


@contextlib.asynccontextmanager
async def over_http(url, headers=None, mode="auto"):
    """An assistant that uses the endpoint of a running server."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(headers=headers or {}, trust_env=False) as http:
        transport = streamable_http_client(url, http_client=http)
        async with asyncio.timeout(30), Client(transport, mode=mode) as client:
            yield Assistant(client)
