"""
The routes that would nearly have taken a request, and what kept each out, as a colleague would say it.

Made only for a miss. At most MOST_SHAPES routes are looked at, the likeliest by
the letters of their paths; conditions are asked only where path and method
leave a route in the running.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from heapq import nlargest, nsmallest
from typing import Protocol, TypeVar

from mockserver.matching.astray import Pattern, path_difference
from mockserver.matching.differing import distance, noting
from mockserver.matching.matcher import Matcher
from mockserver.matching.suggesting import suggest, without_secrets
from mockserver.model.http import ABSENT, Request, UnreadableBody
from mockserver.model.miss import Difference

__all__ = ["Shape", "as_text", "nearest", "report", "suggest", "without_secrets"]

MOST_SHAPES = 200
MOST_HEAVY = 20
"""So many schemas, queries over the body and the like are asked for one report."""
_SIGNATURE_BITS = 512
_FAR = 1.5
"""What is so much farther off than the nearest explains nothing."""


class Shape(Protocol):
    """What a route asks of a request. `methods` None is any; `host` None likewise."""

    @property
    def id(self) -> str: ...
    @property
    def methods(self) -> frozenset[str] | None: ...
    @property
    def pattern(self) -> Pattern: ...
    @property
    def matcher(self) -> Matcher | None: ...
    @property
    def host(self) -> str | None: ...


S = TypeVar("S", bound=Shape)


def report(request: Request, shape: Shape) -> list[Difference]:
    """Everything in the request that keeps it from the route: host, method, path, then `match` in its order."""
    return _line(request, shape) + _match(request, shape)


def nearest(request: Request, shapes: Iterable[S], limit: int = 3) -> list[tuple[S, list[Difference]]]:
    """
    The routes nearest to the request, nearest first; of equals the earlier.

    A route without any difference is kept out by something that is not in the
    request: its state, its `if`, or a sequence that stopped.
    """
    lines = [(shape, _line(request, shape)) for shape in _likely(request, shapes)]
    lines.sort(key=lambda one: distance(one[1]))
    ranked: list[tuple[float, int, S, list[Difference]]] = []
    heavy = 0
    for order, (shape, line) in enumerate(lines):
        if len(ranked) >= limit and distance(line) >= ranked[-1][0]:
            break
        heavy += shape.matcher.heavy if shape.matcher else 0
        if heavy > MOST_HEAVY:
            break
        found = line + _match(request, shape)
        ranked.append((distance(found), order, shape, found))
        ranked = nsmallest(limit, ranked, key=lambda one: one[:2])
    far = max(2 * ranked[0][0], ranked[0][0] + _FAR) if ranked else 0
    return [(shape, found) for weight, _, shape, found in ranked if weight <= far]


def _line(request: Request, shape: Shape) -> list[Difference]:
    parts = (_host(request, shape), _method(request, shape), path_difference(request.path, shape.pattern))
    return [difference for difference in parts if difference is not None]


def _host(request: Request, shape: Shape) -> Difference | None:
    wanted, came = shape.host and shape.host.lower(), request.host.lower()
    if wanted is None or came in (wanted, f"{wanted}:{came.rpartition(':')[2]}"):
        return None
    text = f"host differs: {came!r} is not {wanted!r}" if came else f"host is missing: expected {wanted!r}"
    return Difference("host", wanted, request.host or ABSENT, weight=1.5, text=text)


def _method(request: Request, shape: Shape) -> Difference | None:
    methods = shape.methods
    if methods is None or request.method in methods or (request.method == "HEAD" and "GET" in methods):
        return None
    wanted = ",".join(sorted(methods))
    hint = "methods know case" if request.method.upper() in methods else ""
    text = f"method differs: {request.method} is not {wanted}" + (f"; {hint}" if hint else "")
    return Difference("method", wanted, request.method, hint=hint, weight=0.3 if hint else 1.0, text=text)


def _match(request: Request, shape: Shape) -> list[Difference]:
    if shape.matcher is None:
        return []
    return [_elsewhere(request, difference) for difference in shape.matcher.differences(request)]


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
        with suppress(UnreadableBody):
            found["form"] = request.form.keys()
        with suppress(UnreadableBody):
            found["json"] = request.json.keys() if isinstance(request.json, dict) else ()
        return found

    return request.once("names", read)


def _likely(request: Request, shapes: Iterable[S]) -> Sequence[S]:
    """At most MOST_SHAPES of them: those whose paths share most letters with the request's."""
    every = list(shapes)
    if len(every) <= MOST_SHAPES:
        return every
    came = _signature(request.path[:_SIGNATURE_BITS])
    size = came.bit_count()
    scores = []
    for i, shape in enumerate(every):
        wanted = _signature(shape.pattern.text)
        shared = (came & wanted).bit_count()
        scores.append((shared / (1 + size + wanted.bit_count() - shared), -i))
    return [every[-i] for _, i in nlargest(MOST_SHAPES, scores)]


@lru_cache(maxsize=20_000)
def _signature(path: str) -> int:
    """The pairs of letters in a path's literal parts, each a bit: two paths are compared in a tenth of a µs."""
    bits, inside, before = 0, 0, "/"
    for char in path.lower():
        inside += (char == "{") - (char == "}")
        if not inside and char != "}":
            bits |= 1 << (ord(before) * 31 + ord(char)) % _SIGNATURE_BITS
            before = char
    return bits


def as_text(request: Request, ranked: Sequence[tuple[Shape, Sequence[Difference]]]) -> str:
    """The whole nearest miss, for a client that takes no JSON and for the log."""
    lines = [f"No route takes {request.method} {request.path}"]
    if not ranked:
        lines.append("There is no route at all.")
    for shape, differences in ranked:
        methods = ",".join(sorted(shape.methods)) if shape.methods else "ANY"
        lines += ["", f"{shape.id} ({methods} {shape.pattern.text})"]
        lines += [f"  - {difference.text}" for difference in differences]
        if not differences:
            lines.append("  - the request fits; its `when`, its `if` or the end of its sequence keeps it out")
    return "\n".join(lines) + "\n"
