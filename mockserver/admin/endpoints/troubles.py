"""`/troubles`: failures that are injected into selected calls of routes, and the affected calls."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, RootModel

from mockserver.admin.api import AdminRequest, Answer, listing, table
from mockserver.admin.models import TroubleList
from mockserver.engine.fault_injection import InjectedFault
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.errors import FlawCollector
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec


class TroublesBody(RootModel[PlacedTroubleSpec | list[PlacedTroubleSpec]]):
    """A trouble, or a list of them; they replace the current ones."""

    model_config = ConfigDict(title="Troubles")


@table.put(
    "/troubles",
    "Inject failures into selected calls: before or after the service processes the request.",
    body=TroublesBody,
    raw=True,
    answer=TroubleList,
)
async def put_troubles(request: AdminRequest[Any]) -> Answer:
    data = await request.json()
    request.ns.set_troubles(_compiled(request.ns, data))
    return await get_troubles(request)


@table.get("/troubles", "The injected failures, and the affected calls.", answer=TroubleList)
async def get_troubles(request: AdminRequest[Any]) -> Answer:
    troubles = request.ns.troubles
    return listing([trouble.view() for trouble in troubles.placed] if troubles is not None else [])


@table.delete("/troubles", "Remove the injected failures.")
async def delete_troubles(request: AdminRequest[Any]) -> None:
    request.ns.set_troubles(())


def _compiled(ns: Namespace, data: Any) -> list[InjectedFault]:
    """Compile troubles. Raises InvalidInputError with all flaws."""
    listed = isinstance(data, list)
    flaws = FlawCollector()
    troubles = [
        flaws.attempt((i,) if listed else (), _placed, ns, written)
        for i, written in enumerate(data if listed else [data])
    ]
    flaws.check()
    return troubles


def _placed(ns: Namespace, data: Any) -> InjectedFault:
    spec = parse_spec(PlacedTroubleSpec, data)
    route = spec.route if spec.later else route_named(ns, spec.route).id
    return InjectedFault(spec, data, route, ns.clock.now_s())
