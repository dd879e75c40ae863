"""
The real clocks, also while a test has put others in their place: freezegun, time-machine.

A server in the test's process keeps real time: its event loop would wait for
ever where time stands still. freezegun replaces functions of `time` in modules,
so they are held by an object, and asked of freezegun where it was there first.
time-machine changes the functions themselves, and has a way out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def _original(name: str) -> Callable[[], float]:
    """The function of `time` itself, also where this module is imported while time is frozen."""
    freezegun = sys.modules.get("freezegun.api")
    original: Callable[[], float] = getattr(freezegun, f"real_{name}", None) or getattr(time, name)
    return original


class RealTime:
    """`time` is Unix time, `monotonic` the steady clock, both in seconds."""

    def __init__(self) -> None:
        self._time = _original("time")
        self.monotonic = _original("monotonic")

    def time(self) -> float:
        machine = sys.modules.get("time_machine")
        if machine is not None and machine.escape_hatch.is_travelling():
            moment: float = machine.escape_hatch.time.time()
            return moment
        return self._time()


REAL = RealTime()
