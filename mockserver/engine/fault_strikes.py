"""
Whether a trouble or an outage has struck a call. One that struck none fails a test, unless it is optional.

A test that sets a trouble expects it to happen. Where no call was struck, the
test has shown nothing about it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mockserver.model.plural import counted

MOST_KEPT = 1000
ENDED, NOT_YET = "no call before it ended", "no call yet"


@dataclass(slots=True, eq=False)
class Strike:
    """What became of one trouble or outage. `calls` came to its routes while it was set; a snapshot's copy shares it."""

    subject: str
    optional: bool
    calls: int = 0
    struck: bool = False

    def text(self) -> str:
        """
        Says what is missing.

        >>> Strike("outage 503", optional=False, calls=1).text()
        'outage 503: it struck no call; 1 call came to its routes while it was set. `optional` allows that'
        """
        came = f"{counted(self.calls, 'call') if self.calls else 'no call'} came to its routes"
        return f"{self.subject}: it struck no call; {came} while it was set. `optional` allows that"


class Strikes:
    """Those of a namespace, the newest MOST_KEPT."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Strike] = deque(maxlen=MOST_KEPT)

    def add(self, strike: Strike) -> None:
        """One that is optional needs no call."""
        if not strike.optional and strike not in self._kept:
            self._kept.append(strike)

    def missing(self) -> list[Strike]:
        """Those that struck no call, oldest first."""
        return [one for one in self._kept if not one.struck]
