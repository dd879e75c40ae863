"""
Stub mappings of a namespace.

A created stub is kept with its route, and shown as long as the route is unchanged. Other routes are exported.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from mockserver.compiler import editing
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.errors import InvalidInputError
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.replies import WireMockReplies
from mockserver.formats.wiremock.routes import STARTED, route
from mockserver.formats.wiremock.writer import Out
from mockserver.schema.scenario import RUNTIME
from mockserver.wiremock.errors import WireMockError, error, not_found, of_flaws, of_losses, taken, unreadable

Mapping = dict[str, Any]
_FIRST = ("id", "name", "request", "response", "uuid")
_MOST_KEPT = 100_000


class Stubs:
    """The stubs of one namespace. `most` is how many routes it may make at runtime."""

    def __init__(self, ns: Namespace, most: int, files: dict[str, bytes]) -> None:
        self._ns = ns
        self._most = most
        self._files = files
        self._kept: dict[str, tuple[dict[str, Any], Mapping]] = {}
        """By route id: the data of the route, and the stub."""
        self._shown: dict[str, tuple[dict[str, Any], list[Mapping]]] = {}
        """Exported stubs of other routes."""

    # Looking

    def all(self) -> list[Mapping]:
        """Return all stubs in matching order."""
        routes = sorted(self._ns.active_routes(), key=lambda item: item.key)
        return [mapping for item in routes for mapping in self.of_route(item)]

    def of_route(self, first: Route) -> list[Mapping]:
        """Return the stub of a route, or the exported stubs, one for each step."""
        kept = self._kept.get(first.id)
        if kept is not None and kept[0] is first.data:
            return [kept[1]]
        shown = self._shown.get(first.id)
        if shown is None or shown[0] is not first.data:
            shown = self._shown[first.id] = (first.data, _exported(first))
        return shown[1]

    def of_call(self, route_id: str, step: int | None) -> Mapping | None:
        """Return the stub that answered a call, even if it was removed."""
        item = self._ns.route(route_id)
        if item is None:
            kept = self._kept.get(route_id)
            return None if kept is None else kept[1]
        result = self.of_route(item)
        return result[min((step or 1) - 1, len(result) - 1)] if result else None

    def named(self, stub_id: str) -> tuple[Route, Mapping]:
        """Raises WireMockError where there is none."""
        _check_id(stub_id)
        result = self._find(stub_id) or next(
            (pair for pair in self._pairs() if pair[1]["id"] == stub_id), None
        )
        if result is None:
            raise not_found()
        return result

    def has(self, stub_id: str) -> bool:
        """Whether there is one with that id, among those that came here and those of files."""
        return self._find(stub_id) is not None

    def _find(self, stub_id: str) -> tuple[Route, Mapping] | None:
        """Return the stub with this id, among created stubs and those of files, without exporting all routes."""
        item = self._ns.route(f"{RUNTIME}/{stub_id}")
        if item is not None:
            return item, self.of_route(item)[0]
        written = (other for scenario in self._ns.scenarios() for other in scenario.routes)
        return next(
            (
                (other, mapping)
                for other in written
                for mapping in self.of_route(other)
                if mapping["id"] == stub_id
            ),
            None,
        )

    def _pairs(self) -> Iterator[tuple[Route, Mapping]]:
        for active_route in self._ns.active_routes():
            for mapping in self.of_route(active_route):
                yield active_route, mapping

    def kept(self) -> Iterator[Mapping]:
        """Yield the created stubs that are active."""
        for active_route in self._ns.active_routes():
            result = self._kept.get(active_route.id)
            if result is not None and result[0] is active_route.data:
                yield result[1]

    # Changing

    def add(self, written: Mapping) -> Mapping:
        """Raises WireMockError; then nothing was changed."""
        mapping = normalised(written)
        if self._find(mapping["id"]) is not None:
            raise taken(mapping["id"])
        self._check_room()
        return self._placed(mapping, lambda data: editing.add_route(self._ns, data))

    def put(self, stub_id: str, written: Mapping) -> Mapping:
        """Replace the stub with this id. Raises WireMockError without changes."""
        old, _ = self.named(stub_id)
        mapping = normalised({**written, "id": stub_id, "uuid": stub_id})
        if old.scenario.name == RUNTIME:
            return self._placed(
                mapping, lambda data: editing.replace_route(self._ns, old, {**data, "name": old.name})
            )
        made = self._placed(mapping, lambda data: editing.add_route(self._ns, data))
        self._removed(old)
        return made

    def remove(self, stub_id: str) -> None:
        """Raises WireMockError where there is none."""
        item, _ = self.named(stub_id)
        self._removed(item)

    def remove_all(self) -> None:
        """Remove all stubs, including those of files; a reset restores these."""
        editing.remove_runtime_routes(self._ns)
        for scenario in list(self._ns.scenarios()):
            editing.remove_scenario(self._ns, scenario.name)

    def _removed(self, first: Route) -> None:
        try:
            editing.remove_route(self._ns, first)
        except InvalidInputError as exception:
            raise of_flaws(exception) from exception

    def _check_room(self) -> None:
        overlay = self._ns.overlay
        if overlay is not None and len(overlay.routes) >= self._most:
            self._ns.shared.refused["routes"] += 1
            raise WireMockError(
                429, [error("Too many stubs", "Start the server with a larger --max-routes", code=50)]
            )

    def _placed(self, mapping: Mapping, place: Callable[[dict[str, Any]], Route]) -> Mapping:
        at = LossPlace()
        data = route(mapping, WireMockReplies(self._files.get, inline=True), at, exact=True)
        if at.hard or data is None:
            raise of_losses(at.hard or at.entries)
        try:
            made = place({"name": mapping["id"], **data})
        except InvalidInputError as exception:
            raise of_flaws(exception) from exception
        except editing.EditConflictError as exception:
            raise taken(mapping["id"]) from exception
        self._keep(made, mapping)
        return mapping

    def _keep(self, made: Route, mapping: Mapping) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[made.id] = (made.data, mapping)


def normalised(written: Mapping) -> Mapping:
    """Return a stub with its id and the defaults of WireMock."""
    stub_id = written.get("id") or written.get("uuid")
    if stub_id is not None:
        _check_id(stub_id)
    stub_id = str(uuid.UUID(stub_id)) if stub_id else str(uuid.uuid4())
    request = written.get("request") or written.get("requestPattern") or {}
    response = written.get("response") or written.get("responseDefinition") or {}
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise unreadable("`request` and `response` are objects")
    made: Mapping = {"id": stub_id}
    if written.get("name"):
        made["name"] = written["name"]
    made["request"] = {**request, "method": request.get("method", "ANY")}
    made["response"] = {"status": 200, **response} if "proxyBaseUrl" not in response else response
    made["uuid"] = stub_id
    drop = {*_FIRST, "requestPattern", "responseDefinition", "newRequest"}
    return {**made, **{key: value for key, value in written.items() if key not in drop and value is not None}}


def _is_id(text: Any) -> bool:
    try:
        uuid.UUID(text)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


def _check_id(stub_id: object) -> None:
    if not _is_id(stub_id):
        raise WireMockError(400, [error(f"{stub_id} is not a valid UUID")])


def _exported(left: Route) -> list[Mapping]:
    document = left.scenario.source.data
    made = Out().route(left.scenario.name, document, {"reply": 200, **left.data}, LossPlace(left.id))
    if left.scenario.name == RUNTIME and made and _is_id(left.name):
        # It came here once: before a restart, or before it was changed at the other API.
        first = {key: value for key, value in made[0].items() if key != "name"}
        made[0] = {**first, "id": left.name}
    return [{**mapping, "uuid": mapping["id"]} for mapping in made]


def states_of(mapping: Mapping) -> set[str]:
    """Return the states of a stub."""
    result = {mapping.get("requiredScenarioState"), mapping.get("newScenarioState"), STARTED}
    return {item for item in result if item is not None}
