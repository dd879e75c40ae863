"""
What WebSocket clients report for each way in which a connection ends: asks a running server, and writes the table of
docs/websocket.md.

    .venv/bin/python scripts/websocket_table.py            prints the table
    .venv/bin/python scripts/websocket_table.py --write    puts it into the page

ws and undici are installed by npm into a folder that is removed again; without npm their columns stay empty.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import fault_table

PAGE = fault_table.PROJECT / "docs" / "websocket.md"
HANG_S = 0.5
"""How long a client waits for a message after a hang."""
ENDS = {
    "status: 503": "status: 503",
    "fault: reset": "fault: reset",
    "close: 1000": "websocket: [{send: {text: x}}, {close: 1000}]",
    "close: {code: 1011, reason: broken}": "websocket: [{send: {text: x}}, {close: {code: 1011, reason: broken}}]",
    "{fault: reset}": "websocket: [{send: {text: x}}, {fault: reset}]",
    "{fault: close}": "websocket: [{send: {text: x}}, {fault: close}]",
    "{fault: invalid_frame}": "websocket: [{send: {text: x}}, {fault: invalid_frame}]",
    "{fault: hang}": "websocket: [{send: {text: x}}, {fault: hang}]",
}
NODE_CLIENTS = ("ws", "undici")
PINNED = ("ws@8", "undici@6")
Clients = dict[str, Callable[[str], str]]


def path_of(number: int) -> str:
    return f"/end{number}"


def scenario() -> str:
    routes = [
        f"  - {{request: WS {path_of(n)}, reply: {{{reply}}}}}" for n, reply in enumerate(ENDS.values())
    ]
    return "\n".join(["scenario: websockets", "routes:", *routes, ""])


def by_websockets(url: str) -> str:
    import websockets

    async def connect() -> str:
        try:
            async with websockets.connect(url, proxy=None, close_timeout=HANG_S) as connection:
                while True:
                    await asyncio.wait_for(connection.recv(), HANG_S if url.endswith(hanging()) else 10)
        except TimeoutError:
            return "nothing"
        except (OSError, websockets.WebSocketException) as error:
            code = getattr(error, "rcvd", None)
            return f"`{type(error).__name__}`" + (f", {code.code}" if code is not None else "")

    return asyncio.run(connect())


def by_aiohttp(url: str) -> str:
    import aiohttp

    async def connect() -> str:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=HANG_S)) as ws,
            ):
                while True:
                    async with asyncio.timeout(HANG_S if url.endswith(hanging()) else 10):
                        message = await ws.receive()
                    if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        error = ws.exception()
                        return f"`{message.type.name}`, {ws.close_code}" + (
                            f", `{type(error).__name__}`" if error else ""
                        )
        except aiohttp.ClientError as error:
            return f"`{type(error).__name__}`"
        except TimeoutError:
            return "nothing"

    return asyncio.run(connect())


NODE = """
const {WebSocket: Ws} = require('ws');
const {WebSocket: Undici} = require('undici');
const [hangMs, ...jobs] = process.argv.slice(2);

function connect(kind, url) {
  return new Promise((resolve) => {
    const seen = [];
    const socket = new (kind === 'ws' ? Ws : Undici)(url);
    const wait = setTimeout(() => resolve(seen.join(', ') || 'nothing'), Number(url.endsWith('HANGING') ? hangMs : 10000));
    socket.addEventListener('error', (event) => {
      const text = event.message || (event.error && event.error.message) || '';
      seen.push('`error`' + (kind === 'ws' && text ? ` (${text})` : ''));
      setTimeout(() => resolve(seen.join(', ')), hangMs);  // undici does not close what was never open
    });
    socket.addEventListener('close', (event) => {
      clearTimeout(wait);
      seen.push('`close` ' + event.code);
      resolve(seen.join(', '));
    });
  });
}

(async () => {
  const results = [];
  for (const job of jobs) {
    const [kind, url] = job.split(' ');
    results.push(await connect(kind, url));
  }
  console.log(JSON.stringify(results));
  process.exit(0);
})();
"""


def hanging() -> str:
    """The path of the connection that hangs."""
    return path_of(list(ENDS).index("{fault: hang}"))


def install_node_clients(folder: Path) -> bool:
    """Whether ws and undici could be installed in the folder."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return False
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", *PINNED]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def by_node(jobs: list[tuple[str, str]], folder: Path) -> list[str]:
    """What ws or undici report of each URL, one after the other."""
    (folder / "connect.js").write_text(NODE.replace("HANGING", hanging()))
    words = [f"{kind} {url}" for kind, url in jobs]
    command = ["node", "connect.js", str(int(HANG_S * 1000)), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    results: list[str] = json.loads(done.stdout)
    return results


def reports(url: str, folder: Path | None) -> dict[str, list[str]]:
    """What each client reports, in the order of the rows. `folder` has the clients for Node."""
    urls = [url.replace("http", "ws", 1) + path_of(n) for n in range(len(ENDS))]
    found = {
        "websockets": [by_websockets(each) for each in urls],
        "aiohttp": [by_aiohttp(each) for each in urls],
    }
    if folder is not None:
        both = by_node([(kind, each) for kind in NODE_CLIENTS for each in urls], folder)
        found |= {kind: both[i * len(urls) : (i + 1) * len(urls)] for i, kind in enumerate(NODE_CLIENTS)}
    return found


def table(found: dict[str, list[str]]) -> str:
    lines = ["| reply or step | " + " | ".join(found) + " |", "| --- |" + " --- |" * len(found)]
    for n, name in enumerate(ENDS):
        lines.append(
            f"| `{name}` | " + " | ".join(cells[n].replace("|", "\\|") for cells in found.values()) + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        has_node = install_node_clients(folder)
        (folder / "scenario").mkdir()
        fault_table.scenario = scenario  # type: ignore[assignment]
        with fault_table.serving(folder / "scenario") as url:
            text = table(reports(url, folder if has_node else None))
        versions = [f"{name} {version(name)}" for name in ("websockets", "aiohttp")]
        for package in NODE_CLIENTS if has_node else ():
            found = json.loads((folder / "node_modules" / package / "package.json").read_text())["version"]
            versions.append(f"{package} {found}")
    text = f"{text}\nMeasured with {', '.join(versions)}. `nothing`: no event within {HANG_S} s.\n"
    if "--write" not in sys.argv:
        print(text)
        return
    page = PAGE.read_text()
    before, _, rest = page.partition(fault_table.BEGIN)
    _, _, after = rest.partition(fault_table.END)
    PAGE.write_text(f"{before}{fault_table.BEGIN}\n{text}\n{fault_table.END}{after}")


if __name__ == "__main__":
    main()
