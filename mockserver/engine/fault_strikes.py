"""
Whether a fault or an outage affected a call. One that affected none fails a test, unless it is optional.

A test that sets a fault expects it to happen. If no call was affected, the test proves nothing about it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mockserver.model.plural import counted

MOST_KEPT = 1000
ENDED, NOT_YET = "no call before it ended", "no call yet"


@dataclass(slots=True, eq=False)
class Strike:
    """The effect of one fault or outage, shared by snapshots. `calls` to its routes are counted while it is set."""

    subject: str
    optional: bool
    calls: int = 0
    struck: bool = False

    def text(self) -> str:
        """
        Describe what is missing.

        >>> Strike("outage 503", optional=False, calls=1).text()
        'outage 503: it struck no call; 1 call came to its routes while it was set. `optional` allows that'
        """
        came = f"{counted(self.calls, 'call') if self.calls else 'no call'} came to its routes"
        return f"{self.subject}: it struck no call; {came} while it was set. `optional` allows that"


class Strikes:
    """The newest MOST_KEPT faults and outages of a namespace."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Strike] = deque(maxlen=MOST_KEPT)

    def add(self, strike: Strike) -> None:
        """Expect that it affects a call, unless it is optional."""
        if not strike.optional and strike not in self._kept:
            self._kept.append(strike)

    def missing(self) -> list[Strike]:
        """Return those that affected no call, oldest first."""
        return [item for item in self._kept if not item.struck]
