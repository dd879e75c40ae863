"""
Which calls a fault or an outage affects, and whether it affected any.

A test that sets a fault expects that it affects a call. If it affected none, the test fails, unless the fault is optional.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.model.plural import counted
from mockserver.schema.trouble import FaultShareSpec
from mockserver.templating.random_values import share

MOST_KEPT = 1000
_LONGEST = 60
ENDED, NOT_YET = "no call before it ended", "no call yet"


class FaultShare:
    """
    The share of the calls that a fault affects, since it was set at `since_s`.

    `key` separates its random values from those of other faults. A value is a function of the seed, the route and the
    number of the call at this fault, so concurrent calls of other routes don't change it.
    """

    __slots__ = ("_is_certain", "_key", "_ramp_s", "_spec", "since_s", "until_s")

    def __init__(self, spec: FaultShareSpec, key: str, since_s: float) -> None:
        self._spec = spec
        self._key = key
        self._ramp_s = spec.ramp_s or 0.0
        self._is_certain = spec.probability == 1.0 and not self._ramp_s
        self.since_s = since_s
        self.until_s = None if spec.for_s is None else since_s + spec.for_s

    def is_over(self, now_s: float) -> bool:
        return self.until_s is not None and now_s >= self.until_s

    def takes(self, seed: str, route: str, number: int, now_s: float) -> bool:
        """Whether the call with that number is affected."""
        if self._is_certain:
            return True
        grown = min(1.0, (now_s - self.since_s) / self._ramp_s) if self._ramp_s else 1.0
        return share(seed, self._key, route, number) < self._spec.probability * grown


def as_written(value: object) -> str:
    """Return a value as JSON, and a text alone without quotes, shortened if it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def narrowed(data: Mapping[str, Any], *keys: str) -> list[str]:
    """Return what limits a fault, as written."""
    return [
        f"{key}: {as_written(data[key])}" for key in (*keys, "probability", "ramp", "for") if data.get(key)
    ]


@dataclass(slots=True, eq=False)
class FaultUse:
    """The effect of one fault or outage, shared by snapshots. `calls` to its routes are counted while it is set."""

    subject: str
    optional: bool
    calls: int = 0
    affected: bool = False

    def text(self) -> str:
        """
        Describe what is missing.

        >>> FaultUse("outage 503", optional=False, calls=1).text()
        'outage 503: it affected no call; 1 call came to its routes while it was set. `optional` allows that'
        """
        came = f"{counted(self.calls, 'call') if self.calls else 'no call'} came to its routes"
        return f"{self.subject}: it affected no call; {came} while it was set. `optional` allows that"


class FaultUses:
    """The newest MOST_KEPT faults and outages of a namespace."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[FaultUse] = deque(maxlen=MOST_KEPT)

    def add(self, use: FaultUse) -> None:
        """Expect that it affects a call, unless it is optional."""
        if not use.optional and use not in self._kept:
            self._kept.append(use)

    def missing(self) -> list[FaultUse]:
        """Return those that affected no call, oldest first."""
        return [item for item in self._kept if not item.affected]
