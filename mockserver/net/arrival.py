"""
How a request comes in: its head within so many bytes, all of it within so many seconds.

A timer runs only while part of a request is there and the rest is not, so
that a request which comes whole costs nothing here, and idle connections stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WireLimits:
    """
    What one client may take: `head_bytes` and `headers` of a request's head, `read_timeout_s` until a request is in,
    `requests` on one connection (0: any number), `connections` at once on one listener.
    """

    read_timeout_s: float = 30.0
    headers: int = 1000
    head_bytes: int = 128 * 1024
    requests: int = 0
    connections: int = 20_000


class TooSlow(Exception):
    """A request was not in within its time."""


def without_traceback(error: BaseException) -> BaseException:
    """The same, without what leads to the frames that hold its connection: cycles wait for the garbage collector."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


class Arrival:
    """The request that a connection is reading. `slow` is called where it takes too long."""

    __slots__ = ("_head_bytes", "_limits", "_loop", "_slow", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: WireLimits, slow: Callable[[], None]) -> None:
        self._loop = loop
        self._limits = limits
        self._slow = slow
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def more_head(self, size: int) -> bool:
        """So many bytes of a head have come, and more must. Whether that is still few enough."""
        self._head_bytes += size
        self._wait()
        return self._head_bytes <= self._limits.head_bytes

    def more_body(self) -> None:
        """Of its body more must come."""
        self._wait()

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._limits.read_timeout_s, self._end)

    def _end(self) -> None:
        self._timer = None
        self._slow()

    def close(self) -> None:
        """Nothing more comes. What leads back to the connection goes: circles wait for the collector."""
        self.over()
        self._slow = _nothing

    def over(self) -> None:
        """It is in, or will never be."""
        self._head_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _nothing() -> None:
    """A connection that is over is not slow."""
