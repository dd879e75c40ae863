"""All endpoints of the admin API."""

from __future__ import annotations

from functools import cache

from mockserver.admin import (
    attempts,
    calls,
    checks,
    control,
    har,
    metrics,
    namespaces,
    recordings,
    routes,
    scenarios,
    stream,
    troubles,
    ui,
    violations,
    webhooks,
    world,
)
from mockserver.admin.api import Endpoint

_MODULES = (
    scenarios,
    routes,
    stream,  # before `/calls/{id}`
    calls,
    har,
    checks,
    control,
    world,
    troubles,
    recordings,
    namespaces,
    webhooks,
    attempts,
    metrics,
    violations,
    ui,
)


@cache
def all_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints in the order in which paths are matched."""
    return tuple(endpoint for module in _MODULES for endpoint in module.table.endpoints)
