"""
Many connections that say nothing and many that say it slowly: how long does an honest client wait among them?

Its time runs from the beginning of its connect to the last byte of its answer, and each time it comes anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import processes, servers
from benchmarks.asks import Ask
from benchmarks.crowd import address, allowed, answer_length, ports
from benchmarks.figures import Result, percentile
from benchmarks.scale import Scale
from benchmarks.works import OK, ONE

GOAL_S = 0.05
SLOW = (
    b"GET /one HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 400,
    b"POST /one HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" + b"a" * 400,
)
"""Heads and bodies that never come to their end."""
_HONEST = b"GET /one HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_BEGUN = 30
_DRIP_S = 0.5
_APART_S = 0.02
# So many connects wait for the server at a time.
_AT_ONCE = 200


@dataclass
class Tally:
    """What the honest client waited, in seconds; how many besieged the server, and what went wrong, in words."""

    idle: int
    slow: int
    times_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Besieger(asyncio.Protocol):
    """One connection. `text` is sent byte by byte, none where it is idle."""

    def __init__(self, tally: Tally, text: bytes = b"") -> None:
        self._tally = tally
        self._text = text
        self._sent = 0
        self.transport: Any = None
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send(_BEGUN)

    def drip(self) -> None:
        self._send(1)

    def _send(self, count: int) -> None:
        if piece := self._text[self._sent : self._sent + count]:
            self._sent += len(piece)
            self.transport.write(piece)

    def data_received(self, data: bytes) -> None:
        if not self.over:
            self._tally.errors.append(f"was answered {data[:40]!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over:
            self._tally.errors.append(f"connection lost: {exc or 'closed by the server'}")
        self.over = True


async def siege(port: int, idle: int, slow: int, asks: int) -> Tally:
    """`idle` connections and `slow` senders, and among them a client that comes `asks` times."""
    tally = Tally(idle, slow)
    gate = asyncio.Semaphore(_AT_ONCE)
    available = ports()
    loop = asyncio.get_running_loop()
    texts = [*([b""] * idle), *itertools.islice(itertools.cycle(SLOW), slow)]

    async def one(number: int, text: bytes) -> Besieger | None:
        async with gate:
            try:
                _, made = await loop.create_connection(
                    lambda: Besieger(tally, text), "127.0.0.1", port, local_addr=address(number, available)
                )
            except OSError as why:
                tally.errors.append(f"not connected: {why}")
                return None
            return made

    found = await asyncio.gather(*(one(number, text) for number, text in enumerate(texts)))
    besiegers = [made for made in found if made is not None]
    dripping = asyncio.create_task(_drip(besiegers[-slow:]))
    try:
        for _ in range(asks):
            await asyncio.sleep(_APART_S)
            await _ask(port, tally)
    finally:
        dripping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await dripping
    for made in besiegers:
        made.over = True
        made.transport.abort()
    return tally


async def _drip(senders: list[Besieger]) -> None:
    """A byte of each in turn, evenly spread."""
    while True:
        for part in range(50):
            for sender in senders[part::50]:
                sender.drip()
            await asyncio.sleep(_DRIP_S / 50)


async def _ask(port: int, tally: Tally) -> None:
    began_s = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as why:
        tally.errors.append(f"not connected: {why}")
        return
    answer = b""
    try:
        writer.write(_HONEST)
        answer = await reader.read()
    except OSError as why:
        tally.errors.append(f"not answered: {why}")
        return
    finally:
        writer.close()
    tally.times_s.append(time.perf_counter() - began_s)
    if not answer.startswith(b"HTTP/1.1 200") or len(answer) != answer_length(answer):
        tally.errors.append(f"answered {answer[:40]!r}")


def measure(scale: Scale) -> list[Result]:
    """mockserver alone: what the others make of it is not asked."""
    idle = min(scale.connections, allowed(scale.connections + scale.slow) - scale.slow)

    def command(folder: Path, port: int) -> list[str]:
        return servers.mockserver(servers.scenario(folder, "siege", {"routes": ONE}), port)

    port = processes.free_port()
    with (
        processes.scratch() as folder,
        processes.running(command(folder, port), port, Ask("/one", json=OK)),
        asyncio.Runner(loop_factory=_factory()) as runner,
    ):
        return [judged(runner.run(siege(port, idle, scale.slow, scale.honest)))]


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not servers.HAS_UVLOOP:
        return None
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def judged(tally: Tally) -> Result:
    times_s = sorted(tally.times_s)
    p50_s, p99_s = (percentile(times_s, part) if times_s else 0.0 for part in (50, 99))
    errors = f", first {tally.errors[0]}" if tally.errors else ""
    return Result(
        f"a client among {tally.idle:,} idle connections and {tally.slow:,} slow senders",
        f"{len(times_s):,} answers, {len(tally.errors):,} errors{errors}, p50 {p50_s * 1000:.1f} ms, p99 {p99_s * 1000:.1f} ms",
        f"no error, p99 under {GOAL_S * 1000:.0f} ms",
        met=not tally.errors and 0 < p99_s < GOAL_S,
    )
