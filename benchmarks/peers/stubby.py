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
    request = {"url": f"^{rule.path}$", "method": rule.method}
    if rule.kind is not None:
        request["json"] = json.dumps({"kind": rule.kind})
    if rule.amount:
        request["post"] = r"amount=(\d+)"
    amount = "<% post[1] %>" if rule.amount else ""
    replies = [
        {"status": status, "headers": JSON, "body": text(answer, amount)} for status, answer in rule.answers
    ]
    return {"request": request, "response": replies[-1:] + replies[:-1]}


PEER = Peer("stubby", "stubby", "npm", ("stubby@5.1.1",), command)
