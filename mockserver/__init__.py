"""
mockserver: a programmable mock server for external services.

    with mockserver.Server("scenarios/") as mock: ...      a server in this process
    mock = mockserver.Client("http://localhost:8080")      a client of a running server
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.client import (
        AsyncClient,
        Client,
        ClientError,
        Refused,
        Unreachable,
        VerificationFailed,
        WrongEventLoop,
    )
    from mockserver.server import Server

__version__ = "0.1.0"
__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "Refused",
    "Server",
    "Unreachable",
    "VerificationFailed",
    "WrongEventLoop",
    "__version__",
]

_HOMES = dict.fromkeys(__all__[:-1], "mockserver.client") | {"Server": "mockserver.server"}


def __getattr__(name: str) -> Any:
    """Imported when first asked for: `import mockserver` stays cheap, and a client needs no server."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
