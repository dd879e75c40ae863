"""Troubles: what the service does to chosen calls of its routes, and which of them it has struck."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, RootModel

from mockserver.admin.api import AdminRequest, Answer, EndpointTable, listing, no_content, sent_json
from mockserver.admin.models import TroubleList
from mockserver.engine.fault_injection import Trouble
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.errors import Flaw, InvalidInputError
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec

table = EndpointTable()


class TroublesBody(RootModel[PlacedTroubleSpec | list[PlacedTroubleSpec]]):
    """A trouble, or a list of them, in the place of those that are set."""

    model_config = ConfigDict(title="Troubles")


@table.put(
    "/troubles",
    "Inject failures into selected calls: before or after the service processes the request.",
    body=TroublesBody,
    raw=True,
    answer=TroubleList,
)
async def put_troubles(asked: AdminRequest[Any]) -> Answer:
    data = await sent_json(asked.request)
    asked.ns.set_troubles(_compiled(asked.ns, data))
    return await get_troubles(asked)


@table.get("/troubles", "The injected failures, and the affected calls.", answer=TroubleList)
async def get_troubles(asked: AdminRequest[Any]) -> Answer:
    troubles = asked.ns.troubles
    return listing([one.view() for one in troubles.placed] if troubles is not None else [])


@table.delete("/troubles", "Remove the injected failures.")
async def delete_troubles(asked: AdminRequest[Any]) -> Answer:
    asked.ns.set_troubles(())
    return no_content()


def _compiled(ns: Namespace, data: Any) -> list[Trouble]:
    """Raises InvalidInputError with the flaws of all of them."""
    listed = isinstance(data, list)
    made: list[Trouble] = []
    flaws: list[Flaw] = []
    for i, one in enumerate(data if listed else [data]):
        try:
            made.append(_placed(ns, parse_spec(PlacedTroubleSpec, one), one))
        except InvalidInputError as why:
            flaws += [flaw.under(i) if listed else flaw for flaw in why.flaws]
    if flaws:
        raise InvalidInputError(flaws)
    return made


def _placed(ns: Namespace, spec: PlacedTroubleSpec, data: dict[str, Any]) -> Trouble:
    route = spec.route if spec.later else route_named(ns, spec.route).id
    return Trouble(spec, data, route)
