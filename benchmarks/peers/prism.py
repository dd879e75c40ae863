"""Prism: answers with the examples of an OpenAPI description, so it knows no sequences and tells no bodies apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import Job, Peer, Rule

_NONE = "it answers with what an OpenAPI description gives as an example"


def command(place: Path, job: Job) -> list[str]:
    description = {
        "openapi": "3.0.3",
        "info": {"title": "bench", "version": "1"},
        "paths": {rule.path: operation(rule) for rule in job.rules},
    }
    file = job.file("openapi.json", json.dumps(description))
    run = place / "node_modules/@stoplight/prism-cli/dist/index.js"
    return [
        "node",
        str(run),
        "mock",
        "--port",
        str(job.port),
        "--host",
        "127.0.0.1",
        "-v",
        "error",
        str(file),
    ]


def operation(rule: Rule) -> dict[str, Any]:
    status, answer = rule.answers[0]
    content = {"application/json": {"schema": {"type": "object"}, "example": answer}}
    found: dict[str, Any] = {"responses": {str(status): {"description": "", "content": content}}}
    if rule.method == "POST":
        form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
        found["requestBody"] = {"content": form}
    return {rule.method.lower(): found}


PEER = Peer(
    "prism",
    "Prism",
    "npm",
    ("@stoplight/prism-cli@5.16.0",),
    command,
    cannot=dict.fromkeys(("bodies", "sequence", "template"), _NONE),
)
