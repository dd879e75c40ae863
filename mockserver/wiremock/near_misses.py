"""The stubs nearest to a request, and the requests nearest to a pattern."""

from __future__ import annotations

from typing import Any

from mockserver.engine.missing import nearest_routes
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.matching.mismatch.differences import distance
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.mismatch import Difference
from mockserver.wiremock.errors import unreadable
from mockserver.wiremock.patterns import PatternTarget
from mockserver.wiremock.stubs import Stubs
from mockserver.wiremock.views import request_view

NEAREST = 3
_FAR = 10.0


def _result(differences: list[Difference]) -> dict[str, Any]:
    """How far off: 0 fits, 1 has nothing in common."""
    return {
        "subEvents": [],
        "diffDescriptions": [
            {"expected": difference.where, "actual": difference.text, "errorMessage": difference.text}
            for difference in differences
        ],
        "distance": round(min(1.0, distance(differences) / _FAR), 6),
    }


def to_request(stubs: Stubs, ns: Namespace, request: Request, shown: dict[str, Any]) -> list[dict[str, Any]]:
    """The stubs nearest to a request that is made up."""
    return _listed(stubs, nearest_routes(ns, request, NEAREST), shown)


def to_call(stubs: Stubs, call: Call, *, reveal: bool) -> list[dict[str, Any]]:
    """The stubs that were nearest when the call came."""
    return _listed(stubs, call.nearest[:NEAREST], request_view(call.request, reveal=reveal))


def _listed(
    stubs: Stubs, result: list[tuple[Route, list[Difference]]], shown: dict[str, Any]
) -> list[dict[str, Any]]:
    made = []
    for route, differences in result:
        mappings = stubs.of_route(route)
        if mappings:
            made.append({"request": shown, "stubMapping": mappings[0], "matchResult": _result(differences)})
    return made


def to_pattern(calls: list[Call], written: dict[str, Any], *, reveal: bool) -> list[dict[str, Any]]:
    """The calls nearest to a pattern, nearest first. Raises WireMockError."""
    target = PatternTarget(written)
    ranked = sorted(
        ((target.differences(call.request), call) for call in calls), key=lambda item: distance(item[0])
    )
    return [
        {
            "request": request_view(call.request, reveal=reveal),
            "requestPattern": written,
            "matchResult": _result(differences),
        }
        for differences, call in ranked[:NEAREST]
    ]


def request_of(written: dict[str, Any]) -> Request:
    """A request as JSON has it. Raises WireMockError."""
    url, method = written.get("url"), written.get("method", "GET")
    if not isinstance(url, str) or not isinstance(method, str):
        raise unreadable("A request has a `url` and a `method`", "/url")
    pairs = [
        (str(name), str(value))
        for name, values in (written.get("headers") or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]
    cookies = written.get("cookies") or {}
    if cookies:
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())))
    return Request(method, url, pairs, str(written.get("body") or "").encode())
