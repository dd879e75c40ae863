"""
What a payment intent costs in Python: `scenarios/payments.yaml` without its webhooks, a new idempotency key each.

The connection is fed by hand, so that no socket and no client has a part in it. Run: `python -m
benchmarks.payment_intent`; `--profile` shows where the time goes. Under `perf stat -e instructions` or `valgrind
--tool=callgrind` take the difference between two values of `--calls`. How many functions it enters, says `python -m
benchmarks.functions`.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Self

from benchmarks import inside, traffic
from benchmarks.inside import Inside
from benchmarks.works import payments

ROUNDS = 5
WARM = 200
PROFILED = 10
"""So many times as many calls are profiled as a round has."""


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


class Samples:
    """
    Where the interpreter is each time that the process has used a little processor time. Nothing slows a call down, and
    what other processes do has no part in it; what is written in C counts for its caller.
    """

    EVERY_S = 0.001  # the system may make it a tick of its clock

    def __init__(self) -> None:
        self.own: Counter[CodeType] = Counter()
        self.below: Counter[CodeType] = Counter()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, self.EVERY_S, self.EVERY_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._before)

    def _take(self, _: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.own[frame.f_code] += 1
        found = set()
        while frame is not None:
            found.add(frame.f_code)
            frame = frame.f_back
        self.below.update(found)


async def profile(calls: int) -> tuple[Samples, float]:
    """The samples, and the processor time of a call in microseconds."""
    async with inside.served(payments()) as connection:
        requests = await warmed(connection, calls)
        began_s = time.thread_time()
        with Samples() as samples:
            for request in requests:
                await connection.expect(200, request)
        return samples, (time.thread_time() - began_s) / calls * 1e6


def rows(samples: Samples, us: float, top: int) -> list[str]:
    """First by file, then the functions that take most themselves."""
    total = samples.own.total()
    by_file: Counter[str] = Counter()
    for code, times in samples.own.items():
        by_file[_file(code)] += times
    lines = ["| file | share | µs a call |", "| --- | --- | --- |"]
    lines += [
        f"| {file} | {times / total:.1%} | {times / total * us:.1f} |"
        for file, times in by_file.most_common(top)
    ]
    lines += ["", "| function | share | µs a call | with all below, µs |", "| --- | --- | --- | --- |"]
    for code, times in samples.own.most_common(top):
        place = f"{_file(code)}:{code.co_firstlineno} {code.co_qualname}"
        below = samples.below[code] / total * us
        lines.append(f"| {place} | {times / total:.1%} | {times / total * us:.1f} | {below:.1f} |")
    return lines


def _file(code: CodeType) -> str:
    """Of this package, or of another: its last two parts."""
    return "/".join(Path(code.co_filename).parts[-2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help=f"in each of {ROUNDS} rounds")
    parser.add_argument("--profile", action="store_true", help="where the time goes, by samples")
    parser.add_argument("--top", type=int, default=30, help="so many files and functions")
    options = parser.parse_args()
    least_us = min(inside.run(lambda: cpu_us(options.calls)))
    print(f"{least_us:.1f} µs of processor time a call, the least of {ROUNDS} rounds")
    if options.profile:
        samples, us = inside.run(lambda: profile(PROFILED * options.calls))
        print(f"{samples.own.total():,} samples\n")
        print("\n".join(rows(samples, us, options.top)))


if __name__ == "__main__":
    main()
