"""
A soak: `scripts/soak --minutes 30`. One server on loopback at half the rate that it can do, every kind of answer mixed.

Looks whether memory stays flat, whether every count is exact at the end, and
whether a descriptor or a task is left behind. Writes the figures as JSON, the
plot as SVG, and both into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import processes
from benchmarks.administering import Admin, Short
from benchmarks.asks import Ask
from benchmarks.clients import Client, Ledger, Receiver
from benchmarks.mixture import INCOMPLETE, SCENARIO
from benchmarks.uploads import READ_TIMEOUT_S, Uploads

PROJECT = Path(__file__).parents[1]
NAMESPACES = ["default", "checkout", "billing", "shipping"]
CONNECTIONS = 16
WARM_S, SETTLE_S = 300.0, 30.0
ENTRIES = 2_000
"""Bounds that are reached within minutes, so that whatever grows afterwards has none."""
GROWTH = 0.03
"""What memory may be more at the end than after the warm-up, as a share of it."""


@dataclass(slots=True)
class Sample:
    """The server at one moment; `minute` since the load began."""

    minute: float
    memory_mib: float
    descriptors: int
    tasks: int
    rate: float
    p99_ms: float


@dataclass(slots=True)
class Result:
    minutes: float
    machine: str
    most_rate: float = 0.0
    rate: float = 0.0
    requests: int = 0
    webhooks: int = 0
    short_namespaces: int = 0
    uploads: int = 0
    samples: list[Sample] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    warm_mib: float = 0.0
    end_mib: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Server:
    """The process as /proc and its own telling show it."""

    def __init__(self, pid: int, told: Path) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._told = told

    def memory_mib(self) -> float:
        return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def held(self) -> dict[str, int]:
        told = json.loads(self._told.read_text())
        return {"descriptors": len(list((self._proc / "fd").iterdir())), "tasks": told["tasks"]}


async def load(port: int, ledger: Ledger, chance: Random, until_s: float, rate: float | None) -> None:
    """Requests on all connections until that moment: as fast as it goes, or so many a second."""
    next_s = time.monotonic()

    async def turn() -> None:
        nonlocal next_s
        if rate is not None:
            next_s = max(next_s + 1 / rate, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))

    async def one(number: int) -> None:
        client = Client(port, ledger, Random(f"{chance.random()}/{number}"))
        own = Random(number)
        while time.monotonic() < until_s:
            await turn()
            await client.ask(own.choice(NAMESPACES))
        client.close()

    await asyncio.gather(*map(one, range(CONNECTIONS)))


async def _sampled(server: Server, ledger: Ledger, result: Result, every_s: float, until_s: float) -> None:
    started_s, seen = time.monotonic(), ledger.total
    while (now_s := time.monotonic()) < until_s:
        await asyncio.sleep(min(every_s, until_s - now_s))
        took_s = time.monotonic() - now_s
        if took_s < every_s / 2:
            return  # what is left at the end says little
        slow, ledger.latencies_s = ledger.latencies_s, []
        p99_ms = statistics.quantiles(slow, n=100)[98] * 1000 if len(slow) > 100 else 0.0
        held = server.held()
        result.samples.append(Sample(round((time.monotonic() - started_s) / 60, 3), round(server.memory_mib(), 1), held["descriptors"], held["tasks"], round((ledger.total - seen) / took_s), round(p99_ms, 1)))  # fmt: skip
        seen = ledger.total


async def soak(port: int, server: Server, receiver: Receiver, minutes: float, say: Callable[[str], None]) -> Result:  # fmt: skip
    result = Result(
        minutes, f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    admin, ledger, chance = Admin(port), Ledger(), Random(1)
    for name in NAMESPACES[1:]:
        await admin.call("POST", "/namespaces", {"name": name, "ttl": "12h"})
    await asyncio.sleep(2)
    result.before = server.held()
    say("looks how fast it goes")
    started_s = time.monotonic()
    await load(port, ledger, chance, started_s + max(5.0, min(20.0, minutes * 2)), None)
    result.most_rate = round(ledger.total / (time.monotonic() - started_s))
    result.rate = round(result.most_rate / 2)
    ledger.latencies_s.clear()
    say(f"{result.most_rate:,.0f} requests/s at most; now {result.rate:,.0f} for {minutes:g} minutes")
    until_s = time.monotonic() + minutes * 60
    short = Short(port, admin, ledger, until_s)
    uploads = Uploads(port, ledger, until_s)
    works: list[Coroutine[Any, Any, None]] = [load(port, ledger, chance, until_s, result.rate), short.run(), uploads.run(), admin.follow(until_s), admin.bother(NAMESPACES, until_s)]  # fmt: skip
    await asyncio.gather(*works, _sampled(server, ledger, result, max(1.0, minutes / 3), until_s))
    result.requests = ledger.total
    result.short_namespaces = short.made
    result.uploads = uploads.made
    await _settled(server, result)
    await _compared(admin, ledger, receiver, result)
    result.wrong += ledger.wrong[:20] + short.wrong + admin.wrong
    _judged(result)
    return result


async def _settled(server: Server, result: Result) -> None:
    """Waits until the server holds no more than before the load, at most half a minute."""
    deadline_s = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline_s:
        await asyncio.sleep(1.2)
        result.after = server.held()
        if all(result.after[name] <= result.before[name] for name in result.before):
            break
    else:
        result.wrong.append(f"it holds {result.after}, and held {result.before} before")


async def _compared(admin: Admin, ledger: Ledger, receiver: Receiver, result: Result) -> None:
    hooks = retried = 0
    for name in NAMESPACES:
        counts = await admin.call("GET", f"/@{name}/counts")
        asked = ledger.asked[name]
        saw = {route: one["calls"] for route, one in counts["routes"].items() if one["calls"]}
        saw[None] = counts["unmatched"]
        saw[INCOMPLETE] = counts["incomplete"]
        result.wrong += [f"{name}: {route or 'unmatched'}: asked {asked[route]} times, counted {saw.get(route, 0)}" for route in {*asked, *saw} if asked[route] != saw.get(route, 0)]  # fmt: skip
        open_ = {route: one["in_flight"] for route, one in counts["routes"].items() if one["in_flight"]}
        if open_:
            result.wrong.append(f"{name}: still under way: {open_}")
        hooks += asked["soak/hook"]
        retried += asked["soak/retried"]
    result.webhooks = sum(receiver.got.values())
    if receiver.got["/hook"] != hooks:
        result.wrong.append(f"{hooks} webhooks were to be sent, {receiver.got['/hook']} arrived")
    if receiver.got["/retried"] < retried:
        result.wrong.append(
            f"{retried} webhooks were to be tried again, {receiver.got['/retried']} tries arrived"
        )


def _judged(result: Result) -> None:
    warm = min(WARM_S / 60, result.minutes / 3)
    later = [one.memory_mib for one in result.samples if one.minute >= warm]
    part = max(1, len(later) // 6)
    result.warm_mib = round(statistics.median(later[:part]), 1)
    result.end_mib = round(statistics.median(later[-part:]), 1)
    if result.end_mib > result.warm_mib * (1 + GROWTH) + 2:
        result.wrong.append(f"memory grew from {result.warm_mib} MiB after the warm-up to {result.end_mib} MiB")  # fmt: skip


async def _run(minutes: float, say: Callable[[str], None]) -> Result:
    receiver = Receiver()
    await receiver.start()
    with tempfile.TemporaryDirectory(prefix="mockserver-soak-") as name:
        folder, port = Path(name), processes.free_port()
        (folder / "soak.yaml").write_text(SCENARIO % receiver.port)
        told = folder / "told.json"
        command = [sys.executable, "-m", "benchmarks.soaked", str(told), "serve", str(folder / "soak.yaml"), "--port", str(port), "--max-entries", str(ENTRIES), "--read-timeout", f"{READ_TIMEOUT_S:g}s"]  # fmt: skip
        with processes.running(command, port, Ask("/__admin/health")) as process:
            while not told.exists():  # noqa: ASYNC110  (another process writes it)
                await asyncio.sleep(0.1)
            pid = process.popen.pid
            result = await soak(port, Server(pid, told), receiver, minutes, say)
    await receiver.stop()
    return result


def main() -> int:
    from benchmarks.reporting import write

    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, help="where soak.json and soak.svg go; without it, docs/ and its page")  # fmt: skip
    options = parser.parse_args()
    result = asyncio.run(_run(options.minutes, lambda text: print(text, flush=True)))
    write(result, asdict(result), options.folder)
    for line in result.wrong:
        print(f"WRONG: {line}")
    print(f"{result.requests:,} requests, memory {result.warm_mib} to {result.end_mib} MiB, {result.before} before and {result.after} after")  # fmt: skip
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
