"""Every call of the admin API, in one table."""

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
from mockserver.admin.api import Endpoint, endpoints


@cache
def all_endpoints() -> tuple[Endpoint, ...]:
    """What is served and what `openapi.json` says."""
    return tuple(
        endpoints(
            scenarios.table,
            routes.table,
            stream.table,  # before `/calls/{id}`
            calls.table,
            har.table,
            checks.table,
            control.table,
            world.table,
            troubles.table,
            recordings.table,
            namespaces.table,
            webhooks.table,
            attempts.table,
            metrics.table,
            violations.table,
            ui.table,
        )
    )
