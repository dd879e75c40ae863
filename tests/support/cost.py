"""Bounds of processor time that hold on slow machines too: what shows that a cost doesn't grow with its input, not how fast it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_REFERENCE_S = 0.07
"""What the piece of work in `slowness` takes on the machine for which bounds are written, with nothing beside it."""
_TRIES = 3


def slowness() -> float:
    """
    How many times longer than there this machine takes for the same work now, at least 1.

    A machine with slower cores, or whose other processes take its caches, needs more processor time for everything: a bound
    for one machine fails on another, though nothing is wrong there. The work is of the kind that requests cause, JSON and
    walks through it, so the factor is the one by which such a cost grows.
    """
    began_s = time.thread_time()
    for _ in range(4):
        value = json.loads(json.dumps([{"name": f"n{n}", "value": [n, n + 1]} for n in range(10_000)]))
        assert sum(len(item["name"]) + item["value"][0] for item in value)
    return max(1.0, (time.thread_time() - began_s) / _REFERENCE_S)


def allowed_s(bound_s: float, took_s: float) -> float:
    """The bound here and now, for a time that was measured: the machine is measured only if that is above the bound."""
    return bound_s if took_s < bound_s else bound_s * slowness()


def cpu_s(work: Callable[[], object]) -> float:
    """The processor time of this thread for it."""
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s


def least_s(measure: Callable[[], float], bound_s: float) -> float:
    """
    The least of up to three measured times, in seconds of the machine of `slowness`; the first below the bound is enough.

    One try can be longer for other reasons: a collection of all that the process holds, or a neighbor on the machine.
    """
    least = float("inf")
    for _ in range(_TRIES):
        took_s = measure()
        least = min(least, took_s * bound_s / allowed_s(bound_s, took_s))
        if least < bound_s:
            break
    return least


def cheap(bound_s: float, work: Callable[[], T]) -> T:
    """The result of the work, which takes less processor time than that, in seconds of the machine of `slowness`."""
    results: list[T] = []
    took_s = cpu_s(lambda: results.append(work()))
    assert took_s < allowed_s(bound_s, took_s)
    return results[0]
