"""Reasons why each route did not match a request: its conditions, its state, the end of its sequence."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.engine.routing import host_fits, likely, per_of
from mockserver.engine.scopes import scope_for
from mockserver.matching.mismatch.nearest import nearest
from mockserver.matching.values import show
from mockserver.model.http import ABSENT, Request
from mockserver.model.mismatch import Difference
from mockserver.model.plural import counted
from mockserver.redaction.redaction import mask_part, mask_text, mask_tree
from mockserver.templating.templates import TemplateError

Near = list[tuple[Route, list[Difference]]]


def nearest_routes(
    ns: Namespace, request: Request, limit: int = 3, *, among: Sequence[Route] | None = None
) -> Near:
    """Return the routes nearest to an unmatched request, of all active ones or `among` these, with all differences."""
    result = nearest(request, likely(ns, request) if among is None else among, limit, family=_family)
    return [
        (route, [masked(item) for item in differences or _by_state(ns, route, request)])
        for route, differences in result
    ]


def has_routes(ns: Namespace) -> bool:
    """Whether any route is active."""
    return next(ns.active_routes(), None) is not None


def _family(route: Route) -> Hashable:
    """Return the family of a route: routes of one resource in the file are one family, any other route is its own."""
    return (route.scenario.name, *(route.path[:2] if route.path[:1] == ("resources",) else (route.id,)))


def masked(difference: Difference) -> Difference:
    """
    Mask the secrets in a difference, of the actual and of the expected value. Differences appear in responses, logs and
    reports, so they are masked from the start.
    """
    expected, actual = difference.expected, difference.actual
    seen = _masked(difference.where, expected), _masked(difference.where, actual)
    text, hint = difference.text, difference.hint
    for value, instead in zip((expected, actual), seen, strict=True):
        if value != instead:
            text, hint = (_replace_value(phrase, value, instead) for phrase in (text, hint))
    shown = mask_text(text)
    if shown != text or not text.endswith(
        f"; {hint}"
    ):  # otherwise the hint is a part of a text without secrets
        hint = mask_text(hint)
    if seen == (expected, actual) and shown == difference.text and hint == difference.hint:
        return difference
    return replace(difference, expected=seen[0], actual=seen[1], text=shown, hint=hint)


def _masked(where: str, value: object) -> object:
    """Return the value, or, for a list, each of its items."""
    if isinstance(value, str):
        return mask_part(where, value)
    if isinstance(value, (list, tuple)):
        return [_masked(where, item) for item in value]
    return mask_tree(value, where.rpartition(".")[2])


def _replace_value(text: str, value: Any, instead: Any) -> str:
    """Replace the quoted value in the text; a long one is quoted only by its beginning."""
    text = text.replace(show(value), show(instead))
    # A short value could match unrelated words.
    return text.replace(value, instead) if isinstance(value, str) and len(value) > 5 else text


def _by_state(ns: Namespace, route: Route, request: Request) -> list[Difference]:
    """Return the differences of a route that are not in the request."""
    params = route.pattern.match(request.path)
    return kept_out(ns, route, request, params) if params is not None else []


def kept_out(ns: Namespace, route: Route, request: Request, params: dict[str, str]) -> list[Difference]:
    """Return every difference of a route on this path; empty if it matches."""
    result: list[Difference] = []
    if route.host is not None and not host_fits(route.host, request.host):
        result.append(
            Difference(
                "host", route.host, request.host, text=f"host: expected {route.host!r}, got {request.host!r}"
            )
        )
    if route.matcher is not None:
        result += route.matcher.differences_at(request, ns.clock.now_s())
    scope = scope_for(ns, request, route, params)
    for key, condition in route.when:
        try:
            name = key if isinstance(key, str) else key.render(scope)
        except TemplateError as error:
            result.append(
                Difference("state", None, ABSENT, text=f"state: its key can't be rendered: {error.reason}")
            )
            continue
        actual = ns.memory.state.read(name)
        if not condition.holds(actual):
            shown = "absent" if actual is ABSENT else repr(actual)
            text = f"state {name!r}: expected {condition.describe()}, is {shown}"
            result.append(Difference(f"state.{name}", condition.describe(), actual, text=text))
    if route.condition is not None and not route.condition.holds(scope):
        source = route.condition.source
        result.append(Difference("if", source, ABSENT, text=f"if: {source} does not hold"))
    if not result and not route.sequence.single:
        position = ns.peek(route, per_of(ns, route, request, params))
        if route.sequence.settle(position, ns.clock.now_s()) is None:
            steps = len(route.sequence)
            text = f"sequence: all of its {counted(steps, 'step')} have been taken, and it stops then"
            result.append(Difference("sequence", "a step that is left", "none", text=text))
    return result
