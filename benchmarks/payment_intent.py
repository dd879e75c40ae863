"""
What a payment intent costs in Python: `scenarios/payments.yaml` without its webhooks, a new idempotency key each.

The connection is fed by hand, so that no socket and no client has a part in it. Run: `python -m
benchmarks.payment_intent`; `--profile` shows where the time goes. Under `perf stat -e instructions` or `valgrind
--tool=callgrind` take the difference between two values of `--calls`. How many functions it enters, says `python -m
benchmarks.functions`.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from pathlib import Path

from benchmarks import inside, traffic
from benchmarks.inside import Inside
from benchmarks.works import payments

ROUNDS = 5
WARM = 200
PACKAGES = Path(__file__).resolve().parents[1]


async def warmed(connection: Inside, count: int) -> list[bytes]:
    """So many requests to ask then, made before."""
    for number in range(WARM):
        await connection.expect(200, traffic.INTENT.raw(number))
    return [traffic.INTENT.raw(WARM + number) for number in range(count)]


async def cpu_us(calls: int) -> list[float]:
    """The processor time of a call, round by round."""
    found = []
    async with inside.served(payments()) as connection:
        requests = await warmed(connection, ROUNDS * calls)
        for part in range(ROUNDS):
            began_s = time.thread_time()
            for request in requests[part * calls : (part + 1) * calls]:
                await connection.expect(200, request)
            found.append((time.thread_time() - began_s) / calls * 1e6)
    return found


async def profile(calls: int) -> pstats.Stats:
    profiler = cProfile.Profile()
    async with inside.served(payments()) as connection:
        requests = await warmed(connection, calls)
        profiler.enable()
        for request in requests:
            await connection.expect(200, request)
        profiler.disable()
    return pstats.Stats(profiler)


def rows(stats: pstats.Stats, calls: int, top: int) -> list[str]:
    """The functions that take most themselves: how often a call enters each, its own µs, and with all below it."""
    found: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    own_s = sum(one[2] for one in found.values())
    lines = [
        "| function | times a call | own µs | share | with all below, µs |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (file, line, name), (_, times, own, below, _) in sorted(found.items(), key=lambda one: -one[1][2])[
        :top
    ]:
        lines.append(
            f"| {_place(file, line)}{name} | {times / calls:.1f} | {own / calls * 1e6:.1f} | {own / own_s:.1%} "
            f"| {below / calls * 1e6:.1f} |"
        )
    return lines


def _place(file: str, line: int) -> str:
    if file == "~":
        return ""
    path = Path(file)
    short = path.relative_to(PACKAGES) if path.is_relative_to(PACKAGES) else Path(*path.parts[-2:])
    return f"{short}:{line} "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help=f"in each of {ROUNDS} rounds")
    parser.add_argument("--profile", action="store_true", help="where the time goes, as cProfile sees it")
    parser.add_argument("--top", type=int, default=40, help="so many functions of the profile")
    options = parser.parse_args()
    least_us = min(inside.run(lambda: cpu_us(options.calls)))
    print(f"{least_us:.1f} µs of processor time a call, the least of {ROUNDS} rounds")
    if options.profile:
        stats: pstats.Stats = inside.run(lambda: profile(options.calls))
        print(
            f"{stats.total_calls / options.calls:.0f} calls of functions, those written in C included; cProfile slows all of them"
        )  # type: ignore[attr-defined]
        print("\n".join(rows(stats, options.calls, options.top)))


if __name__ == "__main__":
    main()
