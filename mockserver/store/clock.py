"""
The clock of a namespace. It follows real time until it is moved or frozen.

`wall` is passed in; nothing here reads a clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf

_MOST_CHANGES = 1000
"""Number of changes whose times are kept."""


class VirtualClock:
    """Unix seconds, movable. `wall` returns real Unix seconds."""

    __slots__ = ("_frozen_s", "_offset_s", "_past", "_wall")

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._offset_s = 0.0
        self._frozen_s: float | None = None
        self._past: tuple[tuple[float, float, float | None], ...] = ()

    def at_s(self, real_s: float) -> float:
        """Return what this clock showed at a real Unix time."""
        for until_s, offset_s, frozen_s in self._past:
            if real_s < until_s:
                return real_s + offset_s if frozen_s is None else frozen_s
        return real_s + self._offset_s if self._frozen_s is None else self._frozen_s

    def _changing(self) -> None:
        """Store the current setting before it changes."""
        self._past = (*self._past[1 - _MOST_CHANGES :], (self._wall(), self._offset_s, self._frozen_s))

    def reached_s(self, clock_s: float, since_s: float) -> float | None:
        """
        Return the first real time, from `since_s` on, at which this clock showed `clock_s` or a later time; None if
        it has not.
        """
        now_s = self._wall()
        for until_s, offset_s, frozen_s in (*self._past, (inf, self._offset_s, self._frozen_s)):
            if until_s <= since_s:
                continue
            if frozen_s is None:
                real_s = max(since_s, clock_s - offset_s)
            else:
                real_s = since_s if frozen_s >= clock_s else inf
            if real_s < until_s:
                return real_s if real_s <= now_s else None
            since_s = until_s
        return None

    def now_s(self) -> float:
        return self._wall() + self._offset_s if self._frozen_s is None else self._frozen_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s(), UTC)

    @property
    def frozen(self) -> bool:
        return self._frozen_s is not None

    @property
    def offset_s(self) -> float:
        """Offset from real time in seconds."""
        return self._offset_s if self._frozen_s is None else self._frozen_s - self._wall()

    def freeze(self, at_s: float | None = None) -> None:
        self._changing()
        self._frozen_s = self.now_s() if at_s is None else at_s

    def move_to(self, at_s: float) -> None:
        """Set the time; a frozen clock stays frozen, a running one continues."""
        self._changing()
        if self._frozen_s is not None:
            self._frozen_s = at_s
        else:
            self._offset_s = at_s - self._wall()

    def resume(self) -> None:
        """Continue from the current time."""
        self._changing()
        if self._frozen_s is not None:
            self._offset_s = self._frozen_s - self._wall()
            self._frozen_s = None

    def reset(self) -> None:
        self._changing()
        self._offset_s = 0.0
        self._frozen_s = None

    def state(self) -> tuple[float, float | None]:
        """Return the state for `restore`."""
        return self._offset_s, self._frozen_s

    def restore(self, state: tuple[float, float | None]) -> None:
        self._changing()
        self.set_up(state)

    def set_up(self, state: tuple[float, float | None]) -> None:
        """Restore the state in a new clock, for all times before, too."""
        self._offset_s, self._frozen_s = state
