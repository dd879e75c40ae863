"""Long work of admin requests, in pieces between which other connections can run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from mockserver.real_time import REAL

P = ParamSpec("P")
T = TypeVar("T")

_SMALL_BYTES = 16 * 1024
SLICE_S = 0.01
"""Time that an admin request works before other connections can run."""


class Turns:
    """Measures the time of one admin request between two pauses."""

    __slots__ = ("_until_s",)

    def __init__(self) -> None:
        self._until_s = REAL.monotonic() + SLICE_S

    async def pause(self) -> None:
        """Let other connections run if it is time; to be called after each small piece of work."""
        if REAL.monotonic() >= self._until_s:
            await asyncio.sleep(0)
            self._until_s = REAL.monotonic() + SLICE_S

    async def all_of(self, steps: Iterable[object]) -> None:
        """Do all steps, each a small piece of work."""
        for _ in steps:
            await self.pause()


async def offload(size_bytes: int, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """
    Return the result of work on that many bytes; large work is done in a thread.

    It must not read anything that calls change.
    """
    if size_bytes <= _SMALL_BYTES:
        return work(*arguments, **options)
    return await asyncio.to_thread(work, *arguments, **options)
