"""The server of a soak: `mockserver serve` that writes, once a second, how many tasks its loop has. Arguments: FILE, then those of serve."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from mockserver import cli
from mockserver.app import App
from mockserver.server import running

FILE = Path(sys.argv.pop(1))
EVERY_S = 1.0


class Watched(App):
    """The same app."""

    async def start(self) -> None:
        await super().start()
        self._tell()

    def _tell(self) -> None:
        part = FILE.with_suffix(".part")
        part.write_text(json.dumps({"tasks": len(asyncio.all_tasks())}))
        part.replace(FILE)  # whoever reads sees the old or the new, never a half
        asyncio.get_running_loop().call_later(EVERY_S, self._tell)


running.App = Watched  # type: ignore[misc]  # where `run` looks for it
sys.argv[0] = "mockserver"
cli.main()
