"""Which route takes a request, and, where none does, what kind of miss it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route, Scenario, When
from mockserver.engine.scenario_set import OnPath
from mockserver.engine.scopes import scope_before_claim, scope_for
from mockserver.matching.field_index import WORTH
from mockserver.matching.index import Found as Candidate
from mockserver.model.http import Request
from mockserver.model.sequence_state import Position
from mockserver.schema.scenario import CorsSpec
from mockserver.templating.templates import Scope, TemplateError


@dataclass(slots=True)
class RouteMatch:
    """The route that takes a request, its path parameters, and where its sequence stands."""

    route: Route
    params: dict[str, str]
    position: Position
    index: int
    per: str | None


def candidates(ns: Namespace, method: str, path: str) -> tuple[Candidate[Route], ...]:
    """What may answer in this namespace, in order."""
    shared = ns.shared.world.index.candidates(method, path)
    overlay = ns.overlay
    off = ns.off
    if overlay is None:
        if not off or not shared:
            return shared
        return tuple(one for one in shared if one[0].target.scenario.name not in off)
    own = tuple(
        one
        for one in overlay.index.candidates(method, path)
        if one[0].target.id in overlay.routes or overlay.is_active(one[0].target.scenario)
    )
    kept = tuple(one for one in shared if one[0].target.scenario.name not in off) if off else shared
    if own and kept:
        return tuple(sorted(own + kept, key=lambda one: one[0].key))
    return own or kept


def on_path(ns: Namespace, path: str) -> OnPath:
    """Every active route on that path, whatever the method, in order."""
    off, overlay = ns.off, ns.overlay
    if overlay is None and not off:
        return ns.shared.world.on_path(path)
    found = [one for one in ns.shared.world.index.at(path) if one[0].target.scenario.name not in off]
    if overlay is not None:
        found += [
            one
            for one in overlay.index.at(path)
            if one[0].target.id in overlay.routes or overlay.is_active(one[0].target.scenario)
        ]
        found.sort(key=lambda one: one[0].key)
    return OnPath([one[0].target for one in found])


def likely(ns: Namespace, request: Request) -> list[Route]:
    """A few active routes whose paths are like the request's, in order, whatever the number of all."""
    method, path, off, overlay = request.method, request.path, ns.off, ns.overlay
    found = ns.shared.world.index.likely(method, path, lambda route: route.scenario.name not in off)
    if overlay is not None:
        found += overlay.index.likely(
            method, path, lambda route: route.id in overlay.routes or overlay.is_active(route.scenario)
        )
    return sorted(found, key=lambda route: route.key)


def find(ns: Namespace, request: Request, *, head_by_get: bool = True) -> RouteMatch | None:
    """
    The first candidate whose conditions hold and whose sequence has not
    stopped. Nothing moves but what time has moved already. Without `head_by_get` a route
    takes a HEAD only where it names that method, or none.
    """
    world = ns.shared.world
    if ns.overlay is None and not world.off:
        found = world.index.candidates(request.method, request.path)
    else:
        found = candidates(ns, request.method, request.path)
    if not head_by_get and request.method == "HEAD":
        found = tuple(one for one in found if "HEAD" in (one[0].target.methods or ("HEAD",)))
    if len(found) >= WORTH:
        found = world.narrowed(request.method, request.path, found, request)
    scope: Scope | None = None
    for entry, params in found:
        route = entry.target
        if route.matcher is not None and not route.matcher.holds(request):
            continue
        if route.host is not None and not host_fits(route.host, request.host):
            continue
        if not route.unconditional:
            if route.when and not when_holds(ns, route.when, partial(scope_for, ns, request, route, params)):
                continue
            if route.condition is not None:
                scope = scope_before_claim(ns, request, route, params, scope)
                if not route.condition.holds(scope):
                    continue
        per = None if route.per is None else per_of(ns, route, request, params)
        position = ns.position(route, per)
        index = 0 if route.sequence.single else route.sequence.settle(position, ns.clock.now_s())
        if index is not None:
            return RouteMatch(route, params, position, index, per)
    return None


def per_of(ns: Namespace, route: Route, request: Request, params: dict[str, str]) -> str | None:
    """The value of the route's `per` in this request; None without one."""
    if route.per is None:
        return None
    return route.per.key(request, params, partial(scope_for, ns, request, route, params))


def when_holds(ns: Namespace, when: When, scope: Callable[[], Scope]) -> bool:
    """Whether the state is as asked. A key that can't be rendered holds nothing."""
    for key, condition in when:
        try:
            name = key if isinstance(key, str) else key.render(scope())
        except TemplateError:
            return False
        if not condition.holds(ns.memory.state.read(name)):
            return False
    return True


def host_fits(wanted: str, came: str) -> bool:
    """Whether a Host header names that host; the port counts only where the scenario names one."""
    came = came.lower()
    if wanted == came:
        return True
    name, colon, port = came.rpartition(":")
    return bool(colon) and port.isdigit() and name == wanted


def allowed_methods(on: OnPath) -> list[str]:
    """What `Allow` says of a path: HEAD comes with GET, OPTIONS always."""
    methods = {method for each in on.methods for method in each or ("GET", "POST", "PUT", "PATCH", "DELETE")}
    if "GET" in methods:
        methods.add("HEAD")
    methods.add("OPTIONS")
    return sorted(methods)


def cors_for(ns: Namespace, request: Request, on: OnPath, near: Iterable[Route] = ()) -> CorsSpec | None:
    """
    The CORS rules for a request that no route takes: those of the routes on its path, or `near` it, else of the first
    active scenario that its path and host lead to.
    """
    rules = on.cors or next((route.scenario.cors for route in near if route.scenario.cors is not None), None)
    if rules is not None:
        return rules
    return next(
        (
            one.cors
            for one in ns.scenarios()
            if one.cors is not None and ns.is_active(one) and _leads_to(request, one)
        ),
        None,
    )


def _leads_to(request: Request, scenario: Scenario) -> bool:
    base = scenario.spec.base.rstrip("/")
    if scenario.host is not None and not host_fits(scenario.host, request.host):
        return False
    return not base or request.path == base or request.path.startswith(base + "/")
