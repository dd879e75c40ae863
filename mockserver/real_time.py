"""
The real clocks, even if a test replaces them with freezegun or time-machine.

A server in the process of the test must use real time, because its event loop would never wake up with a frozen clock.
freezegun replaces functions of `time` in modules, so they are kept in an object. time-machine changes the functions
themselves, but has an escape hatch.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def _original(name: str) -> Callable[[], float]:
    """Return the original function of `time`, even if this module is imported while time is frozen."""
    freezegun = sys.modules.get("freezegun.api")
    original: Callable[[], float] = getattr(freezegun, f"real_{name}", None) or getattr(time, name)
    return original


class RealTime:
    """`time` returns Unix time, `monotonic` the monotonic clock, in seconds."""

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
