"""pytest-httpserver, outside of pytest. It compares whole JSON bodies; a sequence or an echo is a function there."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import HERE, Job, Peer


def command(place: Path, job: Job) -> list[str]:
    script = HERE / "serving_pytest_httpserver.py"
    return [str(place / "bin/python"), "-P", str(script), str(job.plain()), str(job.port)]


PEER = Peer("pytest-httpserver", "pytest-httpserver", "pip", ("pytest-httpserver==1.2.0",), command)
