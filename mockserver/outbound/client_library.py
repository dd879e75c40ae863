"""
Lazy import of aiohttp's client, at the first outgoing request.

The first import runs in a thread, because it would block the event loop for a tenth of a second.
"""

from __future__ import annotations

import asyncio
import importlib
from types import ModuleType

_loaded: ModuleType | None = None


async def client_library() -> ModuleType:
    """Return the module `outbound.session`. Concurrent requests wait for the end of its import."""
    global _loaded  # noqa: PLW0603  (sys.modules has a module before its import is completed)
    if _loaded is None:
        _loaded = await asyncio.to_thread(importlib.import_module, "mockserver.outbound.session")
    return _loaded
