"""A server process under attack, and what must stay as it was: its memory, its descriptors, its loop, its log."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from support.server import Process, until

STALL_S = 5.0
"""A health check that takes longer says that the loop stood still. Generous: machines are shared."""
_COMPLAINTS = ("Traceback", "ERROR", "never retrieved", "never awaited", "Unclosed", "CRITICAL")


class Watched:
    """The process with a second client, who asks for its health all the time."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.pid = process.process.pid
        self.slowest_s = 0.0
        self.pings = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ping, daemon=True)
        self._thread.start()

    def _ping(self) -> None:
        while not self._over.wait(0.05):
            connection = HTTPConnection(*self.process.address, timeout=4 * STALL_S)
            started_s = time.monotonic()
            try:
                connection.request("GET", "/__admin/health")
                connection.getresponse().read()
                self.pings += 1
            except OSError:
                if self.process.process.poll() is not None:
                    return
            finally:
                connection.close()
                self.slowest_s = max(self.slowest_s, time.monotonic() - started_s)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    @property
    def memory_mib(self) -> float:
        """Of the process, resident."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def counts(self) -> dict[str, Any]:
        found: dict[str, Any] = self.process.admin.get("/counts", timeout_s=60)
        return found

    def settled(self) -> dict[str, Any]:
        """The counts once no call is under way any more."""
        until(lambda: not any(one["in_flight"] for one in self.counts()["routes"].values()), 30)
        return self.counts()

    def wrong(self) -> str:
        """What can be said against it by now; empty where nothing can."""
        if (code := self.process.process.poll()) is not None:
            return f"it ended with {code}: {self.process.stderr()[-2000:]}"
        if self.slowest_s > STALL_S:
            return f"its loop stood still: a health check took {self.slowest_s:.1f} s"
        said = self.process.stderr()
        complaint = next((word for word in _COMPLAINTS if word in said), None)
        return f"its log says:\n{said[-3000:]}" if complaint else ""


@contextlib.contextmanager
def watched(process: Process) -> Iterator[Watched]:
    one = Watched(process)
    try:
        yield one
    finally:
        one.stop()
