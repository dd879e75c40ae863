"""`/mappings`: stubs added, looked at, changed and removed."""

from __future__ import annotations

import asyncio
from typing import Any

from mockserver.compiler import editing
from mockserver.model.http import Response
from mockserver.wiremock.errors import WireMockError, answer, error, read_object
from mockserver.wiremock.patterns import metadata_test
from mockserver.wiremock.scenarios import start_all
from mockserver.wiremock.stubs import Mapping
from mockserver.wiremock.table import WireMockRequest, WireMockTable

table = WireMockTable()


def listed(mappings: list[Mapping], total: int | None = None) -> Response:
    return answer({"mappings": mappings, "meta": {"total": len(mappings) if total is None else total}})


@table.add("GET", "/mappings")
def list_all(request: WireMockRequest) -> Response:
    every = request.context.stubs.all()
    start, limit = request.number("offset") or 0, request.number("limit")
    return listed(every[start : None if limit is None else start + limit], len(every))


@table.add("POST", "/mappings")
def add(request: WireMockRequest) -> Response:
    return answer(request.context.stubs.add(read_object(request.http)), 201)


@table.add("DELETE", "/mappings")
def remove_all(request: WireMockRequest) -> Response:
    request.context.stubs.remove_all()
    return answer({})


@table.add("POST", "/mappings/reset")
def reset(request: WireMockRequest) -> Response:
    """Remove runtime stubs, restore those of files, and restart scenarios."""
    start_all(request.context)
    editing.reset(request.context.engine, request.context.ns, ["routes", "positions"])
    return Response(200)


@table.add("POST", "/mappings/save")
def save(_: WireMockRequest) -> Response:
    detail = "Files are never written here. GET /__admin/mappings gives them all; --state-file keeps them over a restart"
    raise WireMockError(501, [error("Stubs are not saved to files", detail, code=50)])


@table.add("POST", "/mappings/import")
async def import_all(request: WireMockRequest) -> Response:
    """Import stubs until the first error; earlier ones stay, as in WireMock. Other requests run in between."""
    written = read_object(request.http)
    options = written.get("importOptions") or {}
    stubs = request.context.stubs
    ignoring = options.get("duplicatePolicy", "OVERWRITE") == "IGNORE"
    several = written.get("mappings") or []
    if options.get("deleteAllNotInImport"):
        named = {entry.get("id") or entry.get("uuid") for entry in several}
        for mapping in stubs.all():
            await asyncio.sleep(0)
            if mapping["id"] not in named and stubs.has(mapping["id"]):
                stubs.remove(mapping["id"])
    # The first of the list is asked first, so it comes last.
    for item in reversed(several):
        stub_id = item.get("id") or item.get("uuid")
        await asyncio.sleep(0)
        if stub_id is None or not stubs.has(stub_id):
            stubs.add(item)
        elif not ignoring:
            stubs.put(stub_id, item)
    return Response(200)


@table.add("POST", "/mappings/find-by-metadata")
def find_by_metadata(request: WireMockRequest) -> Response:
    return listed(_by_metadata(request))


@table.add("POST", "/mappings/remove-by-metadata")
def remove_by_metadata(request: WireMockRequest) -> Response:
    for mapping in _by_metadata(request):
        request.context.stubs.remove(mapping["id"])
    return answer({})


def _by_metadata(request: WireMockRequest) -> list[Mapping]:
    holds = metadata_test(read_object(request.http))
    return [mapping for mapping in request.context.stubs.all() if holds(mapping.get("metadata"))]


def _unmatched(request: WireMockRequest) -> list[Mapping]:
    """Return the stubs without calls in the journal."""
    called = set()
    for call in request.context.journal:
        stub = request.context.stubs.of_call(call.route_id, call.step) if call.route_id is not None else None
        if stub is not None:
            called.add(stub["id"])
    return [mapping for mapping in request.context.stubs.all() if mapping["id"] not in called]


@table.add("GET", "/mappings/unmatched")
def list_unmatched(request: WireMockRequest) -> Response:
    return listed(_unmatched(request))


@table.add("DELETE", "/mappings/unmatched")
def remove_unmatched(request: WireMockRequest) -> Response:
    for mapping in _unmatched(request):
        request.context.stubs.remove(mapping["id"])
    return answer({})


@table.add("POST", "/mappings/remove")
def remove_one_like(request: WireMockRequest) -> Response:
    """Remove the stub with this id or this request."""
    written = read_object(request.http)
    stub_id = written.get("id") or written.get("uuid")
    for mapping in request.context.stubs.all():
        if mapping["id"] == stub_id or (stub_id is None and _same_request(mapping, written)):
            request.context.stubs.remove(mapping["id"])
    return answer({})


def _same_request(mapping: Mapping, written: dict[str, Any]) -> bool:
    conditions = written.get("request") or {}
    return bool(mapping["request"] == {**conditions, "method": conditions.get("method", "ANY")})


@table.add("GET", "/mappings/{id}")
def look(request: WireMockRequest) -> Response:
    return answer(request.context.stubs.named(request.params["id"])[1])


@table.add("PUT", "/mappings/{id}")
def put(request: WireMockRequest) -> Response:
    return answer(request.context.stubs.put(request.params["id"], read_object(request.http)))


@table.add("DELETE", "/mappings/{id}")
def remove(request: WireMockRequest) -> Response:
    request.context.stubs.remove(request.params["id"])
    return answer({})
