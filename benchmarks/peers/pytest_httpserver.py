"""pytest-httpserver, outside of pytest. A sequence, or a reply with a field of the form, is a function there."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import HERE, Job, Peer


def command(place: Path, job: Job) -> list[str]:
    script = HERE / "serving_pytest_httpserver.py"
    return [str(place / "bin/python"), "-P", str(script), str(job.plain()), str(job.port)]


PEER = Peer(
    "pytest-httpserver",
    "pytest-httpserver",
    "pip",
    ("pytest-httpserver==1.2.0",),
    command,
    cannot={"bodies": "it compares whole JSON bodies, and each of these has a number of its own"},
)
