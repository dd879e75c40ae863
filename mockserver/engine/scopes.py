"""Variables of the templates of a request."""

from __future__ import annotations

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.model.http import Request
from mockserver.templating.templates import Scope


def scope_for(ns: Namespace, request: Request, route: Route, params: dict[str, str]) -> Scope:
    """Return the scope of a request before the claim. Random values are the same every time: those of call number 0."""
    memory = ns.used_memory or ns.memory
    values = {"request": request, "path": params, "vars": route.scenario.vars, "state": memory.state}
    return Scope(values, (ns.seed, route.id, 0), memory.clock.now)
