"""Tools for routes and scenarios."""

from __future__ import annotations

from pydantic import Field

from mockserver.client.link import segment
from mockserver.mcp.tools import AdminSession, NamespaceInput, ToolAnswer, read_yaml, tool
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.base import UNSET

_ROUTE = Field(description="Id of the route, or its name if only one route has it.")


class RoutesInput(NamespaceInput):
    tag: str = Field(default=UNSET, description="Only routes with this tag.")


class RouteInput(NamespaceInput):
    route: str = _ROUTE


class NewRouteInput(NamespaceInput):
    yaml: str = Field(
        description="The route in YAML, as in a scenario file.",
        examples=["request: POST /charges\nreply: [503, 503, {status: 201, json: {id: ch_1}}]"],
    )


class ChangedRouteInput(NamespaceInput):
    route: str = _ROUTE
    yaml: str = Field(
        description="The keys to replace, in YAML; null removes a key.", examples=["reply: [503, 200]"]
    )


class ScenarioInput(NamespaceInput):
    name: str = Field(description="Name of the scenario.")


class PutScenarioInput(NamespaceInput):
    name: str = Field(description="Name of the scenario.")
    yaml: str = Field(
        description="The complete scenario in YAML.",
        examples=[
            "base: /v1\nroutes:\n  - request: GET /items/{id}\n    reply: {json: {id: '{{ path.id }}'}}"
        ],
    )


class UseScenariosInput(NamespaceInput):
    names: list[str] = Field(description="Names of the scenarios.")


@tool(RoutesInput, "List routes")
async def list_routes(session: AdminSession, spec: RoutesInput) -> ToolAnswer:
    """List all routes with their request line, number of calls and the step that answers next."""
    routes = (await session.send(spec, "GET", "/routes", tag=spec.tag))["items"]
    brief = [
        {key: route.get(key) for key in ("id", "request", "scenario", "calls", "step", "steps", "exhausted")}
        for route in routes
    ]
    lines = [
        f"{route['id']}  {route['request']}  {route['calls']} calls, "
        + ("exhausted" if route["exhausted"] else f"step {route['step']} of {route['steps']} is next")
        for route in brief
    ]
    return ToolAnswer("\n".join(lines) or "No routes.", {"routes": brief})


@tool(RouteInput, "Get a route")
async def get_route(session: AdminSession, spec: RouteInput) -> ToolAnswer:
    """Return one route as it was written, with its current step and number of calls."""
    route = await session.send(spec, "GET", f"/routes/{segment(spec.route)}")
    return ToolAnswer(dump(route), {"route": route})


@tool(NewRouteInput, "Add a route", changes="adds")
async def add_route(session: AdminSession, spec: NewRouteInput) -> ToolAnswer:
    """
    Add a route at runtime. It is matched before all others, and removed by reset; files are not changed. An invalid route
    changes nothing, and the error names key and fix.
    """
    route = await session.send(spec, "POST", "/routes", read_yaml(spec.yaml, "yaml"))
    return ToolAnswer(f"Added {route['id']}: {route['request']}", {"route": route})


@tool(ChangedRouteInput, "Change a route", changes="replaces")
async def change_route(session: AdminSession, spec: ChangedRouteInput) -> ToolAnswer:
    """Replace single keys of a route. A changed reply restarts the sequence; files are not changed."""
    changes = read_yaml(spec.yaml, "yaml")
    route = await session.send(spec, "PATCH", f"/routes/{segment(spec.route)}", changes)
    return ToolAnswer(f"Changed {route['id']}:\n{dump(route)}", {"route": route})


@tool(RouteInput, "Remove a route", changes="replaces", idempotent=True)
async def remove_route(session: AdminSession, spec: RouteInput) -> ToolAnswer:
    """Remove a route from the namespace. Its file is not changed, and reset restores it."""
    await session.send(spec, "DELETE", f"/routes/{segment(spec.route)}")
    return ToolAnswer(f"Removed {spec.route}", {"removed": spec.route})


@tool(NamespaceInput, "List scenarios")
async def list_scenarios(session: AdminSession, spec: NamespaceInput) -> ToolAnswer:
    """List all scenarios with their origin, their routes, and whether they are active."""
    scenarios = (await session.send(spec, "GET", "/scenarios"))["items"]
    lines = [
        f"{scenario['name']}  {'active' if scenario['active'] else 'inactive'}, {len(scenario['routes'])} routes, "
        f"{scenario['file'] or 'added at runtime'}"
        for scenario in scenarios
    ]
    return ToolAnswer("\n".join(lines) or "No scenarios.", {"scenarios": scenarios})


@tool(ScenarioInput, "Get a scenario")
async def get_scenario(session: AdminSession, spec: ScenarioInput) -> ToolAnswer:
    """Return a scenario as it was written, in YAML."""
    scenario = await session.send(spec, "GET", f"/scenarios/{segment(spec.name)}")
    return ToolAnswer(dump(scenario), {"scenario": scenario})


@tool(PutScenarioInput, "Add or replace a scenario", changes="replaces", idempotent=True)
async def put_scenario(session: AdminSession, spec: PutScenarioInput) -> ToolAnswer:
    """
    Add a scenario to the namespace, or replace the one of this name. Files are not changed. An invalid scenario changes
    nothing, and the error names line, key and fix. See read_reference for the language.
    """
    view = await session.send(spec, "PUT", f"/scenarios/{segment(spec.name)}", {"yaml": spec.yaml})
    return ToolAnswer("\n".join([f"{view['name']} has these routes:", *view["routes"]]), {"scenario": view})


@tool(ScenarioInput, "Remove a scenario", changes="replaces", idempotent=True)
async def remove_scenario(session: AdminSession, spec: ScenarioInput) -> ToolAnswer:
    """Remove a scenario from the namespace. Its file is not changed, and reset restores it."""
    await session.send(spec, "DELETE", f"/scenarios/{segment(spec.name)}")
    return ToolAnswer(f"Removed {spec.name}", {"removed": spec.name})


@tool(UseScenariosInput, "Activate scenarios", changes="replaces", idempotent=True)
async def use_scenarios(session: AdminSession, spec: UseScenariosInput) -> ToolAnswer:
    """Activate exactly these scenarios, and deactivate all others."""
    scenarios = (await session.send(spec, "POST", "/scenarios/use", {"names": spec.names}))["items"]
    active = [scenario["name"] for scenario in scenarios if scenario["active"]]
    return ToolAnswer(f"Active: {', '.join(active) or 'none'}", {"scenarios": scenarios})
