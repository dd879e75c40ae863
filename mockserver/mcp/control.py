"""Tools for the server and its namespaces: status, reset, outage, clock."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mockserver.client.link import segment
from mockserver.mcp.tools import AdminSession, NamespaceInput, ToolAnswer, ToolInput, tool
from mockserver.schema.base import UNSET

_PARTS = Literal["calls", "memory", "positions", "routes", "clock", "seed"]


@tool(NamespaceInput, "Show the status of the server")
async def server_status(session: AdminSession, spec: NamespaceInput) -> ToolAnswer:
    """
    Show the URL that the application under test must use, the numbers of scenarios, routes and calls, the outage and the
    clock.
    """
    health = await session.at_root("GET", "/health")
    counts = await session.send(spec, "GET", "/counts")
    outage = await session.send(spec, "GET", "/outage")
    clock = await session.send(spec, "GET", "/clock")
    url = await _url_of(session, spec)
    text = (
        f"mockserver {health['version']} at {url}: {health['scenarios']} scenarios, {health['routes']} routes in files; "
        f"{counts['total']} calls, {counts['unmatched']} unmatched; "
        f"{'no outage' if outage is None else 'an outage is active'}; the clock is {clock['now']}"
        + (", frozen" if clock["frozen"] else "")
    )
    data = {"url": url, "health": health, "counts": counts, "outage": outage, "clock": clock}
    return ToolAnswer(text, data)


async def _url_of(session: AdminSession, spec: NamespaceInput) -> str:
    name = spec.namespace or session.namespace
    view = await session.at_root("GET", f"/namespaces/{segment(name)}")
    return str(view["url"])


class ResetInput(NamespaceInput):
    what: list[_PARTS] = Field(
        default=UNSET,
        description="Parts: calls (and counts, effects), memory (state, resources, keys), positions (sequences), routes (and "
        "scenarios), clock, seed. Default: all but seed.",
    )


@tool(ResetInput, "Reset", changes="replaces", idempotent=True)
async def reset(session: AdminSession, spec: ResetInput) -> ToolAnswer:
    """Restore the initial state of a namespace: calls, state, sequences, routes and clock are as after the start."""
    await session.send(spec, "POST", "/reset", {} if spec.what is None else {"what": spec.what})
    parts = spec.what if spec.what is not None else ["calls", "memory", "positions", "routes", "clock"]
    return ToolAnswer(f"Reset: {', '.join(parts)}", {"reset": parts})


class OutageInput(NamespaceInput):
    reply: Any = Field(
        description="What is answered instead: a status, or a reply such as {fault: reset}.",
        examples=[503, {"fault": "reset"}],
    )
    routes: list[str] = Field(default=UNSET, description="Ids or names of the affected routes. Default: all.")
    skip: int = Field(default=UNSET, ge=0, description="Number of calls that are not affected first.")
    times: int = Field(default=UNSET, ge=1, description="Number of calls after which it ends.")
    for_: str = Field(default=UNSET, alias="for", description="Duration after which it ends, such as 30s.")
    probability: float = Field(
        default=UNSET, gt=0, le=1, description="Share of the calls that it affects, such as 0.5."
    )
    ramp: str = Field(default=UNSET, description="Duration in which the share grows from 0, such as 30s.")


@tool(OutageInput, "Start an outage", changes="replaces")
async def start_outage(session: AdminSession, spec: OutageInput) -> ToolAnswer:
    """
    Take the mocked service, or some of its routes, down until end_outage, to see how the application reacts. It replaces
    the current outage.
    """
    document = spec.model_dump(by_alias=True, exclude_unset=True, exclude={"namespace"})
    outage = await session.send(spec, "PUT", "/outage", document)
    return ToolAnswer("The outage is active.", {"outage": outage})


@tool(NamespaceInput, "End the outage", changes="replaces", idempotent=True)
async def end_outage(session: AdminSession, spec: NamespaceInput) -> ToolAnswer:
    """End the outage of a namespace, if there is one."""
    await session.send(spec, "DELETE", "/outage")
    return ToolAnswer("There is no outage.", {"outage": None})


class ClockInput(NamespaceInput):
    advance: str = Field(default=UNSET, description="Duration to advance, such as 3d or 90s.")
    at: str = Field(default=UNSET, description="Instant to continue from, such as 2026-01-31T12:00:00Z.")
    freeze: bool | str = Field(default=UNSET, description="true, or the instant to freeze at.")
    resume: bool = Field(default=UNSET, description="true: continue a frozen clock.")
    reset: bool = Field(default=UNSET, description="true: return to real time.")


@tool(ClockInput, "Move the clock", changes="replaces")
async def move_clock(session: AdminSession, spec: ClockInput) -> ToolAnswer:
    """
    Move the virtual clock of a namespace with exactly one of the arguments. Webhooks and timeouts that are due happen
    before the result.
    """
    document = spec.model_dump(exclude_unset=True, exclude={"namespace"})
    clock = await session.send(spec, "POST", "/clock", document)
    frozen = ", frozen" if clock["frozen"] else ""
    return ToolAnswer(f"The clock is {clock['now']}{frozen}.", clock)


@tool(ToolInput, "List namespaces")
async def list_namespaces(session: AdminSession, _: ToolInput) -> ToolAnswer:
    """List all namespaces with their URLs. Each test can have one; that of a failed test is kept for a while."""
    namespaces = (await session.at_root("GET", "/namespaces"))["items"]
    text = "\n".join(f"{namespace['name']}  {namespace['url']}" for namespace in namespaces)
    return ToolAnswer(text, {"namespaces": namespaces})


class NewNamespaceInput(ToolInput):
    name: str = Field(default=UNSET, description="Name. Default: a generated one.")
    ttl: str = Field(default=UNSET, description="Idle time after which it is removed. Default: 1h.")
    seed: str = Field(default=UNSET, description="Seed for random values. Default: the name.")
    scenarios: list[str] = Field(default=UNSET, description="Scenarios that are active in it. Default: all.")


@tool(NewNamespaceInput, "Create a namespace", changes="adds")
async def create_namespace(session: AdminSession, spec: NewNamespaceInput) -> ToolAnswer:
    """Create an isolated namespace with its own URL, calls, state and routes."""
    namespace = await session.at_root("POST", "/namespaces", spec.model_dump(exclude_unset=True))
    return ToolAnswer(f"Created {namespace['name']}: {namespace['url']}", {"namespace": namespace})


class NamespaceNameInput(ToolInput):
    name: str = Field(description="Name of the namespace.")


@tool(NamespaceNameInput, "Remove a namespace", changes="replaces", idempotent=True)
async def remove_namespace(session: AdminSession, spec: NamespaceNameInput) -> ToolAnswer:
    """Remove a namespace with all its data. The namespace default can't be removed."""
    await session.at_root("DELETE", f"/namespaces/{segment(spec.name)}")
    return ToolAnswer(f"Removed {spec.name}", {"removed": spec.name})


@tool(ToolInput, "Reload the scenario files", changes="replaces", idempotent=True)
async def reload_scenarios(session: AdminSession, _: ToolInput) -> ToolAnswer:
    """Read the scenario files again, after they were edited. If one is invalid, nothing changes, and the error has its line."""
    view = await session.at_root("POST", "/reload")
    lines = [f"Loaded {view['scenarios']} scenarios with {view['routes']} routes.", *view["warnings"]]
    return ToolAnswer("\n".join(lines), view)
