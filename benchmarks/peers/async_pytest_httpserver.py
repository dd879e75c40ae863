"""async-pytest-httpserver, outside of pytest, on an aiohttp application as its own fixture makes it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import HERE, Job, Peer


def command(place: Path, job: Job) -> list[str]:
    script = HERE / "serving_async_pytest_httpserver.py"
    return [str(place / "bin/python"), "-P", str(script), str(job.plain()), str(job.port)]


PEER = Peer(
    "async-pytest-httpserver", "async-pytest-httpserver", "pip", ("async-pytest-httpserver==2.1.0",), command
)
