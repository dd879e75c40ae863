"""
The routes that are nearest to an unmatched request, with their differences.

The cost is limited: paths are compared first, `match` only if the path is similar, and differences are computed only
for the routes in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from operator import itemgetter
from typing import Protocol, TypeVar

from mockserver.matching.checks import MOST_READ_BYTES
from mockserver.matching.field_index import SentValues
from mockserver.matching.matcher import Matcher
from mockserver.matching.mismatch import hints as slips
from mockserver.matching.mismatch.differences import distance, noting
from mockserver.matching.mismatch.likeness import MOST_TARGETS
from mockserver.matching.mismatch.suggestions import suggest, without_secrets
from mockserver.matching.mismatch.unmatched import UNLIKE, RoutePath, path_difference, shown_path
from mockserver.model.http import ABSENT, WEBSOCKET, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

__all__ = ["RouteShape", "as_text", "nearest", "report", "shown_method", "suggest", "without_secrets"]

_SHOWN_CHARS = 255
_FAR = 1.5
"""Routes that are this much farther away than the nearest are left out."""


class RouteShape(Protocol):
    """The conditions of a route. `methods` None is any; `host` None likewise."""

    @property
    def id(self) -> str: ...
    @property
    def methods(self) -> frozenset[str] | None: ...
    @property
    def pattern(self) -> RoutePath: ...
    @property
    def matcher(self) -> Matcher | None: ...
    @property
    def host(self) -> str | None: ...


S = TypeVar("S", bound=RouteShape)


def report(request: Request, shape: RouteShape) -> list[Difference]:
    """Return all differences of the request from the route: host, method, path, then `match` in its order."""
    line = _line(request, shape, path_difference(request.path, shape.pattern))
    differences = shape.matcher.differences(request) if shape.matcher is not None else []
    return line + [_elsewhere(request, difference) for difference in differences]


def nearest(
    request: Request,
    shapes: Iterable[S],
    limit: int = 3,
    *,
    family: Callable[[S], Hashable] = lambda shape: shape.id,
) -> list[tuple[S, list[Difference]]]:
    """
    Return the nearest routes, nearest first, then in their order; none if no path is similar.

    There is at most one of each `family`. A route without any difference was excluded by its state, its `if`, or the
    end of its sequence. At most MOST_TARGETS routes are compared.
    """
    sent = SentValues(request)
    paths: dict[str, Difference | None] = {}
    ranked: list[tuple[float, S, list[Difference]]] = []
    last, line, far, similar = None, [], 0.0, False
    for shape in islice(shapes, MOST_TARGETS):
        text, matcher = shape.pattern.text, shape.matcher
        if (text, shape.methods, shape.host) != last:  # compared once for the routes that have it in common
            last = text, shape.methods, shape.host
            if text not in paths:
                paths[text] = path_difference(request.path, shape.pattern)
            path = paths[text]
            similar = path is None or path.weight < UNLIKE
            line = _line(request, shape, path)
            far = distance(line)
        if similar:
            misfit = matcher.misfit(sent, not line) if matcher is not None else 0.0
            ranked.append((far + misfit, shape, line))
    ranked.sort(key=itemgetter(0))
    named: dict[Hashable, tuple[S, list[Difference]]] = {}
    for _, shape, line in ranked:
        if len(named) == limit:
            break
        named.setdefault(family(shape), (shape, line))
    explained: list[tuple[float, S, list[Difference]]] = []
    with slips.bounded():
        for shape, line in named.values():
            differences = line + _match(request, shape, tested=not line)
            explained.append((distance(differences), shape, differences))
    explained.sort(key=itemgetter(0))
    most = max(2 * explained[0][0], explained[0][0] + _FAR) if explained else 0.0
    return [(shape, differences) for far, shape, differences in explained if far <= most]


def _line(request: Request, shape: RouteShape, path: Difference | None) -> list[Difference]:
    parts = (_host(request, shape), _method(request, shape), path)
    return [difference for difference in parts if difference is not None]


def _host(request: Request, shape: RouteShape) -> Difference | None:
    if shape.host is None:
        return None
    wanted, came = shape.host.lower(), request.host.lower()
    if came in (wanted, f"{wanted}:{came.rpartition(':')[2]}"):
        return None
    came = came[:_SHOWN_CHARS]
    text = f"host differs: {came!r} is not {wanted!r}" if came else f"host is missing: expected {wanted!r}"
    return Difference("host", wanted, came or ABSENT, weight=1.5, text=text)


def _method(request: Request, shape: RouteShape) -> Difference | None:
    methods = shape.methods
    if methods is None or request.method in methods or (request.method == "HEAD" and "GET" in methods):
        return None
    if WEBSOCKET in methods and request.method == "GET":
        if request.offers_websocket:
            return None
        text = "method differs: expected a WebSocket handshake; connect with a WebSocket client"
        return Difference("method", WEBSOCKET, "GET", hint="connect with a WebSocket client", text=text)
    wanted = ",".join(sorted(methods))
    hint = "methods are case-sensitive" if request.method.upper() in methods else ""
    came = shown_method(request.method)
    text = f"method differs: {came} is not {wanted}" + (f"; {hint}" if hint else "")
    return Difference("method", wanted, came, hint=hint, weight=0.3 if hint else 1.0, text=text)


def shown_method(method: str) -> str:
    """Return a method, shortened for a text."""
    return method if len(method) <= _SHOWN_CHARS else method[: _SHOWN_CHARS - 1] + "…"


def _match(request: Request, shape: RouteShape, *, tested: bool) -> list[Difference]:
    if shape.matcher is None:
        return []
    differences = shape.matcher.quick_differences(request, tested=tested)
    return [_elsewhere(request, difference) for difference in differences]


def _elsewhere(request: Request, difference: Difference) -> Difference:
    """Return the difference; with a hint if a missing part is in another part of the request."""
    part, _, name = difference.where.partition(".")
    if difference.actual is not ABSENT or difference.hint or not name:
        return difference
    for other, names in _names(request).items():
        if other != part and name in names:
            return noting(difference, f"it came in the {other}", 0.5)
    return difference


def _names(request: Request) -> dict[str, Iterable[str]]:
    def read() -> dict[str, Iterable[str]]:
        names: dict[str, Iterable[str]] = {"query": request.query.keys()}
        if len(request.body) > MOST_READ_BYTES:
            return names
        with suppress(UnreadableBodyError):
            names["form"] = request.form.keys()
        with suppress(UnreadableBodyError):
            names["json"] = request.json.keys() if isinstance(request.json, dict) else ()
        return names

    return request.once("names", read)


def as_text(
    request: Request, ranked: Sequence[tuple[RouteShape, Sequence[Difference]]], *, has_routes: bool = True
) -> str:
    """Return the nearest routes and their differences as text, for clients that don't accept JSON and for the log."""
    lines = [f"No route matches {shown_method(request.method)} {shown_path(request.path)}"]
    if not ranked:
        lines.append("No route is similar." if has_routes else "There are no routes.")
    for shape, differences in ranked:
        methods = ",".join(sorted(shape.methods)) if shape.methods else "ANY"
        lines += ["", f"{shape.id} ({methods} {shape.pattern.text})"]
        lines += [f"  - {difference.text}" for difference in differences]
        if not differences:
            lines.append("  - the request fits; its `when`, its `if` or the end of its sequence keeps it out")
    return "\n".join(lines) + "\n"
