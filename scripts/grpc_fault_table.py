"""
What gRPC clients report for each fault: asks a running server, and writes the table of docs/grpc.md.

    .venv/bin/python scripts/grpc_fault_table.py            prints the table
    .venv/bin/python scripts/grpc_fault_table.py --write    puts it into the page

@grpc/grpc-js is installed by npm into a folder that is removed again; without npm its column stays empty.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import fault_table
import grpc

PAGE = fault_table.PROJECT / "docs" / "grpc.md"
HANG_TIMEOUT_S = 0.5
FAULTS = {
    "status: UNAVAILABLE": "UNAVAILABLE",
    "status: UNAVAILABLE, messages: []": "{status: UNAVAILABLE, messages: []}",
    "reset": "{message: {id: a}, fault: reset}",
    "reset, code: REFUSED_STREAM": "{message: {id: a}, fault: {kind: reset, code: REFUSED_STREAM}}",
    "reset, code: ENHANCE_YOUR_CALM": "{message: {id: a}, fault: {kind: reset, code: ENHANCE_YOUR_CALM}}",
    "reset, after: headers": "{message: {id: a}, fault: {kind: reset, after: headers}}",
    "close": "{message: {id: a}, fault: close}",
    "close, after: headers": "{message: {id: a}, fault: {kind: close, after: headers}}",
    "truncate": "{message: {id: a}, fault: truncate}",
    "garbage": "{message: {id: a}, fault: garbage}",
    "hang": "{message: {id: a}, fault: hang}",
    "HTTP 503": "",
}
"""Replies by their names in the table. The last is that of a proxy: an HTTP response without a gRPC status."""
EITHER = {"HTTP 503": ("`UNAVAILABLE`, or `UNKNOWN`", "3, or 1")}
"""What grpcio reports, and how often it calls, where that depends on what it reads at once."""
RETRIES = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.01s",
                "backoffMultiplier": 1,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def paths() -> dict[str, str]:
    """The methods by fault, each of a service of its own."""
    return {name: f"/faults.S{i}/Call" for i, name in enumerate(FAULTS)}


def files() -> dict[str, str]:
    """The scenario, with its schema."""
    services = "\n".join(
        f"service S{i} {{ rpc Call(Request) returns ({'stream ' if 'messages' in name else ''}Reply); }}"
        for i, name in enumerate(FAULTS)
    )
    proto = (
        'syntax = "proto3";\npackage faults;\nmessage Request {}\nmessage Reply { string id = 1; }\n'
        + services
    )
    routes = [
        f"  - {{request: GRPC {path[1:]}, reply: {FAULTS[name]}}}"
        if FAULTS[name]
        else f"  - {{request: ANY {path}, reply: {{status: 503, text: busy}}}}"
        for name, path in paths().items()
    ]
    return {
        "faults.proto": proto,
        "faults.yaml": "\n".join(["grpc: {proto: faults.proto}", "routes:", *routes, ""]),
    }


def timeout_of(fault: str) -> float:
    return HANG_TIMEOUT_S if fault == "hang" else 20


def by_grpcio(target: str, fault: str, *, retries: bool = False) -> str:
    """The code that grpcio reports."""
    options = [
        ("grpc.enable_retries", int(retries)),
        ("grpc.service_config", json.dumps(RETRIES if retries else {})),
    ]
    with grpc.insecure_channel(target, options=options) as channel:
        grpc.channel_ready_future(channel).result(20)
        call = channel.unary_stream(paths()[fault])(b"", timeout=timeout_of(fault))
        try:
            for _ in call:
                pass
        except grpc.RpcError as error:
            return f"`{error.code().name}`"
    return "`OK`"


NODE = """
const grpc = require('@grpc/grpc-js');
const client = new grpc.Client(process.argv[1], grpc.credentials.createInsecure(), {'grpc.enable_retries': 0});
const whole = value => value;
const deadline = Date.now() + 1000 * process.argv[3];
const stream = client.makeServerStreamRequest(process.argv[2], whole, whole, Buffer.alloc(0), new grpc.Metadata(), {deadline});
stream.on('data', () => {}).on('error', () => {});
stream.on('status', status => { console.log('`' + grpc.status[status.code] + '`'); process.exit(); });
"""


def by_node(target: str, fault: str, modules: Path) -> str:
    command = ["node", "-e", NODE, target, paths()[fault], str(timeout_of(fault))]
    return subprocess.run(command, cwd=modules, capture_output=True, text=True, check=True).stdout.strip()


def attempts(url: str, fault: str) -> str:
    """How often grpcio asks with a policy that retries UNAVAILABLE, at most three times."""
    before = asked(url, fault)
    by_grpcio(url.removeprefix("http://"), fault, retries=True)
    return str(asked(url, fault) - before)


def asked(url: str, fault: str) -> int:
    with fault_table.urlopen(f"{url}/__admin/counts") as answer:
        routes = json.load(answer)["routes"]
    path = paths()[fault]
    name = f"GRPC {path[1:]}" if FAULTS[fault] else f"ANY {path}"
    count: int = routes.get(f"faults/{name}", {"calls": 0})["calls"]
    return count


def table(url: str, node: Callable[[str, str], str] | None) -> str:
    target = url.removeprefix("http://")
    lines = ["| reply | grpcio | calls with a retry policy | @grpc/grpc-js |", "| --- | --- | --- | --- |"]
    for fault in FAULTS:
        seen = EITHER.get(fault) or (by_grpcio(target, fault), attempts(url, fault))
        cells = [*seen, node(target, fault) if node else ""]
        lines.append(f"| `{fault}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files().items():
            (folder / file).write_text(text)
        node = None
        versions = [f"grpcio {grpc.__version__}"]
        if shutil.which("npm"):
            subprocess.run(
                ["npm", "i", "--silent", "@grpc/grpc-js"], cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
            package = folder / "node_modules/@grpc/grpc-js/package.json"
            versions.append(f"@grpc/grpc-js {json.loads(package.read_text())['version']}")
            node = lambda target, fault: by_node(target, fault, folder)  # noqa: E731
        with fault_table.serving(folder / "faults.yaml") as url:
            made = table(url, node)
    measured = f"\nMeasured with {' and '.join(versions)}; timeout for `hang` {HANG_TIMEOUT_S} s.\n"
    fault_table.put(PAGE, made + measured)


if __name__ == "__main__":
    main()
