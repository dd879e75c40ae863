"""Long work of an admin call, in pieces: other connections have their turn between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from mockserver.real_time import REAL

P = ParamSpec("P")
T = TypeVar("T")

_SMALL_BYTES = 16 * 1024
SLICE_S = 0.01
"""So long an admin call works before others have their turn."""


class Turns:
    """Counts the time of one admin call from one turn to the next."""

    __slots__ = ("_until_s",)

    def __init__(self) -> None:
        self._until_s = REAL.monotonic() + SLICE_S

    async def pause(self) -> None:
        """Call it after each small piece of work: others have their turn where it is theirs."""
        if REAL.monotonic() >= self._until_s:
            await asyncio.sleep(0)
            self._until_s = REAL.monotonic() + SLICE_S

    async def all_of(self, steps: Iterable[object]) -> None:
        """Goes through the steps, each a small piece of work."""
        for _ in steps:
            await self.pause()


async def aside(size_bytes: int, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """
    The outcome of work on so many bytes: of many bytes on a thread, so that others have their turn as often as the
    interpreter switches threads. It may touch nothing that calls change.
    """
    if size_bytes <= _SMALL_BYTES:
        return work(*arguments, **options)
    return await asyncio.to_thread(work, *arguments, **options)
