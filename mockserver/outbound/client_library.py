"""
aiohttp's client is imported when the first request goes out: no start waits for it. Its first import takes a thread, since
it would hold the event loop for a tenth of a second.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from types import ModuleType

_ASKING = "mockserver.outbound.session"


async def client_library() -> ModuleType:
    """The module `asking`."""
    module = sys.modules.get(_ASKING)
    return module if module is not None else await asyncio.to_thread(importlib.import_module, _ASKING)
