"""Tools that show what was called, and why."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mockserver.client.link import segment
from mockserver.mcp.tools import AdminSession, NamespaceInput, ToolAnswer, tool
from mockserver.model.plural import counted
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.base import UNSET


class CallsInput(NamespaceInput):
    route: str = Field(default=UNSET, description="Only calls of this route: its id, or its name.")
    method: str = Field(default=UNSET, description="Only calls with this method, such as POST.")
    path: str = Field(default=UNSET, description="Only calls of this path, such as /charges or /items/{id}.")
    status: str = Field(default=UNSET, description="Only calls with this status: 503 or 5xx.")
    matched: bool = Field(default=UNSET, description="false: only unmatched calls; true: only matched ones.")
    since: str = Field(default=UNSET, description="Only calls after this one, such as c-000017.")
    until: str = Field(default=UNSET, description="Only calls up to this one, such as c-000020.")
    q: str = Field(
        default=UNSET,
        description="Only calls with this text in the target, the headers or the body of the request or its reply.",
    )
    limit: int = Field(
        default=20, ge=1, le=100, description="Maximum number of calls; the latest are returned."
    )


@tool(CallsInput, "List calls")
async def list_calls(session: AdminSession, spec: CallsInput) -> ToolAnswer:
    """
    List the latest calls that the mock received, oldest first: method, path, status, route and outcome. Use get_call for
    headers and bodies, list_unmatched for requests that no route answered.
    """
    query = spec.model_dump(exclude={"namespace", "limit"}, exclude_none=True)
    if spec.matched is not None:
        query["matched"] = str(spec.matched).lower()
    calls, earlier = await session.latest(spec, "/calls", spec.limit, brief="true", **query)
    lines = [_call_line(call) for call in calls]
    if earlier:
        lines.insert(0, f"{counted(earlier, 'earlier call')} not shown.")
    return ToolAnswer("\n".join(lines) or "No calls.", {"calls": calls, "earlier": earlier})


def _call_line(call: dict[str, Any]) -> str:
    """`c-000001  POST /data  503  runtime/data step 1`."""
    where = "automatic" if call["automatic"] else "UNMATCHED"
    if call["matched"]:
        where = ", ".join(call["routes"]) + (f" step {call['step']}" if call["step"] else "")
    notes = [where]
    if call["fault"] or call["outcome"] != "done":
        notes.append(f"outcome {call['outcome']}")
    if call["replayed"]:
        notes.append("replayed")
    if call["effects"]:
        notes.append(counted(call["effects"], "effect"))
    return f"{call['id']}  {call['method']} {call['target']}  {call['status'] or '---'}  {', '.join(notes)}"


class CallInput(NamespaceInput):
    id: str = Field(description="Id of the call, such as c-000001.")


@tool(CallInput, "Get a call")
async def get_call(session: AdminSession, spec: CallInput) -> ToolAnswer:
    """
    Return one call completely: request and reply with headers and bodies, effects, webhooks and times. Secrets are
    masked, long bodies are cut.
    """
    call = await session.send(spec, "GET", f"/calls/{segment(spec.id)}")
    return ToolAnswer(dump(call), {"call": call})


_SEARCHED = 1_000
"""Calls without a route among which the unmatched requests are searched: others were answered automatically."""


class UnmatchedInput(NamespaceInput):
    limit: int = Field(
        default=5, ge=1, le=20, description="Maximum number of requests; the latest are returned."
    )


@tool(UnmatchedInput, "List unmatched requests")
async def list_unmatched(session: AdminSession, spec: UnmatchedInput) -> ToolAnswer:
    """
    List the latest requests that no route answered, each with the nearest routes, the differences, and a suggested route
    in YAML. Change its reply as needed and pass it to add_route, or correct the nearest route with change_route.
    """
    calls, _ = await session.latest(spec, "/calls", _SEARCHED, matched="false", brief="true")
    wanted = [call for call in calls if not call["automatic"] and call["complete"]][-spec.limit :]
    if not wanted:
        return ToolAnswer("No unmatched requests.", {"unmatched": []})
    before = f"c-{wanted[0]['number'] - 1:06d}"
    items = (await session.send(spec, "GET", "/unmatched", cursor=before, limit=spec.limit))["items"]
    return ToolAnswer("\n\n".join(map(_unmatched_text, items)), {"unmatched": items})


def _unmatched_text(item: dict[str, Any]) -> str:
    lines = [f"{item['id']}  {item['request']['method']} {item['request']['target']}"]
    for near in item["nearest"]:
        lines.append(f"  nearest: {near['route']} ({near['request']})")
        lines += [f"    {difference['text']}" for difference in near["differences"]]
    lines += ["  suggested route:", *(f"    {line}" for line in item["suggestion"].splitlines())]
    return "\n".join(lines)


class ExplainInput(NamespaceInput):
    request: str = Field(description="Method and path with its query, such as 'POST /charges'.")
    headers: dict[str, str] = Field(default={}, description="Headers of the request.")
    query: dict[str, Any] = Field(default={}, description="Query parameters of the request.")
    json_: Any = Field(default=UNSET, alias="json", description="The body as JSON.")
    form: dict[str, Any] = Field(default=UNSET, description="The body as fields of a form.")
    text: str = Field(default=UNSET, description="The body as text.")


@tool(ExplainInput, "Explain a request")
async def explain_request(session: AdminSession, spec: ExplainInput) -> ToolAnswer:
    """
    Show which route would answer a request and with what, and why the other routes don't match. Nothing is sent,
    counted or changed.
    """
    document = spec.model_dump(by_alias=True, exclude_unset=True, exclude={"namespace"})
    view = await session.send(spec, "POST", "/explain", document)
    lines = ["No route matches."]
    if view["route"] is not None:
        reply = view["reply"]
        what = f"fault {reply['fault']}" if reply["fault"] else f"status {reply['status']}"
        lines = [f"{view['route']} answers, step {view['step']}: {what}"]
        if reply["body"]:
            lines.append(f"  body: {reply['body']}")
    for candidate in view["candidates"]:
        if not candidate["matched"]:
            lines.append(f"{candidate['route']} ({candidate['request']}) does not match:")
            lines += [f"  {difference['text']}" for difference in candidate["differences"]]
    return ToolAnswer("\n".join(lines), view)


class AttemptsInput(NamespaceInput):
    route: str = Field(default=UNSET, description="Only calls of this route: its id, or its name.")
    by: str = Field(
        default=UNSET,
        description="Selector whose value the attempts of one operation share, such as headers.x-order; 'route': all "
        "calls of a route.",
    )
    ignore: list[str] = Field(
        default=[], description="Fields that differ on each attempt, such as json.sent_at."
    )
    limit: int = Field(
        default=20, ge=1, le=100, description="Maximum number of operations; the latest are returned."
    )


@tool(AttemptsInput, "List attempts")
async def list_attempts(session: AdminSession, spec: AttemptsInput) -> ToolAnswer:
    """
    Group the calls into operations, each a request with its retries: statuses, gaps, whether Retry-After was kept, changed
    fields and idempotency keys. Use verify_calls to check rules.
    """
    ignore = ",".join(spec.ignore) or None
    operations, earlier = await session.latest(
        spec, "/attempts", spec.limit, route=spec.route, by=spec.by, ignore=ignore
    )
    text = "\n".join(map(_operation_text, operations)) or "No operations."
    return ToolAnswer(text, {"operations": operations, "earlier": earlier})


def _operation_text(operation: dict[str, Any]) -> str:
    tries = operation["tries"]
    statuses = ", ".join(str(status or "---") for status in operation["statuses"])
    lines = [f"{operation['route']}: {counted(len(tries), 'attempt')} ({statuses}), {operation['final']}"]
    for attempt in tries:
        notes = [f"status {attempt['status'] or '---'}"]
        if attempt["outcome"] != "done":
            notes.append(f"outcome {attempt['outcome']}")
        if attempt["gap_ms"] is not None:
            notes.append(f"after {attempt['gap_ms']:.0f} ms")
        if attempt["retry_after"]:
            notes.append(f"Retry-After {attempt['retry_after']}")
        if attempt["changed"]:
            notes.append(f"changed: {', '.join(attempt['changed'])}")
        lines.append(f"  {attempt['call']}  {', '.join(notes)}")
    if not operation["certain"]:
        lines.append(f"  The grouping is uncertain: {operation['why']}")
    return "\n".join(lines)
