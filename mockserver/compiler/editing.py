"""
Changes of scenarios and routes in a namespace, and resets. Each change is made completely or not at all.

Files are not changed, and other namespaces are not affected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mockserver.compiler.routes import compile_runtime_route, default_name, numbered
from mockserver.compiler.scenarios import compile_scenario
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route, Scenario
from mockserver.engine.scenario_set import RUNTIME_CLASS, UPLOADED_CLASS, Overlay
from mockserver.errors import Flaw, InvalidInputError, MockServerError, dotted, invalid, near
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import edited, from_text
from mockserver.schema.scenario import RUNTIME, RouteSpec

RESETS = ("calls", "memory", "positions", "routes", "clock", "seed")


class EditConflictError(MockServerError):
    """The name is used already; `hint` has the fix."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


# Scenarios


def place_scenario(ns: Namespace, scenario: Scenario) -> Scenario:
    """Add or replace a compiled scenario, with the order from `order_of`."""
    source = scenario.source
    overlay = ns.own()
    _drop(overlay, source.name)
    overlay.scenarios[source.name] = scenario
    overlay.removed -= {source.name}
    for route in scenario.routes:
        overlay.put(route)
    for key, value in source.spec.state.items():
        if key not in ns.memory.state:
            ns.memory.state.write(key, value)
    ns.changed()
    return scenario


def order_of(ns: Namespace, name: str) -> tuple[int, ...]:
    """Return the order of a scenario: that of the replaced one, or before all others, after the runtime routes."""
    old = ns.scenario(name) or ns.scenario_set.scenarios.get(name)
    if old is not None:
        return old.order
    overlay = ns.own()
    overlay.serial += 1
    return UPLOADED_CLASS, -overlay.serial


def _drop(overlay: Overlay, name: str) -> None:
    old = overlay.scenarios.pop(name, None)
    for route in old.routes if old is not None else ():
        overlay.take(route.id)


def remove_scenario(ns: Namespace, name: str) -> None:
    """Remove a scenario from this namespace."""
    overlay = ns.own()
    _drop(overlay, name)
    overlay.active.pop(name, None)
    if name in ns.scenario_set.scenarios:
        overlay.removed |= {name}
    ns.changed()


def switch(ns: Namespace, name: str, *, active: bool) -> None:
    ns.own().active[name] = active
    ns.changed()


def check_names(ns: Namespace, names: Iterable[str], key: str, *, files_only: bool = False) -> None:
    """Raise InvalidInputError for unknown names of scenarios; with `files_only`, only those of files are known."""
    known = set(ns.scenario_set.scenarios) if files_only else {scenario.name for scenario in ns.scenarios()}
    flaws = [
        Flaw((key, i), f"there is no scenario {name!r}", near(name, known))
        for i, name in enumerate(names)
        if name not in known
    ]
    if flaws:
        raise InvalidInputError(flaws)


def use(ns: Namespace, names: Iterable[str]) -> None:
    """Activate exactly these scenarios. Raises InvalidInputError for unknown names."""
    wanted = list(names)
    check_names(ns, wanted, "names")
    overlay = ns.own()
    overlay.use = frozenset(wanted)
    overlay.active.clear()
    ns.changed()


# Routes


def runtime_scenario(ns: Namespace) -> Scenario:
    """Return the scenario of runtime routes. It has no file and no settings."""
    overlay = ns.own()
    if overlay.runtime is None:
        overlay.runtime = Scenario(from_text("routes: []", "routes"), (RUNTIME_CLASS,))
        overlay.runtime.name = RUNTIME
    overlay.runtime.schemas = tuple(schema for item in ns.scenarios() for schema in item.schemas)
    overlay.runtime.apis = tuple(api for item in ns.scenarios() for api in item.apis)
    return overlay.runtime


def add_route(ns: Namespace, data: dict[str, Any]) -> Route:
    """Add a runtime route, which is matched before older ones. Raises InvalidInputError, EditConflictError."""
    spec = parse_spec(RouteSpec, data)
    return place_route(ns, compile_runtime_route(runtime_scenario(ns), runtime_name(ns, spec), spec, data))


def runtime_name(ns: Namespace, spec: RouteSpec) -> str:
    """Return the name of a new runtime route. Raises EditConflictError if it is used already."""
    overlay = ns.own()

    def is_taken(name: str) -> bool:
        return f"{RUNTIME}/{name}" in overlay.routes

    if spec.name is not None and is_taken(spec.name):
        raise EditConflictError(
            f"There is already a route {RUNTIME}/{spec.name}", "Replace it with PUT, or choose another name"
        )
    return spec.name or numbered(default_name("", spec), is_taken)


def place_route(ns: Namespace, route: Route) -> Route:
    """Add a compiled runtime route, or replace the one with its name."""
    overlay = ns.own()
    old = overlay.routes.get(route.id)
    serial = -old.key[2] if old is not None else overlay.serial + 1
    route.key = (-route.spec.priority, RUNTIME_CLASS, -serial)
    overlay.serial = max(overlay.serial, serial)
    overlay.put(route)
    overlay.routes[route.id] = route
    ns.changed()
    return route


def replace_route(ns: Namespace, route: Route, data: dict[str, Any]) -> Route:
    """Replace a route; it keeps its order and its id. Raises InvalidInputError."""
    changed = replacement(route, data)(ns)
    assert changed is not None
    return changed


def replacement(route: Route, data: dict[str, Any] | None) -> Callable[[Namespace], Route | None]:
    """
    Compile the replacement of a route, in any thread; None removes it.

    The returned function makes the change in the namespace of the route, which must not have changed since. Raises
    InvalidInputError.
    """
    if data is not None:
        spec = parse_spec(RouteSpec, data)
        if spec.name is not None and spec.name != route.name:
            raise invalid(
                ("name",),
                f"the route is {route.name!r}",
                "Leave `name` out: a route keeps its id. Or add a new one",
            )
        if route.scenario.name == RUNTIME:
            made = compile_runtime_route(route.scenario, route.name, spec, data)
            if route.function is not None:  # it can't be part of the data
                made.require(route.function)
            return lambda ns: place_route(ns, made)
        data = {"name": route.name, **data}
    elif route.scenario.name == RUNTIME:
        return lambda ns: _take_route(ns, route)
    scenario = _edited(route, data)

    def put(ns: Namespace) -> Route | None:
        place_scenario(ns, scenario)
        return ns.route(route.id)

    return put


def merge_route(ns: Namespace, route: Route, patch: dict[str, Any]) -> Route:
    """Replace the top-level keys that `patch` has: a `reply` or `match` as a whole; null removes the key."""
    return replace_route(ns, route, merged_data(route, patch))


def merged_data(route: Route, patch: dict[str, Any]) -> dict[str, Any]:
    """Return the route as written, with the top-level keys of `patch` in place of its own; null removes the key."""
    data = {key: value for key, value in route.data.items() if key not in patch}
    return data | {key: value for key, value in patch.items() if value is not None}


def remove_route(ns: Namespace, route: Route) -> None:
    replacement(route, None)(ns)


def _take_route(ns: Namespace, route: Route) -> None:
    overlay = ns.own()
    overlay.take(route.id)
    del overlay.routes[route.id]
    ns.changed()


def remove_runtime_routes(ns: Namespace, tag: str | None = None) -> int:
    """Remove runtime routes, all or those with a tag. Return their number."""
    if ns.overlay is None:
        return 0
    doomed = [route for route in ns.overlay.routes.values() if tag is None or tag in route.tags]
    for route in doomed:
        remove_route(ns, route)
    return len(doomed)


def runtime_document(ns: Namespace) -> dict[str, Any]:
    """Return the runtime routes as a scenario, in the order in which they are matched."""
    made = sorted(ns.overlay.routes.values(), key=lambda route: route.key) if ns.overlay is not None else []
    return {"routes": [{**_own_name(route), **route.data} for route in made]}


def _own_name(route: Route) -> dict[str, Any]:
    """Return the name, unless the route gets it by default."""
    return {} if route.name == default_name("", route.spec) else {"name": route.name}


def _edited(route: Route, data: dict[str, Any] | None) -> Scenario:
    """Return the scenario of a route with that route changed. It is compiled again, and hides the old one."""
    source = route.scenario.source
    if not _is_written(route):
        place = dotted(route.path)
        hint = f"Change the scenario with PUT /scenarios/{source.name}, or add a route, which is matched before it"
        raise invalid((), f"{route.id} is a generated route: it comes from {place}", hint)
    at = int(route.path[1])
    # Names are written down first, so that no other route's default name moves.
    written = [each for each in route.scenario.routes if _is_written(each)]
    routes: list[dict[str, Any]] = [{"name": each.name, **each.data} for each in written]
    routes[at : at + 1] = [] if data is None else [data]
    try:
        # A test may replace the answer of a function, so the reply is not validated strictly.
        changed = edited(source, {**source.data, "routes": routes})
        return compile_scenario(changed, route.scenario.order, strict=False)
    except InvalidInputError as error:
        raise InvalidInputError(_as_route(flaw, at) for flaw in error.flaws) from error


def _is_written(route: Route) -> bool:
    """Whether it is written under `routes`; routes of resources and oauth are generated."""
    return route.path[:1] == ("routes",)


def _as_route(flaw: Flaw, at: int) -> Flaw:
    inside = flaw.path[:2] == ("routes", at)
    return Flaw(flaw.path[2:] if inside else flaw.path, flaw.message, flaw.hint, flaw.at_key)


# Reset


def reset(engine: Engine, ns: Namespace, what: Iterable[str]) -> None:
    """Reset parts of a namespace to their initial state. `what` is of RESETS."""
    parts = set(what)
    if "calls" in parts:
        ns.forget_calls()
    if "memory" in parts:
        ns.replace_memory(None)
    if "positions" in parts:
        for position in ns.sequence_states.values():
            position.forget()
    if "routes" in parts:
        ns.replace_overlay(None)
        ns.set_outage(None)
        ns.set_troubles(ns.troubles.lasting() if ns.troubles is not None else ())
    if "calls" in parts:
        ns.forget_fault_uses()  # once troubles and outage have ended
    if "clock" in parts:
        ns.clock.reset()
    if "seed" in parts:
        engine.reseed(ns)
    ns.tell()
