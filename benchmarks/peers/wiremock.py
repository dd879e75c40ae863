"""WireMock: the jar that the npm package brings. Its journal is on, as tests need it and as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import JSON, Job, Peer, Rule, text


def command(place: Path, job: Job) -> list[str]:
    job.file(
        "mappings/all.json", json.dumps({"mappings": [one for rule in job.rules for one in mappings(rule)]})
    )
    (jar,) = (place / "node_modules/wiremock/build").glob("wiremock-standalone-*.jar")
    flags = [
        "--port",
        str(job.port),
        "--bind-address",
        "127.0.0.1",
        "--root-dir",
        str(job.folder),
        "--disable-banner",
    ]
    return ["java", "-jar", str(jar), *flags]


def mappings(rule: Rule) -> list[dict[str, Any]]:
    """One for each answer: a sequence is a chain of states."""
    request: dict[str, Any] = {"method": rule.method, "urlPath": rule.path}
    if rule.kind is not None:
        request["bodyPatterns"] = [{"matchesJsonPath": {"expression": "$.kind", "equalTo": rule.kind}}]
    if rule.amount:
        ((status, answer),) = rule.answers
        response = {
            "status": status,
            "headers": JSON,
            "body": "{{formData request.body 'form'}}" + text(answer, "{{form.amount}}"),
            "transformers": ["response-template"],
        }
        return [{"request": request, "response": response}]
    found = []
    for i, (status, answer) in enumerate(rule.answers):
        one: dict[str, Any] = {
            "request": request,
            "response": {"status": status, "headers": JSON, "body": text(answer)},
        }
        if len(rule.answers) > 1:
            states = ["Started", *(f"step {n}" for n in range(2, len(rule.answers) + 1)), "Started"]
            one |= {
                "scenarioName": "sequence",
                "requiredScenarioState": states[i],
                "newScenarioState": states[i + 1],
            }
        found.append(one)
    return found


PEER = Peer("wiremock", "WireMock", "npm", ("wiremock@3.13.2",), command, needs=("java",), warm_up_s=5)
