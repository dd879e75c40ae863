"""The MCP server: the same tools, resources and prompts for stdio and HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from mcp import types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from mockserver import __version__
from mockserver.client.errors import ClientError, Refused
from mockserver.errors import InvalidInputError, near
from mockserver.mcp.all_tools import TOOLS
from mockserver.mcp.bounded import LEFT_OUT, bounded, bounded_text
from mockserver.mcp.prompts import PROMPTS
from mockserver.mcp.reference import PAGES, SCHEMA_URI, page_uri, read_uri
from mockserver.mcp.tools import AdminSession, ToolAnswer, ToolEntry
from mockserver.scenarios.flaws import parse_spec

log = logging.getLogger("mockserver")
INSTRUCTIONS = (
    "mockserver is a mock of the external services of an application under test. Routes in scenarios answer its requests, "
    "with failure sequences if wanted, and every call is recorded. server_status has the URL that the application must use. "
    "If a test fails: list_calls shows what was sent, list_unmatched why a request got no answer, list_attempts how the "
    "client retried, verify_calls checks it. Changes by tools last until reset; files are not changed, so write what must "
    "stay into the scenario files. Read read_reference before writing routes or scenarios."
)
_Context = ServerRequestContext[Any]


def mcp_server(session: AdminSession) -> Server[Any]:
    """Return an MCP server whose tools use that session."""
    offered = {
        name: entry
        for name, entry in TOOLS.items()
        if session.sweep_report is not None or not entry.reads_files
    }

    async def list_tools(_: _Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(entry) for entry in offered.values()])

    async def call_tool(_: _Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        entry = offered.get(params.name)
        if entry is None:
            return _failed(f"There is no tool {params.name!r}. {near(params.name, offered)}")
        return await _called(entry, session, params.arguments or {})

    async def list_resources(
        _: _Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=_resources())

    async def read_resource(_: _Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        found = await asyncio.to_thread(read_uri, uri)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no resource {uri}", {"uri": uri})
        contents = types.TextResourceContents(uri=uri, mime_type=found[0], text=found[1])
        return types.ReadResourceResult(contents=[contents])

    async def list_prompts(_: _Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=_prompts())

    async def get_prompt(_: _Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return _prompt(params.name, params.arguments or {})

    return Server(
        "mockserver",
        version=__version__,
        title="mockserver",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


async def serve_stdio(session: AdminSession) -> None:
    """Serve on stdin and stdout until stdin is closed."""
    server = mcp_server(session)
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())


# Tools


def _described(entry: ToolEntry) -> types.Tool:
    reads = entry.changes == "nothing"
    return types.Tool(
        name=entry.name,
        title=entry.title,
        description=entry.description,
        input_schema=entry.input_schema(),
        annotations=types.ToolAnnotations(
            title=entry.title,
            read_only_hint=reads,
            destructive_hint=entry.changes == "replaces",
            idempotent_hint=reads or entry.idempotent,
            open_world_hint=False,
        ),
    )


async def _called(entry: ToolEntry, session: AdminSession, arguments: dict[str, Any]) -> types.CallToolResult:
    given = {
        name: value for name, value in arguments.items() if value is not None
    }  # null stands for a missing one
    try:
        answer = await entry.handler(session, parse_spec(entry.input, given))
    except InvalidInputError as error:
        return _failed(str(error))
    except Refused as error:
        return _failed(_refused_text(error), error.problem)
    except ClientError as error:
        return _failed(str(error))
    except Exception:
        log.exception("the tool %s failed", entry.name)
        return _failed("The tool failed. This is a bug of mockserver; see its log")
    return await asyncio.to_thread(_result, answer)


def _refused_text(error: Refused) -> str:
    text = str(error)
    if error.status == 401:
        text += ". Start `mockserver mcp` with --admin-token, or with MOCKSERVER_ADMIN_TOKEN"
    return text


def _result(answer: ToolAnswer) -> types.CallToolResult:
    data, data_is_cut = bounded(answer.data)
    text, text_is_cut = bounded_text(answer.text)
    if data_is_cut or text_is_cut:
        text += f"\n{LEFT_OUT}"
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=data)


def _failed(text: str, problem: dict[str, Any] | None = None) -> types.CallToolResult:
    data = None if problem is None else bounded(problem)[0]
    said = bounded_text(text)[0]
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=said)], structured_content=data, is_error=True
    )


# Resources and prompts


def _resources() -> list[types.Resource]:
    schema = types.Resource(
        uri=SCHEMA_URI,
        name="scenario.schema.json",
        title="JSON Schema of scenario files",
        mime_type="application/schema+json",
    )
    pages = (
        types.Resource(
            uri=page_uri(name),
            name=f"{name}.md",
            title=about.partition(": ")[0],
            description=about.partition(": ")[2],
            mime_type="text/markdown",
        )
        for name, about in PAGES.items()
    )
    return [schema, *pages]


def _prompts() -> list[types.Prompt]:
    return [
        types.Prompt(
            name=prompt.name,
            title=prompt.title,
            description=prompt.description,
            arguments=[
                types.PromptArgument(name=name, description=about, required=True)
                for name, about in prompt.arguments.items()
            ],
        )
        for prompt in PROMPTS.values()
    ]


def _prompt(name: str, arguments: dict[str, str]) -> types.GetPromptResult:
    """Return the messages of a prompt. Raises MCPError."""
    prompt = PROMPTS.get(name)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"There is no prompt {name!r}. {near(name, PROMPTS)}")
    _check_arguments(prompt.arguments, arguments)
    text = prompt.text
    for key, value in arguments.items():
        text = text.replace(f"{{{key}}}", value)
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(description=prompt.description, messages=[message])


def _check_arguments(known: Iterable[str], given: dict[str, str]) -> None:
    for name in known:
        if name not in given:
            raise MCPError(types.INVALID_PARAMS, f"The argument {name!r} is missing")
    for name in given:
        if name not in known:
            raise MCPError(types.INVALID_PARAMS, f"There is no argument {name!r}. {near(name, known)}")
