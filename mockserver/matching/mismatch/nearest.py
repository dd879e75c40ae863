"""
The routes that would nearly have taken a request, and what kept each out, as a colleague would say it.

Made only for a miss, and its cost is bounded: paths are compared first, what
`match` asks is looked at where the path is similar, and differences are worked
out for the routes that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol, TypeVar

from mockserver.matching.matcher import MOST_READ_BYTES, Matcher
from mockserver.matching.mismatch import hints as slips
from mockserver.matching.mismatch.differences import distance, noting
from mockserver.matching.mismatch.likeness import MOST_TARGETS
from mockserver.matching.mismatch.suggestions import suggest, without_secrets
from mockserver.matching.mismatch.unmatched import UNLIKE, RoutePath, path_difference, shown_path
from mockserver.model.http import ABSENT, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

__all__ = ["RouteShape", "as_text", "nearest", "report", "shown_method", "suggest", "without_secrets"]

_SHOWN_CHARS = 255
_FAR = 1.5
"""What is so much farther off than the nearest explains nothing."""


class RouteShape(Protocol):
    """What a route asks of a request. `methods` None is any; `host` None likewise."""

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
    """Everything in the request that keeps it from the route: host, method, path, then `match` in its order."""
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
    The routes nearest to the request, nearest first; of equals the earlier. None where no path is similar.

    Of one `family` there is at most one. A route without any difference is kept
    out by something that is not in the request: its state, its `if`, or a
    sequence that stopped. At most MOST_TARGETS routes are looked at.
    """
    paths: dict[str, Difference | None] = {}
    ranked: list[tuple[float, int, S, list[Difference]]] = []
    for order, shape in enumerate(islice(shapes, MOST_TARGETS)):
        text = shape.pattern.text
        if text not in paths:
            paths[text] = path_difference(request.path, shape.pattern)
        path = paths[text]
        if path is None or path.weight < UNLIKE:
            line = _line(request, shape, path)
            misfit = shape.matcher.misfit(request, asked=not line) if shape.matcher is not None else 0.0
            ranked.append((distance(line) + misfit, order, shape, line))
    ranked.sort(key=lambda one: one[:2])
    named: dict[Hashable, tuple[S, list[Difference]]] = {}
    for _, _, shape, line in ranked:
        if len(named) == limit:
            break
        named.setdefault(family(shape), (shape, line))
    with slips.bounded():
        found = [(shape, line + _match(request, shape, asked=not line)) for shape, line in named.values()]
    found.sort(key=lambda one: distance(one[1]))
    least = distance(found[0][1]) if found else 0
    return [one for one in found if distance(one[1]) <= max(2 * least, least + _FAR)]


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
    wanted = ",".join(sorted(methods))
    hint = "methods know case" if request.method.upper() in methods else ""
    came = shown_method(request.method)
    text = f"method differs: {came} is not {wanted}" + (f"; {hint}" if hint else "")
    return Difference("method", wanted, came, hint=hint, weight=0.3 if hint else 1.0, text=text)


def shown_method(method: str) -> str:
    """A method as an explanation shows it."""
    return method if len(method) <= _SHOWN_CHARS else method[: _SHOWN_CHARS - 1] + "…"


def _match(request: Request, shape: RouteShape, *, asked: bool) -> list[Difference]:
    if shape.matcher is None:
        return []
    differences = shape.matcher.quick_differences(request, asked=asked)
    return [_elsewhere(request, difference) for difference in differences]


def _elsewhere(request: Request, difference: Difference) -> Difference:
    """The difference, saying so where a missing part came in another part of the request."""
    part, _, name = difference.where.partition(".")
    if difference.actual is not ABSENT or difference.hint or not name:
        return difference
    for other, names in _names(request).items():
        if other != part and name in names:
            return noting(difference, f"it came in the {other}", 0.5)
    return difference


def _names(request: Request) -> dict[str, Iterable[str]]:
    def read() -> dict[str, Iterable[str]]:
        found: dict[str, Iterable[str]] = {"query": request.query.keys()}
        if len(request.body) > MOST_READ_BYTES:
            return found
        with suppress(UnreadableBodyError):
            found["form"] = request.form.keys()
        with suppress(UnreadableBodyError):
            found["json"] = request.json.keys() if isinstance(request.json, dict) else ()
        return found

    return request.once("names", read)


def as_text(
    request: Request, ranked: Sequence[tuple[RouteShape, Sequence[Difference]]], *, has_routes: bool = True
) -> str:
    """The whole nearest miss, for a client that takes no JSON and for the log."""
    lines = [f"No route takes {shown_method(request.method)} {shown_path(request.path)}"]
    if not ranked:
        lines.append("No route is similar." if has_routes else "There is no route at all.")
    for shape, differences in ranked:
        methods = ",".join(sorted(shape.methods)) if shape.methods else "ANY"
        lines += ["", f"{shape.id} ({methods} {shape.pattern.text})"]
        lines += [f"  - {difference.text}" for difference in differences]
        if not differences:
            lines.append("  - the request fits; its `when`, its `if` or the end of its sequence keeps it out")
    return "\n".join(lines) + "\n"
