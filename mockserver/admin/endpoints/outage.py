"""`/outage`: all routes, or some, are unavailable."""

from __future__ import annotations

from typing import Any

from mockserver.admin.api import AdminRequest, Answer, json_answer, table
from mockserver.admin.models import OutageAnswer, OutageView
from mockserver.engine.naming import route_named
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.scenarios.flaws import parse_spec


@table.put(
    "/outage",
    "Take the service, or some routes, down. Admin API and health are not affected.",
    body=OutageSpec,
    raw=True,
    answer=OutageView,
)
async def put_outage(request: AdminRequest[Any]) -> Answer:
    data = await request.json()
    spec: OutageSpec = parse_spec(OutageSpec, data)
    routes = None
    if spec.routes is not None:
        routes = frozenset(
            route_named(request.ns, name, ("routes", i)).id for i, name in enumerate(spec.routes)
        )
    outage = Outage(spec, data, routes, request.ns.clock.now_s())
    request.ns.set_outage(outage)
    return json_answer(outage.view())


@table.get("/outage", "The current outage, or null.", answer=OutageAnswer)
async def get_outage(request: AdminRequest[Any]) -> Answer:
    outage = request.ns.downtime
    if outage is None or outage.is_over(request.ns.clock.now_s()):
        return json_answer(None)
    return json_answer(outage.view())


@table.delete("/outage", "End the outage.")
async def delete_outage(request: AdminRequest[Any]) -> None:
    request.ns.set_outage(None)
