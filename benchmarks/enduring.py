"""
Does a server stay as fast and as small as it was? A million payment intents, each with a key of its own.

The limits are the default ones. What a payment is remembered by is forgotten after each portion, as a test suite does
between its tests: at the bound of `state` the server would refuse more. Keys, effects and calls reach their bounds and
stay there, so memory must not grow once they have. With `--keep` the limits are lifted and nothing is forgotten: then
each portion must cost as much memory as the others, and no more time. Run: `python -m benchmarks.enduring`; `--quick`
sees that it works.

A second server, which is reset after each portion, answers some of the same requests. The two are asked in turn, a few
hundred requests each, so that what the machine does to the processor time of both is divided out.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from benchmarks import machine, memory, processes, servers, traffic
from benchmarks.asking import Clients
from benchmarks.asks import Ask, ServerFailedError, send
from benchmarks.figures import Result
from benchmarks.processes import Running
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.works import ROOM, payments
from mockserver.settings import Settings

CONNECTIONS = 32
PORTIONS = 40
SLACK = 0.10
"""How much a portion's processor time may be over that of another."""
FLAT = 0.05
COMPARED = 4
"""The second server gets one of so many requests."""
TURN = 100 * COMPARED
"""So many requests in a row to the first server."""
KEYS_AN_INTENT = 3
"""Of `state`: a portion must fit into its bound."""


@dataclass(frozen=True)
class Portion:
    """
    `us` is the processor time of a call, `fresh_us` that of one to the server that was reset, `rss_bytes` the memory
    once it was asked.
    """

    asked: int
    us: float
    fresh_us: float
    rss_bytes: int


def portions(count: int, *, keep: bool = False) -> Iterator[Portion]:
    """So many intents, in portions. Raises ServerFailedError where one is refused."""
    port, fresh_port = processes.free_port(), processes.free_port()
    each = count // PORTIONS
    if not keep and each * KEYS_AN_INTENT > Settings().max_entries:
        raise ServerFailedError(f"{each:,} intents a portion leave more than the default limits allow")
    with processes.scratch() as folder:
        path = servers.scenario(folder, "payments", payments())
        command = servers.mockserver(path, port, *(ROOM if keep else ()))
        fresh_command = servers.mockserver(path, fresh_port, *(ROOM if keep else ()))
        health = Ask("/__admin/health")
        with (
            processes.running(command, port, health) as server,
            processes.running(fresh_command, fresh_port, health) as fresh,
        ):
            for part in range(PORTIONS):
                us, fresh_us = asyncio.run(_in_turn(server, fresh, range(part * each, (part + 1) * each)))
                yield Portion((part + 1) * each, us, fresh_us, server.rss_bytes())
                if not keep:
                    _change(port, "DELETE", "/__admin/state", 204)
                _change(fresh_port, "POST", "/__admin/reset", 204)


async def _in_turn(server: Running, fresh: Running, numbers: range) -> tuple[float, float]:
    """The processor time of a call to each. Raises ServerFailedError where one is refused."""
    us = fresh_us = 0.0
    async with (
        Clients(server.port, CONNECTIONS) as clients,
        Clients(fresh.port, CONNECTIONS) as fresh_clients,
    ):
        for begun in range(0, len(numbers), TURN):
            turn = numbers[begun : begun + TURN]
            us += await _cpu_us(server, clients, turn)
            fresh_us += await _cpu_us(fresh, fresh_clients, turn[::COMPARED])
    return us / len(numbers), fresh_us / len(numbers[::COMPARED])


async def _cpu_us(server: Running, clients: Clients, numbers: range) -> float:
    before_s = server.fine_cpu_s()
    statuses = await clients.ask(traffic.INTENT.raw, numbers)
    if statuses != Counter({200: len(numbers)}):
        raise ServerFailedError(f"of {len(numbers)} payment intents: {dict(statuses)}")
    return (server.fine_cpu_s() - before_s) * 1e6


def _change(port: int, method: str, path: str, status: int) -> None:
    if send(port, method, path)[0] != status:
        raise ServerFailedError(f"{method} {path} did not answer {status}")


def measure(scale: Scale) -> list[Result]:
    return judged(list(portions(scale.intents)))


def full(found: list[Portion]) -> list[Portion]:
    """
    The portions after which everything that has a bound has reached it. The moments at which keys expire are tidied up
    when they are twice as many as the keys.
    """
    until = 2 * Settings().max_entries + found[0].asked
    return [portion for portion in found if portion.asked >= until] or found[-1:]


def judged(found: list[Portion]) -> list[Result]:
    """
    The first portion warms up. Then the last tenth is compared with the first, each divided by what the second server
    took at the same time, and memory with when it was full.
    """
    times_us = [portion.us for portion in found[1:]]
    tenth = len(found) // 10
    rise = _beside(found[-tenth:]) / _beside(found[1 : tenth + 1]) - 1
    first, last = full(found)[0], found[-1]
    grown = last.rss_bytes / first.rss_bytes - 1
    return [
        Result(
            f"processor time of a payment intent over {last.asked:,} with new keys",
            f"{rise:+.1%} from the first tenth to the last, beside a server that is reset; {min(times_us):.0f} to {max(times_us):.0f} µs",
            f"at most {SLACK:+.0%}",
            rise <= SLACK,
        ),
        Result(
            "memory over these payment intents, default limits",
            f"{_mib(first)} MiB once keys and effects have reached their bounds, after {first.asked:,}; "
            f"{_mib(last)} MiB at the end: {grown:+.1%}",
            f"at most {FLAT:+.0%}",
            grown <= FLAT,
        ),
    ]


def _beside(portions: list[Portion]) -> float:
    return median(portion.us / portion.fresh_us for portion in portions)


def _mib(portion: Portion) -> str:
    return f"{portion.rss_bytes / 2**20:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few requests, to see that it works")
    parser.add_argument("--intents", type=int, help=f"instead of {FULL.intents:,}")
    parser.add_argument("--keep", action="store_true", help="lift the limits and forget nothing")
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    if options.intents is not None:
        scale = replace(scale, intents=options.intents)
    machine.move_to_the_load()
    print(
        "| payment intents | µs a call | after a reset, µs | resident, MiB | grown by, KiB an intent |\n"
        "| --- | --- | --- | --- | --- |"
    )
    found: list[Portion] = []
    for portion in portions(scale.intents, keep=options.keep):
        before = found[-1] if found else None
        grown = (
            (portion.rss_bytes - before.rss_bytes) / (portion.asked - before.asked) / 1024 if before else 0.0
        )
        print(
            f"| {portion.asked:,} | {portion.us:.1f} | {portion.fresh_us:.1f} | {_mib(portion)} | {grown:.2f} |",
            flush=True,
        )
        found.append(portion)
    results = judged(found)
    if options.keep:
        results = results[:1]
    else:
        results.append(memory.flat(scale))
    for result in results:
        print(
            f"\n{result.title}: {result.said}; the goal is {result.goal}: {'met' if result.met else 'missed'}"
        )


if __name__ == "__main__":
    main()
