"""
The fuzzer of the wire: rounds of conversations, many at once, on one server that lives through all of them.

After each round nothing is under way, every well-formed request has been
counted, and no descriptor is left. Memory may grow while caches and the record
fill up, and not after that.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from fuzz.conversations import Conversation, conversation
from fuzz.talking import talk
from fuzz.watching import Watched

AT_ONCE = 16
ROUND = 200
FLAGS = ("--calls", "200", "--calls-bytes", "4MB", "--tls")
"""Of the server: a small record is soon full, so that memory is flat early. With TLS it opens tunnels."""
GROWTH_MIB = 24.0
"""What memory may grow by after a third of the time, beyond noise of the allocator: a leak of 1 KB a call shows in half a minute."""


@dataclass(slots=True)
class Report:
    """What a run came to. `failures` say what was wrong, and how to see it again."""

    seed: str
    conversations: int = 0
    requests: int = 0
    memory_mib: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        memory = (
            f"{self.memory_mib[0]:.0f} to {self.memory_mib[-1]:.0f} MiB" if self.memory_mib else "unknown"
        )
        return (
            f"seed {self.seed}: {self.conversations} conversations, {self.requests} answers, memory {memory}"
        )


def fuzz(server: Watched, seed: str, seconds: float, *, first: int = 0, most: int = 10**9) -> Report:
    """Rounds for so many seconds, or so many conversations from `first` on; ends with the first that fails."""
    report = Report(seed)
    idle = server.descriptors
    counted = _valid(server)
    deadline_s = time.monotonic() + seconds
    number = first
    while time.monotonic() < deadline_s and number < first + most and not report.failures:
        batch = [conversation(seed, n) for n in range(number, min(number + ROUND, first + most))]
        number += len(batch)
        more, unsure = asyncio.run(_round(server, batch, report))
        _check(server, report, idle, (counted + more, unsure), f"{batch[0].number} to {batch[-1].number}")
        counted = _valid(server) if not report.failures else counted
        report.memory_mib.append(server.memory_mib)
    _check_memory(report)
    return report


async def _round(server: Watched, batch: list[Conversation], report: Report) -> tuple[int, int]:
    """How many calls must have been counted, and how many more may have been."""
    slots = asyncio.Semaphore(AT_ONCE)
    counted = unsure = 0

    async def one(said: Conversation) -> None:
        nonlocal counted, unsure
        async with slots:
            heard = await talk(server.process.address, said)
        report.conversations += 1
        report.requests += len(heard.answers)
        counted += heard.counted
        unsure += heard.unsure
        if heard.wrong:
            report.failures.append(
                f"conversation {said.number}: {heard.wrong}\n"
                f"  again: scripts/fuzz wire --seed {report.seed} --only {said.number}\n"
                f"  sent: {said.data[:1500]!r}\n  heard: {heard.data[:1500]!r}"
            )

    await asyncio.gather(*map(one, batch))
    return counted, unsure


def _valid(server: Watched) -> int:
    routes = server.counts()["routes"]
    return sum(one["calls"] for name, one in routes.items() if "/valid/" in name)


def _check(server: Watched, report: Report, idle: int, counted: tuple[int, int], which: str) -> None:
    wrong = server.wrong()
    if not wrong:
        counts = server.settled()
        saw, (least, unsure) = _valid(server), counted
        parts = sum(one["calls"] for one in counts["routes"].values()) + counts["unmatched"] + counts["incomplete"] + counts["automatic"]  # fmt: skip
        if not least <= saw <= least + unsure:
            wrong = f"it counted {saw} well-formed calls, and {least} were answered, at most {unsure} more"
        elif parts != counts["total"]:
            wrong = f"its counts don't add up: {parts} is not {counts['total']}"
        else:
            wrong = _left_behind(server, idle)
    if wrong:
        report.failures.append(
            f"after the conversations {which}: {wrong}\n  again: scripts/fuzz wire --seed {report.seed}"
        )


def _left_behind(server: Watched, idle: int) -> str:
    """Connections are closed a moment after their client has seen it."""
    deadline_s = time.monotonic() + 10
    while (now := server.descriptors) > idle + 1:  # the second client may be asking just now
        if time.monotonic() > deadline_s:
            return f"it holds {now} descriptors, and held {idle} before"
        time.sleep(0.01)
    return ""


def _check_memory(report: Report) -> None:
    warm = report.memory_mib[len(report.memory_mib) // 3 :]
    if len(warm) > 3 and min(warm[-3:]) - warm[0] > GROWTH_MIB:
        report.failures.append(f"memory grew from {warm[0]:.0f} to {warm[-1]:.0f} MiB\n  again: scripts/fuzz wire --seed {report.seed}")  # fmt: skip
