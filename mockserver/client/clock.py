"""The virtual clock of a namespace: what is due by it fires before a move returns."""

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
    """Every move gives the clock's new time. With `wait=False` it doesn't wait for the webhooks that came due."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @tells
    def now(self) -> datetime:
        return _now(self._link.send("GET", "/clock"))

    @tells
    def frozen(self) -> bool:
        return bool(self._link.send("GET", "/clock")["frozen"])

    @does
    def advance(self, duration: Duration, *, wait: bool = True) -> datetime:
        """So far ahead: `advance("3d")`, `advance(5)` seconds."""
        return self._move(wait, advance=duration_text(duration))

    @does
    def freeze(self, at: Instant | None = None, *, wait: bool = True) -> datetime:
        """Stands still from now on, or at an instant (RFC 3339, or a datetime)."""
        return self._move(wait, freeze=True if at is None else plain(at))

    @does
    def at(self, instant: Instant, *, wait: bool = True) -> datetime:
        """Goes to an instant and runs on from there."""
        return self._move(wait, at=plain(instant))

    @does
    def resume(self) -> datetime:
        """Runs on from where it stands."""
        return self._move(True, resume=True)

    @does
    def reset(self) -> datetime:
        """Real time again."""
        return self._move(True, reset=True)

    def _move(self, wait: bool, **move: object) -> datetime:
        document = move if wait else {**move, "wait": False}
        return _now(
            self._link.send("POST", "/clock", document, wait_s=None)
        )  # it takes what its webhooks take


def _now(view: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(view["now"])


class Clock(ClockSurface, Blocking):
    """The clock; see ClockSurface."""


class AsyncClock(ClockSurface, Awaiting):
    """The clock, its moves to be awaited."""
