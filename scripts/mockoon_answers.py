"""What a real Mockoon answers to the cases of our tests: `scripts/mockoon-answers [FOLDER]`, where FOLDER has it installed."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "files" / "formats")]

import test_mockoon as cases  # noqa: E402  (found by the path above)

VERSION = "9.9.0"
SERVER = """
const { MockoonServer } = require('@mockoon/commons-server');
const environments = JSON.parse(require('fs').readFileSync(0));
const options = { environmentDirectory: '.', disabledRoutes: [], envVarsPrefix: 'X_', enableAdminApi: false, disableTls: true, maxTransactionLogs: 1, enableRandomLatency: false };
Promise.all(environments.map((environment) => new Promise((resolve) => {
  const server = new MockoonServer({ ...environment, port: 0 }, options);
  server.on('error', (code, error) => console.error(code, error && error.message));
  server.on('started', () => resolve(server.serverInstance.address().port));
  server.start();
}))).then((ports) => console.log(JSON.stringify(ports)));
"""


def environment(*routes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Mockoon serves only routes in the tree of folders."""
    tree = [{"type": "route", "uuid": route["uuid"]} for route in routes]
    return cases.environment(*routes, hostname="127.0.0.1", rootChildren=tree, **changes)


def suites() -> Iterator[tuple[dict[str, Any], list[tuple[Any, Any]]]]:
    """Each environment with its requests, and what the tests expect: a body, or a status."""
    schema = {"uuid": "s", "id": "s1", "name": "schema", "documentation": "", "value": '{"required": ["a"]}'}
    for rule, fits, not_ in cases.RULES:
        route = cases.route(":p", cases.OTHER, cases.ruled(rule), method="all")
        wanted = [*((request, "ruled") for request in fits), *((request, "other") for request in not_)]
        yield environment(route, data=[schema]), wanted
    users = {"uuid": "u", "id": "us1", "name": "Users", "documentation": "", "value": '[{"n": 1}]'}
    routes = [
        cases.route(f"t{n}", cases.response(body=theirs)) for n, (theirs, _) in enumerate(cases.PRINTED)
    ]
    printed = [(("GET", f"/t{n}?a=2"), text) for n, (_, text) in enumerate(cases.PRINTED)]
    yield environment(*routes, data=[users]), printed
    for endpoint, fits, not_ in cases.PATHS:
        wanted = [*((("PUT", path), 200) for path in fits), *((("GET", path), 404) for path in not_)]
        yield environment(cases.route(endpoint, method="all")), wanted


def answer(
    port: int, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    kind = {"content-type": "application/json"} if body else {}
    connection.request(method, path, body, {**kind, **(headers or {})})
    response = connection.getresponse()
    return response.status, response.read().decode()


def differences(folder: str) -> Iterator[str]:
    """Yield each request with another answer than the tests expect."""
    every = list(suites())
    server = subprocess.Popen(
        ["node", "-e", SERVER], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(json.dumps([made for made, _ in every]))
        server.stdin.close()
        ports = json.loads(server.stdout.readline())
        for port, (made, requests) in zip(ports, every, strict=True):
            for request, wanted in requests:
                status, body = answer(port, *request)
                told = status if isinstance(wanted, int) else body
                if told != (wanted if isinstance(wanted, int) else wanted.replace("PORT", "0")):
                    yield f"{made['routes'][0]['endpoint']}: {request}: expected {wanted!r}, got {told!r}"
    finally:
        server.kill()


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = sys.argv[1] if len(sys.argv) > 1 else made
        if folder == made:
            install = [
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--silent",
                f"@mockoon/commons-server@{VERSION}",
            ]
            subprocess.run(install, cwd=made, check=True)
        found = list(differences(folder))
    print(*found, f"{len(found)} differences", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
