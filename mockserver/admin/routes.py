"""`/routes`: the routes of a namespace, those of files and those made at runtime."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from mockserver.admin.api import (
    Answer,
    Asked,
    Refused,
    Table,
    check_media_type,
    json_answer,
    listing,
    no_content,
    one_flaw,
    read_json,
    room,
)
from mockserver.admin.models import RouteList, RouteView
from mockserver.admin.turns import aside
from mockserver.admin.views import route_view
from mockserver.engine import editing
from mockserver.engine.naming import NoSuchRoute, route_named
from mockserver.engine.routes import Route, compile_runtime_route
from mockserver.errors import InvalidInput
from mockserver.files.flaws import parse_spec
from mockserver.files.yaml12 import read
from mockserver.model.http import Request
from mockserver.model.scenario import RouteSpec

table = Table()
TAG = {"tag": "Only routes with this tag."}


class RoutePatch(BaseModel):
    """Keys of a route, to be put in place of the old ones; null takes a key away."""


def named(asked: Asked[Any]) -> Route:
    """Raises Refused(404), listing what there is."""
    try:
        return route_named(asked.ns, asked.params["id"])
    except NoSuchRoute as why:
        flaw = why.flaws[0]
        status = 409 if "routes" in flaw.message else 404
        raise Refused(status, "no-such-route", flaw.message[0].upper() + flaw.message[1:], flaw.hint) from why


@table.add("GET", "/routes", "All routes, in the order of scenarios.", answer=RouteList, query=TAG)
async def list_routes(asked: Asked[Any]) -> Answer:
    tag = asked.query.get("tag")
    return listing([route_view(asked.ns, one) for one in asked.ns.routes() if tag is None or tag in one.tags])


@table.add(
    "POST",
    "/routes",
    "Add a route; the newest is matched first.",
    body=RouteSpec,
    raw=True,
    answer=RouteView,
    status=201,
    errors=(409, 415, 422, 429),
)
async def add_route(asked: Asked[Any]) -> Answer:
    overlay = asked.ns.overlay
    there = len(overlay.routes) if overlay is not None else 0
    room(
        asked.engine,
        "routes",
        there,
        asked.services.settings.max_routes,
        "routes made at runtime",
        "Delete some",
    )
    try:
        route = editing.place_route(asked.ns, await _compiled(asked))
    except editing.Conflict as why:
        raise Refused(409, "conflict", str(why), why.hint) from why
    return json_answer(route_view(asked.ns, route), 201)


async def _compiled(asked: Asked[Any]) -> Route:
    """The new route, with a name that is free now. Raises InvalidInput, Conflict."""
    ns, size_bytes = asked.ns, len(asked.request.body)
    data = await aside(size_bytes, read_mapping, asked.request)
    spec = await aside(size_bytes, parse_spec, RouteSpec, data)
    while True:
        scenario, name = editing.runtime_scenario(ns), editing.runtime_name(ns, spec)
        route = await aside(size_bytes, compile_runtime_route, scenario, name, spec, data)
        # Meanwhile another call may have taken the name, or reset the namespace.
        if (editing.runtime_scenario(ns), editing.runtime_name(ns, spec)) == (scenario, name):
            return route


@table.add("DELETE", "/routes", "Remove the runtime routes, or those with a tag.", status=204, query=TAG)
async def delete_routes(asked: Asked[Any]) -> Answer:
    editing.remove_runtime_routes(asked.ns, asked.query.get("tag"))
    return no_content()


@table.add("GET", "/routes/{id}", "One route.", answer=RouteView, errors=(404, 409))
async def get_route(asked: Asked[Any]) -> Answer:
    return json_answer(route_view(asked.ns, named(asked)))


@table.add(
    "PUT",
    "/routes/{id}",
    "Replace a route; position and id stay.",
    body=RouteSpec,
    raw=True,
    answer=RouteView,
    errors=(404, 409, 415, 422),
)
async def put_route(asked: Asked[Any]) -> Answer:
    route = named(asked)
    data = await aside(len(asked.request.body), read_mapping, asked.request)
    return json_answer(route_view(asked.ns, editing.replace_route(asked.ns, route, data)))


@table.add(
    "PATCH",
    "/routes/{id}",
    "Replace single keys of a route; null removes a key.",
    body=RoutePatch,
    raw=True,
    answer=RouteView,
    errors=(404, 409, 415, 422),
)
async def patch_route(asked: Asked[Any]) -> Answer:
    route = named(asked)
    patch = read_json(asked.request, as_written=True)
    if not isinstance(patch, dict):
        raise one_flaw((), "a patch is an object", 'Send {"reply": 503}')
    return json_answer(route_view(asked.ns, editing.merge_route(asked.ns, route, patch)))


@table.add(
    "DELETE",
    "/routes/{id}",
    "Remove a route from this namespace; its file is not changed.",
    status=204,
    errors=(404, 409, 422),
)
async def delete_route(asked: Asked[Any]) -> Answer:
    editing.remove_route(asked.ns, named(asked))
    return no_content()


def read_mapping(request: Request) -> dict[str, Any]:
    """A mapping in JSON or YAML. Raises InvalidInput, Refused."""
    kind = check_media_type(request, yaml=True)
    if kind == "yaml":
        document = read(request.decoded_body)
        if document.flaws:
            raise InvalidInput(document.flaws)
        data = document.data
    else:
        data = read_json(request, as_written=True)
    if not isinstance(data, dict):
        raise one_flaw((), "a route is a mapping", 'Send {"request": "GET /x", "reply": 200}')
    return data
