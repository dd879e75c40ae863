"""`/resources`: the items of the collections of a namespace."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from mockserver.admin.api import AdminRequest, Answer, ProblemError, listing, table, within_limits
from mockserver.admin.endpoints.calls import REVEAL
from mockserver.admin.models import ItemList
from mockserver.admin.turns import Turns, offload
from mockserver.errors import near
from mockserver.redaction.redaction import mask_shapes
from mockserver.resources.collection import Collection


def _place(request: AdminRequest[Any]) -> Any:
    """Return the resource with that path, in the first active scenario that has one. Raises ProblemError(404)."""
    wanted = "/" + request.params["path"].strip("/")
    places = [
        place
        for scenario in request.ns.scenarios()
        if request.ns.is_active(scenario)
        for place in scenario.places
    ]
    for place in places:
        if place.resource.path == wanted:
            return place
    for place in places:
        if place.resource.spec.path == wanted:
            return place
    known = [place.resource.path for place in places]
    raise ProblemError(
        404, "no-such-resource", f"There is no resource {wanted!r}", near(wanted, known) or "There are none"
    )


class Items(RootModel[list[dict[str, Any]]]):
    """The items of a resource."""


@table.get("/resources/{path}", "Items of a resource.", answer=ItemList, query=REVEAL, errors=(404,))
async def get_resource(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    collection = _place(request).collection(request.ns)
    return await offload(collection.size_bytes, _items_shown, collection.items, reveal=reveal)


def _items_shown(items: list[dict[str, Any]], *, reveal: bool = False) -> Answer:
    return listing(items if reveal else mask_shapes(items))


@table.put(
    "/resources/{path}",
    "Replace the items of a resource; missing ids are generated.",
    body=Items,
    raw=True,
    answer=ItemList,
    errors=(404, 507),
)
async def put_resource(request: AdminRequest[Any]) -> Answer:
    place = _place(request)
    data = await request.json()
    items = data.get("items") if isinstance(data, dict) and set(data) <= {"items", "next"} else data
    filled = Collection()
    await Turns().all_of(place.resource.filling(filled, items, place.scopes(request.ns)))
    replaced = place.collection(request.ns)
    with within_limits(request.ns):
        request.ns.memory.check_resources(
            len(filled) - len(replaced), filled.size_bytes - replaced.size_bytes
        )
    request.ns.memory.resources[place.id] = filled
    return await offload(filled.size_bytes, _items_shown, filled.items)


@table.delete("/resources/{path}", "Delete all items of a resource.", errors=(404,))
async def delete_resource(request: AdminRequest[Any]) -> None:
    place = _place(request)
    request.ns.memory.resources[place.id] = place.resource.filled([], place.scopes(request.ns))
