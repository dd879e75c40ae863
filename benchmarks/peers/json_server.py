"""json-server: a path answers with what its database has under that name, so it knows neither bodies nor sequences."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.peers.peer import Job, Peer

_NONE = "it only serves data by its path"


def command(place: Path, job: Job) -> list[str]:
    database = {rule.path.strip("/"): rule.answers[0][1] for rule in job.rules}
    file = job.file("db.json", json.dumps(database))
    run = place / "node_modules/json-server/lib/cli/bin.js"
    return ["node", str(run), "--port", str(job.port), "--host", "127.0.0.1", "--quiet", str(file)]


PEER = Peer(
    "json-server",
    "json-server",
    "npm",
    ("json-server@0.17.4",),
    command,
    cannot=dict.fromkeys(("sdk", "bodies", "sequence", "template"), _NONE),
)
