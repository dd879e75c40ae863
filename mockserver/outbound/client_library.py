"""
aiohttp's client is imported when the first request goes out: no start waits for it. Its first import takes a thread, since
it would hold the event loop for a tenth of a second.
"""

from __future__ import annotations

import asyncio
import importlib
from types import ModuleType

_loaded: ModuleType | None = None


async def client_library() -> ModuleType:
    """Return the module `outbound.session`. Requests that come during its import wait for the end of it."""
    global _loaded  # noqa: PLW0603  (sys.modules has a module before its import is over)
    if _loaded is None:
        _loaded = await asyncio.to_thread(importlib.import_module, "mockserver.outbound.session")
    return _loaded
