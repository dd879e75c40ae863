"""`/requests` and `/near-misses`: what was received, how often, and what was nearest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from mockserver.model.call import Call
from mockserver.model.http import Response
from mockserver.wiremock import near_misses
from mockserver.wiremock.errors import WireMockError, answer, empty, error, not_found, read_object
from mockserver.wiremock.patterns import RequestPattern, metadata_test
from mockserver.wiremock.stubs import Mapping
from mockserver.wiremock.table import WireMockRequest, WireMockTable
from mockserver.wiremock.views import event_view, number_of, request_view

table = WireMockTable()


def _stub_of(asked: WireMockRequest, call: Call) -> Mapping | None:
    return None if call.route_id is None else asked.lent.stubs.of_call(call.route_id, call.step)


def _view(asked: WireMockRequest, call: Call) -> dict[str, Any]:
    return event_view(call, _stub_of(asked, call), reveal=asked.reveal)


def _requests(asked: WireMockRequest, calls: Iterable[Call]) -> Response:
    views = [request_view(call.request, reveal=asked.reveal) for call in calls]
    return answer({"requests": views, "requestJournalDisabled": False})


def _since_s(asked: WireMockRequest) -> float:
    text = asked.query.get("since")
    if not text:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise WireMockError(400, [error(f"since: {text!r} is no instant")]) from None


@table.add("GET", "/requests")
def list_all(asked: WireMockRequest) -> Response:
    since_s, wanted = _since_s(asked), asked.query.get("matchingStub")
    calls = [call for call in asked.lent.journal if call.request.arrived_s >= since_s]
    if asked.query.get("unmatched", "").lower() == "true":
        calls = [call for call in calls if not call.matched]
    if wanted:
        calls = [call for call in calls if (_stub_of(asked, call) or {}).get("id") == wanted]
    views = [_view(asked, call) for call in calls[: asked.number("limit")]]
    return answer({"requests": views, "meta": {"total": len(calls)}, "requestJournalDisabled": False})


@table.add("DELETE", "/requests")
@table.add("POST", "/requests/reset")  # of version 2, and still sent by its clients
def clear(asked: WireMockRequest) -> Response:
    asked.lent.journal.clear()
    return answer({})


@table.add("POST", "/requests/count")
def count(asked: WireMockRequest) -> Response:
    return answer({"count": len(_found(asked)), "requestJournalDisabled": False})


@table.add("POST", "/requests/find")
def find(asked: WireMockRequest) -> Response:
    """Oldest first, as there."""
    return _requests(asked, reversed(_found(asked)))


def _found(asked: WireMockRequest) -> list[Call]:
    pattern = RequestPattern(asked.lent.ns, read_object(asked.request))
    return [call for call in asked.lent.journal if pattern.holds(call)]


def _removed(asked: WireMockRequest, holds: Callable[[Call], bool]) -> Response:
    return answer({"serveEvents": [_view(asked, call) for call in asked.lent.journal.remove(holds)]})


@table.add("POST", "/requests/remove")
def remove(asked: WireMockRequest) -> Response:
    return _removed(asked, RequestPattern(asked.lent.ns, read_object(asked.request)).holds)


@table.add("POST", "/requests/remove-by-metadata")
def remove_by_metadata(asked: WireMockRequest) -> Response:
    holds = metadata_test(read_object(asked.request))
    return _removed(asked, lambda call: holds((_stub_of(asked, call) or {}).get("metadata")))


@table.add("GET", "/requests/unmatched")
def list_unmatched(asked: WireMockRequest) -> Response:
    return _requests(asked, [call for call in asked.lent.journal if not call.matched])


@table.add("GET", "/requests/unmatched/near-misses")
def nearest_to_unmatched(asked: WireMockRequest) -> Response:
    found = [
        one
        for call in asked.lent.journal
        if not call.matched
        for one in near_misses.to_call(asked.lent.stubs, call, reveal=asked.reveal)
    ]
    return answer({"nearMisses": found})


@table.add("POST", "/near-misses/request")
def nearest_to_request(asked: WireMockRequest) -> Response:
    written = read_object(asked.request)
    request = near_misses.request_of(written)
    return answer({"nearMisses": near_misses.to_request(asked.lent.stubs, asked.lent.ns, request, written)})


@table.add("POST", "/near-misses/request-pattern")
def nearest_to_pattern(asked: WireMockRequest) -> Response:
    calls = list(asked.lent.journal)
    return answer(
        {"nearMisses": near_misses.to_pattern(calls, read_object(asked.request), reveal=asked.reveal)}
    )


@table.add("GET", "/requests/{id}")
def look(asked: WireMockRequest) -> Response:
    return answer(_view(asked, _call(asked)))


@table.add("DELETE", "/requests/{id}")
def remove_one(asked: WireMockRequest) -> Response:
    number = _call(asked).number
    asked.lent.journal.remove(lambda call: call.number == number)
    return empty()


def _call(asked: WireMockRequest) -> Call:
    number = number_of(asked.params["id"])
    call = None if number is None else asked.lent.journal.get(number)
    if call is None:
        raise not_found()
    return call
