"""
What HTTP clients report for each fault: asks a running server, and writes the tables of docs/faults.md, docs/http2.md
and, for clients that use the server as their HTTPS proxy, of docs/https-proxy.md.

    .venv/bin/python scripts/fault_table.py            prints the tables
    .venv/bin/python scripts/fault_table.py --write    puts them into the pages

axios is installed by npm into a folder that is removed again; without npm it has no column.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "faults.md"
PROXY_PAGE = PROJECT / "docs" / "https-proxy.md"
HOST = "faults.example"
"""Of the scenario, where the server is the proxy."""
HTTP2_PAGE = PROJECT / "docs" / "http2.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"
HANG_TIMEOUT_S = 0.5
"""Of the clients where the fault is a hang; elsewhere they wait long, so that a slow machine changes no cell."""

Client = Callable[[str, float], str]
"""What it reports of a GET to a URL, with its timeout in seconds."""

FAULTS = {
    "reset": "text: 0123456789, fault: reset",
    "reset, after: headers": "text: 0123456789, fault: {kind: reset, after: headers}",
    "reset, after: 4": "text: 0123456789, fault: {kind: reset, after: 4}",
    "close": "text: 0123456789, fault: close",
    "close, after: headers": "text: 0123456789, fault: {kind: close, after: headers}",
    "close, after: 4": "text: 0123456789, fault: {kind: close, after: 4}",
    "close, after: 1 events": "events: [one, two], fault: {kind: close, after: 1 events}",
    "truncate": "text: 0123456789, fault: truncate",
    "garbage": "text: 0123456789, fault: garbage",
    "garbage, after: headers": "text: 0123456789, fault: {kind: garbage, after: headers}",
    "malformed_chunk": "text: 0123456789, fault: malformed_chunk",
    "hang": "text: 0123456789, fault: hang",
    "hang, after: 4": "text: 0123456789, fault: {kind: hang, after: 4}",
    "no_window": "text: 0123456789, fault: no_window",
}
HTTP2_FAULTS = {
    "reset": FAULTS["reset"],
    "reset, after: 4": FAULTS["reset, after: 4"],
    "reset, code: REFUSED_STREAM": "text: 0123456789, fault: {kind: reset, code: REFUSED_STREAM}",
    "close": FAULTS["close"],
    "close, after: 4": FAULTS["close, after: 4"],
    "close, code: ENHANCE_YOUR_CALM": "text: 0123456789, fault: {kind: close, code: ENHANCE_YOUR_CALM}",
    "truncate": FAULTS["truncate"],
    "garbage": FAULTS["garbage"],
    "garbage, after: headers": FAULTS["garbage, after: headers"],
    "malformed_chunk": FAULTS["malformed_chunk"],
    "hang": FAULTS["hang"],
    "hang, after: 4": FAULTS["hang, after: 4"],
    "no_window": FAULTS["no_window"],
}


def path_of(fault: str) -> str:
    return "/" + re.sub(r"\W+", "-", fault)


def scenario(*keys: str) -> str:
    routes = [
        f"  - {{request: GET {path_of(name)}, reply: {{{reply}}}}}"
        for name, reply in {**FAULTS, **HTTP2_FAULTS}.items()
    ]
    return "\n".join(["scenario: faults", *keys, "routes:", *routes, ""])


def named(why: BaseException) -> str:
    """The exception that a caller has to catch, and the innermost one that it came from."""
    inner = why
    seen = {id(why)}
    while True:
        reason = getattr(inner, "reason", None)
        causes = [inner.__cause__, inner.__context__, reason, *inner.args]
        below = next((one for one in causes if isinstance(one, BaseException) and id(one) not in seen), None)
        if below is None:
            break
        seen.add(id(below))
        inner = below
    return f"`{type(why).__name__}`" + ("" if inner is why else f" ← `{type(inner).__name__}`")


def by_requests(url: str, timeout_s: float) -> str:
    import requests

    try:
        answer = requests.get(url, timeout=timeout_s)
    except requests.RequestException as why:
        return named(why)
    return f"{answer.status_code}, {len(answer.content)} bytes"


def by_httpx(url: str, timeout_s: float, *, http2: bool = False) -> str:
    import h2.exceptions  # httpx passes on what it raises for some frames
    import httpx

    try:
        with httpx.Client(http1=not http2, http2=http2, timeout=timeout_s) as client:
            answer = client.get(url)
    except (httpx.HTTPError, h2.exceptions.ProtocolError) as why:
        return f"`{type(why).__name__}`"
    return f"{answer.status_code}, {len(answer.content)} bytes"


def by_aiohttp(url: str, timeout_s: float) -> str:
    import aiohttp

    async def ask() -> str:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.get(url) as answer,
            ):
                return f"{answer.status}, {len(await answer.read())} bytes"
        except (aiohttp.ClientError, TimeoutError) as why:
            return f"`{type(why).__name__}`"

    return asyncio.run(ask())


def by_curl(url: str, timeout_s: float, *options: str) -> str:
    command = ["curl", *options, "-sS", "--max-time", str(timeout_s), "-o", "/dev/null", url]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.match(r"curl: \((\d+)\) (.*)", ran.stderr)
    return f"{found[1]}: {re.sub(' after [0-9]+ milliseconds', '', found[2])}" if found else "0"


AXIOS = """
const axios = require('axios');
axios.get(process.argv[1], {timeout: 1000 * process.argv[2], proxy: false})
  .then(r => console.log(`${r.status}, ${String(r.data).length} bytes`))
  .catch(e => console.log(`\\`${e.code}\\`: ${e.message}`));
"""


def by_axios(url: str, timeout_s: float, modules: Path) -> str:
    ran = subprocess.run(
        ["node", "-e", AXIOS, url, str(timeout_s)], cwd=modules, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip().replace("|", "\\|")


NODE = """
const client = require('http2').connect(new URL(process.argv[1]).origin);
let said = 'no event';
const done = text => { said = text; process.exit(); };
process.on('exit', () => console.log(said));
const failed = error => done(`\\`${error.code}\\`: ${error.message}`);
client.on('error', failed);
const stream = client.request({':path': new URL(process.argv[1]).pathname});
let status, size = 0;
stream.on('response', headers => { status = headers[':status']; }).on('data', data => { size += data.length; });
stream.on('error', failed).on('aborted', () => setImmediate(() => done('`aborted`')));
stream.on('close', () => setImmediate(() => done(`${status}, ${size} bytes`)));
stream.setTimeout(1000 * process.argv[2], () => done('no answer'));
"""


def by_node(url: str, timeout_s: float) -> str:
    ran = subprocess.run(
        ["node", "-e", NODE, url, str(timeout_s)], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip().replace("|", "\\|")


CLIENTS: dict[str, Client] = {
    "requests": by_requests,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "curl": lambda url, timeout_s: by_curl(url, timeout_s, "--http1.1"),
}
HTTP2_CLIENTS: dict[str, Client] = {
    "httpx": partial(by_httpx, http2=True),
    "curl": lambda url, timeout_s: by_curl(url, timeout_s, "--http2-prior-knowledge"),
    "Node.js": by_node,
}


EITHER = {
    ("garbage, after: headers", "aiohttp"): "`ClientResponseError`, or 200, 10 bytes",
    ("malformed_chunk", "aiohttp"): "`ClientResponseError`, or `ClientPayloadError`, or `TimeoutError`",
}
"""What depends on whether the head and what follows it arrive together."""
HTTP2_EITHER = {
    ("truncate", "httpx"): "`LocalProtocolError`, or `InvalidBodyLengthError`",
    # By whether head and body arrive together.
    ("garbage, after: headers", "httpx"): "`LocalProtocolError`, or `ProtocolError`",
    ("malformed_chunk", "httpx"): "`LocalProtocolError`, or `ProtocolError`",
}


def cell(url: str, admin_url: str, fault: str, ask: Client) -> str:
    """What a client reports, and how often it asked where that is more than once."""
    before = asked(admin_url, fault)
    said = ask(url + path_of(fault), HANG_TIMEOUT_S if fault.startswith(("hang", "no_window")) else 4)
    tries = asked(admin_url, fault) - before
    return said if tries == 1 else f"{said} ({tries} attempts)"


def asked(url: str, fault: str) -> int:
    with urlopen(f"{url}/__admin/counts") as answer:
        routes = json.load(answer)["routes"]
    count: int = routes.get(f"faults/GET {path_of(fault)}", {"calls": 0})["calls"]
    return count


def table(
    url: str,
    admin_url: str,
    clients: dict[str, Client],
    faults: Iterable[str] = FAULTS,
    either: Mapping[tuple[str, str], str] = EITHER,
) -> str:
    lines = ["| `fault` | " + " | ".join(clients) + " |", "| --- |" + " --- |" * len(clients)]
    for fault in faults:
        cells = [
            either.get((fault, name)) or cell(url, admin_url, fault, ask) for name, ask in clients.items()
        ]
        lines.append(f"| `{fault}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def version_of(name: str, modules: Path) -> str:
    if name == "curl":
        return subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    if name == "Node.js":
        return subprocess.run(["node", "-v"], capture_output=True, text=True, check=True).stdout.strip("v\n")
    if name == "axios":
        return str(json.loads((modules / "node_modules/axios/package.json").read_text())["version"])
    return str(__import__(name).__version__)


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """Serve a scenario in a process; the URL."""
    command = [sys.executable, "-m", "mockserver", "serve", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"mock (\S+)", process.stdout.readline())
            assert found, "the server did not start"
            yield found[1].rstrip("/")
        finally:
            process.terminate()


def main() -> None:
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    clients = {name: ask for name, ask in CLIENTS.items() if name != "curl" or shutil.which("curl")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_tunnel = through_proxy(folder)
        if shutil.which("npm"):
            subprocess.run(
                ["npm", "i", "--silent", "axios"], cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
            clients["axios"] = lambda url, timeout_s: by_axios(url, timeout_s, folder)
        newer = {
            name: ask
            for name, ask in HTTP2_CLIENTS.items()
            if shutil.which(name.split(".")[0].lower()) or name == "httpx"
        }
        (folder / "faults.yaml").write_text(scenario())
        with serving(folder / "faults.yaml") as url:
            put(PAGE, table(url, url, clients) + measured(clients, folder))
            put(HTTP2_PAGE, table(url, url, newer, HTTP2_FAULTS, HTTP2_EITHER) + measured(newer, folder))
        put(PROXY_PAGE, in_tunnel)


def through_proxy(folder: Path) -> str:
    """The table of clients that run in the environment of `mockserver run`."""
    path = folder / "proxied.yaml"
    path.write_text(scenario(f"host: {HOST}"))
    ask = [sys.executable, __file__, "--in-proxy-environment"]
    command = [sys.executable, "-m", "mockserver", "run", str(path), "--", *ask]
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def measured(clients: Iterable[str], modules: Path) -> str:
    versions = ", ".join(f"{name} {version_of(name, modules)}" for name in clients)
    return f"\nMeasured with {versions}; timeout for `hang` {HANG_TIMEOUT_S} s.\n"


def put(path: Path, text: str) -> None:
    """Print a table, or write it to its page."""
    if "--write" not in sys.argv:
        print(text)
        return
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    if "--in-proxy-environment" in sys.argv:
        print(table(f"https://{HOST}", os.environ["EXTERNAL_API_URL"], CLIENTS), end="")
    else:
        main()
