"""All endpoints of the admin API."""

from __future__ import annotations

from functools import cache

from mockserver.admin.api import Endpoint
from mockserver.admin.endpoints import (
    attempts,
    calls,
    checks,
    clock,
    control,
    effects,
    explain,
    har,
    metrics,
    namespaces,
    outage,
    recordings,
    resources,
    routes,
    scenarios,
    state,
    stream,
    troubles,
    ui,
    violations,
    webhooks,
)

_MODULES = (
    scenarios,
    routes,
    stream,  # before `/calls/{id}`
    calls,
    har,
    checks,
    control,
    explain,
    outage,
    state,
    clock,
    resources,
    effects,
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
