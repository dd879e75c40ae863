"""The virtual clock of a namespace. Timers that are due fire before a move returns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mockserver.client.link import Link
from mockserver.client.plain import duration_text, plain
from mockserver.client.sync_async import Awaiting, Blocking, does, tells
from mockserver.client.words import Duration

Instant = str | datetime


class ClockSurface:
    """Virtual clock. Every move returns the new time. With `wait=False`, it doesn't wait for webhooks that are due."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @tells
    def now(self) -> datetime:
        """Current time of the clock."""
        return _now(self._link.send("GET", "/clock"))

    @tells
    def frozen(self) -> bool:
        return bool(self._link.send("GET", "/clock")["frozen"])

    @does
    def advance(self, duration: Duration, *, wait: bool = True) -> datetime:
        """Move the clock forward: `advance("3d")`, or `advance(5)` for seconds."""
        return self._move(wait, advance=duration_text(duration))

    @does
    def freeze(self, at: Instant | None = None, *, wait: bool = True) -> datetime:
        """Stop the clock now, or at an instant (RFC 3339 or a datetime)."""
        return self._move(wait, freeze=True if at is None else plain(at))

    @does
    def at(self, instant: Instant, *, wait: bool = True) -> datetime:
        """Set the clock to an instant; it continues to run."""
        return self._move(wait, at=plain(instant))

    @does
    def resume(self) -> datetime:
        """Continue a stopped clock."""
        return self._move(True, resume=True)

    @does
    def reset(self) -> datetime:
        """Return to real time."""
        return self._move(True, reset=True)

    def _move(self, wait: bool, **move: object) -> datetime:
        document = move if wait else {**move, "wait": False}
        return _now(
            self._link.send("POST", "/clock", document, wait_s=None)
        )  # it takes what its webhooks take


def _now(view: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(view["now"])


class Clock(ClockSurface, Blocking):
    """Virtual clock. Every move returns the new time. With `wait=False`, it doesn't wait for webhooks that are due."""


class AsyncClock(ClockSurface, Awaiting):
    """Virtual clock, with methods to be awaited."""
