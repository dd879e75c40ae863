"""What else happens during a soak: namespaces that come and go, a follower of the stream, and people who look and change."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.clients import Client, Ledger
from benchmarks.mixture import KINDS

EVERY_S = 0.5
CALLS = 20
"""Of a short-lived namespace, before it is compared and removed."""
OWN = [kind for kind in KINDS if kind.route not in ("soak/hook", "soak/retried")]
"""A webhook that waits goes with its namespace, and then the receiver's sum would not be exact."""


class Admin:
    """The admin API over a connection for each call. `wrong` is what it answered with 500 or not at all."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.wrong: list[str] = []

    async def call(self, method: str, path: str, document: Any = None) -> Any:
        body = b"" if document is None else json.dumps(document).encode()
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"{method} /__admin{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**26)
        try:
            writer.write(head.encode() + body)
            first, _, rest = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
        status = int(first.split(b" ", 2)[1])
        if status >= 500:
            self.wrong.append(f"{method} {path}: {status} {rest[:200]!r}")
        return json.loads(rest) if rest else None

    async def follow(self, until_s: float) -> None:
        """Reads the stream of calls for a while, leaves it in the middle, and comes again."""
        while time.monotonic() < until_s:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"GET /__admin/@billing/calls/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(max(0.1, min(7.0, until_s - time.monotonic()))):
                    while await reader.read(65536):
                        pass
            writer.close()

    async def bother(self, namespaces: Sequence[str], until_s: float) -> None:
        """What a dashboard and a few tests ask all the time. Nothing of it resets the counts."""
        chance = Random(2)
        for number in itertools.count():
            if time.monotonic() >= until_s:
                return
            name = chance.choice(namespaces)
            for method, path, document in (
                ("GET", "/calls?limit=20", None),
                ("GET", "/counts", None),
                ("GET", "/unmatched", None),
                ("POST", "/count", {"request": "POST /echo"}),
                ("POST", "/explain", {"request": "GET /plain"}),
                ("POST", "/verify", {"route": "soak/plain", "times": {"min": 0}}),
                ("POST", "/routes", {"name": f"r{number}", "request": f"GET /added/{number}", "reply": 200}),
                ("DELETE", f"/routes/runtime%2Fr{number}", None),
                ("POST", "/clock", {"advance": "1s"}),
                ("PATCH", "/state", {"k": number}),
            ):
                await self.call(method, f"/@{name}{path}", document)
            await asyncio.sleep(EVERY_S)


class Short:
    """Namespaces that live for a few calls: made, used, compared, removed."""

    def __init__(self, port: int, admin: Admin, ledger: Ledger, until_s: float) -> None:
        self._port = port
        self._admin = admin
        self._total = ledger
        self._until_s = until_s
        self.made = 0
        self.wrong: list[str] = []

    async def run(self) -> None:
        while time.monotonic() < self._until_s:
            await self._one(f"short-{self.made}")
            self.made += 1
            await asyncio.sleep(EVERY_S)

    async def _one(self, name: str) -> None:
        await self._admin.call("POST", "/namespaces", {"name": name})
        own, chance = Ledger(), Random(name)
        client = Client(self._port, own, chance)
        for _ in range(CALLS):
            await client.ask(name, chance.choice(OWN))
        client.close()
        counts = await self._admin.call("GET", f"/@{name}/counts")
        if counts["total"] != CALLS:
            self.wrong.append(f"{name}: asked {CALLS} times, counted {counts['total']}")
        self.wrong += own.wrong
        self._total.total += own.total
        await self._admin.call("DELETE", f"/namespaces/{name}")
