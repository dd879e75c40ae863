"""
Many connections open at once, each asking once a second: does any fail, and does any wait long?

A call's time begins when it is due, even if the connection still waits for its last
answer, so that a server that stalls can't hide it by being asked less.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import re
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import processes, servers
from benchmarks.asks import Ask
from benchmarks.figures import Result, percentile
from benchmarks.scale import Scale
from benchmarks.works import OK, ONE

REQUEST = b"GET /one HTTP/1.1\r\nHost: localhost\r\nUser-Agent: crowd\r\nAccept: */*\r\n\r\n"
# So many connects wait for the server at a time.
_AT_ONCE = 200
_PATIENCE_S = 10.0
# What a process has open beside the connections.
_OTHER_FILES = 200


@dataclass
class Tally:
    """What all callers saw: answers' times in seconds, and what went wrong, in words."""

    times_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    asked: int = 0
    without_core: float = 0.0
    """The part of the time in which the server could have run, but others had its core."""


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.transport: Any = None
        self.due: list[float] = []
        self.waits = False
        self.buffer = b""
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self) -> None:
        """Asks now, or as soon as the last answer is there; its time runs from now on."""
        # The loop's own clock goes by milliseconds under uvloop.
        self.due.append(time.perf_counter())
        self.tally.asked += 1
        if not self.waits:
            self._send()

    def _send(self) -> None:
        self.waits = True
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        length = answer_length(self.buffer)
        if length is None or len(self.buffer) < length:
            return
        if not self.buffer.startswith(b"HTTP/1.1 200"):
            self.tally.errors.append(f"answered {self.buffer[:40]!r}")
        self.buffer = b""
        self.waits = False
        self.tally.times_s.append(time.perf_counter() - self.due.pop(0))
        if self.due:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over:
            self.tally.errors.append(f"connection lost: {exc or 'closed by the server'}")
        self.over = True


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def answer_length(data: bytes) -> int | None:
    """Of the answer that begins there, head and body; None where the head isn't whole yet."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = _LENGTH.search(data, 0, end)
    return end + 4 + (int(found[1]) if found else 0)


def address(number: int, ports: int) -> tuple[str, int] | None:
    """Where connection `number` comes from: a further loopback address whenever half of the ports are used up."""
    which = number // max(1, ports // 2)
    return None if which == 0 else (f"127.0.0.{which + 1}", 0)


def ports() -> int:
    """How many the system gives to one address."""
    try:
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except OSError:
        return 16_000
    return last - first


def allowed(wanted: int) -> int:
    """As many connections as open files allow, once that limit is raised as far as it goes; servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted + _OTHER_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + _OTHER_FILES)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    return min(wanted, max(soft, limit) - _OTHER_FILES)


async def crowd(server: processes.Running, count: int, seconds: float) -> Tally:
    """Opens `count` connections and has each ask once a second, evenly spread, for so many seconds."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    gate = asyncio.Semaphore(_AT_ONCE)
    available = ports()

    async def open_one(number: int) -> Caller | None:
        async with gate:
            try:
                _, caller = await loop.create_connection(
                    lambda: Caller(tally),
                    "127.0.0.1",
                    server.port,
                    local_addr=address(number, available),
                )
            except OSError as why:
                tally.errors.append(f"not connected: {why}")
                return None
            return caller

    opened = await asyncio.gather(*(open_one(number) for number in range(count)))
    callers = [caller for caller in opened if caller is not None]
    # A collection among so many connections would be a part of the times.
    gc.disable()
    waited_s = server.waited_s()
    await _ask_for(callers, seconds)
    tally.without_core = (server.waited_s() - waited_s) / seconds
    await _settle(callers)
    for caller in callers:
        if caller.due and not caller.over:
            tally.errors.append("not answered")
        caller.over = True
        caller.transport.abort()
    gc.enable()
    return tally


async def _ask_for(callers: list[Caller], seconds: float) -> None:
    """Never sleeps: the timers of uvloop go by milliseconds, so that ten would ask at once and wait for each other."""
    began_s = time.perf_counter()
    for number in range(int(seconds * len(callers))):
        due_s = began_s + number / len(callers)
        await asyncio.sleep(0)
        while time.perf_counter() < due_s:  # noqa: ASYNC110  (a sleep would be too long)
            await asyncio.sleep(0)
        caller = callers[number % len(callers)]
        if not caller.over:
            caller.ask()


async def _settle(callers: list[Caller]) -> None:
    """Waits for the last answers, within reason."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while any(caller.due and not caller.over for caller in callers):  # noqa: ASYNC110  (10,000 events for one look)
                await asyncio.sleep(0.05)


def measure(scale: Scale) -> list[Result]:
    """mockserver, and nginx, whose figures show what part the machine and this client have in it."""
    count = allowed(scale.connections)

    def own(folder: Path, port: int) -> list[str]:
        return servers.mockserver(servers.scenario(folder, "crowd", {"routes": ONE}), port)

    found = [judged(_tally(own, count, scale.connections_s), count)]
    if servers.NGINX is not None:
        found.append(Result("the same on nginx", said(_tally(servers.nginx, count, scale.connections_s))))
    return found


def _tally(command: Callable[[Path, int], list[str]], count: int, seconds: float) -> Tally:
    port = processes.free_port()
    with (
        processes.scratch() as folder,
        processes.running(command(folder, port), port, Ask("/one", json=OK)) as server,
    ):
        return _on_a_fast_loop(server, count, seconds)


def _on_a_fast_loop(server: processes.Running, count: int, seconds: float) -> Tally:
    factory = None
    if servers.HAS_UVLOOP:
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(crowd(server, count, seconds))


def judged(tally: Tally, count: int) -> Result:
    p50_s, p99_s = _percentiles(tally)
    return Result(
        f"{count:,} connections, each asking once a second",
        said(tally),
        "no error, p99 under 10 × p50",
        met=not tally.errors and 0 < p99_s < 10 * p50_s,
    )


def said(tally: Tally) -> str:
    kinds = "; ".join(f"{len(list(each))} × {text}" for text, each in itertools.groupby(sorted(tally.errors)))
    errors = f"{len(tally.errors):,} errors" + (f" ({kinds[:300]})" if kinds else "")
    if not tally.times_s:
        return f"no answer, {errors}"
    p50_s, p99_s = _percentiles(tally)
    return (
        f"{len(tally.times_s):,} answers, {errors}, p50 {p50_s * 1000:.2f} ms, p99 {p99_s * 1000:.2f} ms: "
        f"{p99_s / p50_s:.1f} ×; others had its core for {tally.without_core:.1%} of the time"
    )


def _percentiles(tally: Tally) -> tuple[float, float]:
    """The 50th and the 99th, in seconds; 0 where there is no answer."""
    times_s = sorted(tally.times_s)
    return (percentile(times_s, 50), percentile(times_s, 99)) if times_s else (0.0, 0.0)
