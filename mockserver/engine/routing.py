"""Routing: the route of a request, or the kind of mismatch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route, Scenario, When
from mockserver.engine.scenario_set import OnPath
from mockserver.engine.scopes import scope_for
from mockserver.matching.field_index import WORTH
from mockserver.matching.index import Found as Candidate
from mockserver.model.http import WEBSOCKET, Request
from mockserver.model.sequence_state import SequenceState
from mockserver.schema.scenario import CorsSpec
from mockserver.templating.templates import Scope, TemplateError

Found = tuple[Route, dict[str, str], SequenceState, int, str | None]
"""The matching route, its path parameters, its sequence state, the step, and the value of `per`."""


def candidates(ns: Namespace, method: str, path: str) -> tuple[Candidate[Route], ...]:
    """Return the candidates in this namespace, in order."""
    shared = ns.shared.scenario_set.index.candidates(method, path)
    overlay = ns.overlay
    off = ns.off
    if overlay is None:
        if not off or not shared:
            return shared
        return tuple(item for item in shared if item[0].target.scenario.name not in off)
    own = tuple(
        item
        for item in overlay.index.candidates(method, path)
        if item[0].target.id in overlay.routes or overlay.is_active(item[0].target.scenario)
    )
    kept = tuple(item for item in shared if item[0].target.scenario.name not in off) if off else shared
    if own and kept:
        return tuple(sorted(own + kept, key=lambda item: item[0].key))
    return own or kept


def on_path(ns: Namespace, path: str) -> OnPath:
    """Return every active route on that path, whatever the method, in order."""
    off, overlay = ns.off, ns.overlay
    if overlay is None and not off:
        return ns.shared.scenario_set.on_path(path)
    result = [
        item for item in ns.shared.scenario_set.index.at(path) if item[0].target.scenario.name not in off
    ]
    if overlay is not None:
        result += [
            item
            for item in overlay.index.at(path)
            if item[0].target.id in overlay.routes or overlay.is_active(item[0].target.scenario)
        ]
        result.sort(key=lambda item: item[0].key)
    return OnPath([item[0].target for item in result])


def expects_websocket(ns: Namespace, request: Request) -> bool:
    """Whether a request that offers an upgrade to WebSocket is a handshake: some route on its path takes one."""
    return request.method == "GET" and any(
        methods is not None and WEBSOCKET in methods for methods in on_path(ns, request.path).methods
    )


def likely(ns: Namespace, request: Request) -> list[Route]:
    """Return a few active routes with paths similar to the request's, in order, whatever the number of all."""
    method, path, off, overlay = request.method, request.path, ns.off, ns.overlay
    is_active = (lambda route: route.scenario.name not in off) if off else None
    result = ns.shared.scenario_set.index.likely(method, path, is_active)
    if overlay is not None:
        result += overlay.index.likely(
            method, path, lambda route: route.id in overlay.routes or overlay.is_active(route.scenario)
        )
    return sorted(result, key=attrgetter("key"))


def find(
    ns: Namespace,
    request: Request,
    head_by_get: bool = True,
    among: Sequence[Candidate[Route]] | None = None,
) -> Found | None:
    """
    Find the first candidate whose conditions hold and whose sequence has not stopped. Nothing is changed, apart from
    the effects of time. Without `head_by_get` a route matches HEAD only if it names that method, or none. `among` are
    the candidates, by default those of the request line.
    """
    scenario_set = ns.shared.scenario_set
    if among is not None:
        result = among
    elif ns.overlay is None and not scenario_set.off:
        result = scenario_set.index.candidates(request.method, request.path)
    else:
        result = candidates(ns, request.method, request.path)
    if not head_by_get and request.method == "HEAD":
        result = tuple(item for item in result if "HEAD" in (item[0].target.methods or ("HEAD",)))
    if among is None and len(result) >= WORTH:
        result = scenario_set.narrowed(request.method, request.path, tuple(result), request)
    scope: Scope | None = None
    for entry, params in result:
        route = entry.target
        if route.matcher is not None and not route.matcher.holds(request):
            continue
        if route.host is not None and not host_fits(route.host, request.host):
            continue
        if not route.unconditional:
            lapses = route.matcher.lapses if route.matcher is not None else None
            if lapses is not None and lapses(request, ns.clock.now_s()):
                continue
            if route.when and not when_holds(ns, route.when, scope_for, ns, request, route, params):
                continue
            if route.condition is not None:
                # A candidate whose condition calls no function shares the scope of another with the same variables.
                if (
                    scope is None
                    or route.condition.functions
                    or scope.values["vars"] is not route.scenario.vars
                    or scope.values["path"] != params
                ):
                    scope = scope_for(ns, request, route, params)
                if not route.condition.holds(scope):
                    continue
        per = None if route.per is None else per_of(ns, route, request, params)
        position = ns.position(route, per)
        index = 0 if route.sequence.single else route.sequence.settle(position, ns.clock.now_s())
        if index is not None:
            return route, params, position, index, per
    return None


def per_of(ns: Namespace, route: Route, request: Request, params: dict[str, str]) -> str | None:
    """Return the value of the route's `per` in this request; None without one."""
    if route.per is None:
        return None
    return route.per.key(request, params, partial(scope_for, ns, request, route, params))


def when_holds(ns: Namespace, when: When, scope: Callable[..., Scope], *arguments: Any) -> bool:
    """Whether the state conditions hold, for the scope that is made of the arguments. A key that can't be rendered does not."""
    for key, condition in when:
        try:
            name = key if isinstance(key, str) else key.render(scope(*arguments))
        except TemplateError:
            return False
        if not condition.holds(ns.memory.state.read(name)):
            return False
    return True


def host_fits(wanted: str, came: str) -> bool:
    """Whether a Host header matches; the port counts only if the scenario has one."""
    came = came.lower()
    if wanted == came:
        return True
    name, colon, port = came.rpartition(":")
    return bool(colon) and port.isdigit() and name == wanted


def allowed_methods(on: OnPath) -> list[str]:
    """Return the value of `Allow` for a path: HEAD is implied by GET, OPTIONS is always included; a handshake is a GET."""
    methods = {method for each in on.methods for method in each or ("GET", "POST", "PUT", "PATCH", "DELETE")}
    if "GET" in methods:
        methods.add("HEAD")
    if WEBSOCKET in methods:
        methods = methods - {WEBSOCKET} | {"GET"}
    methods.add("OPTIONS")
    return sorted(methods)


def cors_for(ns: Namespace, request: Request, on: OnPath, near: Iterable[Route] = ()) -> CorsSpec | None:
    """
    Return the CORS rules for an unmatched request: those of the routes on its path, or `near` it, else of the first
    active scenario that matches its path and host.
    """
    rules = on.cors or next((route.scenario.cors for route in near if route.scenario.cors is not None), None)
    if rules is not None:
        return rules
    return next(
        (
            item.cors
            for item in ns.scenarios()
            if item.cors is not None and ns.is_active(item) and _leads_to(request, item)
        ),
        None,
    )


def _leads_to(request: Request, scenario: Scenario) -> bool:
    base = scenario.spec.base.rstrip("/")
    if scenario.host is not None and not host_fits(scenario.host, request.host):
        return False
    return not base or request.path == base or request.path.startswith(base + "/")
