"""
Responses that no scenario defines: unmatched requests, wrong methods, preflights, failed templates.

An unmatched request never gets a 2xx, and always an explanation.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.engine.routing import allowed_methods
from mockserver.engine.scenario_set import OnPath
from mockserver.errors import InvalidInputError
from mockserver.matching.mismatch.nearest import as_text, shown_method
from mockserver.matching.mismatch.unmatched import shown_path
from mockserver.model.http import ABSENT, WEBSOCKET, Request, Response
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Drip, Send, Step, Upgrade
from mockserver.model.problem import PROBLEM_TYPE, problem
from mockserver.redaction.redaction import mask_path, mask_text
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import Planned
from mockserver.schema.scenario import CorsSpec
from mockserver.store.bounds import StoreFullError
from mockserver.templating.templates import TemplateError

MOST_BYTES = 64 << 10
"""Limit for the response to an unmatched request."""
UNMATCHED = ("x-mockserver-matched", "false")


@dataclass(frozen=True, slots=True)
class Miss:
    """An unmatched request, and the nearest routes, nearest first."""

    request: Request
    nearest: list[tuple[Any, list[Difference]]]
    has_routes: bool = True

    def shortened(self, differences: int) -> Miss:
        """Return a copy with at most that many differences per route."""
        return replace(self, nearest=[(route, each[:differences]) for route, each in self.nearest])


def problem_response(document: dict[str, Any], *headers: tuple[str, str]) -> Response:
    lines = [("Content-Type", PROBLEM_TYPE), *headers]
    return Response(document["status"], lines, dump_json(document))


def takes_json(request: Request) -> bool:
    """Whether Accept allows JSON, as a missing Accept does."""
    accept = ",".join(request.headers.all("accept")).lower()
    return not accept or any(word in accept for word in ("json", "*/*", "application/*"))


def difference_view(difference: Difference) -> dict[str, Any]:
    """Return a difference as JSON. `actual` is left out if the part is missing."""
    view = {
        "where": difference.where,
        "pointer": difference.pointer,
        "expected": difference.expected,
        "hint": difference.hint,
        "text": difference.text,
    }
    if difference.actual is not ABSENT:
        view["actual"] = difference.actual
    return view


def nearest_view(miss: Miss) -> list[dict[str, Any]]:
    return [
        {
            "route": route.id,
            "request": route.line,
            "differences": [difference_view(item) for item in differences],
        }
        for route, differences in miss.nearest
    ]


NO_WEBSOCKET = "No WebSocket route (WS) has this path: the handshake is answered as any other request"


def unmatched(miss: Miss, status: int) -> Response:
    """Return the response to an unmatched request, of at most MOST_BYTES: differences are left out if necessary."""
    response = _unmatched(miss, status)
    for differences in (20, 5, 2, 1):
        if len(response.body) <= MOST_BYTES:
            return response
        response = _unmatched(miss.shortened(differences), status)
    return response if len(response.body) <= MOST_BYTES else _unmatched(replace(miss, nearest=[]), status)


def _unmatched(miss: Miss, status: int) -> Response:
    request = miss.request
    text = mask_text(as_text(request, miss.nearest, has_routes=miss.has_routes))
    if request.method != WEBSOCKET and request.offers_websocket:
        text = f"{NO_WEBSOCKET}.\n{text}"
    if not takes_json(request):
        return Response(status, [("Content-Type", "text/plain; charset=utf-8"), UNMATCHED], text.encode())
    title = f"No route matches {shown_method(request.method)} {mask_path(shown_path(request.path))}"
    document = problem(status, "unmatched", title, text, nearest=nearest_view(miss))
    return problem_response(document, UNMATCHED)


def not_allowed(request: Request, on: OnPath) -> Response:
    """Return a 405: some route has the path, but none has the method."""
    allowed = allowed_methods(on)
    own = sorted({method for methods in on.methods for method in methods or ()})
    if own == [WEBSOCKET] and request.method == "GET":
        return _upgrade_required(request, on)
    title = f"{mask_path(shown_path(request.path))} does not allow {shown_method(request.method)}"
    detail = f"Its routes allow {', '.join(own)}: {', '.join(route.id for route in on.routes[:5])}"
    allow = ("Allow", ", ".join(allowed))
    if not takes_json(request):
        text = f"{title}. {detail}\n"
        return Response(405, [("Content-Type", "text/plain; charset=utf-8"), UNMATCHED, allow], text.encode())
    return problem_response(problem(405, "method-not-allowed", title, detail), UNMATCHED, allow)


def _upgrade_required(request: Request, on: OnPath) -> Response:
    """Return a 426: the routes of the path take WebSocket handshakes only."""
    title = f"{mask_path(shown_path(request.path))} expects a WebSocket handshake"
    detail = f"Connect with a WebSocket client. Its routes: {', '.join(route.id for route in on.routes[:5])}"
    lines = (UNMATCHED, ("Upgrade", "websocket"), ("Connection", "Upgrade"))
    if not takes_json(request):
        content_type = ("Content-Type", "text/plain; charset=utf-8")
        return Response(426, [content_type, *lines], f"{title}. {detail}\n".encode())
    return problem_response(problem(426, "upgrade-required", title, detail), *lines)


def explained_error(route: Route, error: TemplateError) -> dict[str, Any]:
    """Return the problem of a failed template: route, template, line and reason."""
    place, reason = error.place or "reply", mask_text(error.reason)
    title = f"The reply of {route.id} could not be made"
    where = f"{place}, line {error.line}" if error.line > 1 else place
    detail = f"{where}: {reason}"
    return problem(
        500,
        "template",
        title,
        detail,
        route=route.id,
        template=error.source,
        place=place,
        line=error.line,
        reason=reason,
    )


def explained_full(ns: Namespace, error: StoreFullError) -> dict[str, Any]:
    """Return the problem of a request whose state or items exceed a limit, with the fix. Count it."""
    ns.shared.bounds.reached(error.kind)
    place = "/__admin/state" if error.kind == "state" else "/__admin/resources/PATH"
    return problem(
        507,
        "full",
        f"The namespace {ns.name} has no room for more {error.kind}",
        f"It keeps {error}. Remove some with DELETE {place}, reset the namespace, or start the server with a larger "
        "--max-entries or --max-entries-bytes",
        full=error.kind,
        max_entries=error.bounds.entries,
        max_bytes=error.bounds.size_bytes,
    )


def options(on: OnPath) -> Response:
    return Response(204, [("Allow", ", ".join(allowed_methods(on)))])


# CORS, by the Fetch standard


_ALLOW_ORIGIN = "Access-Control-Allow-Origin"
_ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"


def _origin_lines(cors: CorsSpec, request: Request) -> list[tuple[str, str]]:
    origin = request.headers.get("origin")
    if origin is None or ("*" not in cors.origins and origin not in cors.origins):
        return []
    if "*" in cors.origins and not cors.credentials:
        return [(_ALLOW_ORIGIN, "*")]
    lines = [(_ALLOW_ORIGIN, origin), ("Vary", "Origin")]
    return [*lines, (_ALLOW_CREDENTIALS, "true")] if cors.credentials else lines


def preflight(on: OnPath, cors: CorsSpec, request: Request) -> Response:
    """
    Return the response to a preflight; without CORS headers if the origin is not allowed. Without routes the request is
    allowed: its response then explains why it is unmatched.
    """
    allowed = _origin_lines(cors, request)
    method = request.headers.get("access-control-request-method", "")
    methods = ", ".join(allowed_methods(on)) if on.routes else method
    lines = [("Allow", methods), *allowed]
    if allowed:
        lines.append(("Access-Control-Allow-Methods", methods))
        requested = request.headers.get("access-control-request-headers")
        if requested:
            lines.append(("Access-Control-Allow-Headers", requested))
        lines.append(("Access-Control-Max-Age", str(cors.max_age_s)))
    return Response(204, lines)


def with_cors(planned: Planned, cors: CorsSpec, request: Request) -> Planned:
    """Add the CORS headers to a response."""
    lines = _origin_lines(cors, request)
    written = planned.response
    allowed = (written.header(_ALLOW_ORIGIN) or dict(lines).get(_ALLOW_ORIGIN, "")).strip()
    if allowed == "*" and written.header(_ALLOW_CREDENTIALS) is not None:
        # Browsers reject `*` with credentials.
        planned = _without(planned, _ALLOW_ORIGIN if lines else _ALLOW_CREDENTIALS)
        if lines:
            lines = [(_ALLOW_ORIGIN, request.headers["origin"]), ("Vary", "Origin")]
    elif allowed == "*":
        lines = [line for line in lines if line[0] != _ALLOW_CREDENTIALS]
    if not lines:
        return planned
    old = planned.response
    names = {name.lower() for name, _ in old.headers}
    own = [line for line in lines if line[0].lower() not in names]
    exposed = [name for name, _ in old.headers]
    if exposed and "access-control-expose-headers" not in names:
        own.append(("Access-Control-Expose-Headers", ", ".join(dict.fromkeys(exposed))))
    return with_headers(planned, own)


def with_headers(planned: Planned, lines: list[tuple[str, str]]) -> Planned:
    """Return the plan with more header lines."""
    return _with_lines(planned, [*planned.response.headers, *lines])


def _without(planned: Planned, name: str) -> Planned:
    kept = [line for line in planned.response.headers if line[0].lower() != name.lower()]
    return _with_lines(planned, kept)


def _with_lines(planned: Planned, lines: list[tuple[str, str]]) -> Planned:
    old = planned.response
    new = Response(old.status, lines, old.body, old.reason)

    def changed(step: Step) -> Step:
        return replace(step, response=new) if isinstance(step, (Send, Drip, Upgrade)) else step

    return Planned(tuple(changed(step) for step in planned.plan), new, planned.fault)


def explained_failure(route: Route, error: Exception) -> dict[str, Any]:
    """Return the problem of a function that failed or returned an invalid reply."""
    if isinstance(error, InvalidInputError):
        detail = f"It returned an invalid reply: {error}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        detail = f"{type(error).__name__}: {error}{place}"
    title = f"The function that answers {route.id} failed"
    return problem(500, "function", title, mask_text(detail), route=route.id)
