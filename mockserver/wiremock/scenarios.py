"""`/scenarios`: in which state each is. A scenario of theirs is a key of the namespace's state."""

from __future__ import annotations

from typing import Any

from mockserver.formats.wiremock.routes import STARTED
from mockserver.model.http import Response
from mockserver.wiremock.errors import WireMockError, answer, error, read_object
from mockserver.wiremock.stubs import Mapping, states_of
from mockserver.wiremock.table import Lent, WireMockRequest, WireMockTable

table = WireMockTable()


def _by_name(lent: Lent) -> dict[str, list[Mapping]]:
    found: dict[str, list[Mapping]] = {}
    for mapping in lent.stubs.kept():
        if mapping.get("scenarioName"):
            found.setdefault(mapping["scenarioName"], []).append(mapping)
    return found


def start_all(lent: Lent) -> None:
    """Every scenario begins anew."""
    for name in _by_name(lent):
        lent.ns.memory.state.write(name, None)
    lent.ns.tell()


@table.add("GET", "/scenarios")
def list_all(asked: WireMockRequest) -> Response:
    state = asked.lent.ns.memory.state
    views: list[dict[str, Any]] = [
        {
            "id": name,
            "name": name,
            "state": str(state.get(name, STARTED)),
            "possibleStates": sorted({one for mapping in mappings for one in states_of(mapping)}),
            "mappings": mappings,
        }
        for name, mappings in _by_name(asked.lent).items()
    ]
    return answer({"scenarios": views})


@table.add("DELETE", "/scenarios")
@table.add("POST", "/scenarios/reset")
def reset(asked: WireMockRequest) -> Response:
    start_all(asked.lent)
    return answer({})


@table.add("PUT", "/scenarios/{name}/state")
def put_state(asked: WireMockRequest) -> Response:
    """Without a body it begins anew."""
    name = asked.params["name"]
    mappings = _by_name(asked.lent).get(name)
    if mappings is None:
        raise WireMockError(404, [error(f"Scenario {name} does not exist", code=404)])
    wanted = read_object(asked.request).get("state") if asked.request.body else None
    if wanted is not None and wanted not in {one for mapping in mappings for one in states_of(mapping)}:
        raise WireMockError(422, [error(f"Scenario {name} does not support state {wanted}", code=11)])
    asked.lent.ns.memory.state.write(name, wanted)
    asked.lent.ns.tell()
    return answer({})
