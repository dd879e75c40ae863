"""mountebank, told to record requests, which tests need, and to keep connections open, which it doesn't by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import JSON, Job, Peer, Rule, text

_HEADERS = {**JSON, "Connection": "Keep-Alive"}


def command(place: Path, job: Job) -> list[str]:
    imposter = {
        "port": job.port,
        "host": "127.0.0.1",
        "protocol": "http",
        "recordRequests": True,
        "stubs": [written(rule) for rule in job.rules],
    }
    config = job.file("imposters.json", json.dumps({"imposters": [imposter]}))
    flags = [
        "--port",
        str(job.spare_port),
        "--pidfile",
        str(job.folder / "mb.pid"),
        "--nologfile",
        "--localOnly",
    ]
    mb = place / "node_modules/mountebank/bin/mb"
    return ["node", str(mb), "start", "--configfile", str(config), "--loglevel", "error", *flags]


def written(rule: Rule) -> dict[str, Any]:
    fields: dict[str, Any] = {"method": rule.method, "path": rule.path}
    if rule.kind is not None:
        fields["body"] = {"kind": rule.kind}
    copied = {
        "from": "body",
        "into": "${amount}",
        "using": {"method": "regex", "selector": r"(?<=amount=)\d+"},
    }
    more = {"behaviors": [{"copy": copied}]} if rule.amount else {}
    return {
        "predicates": [{"equals": fields, "caseSensitive": True}],
        "responses": [
            {
                "is": {
                    "statusCode": status,
                    "headers": _HEADERS,
                    "body": text(answer, "${amount}" if rule.amount else ""),
                },
                **more,
            }
            for status, answer in rule.answers
        ],
    }


PEER = Peer("mountebank", "mountebank", "npm", ("mountebank@2.9.1",), command)
