"""mockintosh, whose last release is of 2021: it is asked for one route, which it answers a few hundred times a second."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.peers.peer import JSON, Job, Peer, text

_SLOW = "it is not asked: one route alone takes it milliseconds"


def command(place: Path, job: Job) -> list[str]:
    endpoints = [
        {
            "path": rule.path,
            "method": rule.method,
            "response": {"status": rule.answers[0][0], "headers": JSON, "body": text(rule.answers[0][1])},
        }
        for rule in job.rules
    ]
    service = {"name": "bench", "port": job.port, "endpoints": endpoints}
    config = {"management": {"port": job.spare_port}, "services": [service]}
    return [str(place / "bin/mockintosh"), "--quiet", str(job.file("config.json", json.dumps(config)))]


PEER = Peer(
    "mockintosh",
    "mockintosh",
    "pip",
    ("mockintosh==0.13.17", "MarkupSafe==2.0.1", "tornado==6.4.2"),
    command,
    cannot=dict.fromkeys(("sdk", "bodies", "sequence", "template", "some", "many"), _SLOW),
)
