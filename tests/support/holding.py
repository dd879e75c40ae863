"""How long a loop was held: the processor time of the longest callback, which a loaded machine stretches less than the time of day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.cost import least_s
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


def longest_s(server: InProcess, monkeypatch: object, work: Callable[[], object]) -> float:
    """The longest callback while that is done."""
    with held(monkeypatch) as found:
        work()
        server.loop.run(asyncio.sleep(0))  # the callback that answered is over
    return found.longest_s


def is_never_held(server: InProcess, monkeypatch: object, work: Callable[[], object], bound_s: float) -> bool:
    """Whether every callback takes less than that, of processor time of the machine of `slowness`, in one of up to three tries."""
    return least_s(lambda: longest_s(server, monkeypatch, work), bound_s) < bound_s
