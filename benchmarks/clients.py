"""The clients of a soak: connections that stay, each request answered or broken as it was to be, and a ledger of what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from random import Random

from benchmarks.asking import answer
from benchmarks.mixture import Kind, drawn, written

LEAVES_AFTER_S = 0.2
"""Long enough that the server has read the request even where it is busy."""
PATIENCE_S = 30.0


class Ledger:
    """What was asked, by namespace and route, and how long answers took."""

    def __init__(self) -> None:
        self.asked: dict[str, Counter[str | None]] = {}
        self.total = 0
        self.latencies_s: list[float] = []
        self.wrong: list[str] = []

    def count(self, namespace: str, route: str | None) -> None:
        self.asked.setdefault(namespace, Counter())[route] += 1
        self.total += 1

    def note(self, namespace: str, kind: Kind, took_s: float) -> None:
        self.count(namespace, kind.route)
        if kind.ends == "answers":
            self.latencies_s.append(took_s)


class Client:
    """One connection at a time; a broken one is opened again."""

    def __init__(self, port: int, ledger: Ledger, chance: Random) -> None:
        self._port = port
        self._ledger = ledger
        self._chance = chance
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, namespace: str, kind: Kind | None = None) -> None:
        """One request. What is not as it should be stands in the ledger."""
        kind = kind or drawn(self._chance)
        prefix = "" if namespace == "default" else f"/@{namespace}"
        started_s = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._exchange(kind, written(kind, prefix, self._chance))
        except (OSError, EOFError, ValueError, TimeoutError) as why:
            self.close()
            if kind.ends == "answers":
                self._ledger.wrong.append(f"{kind.line}: {why!r}")
        self._ledger.note(namespace, kind, time.monotonic() - started_s)

    async def _exchange(self, kind: Kind, data: bytes) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(data)
        if kind.ends == "leaves":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVES_AFTER_S):
                    await reader.read(1)
            raise EOFError
        if kind.ends == "breaks":
            while await reader.read(65536):
                pass
            raise EOFError
        await answer(reader)

    def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            # Retrieved, so that a reset that was asked for is no exception that nobody heard of.
            asyncio.ensure_future(writer.wait_closed()).add_done_callback(lambda done: done.exception())


class Receiver:
    """Takes webhooks; on `/retried` it fails twice of three times, so that each delivery has three tries."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            at = lower.find(b"content-length:")
            if at >= 0:
                await reader.readexactly(int(lower[at + 15 : lower.index(b"\r\n", at)]))
            path = head.split(b" ", 2)[1].decode()
            self.got[path] += 1
            fails = path == "/retried" and self.got[path] % 3
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (b"503 Down" if fails else b"200 OK"))  # fmt: skip
            await writer.drain()
        except (OSError, EOFError):
            return
        finally:
            writer.close()

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()
