"""
Run a command with the URL of the mock server in its environment, and end its process group after the time limit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

TAIL_BYTES = 8000
"""Number of bytes kept from the end of the output."""
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """Result of a run; `code` is None after the time limit."""

    code: int | None
    duration_s: float
    output: str

    @property
    def passed(self) -> bool:
        return self.code == 0


class Commands:
    """Run the command, from any thread."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._over = False

    def run(self, url: str, limit_s: float | None) -> Ended:
        """Raises OSError where it can't be started."""
        started_s = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = self._start(url, output.fileno())
            try:
                code: int | None = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end(process)
                with self._lock:
                    self._running.discard(process)
            duration_s = time.monotonic() - started_s
            output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL_BYTES))
            return Ended(code, duration_s, output.read().decode(errors="replace"))

    def _start(self, url: str, output: int) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._over:
                raise InterruptedError("the sweep was stopped")
            process = subprocess.Popen(  # noqa: S603  (what the user has asked for)
                self._command,
                env={**os.environ, "EXTERNAL_API_URL": url},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that it can be ended with all that it starts
            )
            self._running.add(process)
            return process

    def stop(self) -> None:
        """End all running commands, and start no more."""
        with self._lock:
            self._over = True
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process group: with SIGTERM first if the command still runs."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
