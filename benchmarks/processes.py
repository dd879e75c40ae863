"""A server as a process: started on its core, measured from outside, and ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import machine
from benchmarks.asks import Ask, await_first

START_S = 120.0
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Running:
    """A process group that serves on `port`; `start_s` is the time from its start to its first right answer."""

    def __init__(self, popen: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.popen = popen
        self.port = port
        self.log = log
        self.start_s = 0.0
        self.start_cpu_s = 0.0

    def pids(self) -> list[int]:
        """Its own and, depth first, those of all below it."""
        found = [self.popen.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found

    def cpu_s(self) -> float:
        """Processor time so far, of the whole tree; in steps of 10 ms."""
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / TICKS
        return total

    def fine_cpu_s(self) -> float:
        """The same to the microsecond, but without threads that have ended: for a start."""
        return self._scheduled_s(0) or self.cpu_s()

    def waited_s(self) -> float:
        """How long its threads could have run and had no core; 0 where the system doesn't say."""
        return self._scheduled_s(1)

    def _scheduled_s(self, field: int) -> float:
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    total += int((task / "schedstat").read_text().split()[field])
        return total / 1e9

    def rss_bytes(self) -> int:
        """Resident memory, of the whole tree; 0 where the system doesn't say."""
        pages = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * (os.sysconf("SC_PAGE_SIZE") if pages else 0)

    def died(self) -> str:
        """Why it is gone, with the end of its log; empty while it runs."""
        if self.popen.poll() is None:
            return ""
        told = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        return f"ended with {self.popen.returncode} before it served: {''.join(told)}"

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(10)
        # What the leader left behind in its group dies with the SIGKILL above.


@contextmanager
def running(
    command: list[str], port: int, first: Ask, env: dict[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Running]:
    """A server on its core, from its first right answer on. Raises Failed where it never comes."""
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log") as log:
        began = time.monotonic()
        popen = subprocess.Popen(
            machine.for_servers(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        server = Running(popen, port, Path(log.name))
        try:
            await_first(port, first, began + START_S, server.died)
            server.start_s = time.monotonic() - began
            server.start_cpu_s = server.fine_cpu_s()
            yield server
        finally:
            server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mockserver-bench-") as name:
        yield Path(name)
