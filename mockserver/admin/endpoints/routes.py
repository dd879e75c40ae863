"""`/routes`: routes of scenario files, and runtime routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from mockserver.admin.api import (
    AdminRequest,
    Answer,
    ProblemError,
    check_limit,
    check_media_type,
    json_answer,
    listing,
    read_json,
    table,
)
from mockserver.admin.models import RouteList, RouteView
from mockserver.admin.turns import Turns, offload
from mockserver.admin.views import route_view
from mockserver.compiler import editing
from mockserver.compiler.routes import compile_runtime_route
from mockserver.engine.naming import UnknownRouteError, route_named
from mockserver.engine.routes import Route
from mockserver.errors import InvalidInputError, invalid
from mockserver.model.http import Request, Response
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.yaml.writer import dump
from mockserver.scenarios.yaml.yaml12 import read
from mockserver.schema.scenario import RouteSpec, ScenarioSpec

TAG = {"tag": "Only routes with this tag."}


class RoutePatch(BaseModel):
    """Keys of a route, with new values; null removes a key."""


def named(request: AdminRequest[Any]) -> Route:
    """Return the route in the path. Raises ProblemError(404), with the known ids."""
    try:
        return route_named(request.ns, request.params["id"])
    except UnknownRouteError as error:
        flaw = error.flaws[0]
        status = 409 if "routes" in flaw.message else 404
        raise ProblemError(
            status, "no-such-route", flaw.message[0].upper() + flaw.message[1:], flaw.hint
        ) from error


@table.get("/routes", "All routes, in the order of scenarios.", answer=RouteList, query=TAG)
async def list_routes(request: AdminRequest[Any]) -> Answer:
    tag = request.query.get("tag")
    turns = Turns()
    views = []
    for route in list(request.ns.routes()):
        if tag is None or tag in route.tags:
            views.append(route_view(request.ns, route))
        await turns.pause()
    return await asyncio.to_thread(listing, views)


@table.get(
    "/routes.yaml",
    "The runtime routes of this namespace as a scenario file.",
    content_type="application/yaml",
)
async def export_routes(request: AdminRequest[Any]) -> Answer:
    document = editing.runtime_document(request.ns)
    text = await asyncio.to_thread(dump, document, ScenarioSpec)
    lines = [
        ("Content-Type", "application/yaml"),
        ("Content-Disposition", 'attachment; filename="routes.yaml"'),
        ("Cache-Control", "no-store"),
    ]
    return Response(200, lines, text.encode())


@table.post(
    "/routes",
    "Add a route; the newest is matched first.",
    body=RouteSpec,
    raw=True,
    answer=RouteView,
    status=201,
    errors=(409, 429),
)
async def add_route(request: AdminRequest[Any]) -> Answer:
    _room(request)
    try:
        route = await _compiled(request)
    except editing.EditConflictError as error:
        raise ProblemError(409, "conflict", str(error), error.hint) from error
    _room(request)  # others may have come first
    view = route_view(request.ns, editing.place_route(request.ns, route))
    return await request.offload(json_answer, view, 201)


def _room(request: AdminRequest[Any]) -> None:
    """Raise ProblemError if the limit of runtime routes is reached."""
    overlay = request.ns.overlay
    check_limit(
        request.engine,
        "routes",
        len(overlay.routes) if overlay is not None else 0,
        request.services.settings.max_routes,
        "routes made at runtime",
        "Delete some",
    )


async def _shown(request: AdminRequest[Any], route: Route) -> Answer:
    """Return the view of a route, encoded in a thread, because it may be large."""
    return await asyncio.to_thread(json_answer, route_view(request.ns, route))


async def _compiled(request: AdminRequest[Any]) -> Route:
    """Return the new route, with a free name. Raises InvalidInputError, EditConflictError."""
    ns, size_bytes = request.ns, len(request.http.body)
    data = await offload(size_bytes, read_mapping, request.http)
    spec = await offload(size_bytes, parse_spec, RouteSpec, data)
    while True:
        scenario, name = editing.runtime_scenario(ns), editing.runtime_name(ns, spec)
        route = await offload(size_bytes, compile_runtime_route, scenario, name, spec, data)
        # Meanwhile another call may have taken the name, or reset the namespace.
        if (editing.runtime_scenario(ns), editing.runtime_name(ns, spec)) == (scenario, name):
            return route


@table.delete("/routes", "Remove the runtime routes, or those with a tag.", query=TAG)
async def delete_routes(request: AdminRequest[Any]) -> None:
    editing.remove_runtime_routes(request.ns, request.query.get("tag"))


@table.get("/routes/{id}", "One route.", answer=RouteView, errors=(404, 409))
async def get_route(request: AdminRequest[Any]) -> Answer:
    return await _shown(request, named(request))


@table.put(
    "/routes/{id}",
    "Replace a route; position and id stay.",
    body=RouteSpec,
    raw=True,
    answer=RouteView,
    errors=(404, 409),
)
async def put_route(request: AdminRequest[Any]) -> Answer:
    named(request)
    data = await request.offload(read_mapping, request.http)
    return await _shown(request, await _replaced(request, lambda _: data))


@table.patch(
    "/routes/{id}",
    "Replace single keys of a route; null removes a key.",
    body=RoutePatch,
    raw=True,
    answer=RouteView,
    errors=(404, 409),
)
async def patch_route(request: AdminRequest[Any]) -> Answer:
    named(request)
    patch = await request.json(as_written=True)
    if not isinstance(patch, dict):
        raise invalid((), "a patch is an object", 'Send {"reply": 503}')
    return await _shown(request, await _replaced(request, lambda route: editing.merged_data(route, patch)))


async def _replaced(request: AdminRequest[Any], data: Callable[[Route], dict[str, Any] | None]) -> Any:
    """Replace the route in the path by `data` of it, or remove it if that is None. Return the new route."""
    while True:
        route = named(request)
        put = await asyncio.to_thread(editing.replacement, route, data(route))
        if named(request) is route:  # else another call has changed it, or its scenario, meanwhile
            return put(request.ns)


@table.delete(
    "/routes/{id}", "Remove a route from this namespace; its file is not changed.", errors=(404, 409)
)
async def delete_route(request: AdminRequest[Any]) -> None:
    await _replaced(request, lambda _: None)


def read_mapping(request: Request) -> dict[str, Any]:
    """Return a mapping in JSON or YAML. Raises InvalidInputError, ProblemError."""
    kind = check_media_type(request, yaml=True)
    if kind == "yaml":
        document = read(request.decoded_body)
        if document.flaws:
            raise InvalidInputError(document.flaws)
        data = document.data
    else:
        data = read_json(request, as_written=True)
    if not isinstance(data, dict):
        raise invalid((), "a route is a mapping", 'Send {"request": "GET /x", "reply": 200}')
    return data
