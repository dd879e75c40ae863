"""
The answers that no scenario wrote: misses, wrong methods, preflights, failing templates.

Never a 2xx for a miss; always a word on what to do.
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
from mockserver.model.http import ABSENT, Request, Response
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Drip, Send, Step
from mockserver.model.problem import PROBLEM_TYPE, problem
from mockserver.redaction.redaction import mask_path, mask_text
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import Planned
from mockserver.schema.scenario import CorsSpec
from mockserver.store.bounds import StoreFullError
from mockserver.templating.templates import TemplateError

MOST_BYTES = 64 << 10
"""Of the answer to an unmatched request."""
UNMATCHED = ("x-mockserver-matched", "false")


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that no route took, and the routes nearest to it, nearest first."""

    request: Request
    nearest: list[tuple[Any, list[Difference]]]
    has_routes: bool = True

    def shortened(self, differences: int) -> Miss:
        """The same with at most so many differences of each route."""
        return replace(self, nearest=[(route, each[:differences]) for route, each in self.nearest])


def problem_response(document: dict[str, Any], *headers: tuple[str, str]) -> Response:
    lines = [("Content-Type", PROBLEM_TYPE), *headers]
    return Response(document["status"], lines, dump_json(document))


def takes_json(request: Request) -> bool:
    """Whether Accept lets us answer with JSON; no Accept at all does."""
    accept = ",".join(request.headers.all("accept")).lower()
    return not accept or any(word in accept for word in ("json", "*/*", "application/*"))


def difference_view(difference: Difference) -> dict[str, Any]:
    """A difference as JSON. `actual` is left out where the part did not come."""
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
            "differences": [difference_view(one) for one in differences],
        }
        for route, differences in miss.nearest
    ]


def asks_for_websocket(request: Request) -> bool:
    """Whether it is the handshake of a WebSocket (RFC 6455 4.1)."""
    return "websocket" in ",".join(request.headers.all("upgrade")).lower()


NO_WEBSOCKET = "WebSocket is not supported: the handshake is answered as any other request"


def unmatched(miss: Miss, status: int) -> Response:
    """The answer to a miss, of at most MOST_BYTES: differences are left out where it would be longer."""
    response = _unmatched(miss, status)
    for differences in (20, 5, 2, 1):
        if len(response.body) <= MOST_BYTES:
            return response
        response = _unmatched(miss.shortened(differences), status)
    return response if len(response.body) <= MOST_BYTES else _unmatched(replace(miss, nearest=[]), status)


def _unmatched(miss: Miss, status: int) -> Response:
    request = miss.request
    text = mask_text(as_text(request, miss.nearest, has_routes=miss.has_routes))
    if asks_for_websocket(request):
        text = f"{NO_WEBSOCKET}.\n{text}"
    if not takes_json(request):
        return Response(status, [("Content-Type", "text/plain; charset=utf-8"), UNMATCHED], text.encode())
    title = f"No route matches {shown_method(request.method)} {mask_path(shown_path(request.path))}"
    document = problem(status, "unmatched", title, text, nearest=nearest_view(miss))
    return problem_response(document, UNMATCHED)


def not_allowed(request: Request, on: OnPath) -> Response:
    """405: some route has the path and none the method."""
    allowed = allowed_methods(on)
    own = sorted({method for methods in on.methods for method in methods or ()})
    title = f"{mask_path(shown_path(request.path))} takes no {shown_method(request.method)}"
    detail = f"Its routes take {', '.join(own)}: {', '.join(route.id for route in on.routes[:5])}"
    allow = ("Allow", ", ".join(allowed))
    if not takes_json(request):
        text = f"{title}. {detail}\n"
        return Response(405, [("Content-Type", "text/plain; charset=utf-8"), UNMATCHED, allow], text.encode())
    return problem_response(problem(405, "method-not-allowed", title, detail), UNMATCHED, allow)


def explained_error(route: Route, why: TemplateError) -> dict[str, Any]:
    """A reply that could not be made: names route, template, line and reason."""
    place, reason = why.place or "reply", mask_text(why.reason)
    title = f"The reply of {route.id} could not be made"
    where = f"{place}, line {why.line}" if why.line > 1 else place
    detail = f"{where}: {reason}"
    return problem(
        500,
        "template",
        title,
        detail,
        route=route.id,
        template=why.source,
        place=place,
        line=why.line,
        reason=reason,
    )


def explained_full(ns: Namespace, error: StoreFullError) -> dict[str, Any]:
    """The problem of a request whose state or items have no room: what the bound is, and how to make room. It is counted."""
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


# Cross-origin requests, by the Fetch standard


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
    The answer to a browser's question; without the allowing lines where the origin is not allowed. Without routes
    it may send what it asks for: the answer to that says why no route takes it.
    """
    allowed = _origin_lines(cors, request)
    method = request.headers.get("access-control-request-method", "")
    methods = ", ".join(allowed_methods(on)) if on.routes else method
    lines = [("Allow", methods), *allowed]
    if allowed:
        lines.append(("Access-Control-Allow-Methods", methods))
        asked = request.headers.get("access-control-request-headers")
        if asked:
            lines.append(("Access-Control-Allow-Headers", asked))
        lines.append(("Access-Control-Max-Age", str(cors.max_age_s)))
    return Response(204, lines)


def with_cors(planned: Planned, cors: CorsSpec, request: Request) -> Planned:
    """The same answer with the lines that let a page of another origin read it."""
    lines = _origin_lines(cors, request)
    written = planned.response
    allowed = (written.header(_ALLOW_ORIGIN) or dict(lines).get(_ALLOW_ORIGIN, "")).strip()
    if allowed == "*" and written.header(_ALLOW_CREDENTIALS) is not None:
        # A browser refuses `*` beside credentials.
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
    """The same plan with more header lines."""
    return _with_lines(planned, [*planned.response.headers, *lines])


def _without(planned: Planned, name: str) -> Planned:
    kept = [line for line in planned.response.headers if line[0].lower() != name.lower()]
    return _with_lines(planned, kept)


def _with_lines(planned: Planned, lines: list[tuple[str, str]]) -> Planned:
    old = planned.response
    new = Response(old.status, lines, old.body, old.reason)

    def changed(step: Step) -> Step:
        return replace(step, response=new) if isinstance(step, (Send, Drip)) else step

    return Planned(tuple(changed(step) for step in planned.plan), new, planned.fault)


def explained_failure(route: Route, why: Exception) -> dict[str, Any]:
    """The problem document where a function failed, or answered what is no reply."""
    if isinstance(why, InvalidInputError):
        detail = f"It answered what is no reply: {why}"
    else:
        frames = traceback.extract_tb(why.__traceback__)
        place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        detail = f"{type(why).__name__}: {why}{place}"
    title = f"The function that answers {route.id} failed"
    return problem(500, "function", title, mask_text(detail), route=route.id)
