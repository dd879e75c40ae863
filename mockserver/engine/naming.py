"""Lookup of routes by name. An unknown or ambiguous name is an error that lists the ids, never "no calls"."""

from __future__ import annotations

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.errors import Flaw, InvalidInputError, KeyPath, near


class UnknownRouteError(InvalidInputError):
    """No route has that id or name, or several have the name."""


def route_named(ns: Namespace, name: str, path: KeyPath = ("route",)) -> Route:
    """Return the route with that id, or with that name if it is unique. Raises UnknownRouteError."""
    result = ns.route(name)
    if result is not None:
        return result
    routes = list(ns.routes())
    named = [route for route in routes if route.name == name]
    if len(named) == 1:
        return named[0]
    ids = [route.id for route in (named or routes)]
    listed = ", ".join(ids[:20]) + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")
    if named:
        raise UnknownRouteError(
            Flaw(path, f"{name!r} is the name of {len(named)} routes", f"Use one of their ids: {listed}")
        )
    close = near(name, [*ids, *(route.name for route in routes)])
    suggestion = close if close.startswith("Did") else ""
    known = f"The routes are: {listed}" if ids else "There are no routes"
    raise UnknownRouteError(Flaw(path, f"there is no route {name!r}", f"{suggestion} {known}".strip()))
