"""Mockoon's command line, with its log of the last 100 transactions, as it comes."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import Job, Peer, Rule, text


def command(place: Path, job: Job) -> list[str]:
    routes = written(job.rules)
    environment = {
        "uuid": str(uuid.uuid4()),
        "lastMigration": 33,
        "name": "bench",
        "port": job.port,
        "hostname": "127.0.0.1",
        "endpointPrefix": "",
        "latency": 0,
        "folders": [],
        "routes": routes,
        "rootChildren": [{"type": "route", "uuid": route["uuid"]} for route in routes],
        "proxyMode": False,
        "cors": False,
        "headers": [{"key": "Content-Type", "value": "application/json"}],
        "data": [],
        "callbacks": [],
    }
    data = job.file("data.json", json.dumps(environment))
    run = place / "node_modules/@mockoon/cli/bin/run.js"
    return ["node", str(run), "start", "--data", str(data), "--repair", "--disable-log-to-file"]


def written(rules: list[Rule]) -> list[dict[str, Any]]:
    """What is told apart by a field is one route with many responses there."""
    if rules[0].kind is not None:
        answers = [reply(rule.answers[0], rule.kind, first=i == 0) for i, rule in enumerate(rules)]
        return [route(rules[0], answers)]
    return [
        route(
            rule, [reply(answer, first=i == 0, amount=rule.amount) for i, answer in enumerate(rule.answers)]
        )
        for rule in rules
    ]


def route(rule: Rule, responses: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uuid": str(uuid.uuid4()),
        "type": "http",
        "documentation": "",
        "method": rule.method.lower(),
        "endpoint": rule.path.strip("/"),
        "responses": responses,
        "responseMode": "SEQUENTIAL" if len(rule.answers) > 1 else None,
    }


def reply(
    answer: tuple[int, Any], kind: str | None = None, *, first: bool, amount: bool = False
) -> dict[str, Any]:
    rules = []
    if kind is not None:
        rules = [{"target": "body", "modifier": "kind", "value": kind, "invert": False, "operator": "equals"}]
    return {
        "uuid": str(uuid.uuid4()),
        "body": text(answer[1], "{{body 'amount'}}" if amount else ""),
        "bodyType": "INLINE",
        "latency": 0,
        "statusCode": answer[0],
        "label": "",
        "headers": [],
        "rules": rules,
        "rulesOperator": "OR",
        "disableTemplating": not amount,
        "fallbackTo404": False,
        "default": first,
    }


PEER = Peer("mockoon", "Mockoon", "npm", ("@mockoon/cli@9.9.0",), command)
