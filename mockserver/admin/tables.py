"""All endpoints of the admin API."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from mockserver.admin import endpoints
from mockserver.admin.api import Endpoint, table


def all_endpoints() -> list[Endpoint]:
    """Import the modules of `endpoints/`, which fill the table, and return it in the order of paths."""
    for module in iter_modules(endpoints.__path__):
        import_module(f"{endpoints.__name__}.{module.name}")
    return sorted(table, key=lambda endpoint: endpoint.path)
