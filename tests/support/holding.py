"""How long a loop was held: the processor time of the longest callback, which a loaded machine stretches less than the time of day."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.server import InProcess


class Held:
    longest_s = 0.0


@contextmanager
def held(monkeypatch: object) -> Iterator[Held]:
    """Measures every callback of every loop that asyncio's own code runs, until the end of the block."""
    found, run = Held(), asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began_s = time.thread_time()
        try:
            run(handle)
        finally:
            found.longest_s = max(found.longest_s, time.thread_time() - began_s)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)  # type: ignore[attr-defined]
    try:
        yield found
    finally:
        monkeypatch.undo()  # type: ignore[attr-defined]


_REFERENCE_S = 0.07
"""What the piece of work in `slowness` takes on the machine for which bounds are written, with nothing beside it."""


def slowness() -> float:
    """
    How many times longer than there this machine takes for the same work now, at least 1.

    A machine with slower cores, or whose other processes take its caches, needs more processor time for everything: a bound
    for one machine fails on another, though nothing is held there that is not held here. The work is of the kind that holds
    a loop, JSON and walks through it, so the factor is the one by which such a callback grows.
    """
    began_s = time.thread_time()
    for _ in range(4):
        value = json.loads(json.dumps([{"name": f"n{n}", "value": [n, n + 1]} for n in range(10_000)]))
        assert sum(len(item["name"]) + item["value"][0] for item in value)
    return max(1.0, (time.thread_time() - began_s) / _REFERENCE_S)


def longest_s(server: InProcess, monkeypatch: object, work: Callable[[], object]) -> float:
    """The longest callback while that is done."""
    with held(monkeypatch) as found:
        work()
        server.loop.run(asyncio.sleep(0))  # the callback that answered is over
    return found.longest_s


def is_never_held(server: InProcess, monkeypatch: object, work: Callable[[], object], bound_s: float) -> bool:
    """
    Whether every callback takes less than that, of processor time of the machine of `slowness`, which is measured only if
    one took longer. Then there is a second try: the machine became slower meanwhile, or the collector ran.
    """
    took_s = longest_s(server, monkeypatch, work)
    if took_s < bound_s:
        return True
    allowed_s = bound_s * slowness()
    if took_s >= allowed_s:
        took_s = min(took_s, longest_s(server, monkeypatch, work))
        allowed_s = max(allowed_s, bound_s * slowness())
    return took_s < allowed_s
