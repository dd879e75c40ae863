"""stubby. It begins a sequence with the second answer, so the last one is written first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import JSON, Job, Peer, Rule, text


def command(place: Path, job: Job) -> list[str]:
    data = job.file("data.json", json.dumps([written(rule) for rule in job.rules]))
    flags = [
        "--stubs",
        str(job.port),
        "--admin",
        str(job.spare_port),
        "--tls",
        "0",
        "--location",
        "127.0.0.1",
        "--quiet",
    ]
    return ["node", str(place / "node_modules/stubby/bin/stubby"), "--data", str(data), *flags]


def written(rule: Rule) -> dict[str, Any]:
    if rule.echo:
        reply = {"status": 200, "headers": JSON, "body": '{"id": "<% url[1] %>"}'}
        return {"request": {"url": f"^{rule.path}([^/]+)$", "method": rule.method}, "response": reply}
    request = {"url": f"^{rule.path}$", "method": rule.method}
    if rule.action is not None:
        request["json"] = json.dumps({"action": rule.action})
    replies = [{"status": status, "headers": JSON, "body": text(answer)} for status, answer in rule.answers]
    return {"request": request, "response": replies[-1:] + replies[:-1]}


PEER = Peer("stubby", "stubby", "npm", ("stubby@5.1.1",), command)
