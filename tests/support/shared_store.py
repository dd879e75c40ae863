"""A redis-server of a test's own, at a socket in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDS_REDIS = pytest.mark.skipif(
    shutil.which("redis-server") is None and not os.environ.get("CI"),
    reason="needs redis-server: apt-get install redis-server",
)


@dataclass(frozen=True, slots=True)
class RunningStore:
    """`url` is that of `--store`."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def redis_at(folder: Path) -> Iterator[RunningStore]:
    """Run a server that keeps nothing on disk."""
    command = ["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--daemonize", "no"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert any("ready to accept connections" in line.lower() for line in server.stdout)
            yield RunningStore(f"unix://{folder}/redis.sock", server)
        finally:
            server.kill()
