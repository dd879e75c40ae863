"""`/scenarios`: states of scenarios, which are keys of the state of the namespace."""

from __future__ import annotations

from typing import Any

from mockserver.formats.wiremock.routes import STARTED
from mockserver.model.http import Response
from mockserver.wiremock.errors import WireMockError, answer, error, read_object
from mockserver.wiremock.stubs import Mapping, states_of
from mockserver.wiremock.table import WireMockContext, WireMockRequest, WireMockTable

table = WireMockTable()


def _by_name(context: WireMockContext) -> dict[str, list[Mapping]]:
    result: dict[str, list[Mapping]] = {}
    for mapping in context.stubs.kept():
        if mapping.get("scenarioName"):
            result.setdefault(mapping["scenarioName"], []).append(mapping)
    return result


def start_all(context: WireMockContext) -> None:
    """Restart every scenario."""
    for name in _by_name(context):
        context.ns.memory.state.write(name, None)
    context.ns.tell()


@table.add("GET", "/scenarios")
def list_all(request: WireMockRequest) -> Response:
    state = request.context.ns.memory.state
    views: list[dict[str, Any]] = [
        {
            "id": name,
            "name": name,
            "state": str(state.get(name, STARTED)),
            "possibleStates": sorted({item for mapping in mappings for item in states_of(mapping)}),
            "mappings": mappings,
        }
        for name, mappings in _by_name(request.context).items()
    ]
    return answer({"scenarios": views})


@table.add("DELETE", "/scenarios")
@table.add("POST", "/scenarios/reset")
def reset(request: WireMockRequest) -> Response:
    start_all(request.context)
    return answer({})


@table.add("PUT", "/scenarios/{name}/state")
def put_state(request: WireMockRequest) -> Response:
    """Set the state; without a body, restart the scenario."""
    name = request.params["name"]
    mappings = _by_name(request.context).get(name)
    if mappings is None:
        raise WireMockError(404, [error(f"Scenario {name} does not exist", code=404)])
    wanted = read_object(request.http).get("state") if request.http.body else None
    if wanted is not None and wanted not in {item for mapping in mappings for item in states_of(mapping)}:
        raise WireMockError(422, [error(f"Scenario {name} does not support state {wanted}", code=11)])
    request.context.ns.memory.state.write(name, wanted)
    request.context.ns.tell()
    return answer({})
