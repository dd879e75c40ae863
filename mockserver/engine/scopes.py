"""Variables of a call's templates."""

from __future__ import annotations

from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.model.http import Request
from mockserver.templating.random_values import Draws
from mockserver.templating.templates import Scope


def scope_for(
    ns: Namespace,
    request: Request,
    route: Route,
    params: dict[str, str],
    *,
    call: dict[str, Any] | None = None,
    let: dict[str, Any] | None = None,
    draw: tuple[str, int] | None = None,
) -> Scope:
    """
    Return the scope of a request.

    Before the claim there is no `call`, and random values are the same every time: those of call number 0.
    """
    memory = ns.used_memory or ns.memory
    values: dict[str, Any] = {
        "request": request,
        "path": params,
        "vars": route.scenario.vars,
        "state": memory.state,
    }
    if call is not None:
        values["call"] = call
        values["let"] = let
    key, number = draw or (route.id, 0)
    return Scope(values, Draws(ns.seed, key, number), memory.clock.now)
