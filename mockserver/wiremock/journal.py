"""`/requests` and `/near-misses`: received requests, counts, and nearest stubs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from mockserver.model.call import Call
from mockserver.model.http import Response
from mockserver.wiremock import near_misses
from mockserver.wiremock.errors import WireMockError, answer, error, not_found, read_object
from mockserver.wiremock.patterns import RequestPattern, metadata_test
from mockserver.wiremock.stubs import Mapping
from mockserver.wiremock.table import WireMockRequest, WireMockTable
from mockserver.wiremock.views import event_view, number_of, request_view

table = WireMockTable()


def _stub_of(request: WireMockRequest, call: Call) -> Mapping | None:
    return None if call.route_id is None else request.context.stubs.of_call(call.route_id, call.step)


def _view(request: WireMockRequest, call: Call) -> dict[str, Any]:
    return event_view(call, _stub_of(request, call), reveal=request.reveal)


def _requests(request: WireMockRequest, calls: Iterable[Call]) -> Response:
    views = [request_view(call.request, reveal=request.reveal) for call in calls]
    return answer({"requests": views, "requestJournalDisabled": False})


def _since_s(request: WireMockRequest) -> float:
    text = request.query.get("since")
    if not text:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise WireMockError(400, [error(f"since: {text!r} is not an instant")]) from None


@table.add("GET", "/requests")
def list_all(request: WireMockRequest) -> Response:
    since_s, wanted = _since_s(request), request.query.get("matchingStub")
    calls = [call for call in request.context.journal if call.request.arrived_s >= since_s]
    if request.query.get("unmatched", "").lower() == "true":
        calls = [call for call in calls if not call.matched]
    if wanted:
        calls = [call for call in calls if (_stub_of(request, call) or {}).get("id") == wanted]
    views = [_view(request, call) for call in calls[: request.number("limit")]]
    return answer({"requests": views, "meta": {"total": len(calls)}, "requestJournalDisabled": False})


@table.add("DELETE", "/requests")
@table.add("POST", "/requests/reset")  # of version 2, and still sent by its clients
def clear(request: WireMockRequest) -> Response:
    request.context.journal.clear()
    return answer({})


@table.add("POST", "/requests/count")
def count(request: WireMockRequest) -> Response:
    return answer({"count": len(_matching_calls(request)), "requestJournalDisabled": False})


@table.add("POST", "/requests/find")
def find(request: WireMockRequest) -> Response:
    """Oldest first, as there."""
    return _requests(request, reversed(_matching_calls(request)))


def _matching_calls(request: WireMockRequest) -> list[Call]:
    pattern = RequestPattern(request.context.ns, read_object(request.http))
    return [call for call in request.context.journal if pattern.holds(call)]


def _removed(request: WireMockRequest, holds: Callable[[Call], bool]) -> Response:
    return answer({"serveEvents": [_view(request, call) for call in request.context.journal.remove(holds)]})


@table.add("POST", "/requests/remove")
def remove(request: WireMockRequest) -> Response:
    return _removed(request, RequestPattern(request.context.ns, read_object(request.http)).holds)


@table.add("POST", "/requests/remove-by-metadata")
def remove_by_metadata(request: WireMockRequest) -> Response:
    holds = metadata_test(read_object(request.http))
    return _removed(request, lambda call: holds((_stub_of(request, call) or {}).get("metadata")))


@table.add("GET", "/requests/unmatched")
def list_unmatched(request: WireMockRequest) -> Response:
    return _requests(request, [call for call in request.context.journal if not call.matched])


@table.add("GET", "/requests/unmatched/near-misses")
def nearest_to_unmatched(request: WireMockRequest) -> Response:
    result = [
        item
        for call in request.context.journal
        if not call.matched
        for item in near_misses.to_call(request.context.stubs, call, reveal=request.reveal)
    ]
    return answer({"nearMisses": result})


@table.add("POST", "/near-misses/request")
def nearest_to_request(request: WireMockRequest) -> Response:
    written, context = read_object(request.http), request.context
    nearest = near_misses.to_request(context.stubs, context.ns, near_misses.request_of(written), written)
    return answer({"nearMisses": nearest})


@table.add("POST", "/near-misses/request-pattern")
def nearest_to_pattern(request: WireMockRequest) -> Response:
    calls = list(request.context.journal)
    return answer(
        {"nearMisses": near_misses.to_pattern(calls, read_object(request.http), reveal=request.reveal)}
    )


@table.add("GET", "/requests/{id}")
def look(request: WireMockRequest) -> Response:
    return answer(_view(request, _call(request)))


@table.add("DELETE", "/requests/{id}")
def remove_one(request: WireMockRequest) -> Response:
    number = _call(request).number
    request.context.journal.remove(lambda call: call.number == number)
    return Response(200)


def _call(request: WireMockRequest) -> Call:
    number = number_of(request.params["id"])
    call = None if number is None else request.context.journal.get(number)
    if call is None:
        raise not_found()
    return call
