"""Writes what this replica has for the store, in groups: one write at a time, again until it is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from mockserver.errors import MockServerError, SharedStoreError
from mockserver.replicas.store import (
    AddedGroup,
    EntryGroup,
    Store,
    StoreAwayError,
    StoreRefusedError,
    Written,
)

log = logging.getLogger("mockserver")

MOST_ENTRIES, MOST_BYTES = 64, 256 * 1024
"""Of a group. The store serves nobody else while it takes one."""
MOST_GROUPS = 8
"""Of one write."""
WAIT_S = 1.0
"""How long a call waits for the store."""
_LATE_S = 0.1
"""A timer that is called so late says that the event loop was busy."""
_RETRY_S = 0.05
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class StoreTimeoutError(SharedStoreError):
    """The store did not confirm in time what a call has done."""


@dataclass(slots=True)
class CommitFigures:
    """What the metrics say of the writes. `latency` counts writes by the first bucket that they fit in, the rest last."""

    groups: int = 0
    entries: int = 0
    writes: int = 0
    repeated: int = 0
    seconds: float = 0.0
    latency: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS_S) + 1))
    bounds_s: tuple[float, ...] = _BUCKETS_S

    def written(self, seconds: float) -> None:
        self.writes += 1
        self.seconds += seconds
        at = next((i for i, bound in enumerate(_BUCKETS_S) if seconds <= bound), len(_BUCKETS_S))
        self.latency[at] += 1


class GroupSource(Protocol):
    """Has groups to write."""

    def take(self) -> EntryGroup | AddedGroup | None:
        """Return the next group; None if there is nothing to write."""

    def written(self, group: EntryGroup | AddedGroup, result: Written) -> None:
        """Hear what became of a group."""

    def give_up(self, error: MockServerError) -> None:
        """Tell the waiting callers that it takes too long. Groups that were taken are still written, later."""


class _Watch:
    """
    Calls once a write has lasted WAIT_S. The time begins again where the event loop was busy at its end: the answer may be
    there then, and nobody has read it.
    """

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._loop = asyncio.get_running_loop()
        self._start()

    def _start(self) -> None:
        self._due_s = self._loop.time() + WAIT_S
        self._timer = self._loop.call_at(self._due_s, self._elapsed)

    def _elapsed(self) -> None:
        if self._loop.time() - self._due_s > _LATE_S:
            self._start()
        else:
            self._then()

    def stop(self) -> None:
        self._timer.cancel()


class Committer:
    """`sleep` and `local` are the loop's and a monotonic clock; tests hand in their own."""

    def __init__(
        self,
        store: Store,
        *,
        local: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._local = local
        self._sleep = sleep
        self._dirty: dict[GroupSource, None] = {}
        self._busy: set[GroupSource] = set()
        self._task: asyncio.Task[None] | None = None
        self.away_since_s: float | None = None
        """When the write began that is not answered for longer than a call waits; None where the store answers."""
        self.figures = CommitFigures()

    @property
    def is_away(self) -> bool:
        return self.away_since_s is not None

    def wants(self, source: GroupSource) -> None:
        """The source has something to write."""
        self._dirty[source] = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def settle(self) -> None:
        """Wait until all is written, or the store has been away for a second."""
        while self._task is not None and not self.is_away:
            await asyncio.wait((self._task,), timeout=0.05)

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._dirty:
                await self._flush()
        finally:
            self._task = None

    async def _flush(self) -> None:
        taken = list(self._taken())
        if not taken:
            return
        self._busy = {source for source, _ in taken}
        began_s = self._local()
        watch = _Watch(partial(self.give_up, began_s))
        try:
            results = await self._written([group for _, group in taken])
        finally:
            watch.stop()
            self.away_since_s = None
            self._busy = set()
        figures = self.figures
        figures.written(self._local() - began_s)
        for (source, group), result in zip(taken, results, strict=True):
            if result is Written.DONE:
                figures.groups += 1
                figures.entries += group.count
            source.written(group, result)

    def _taken(self) -> Iterator[tuple[GroupSource, EntryGroup | AddedGroup]]:
        """Take the groups of one write. What is left stays for the next."""
        left = MOST_GROUPS
        for source in tuple(self._dirty):
            while left and (group := source.take()) is not None:
                left -= 1
                yield source, group
            del self._dirty[source]
            if not left:
                self._dirty[source] = None  # after the others
                return

    async def _written(self, groups: list[EntryGroup | AddedGroup]) -> list[Written]:
        """
        Write the very same groups until an answer comes: a write whose answer was lost may have happened, or happen
        later, and the store knows the groups that it has by their sequence.
        """
        while True:
            try:
                return await self._store.write(groups)
            except (StoreAwayError, StoreRefusedError) as error:  # such as a password that was changed
                self.figures.repeated += 1
                log.debug("the store did not answer: %s", error)
                await self._sleep(_RETRY_S)

    def give_up(self, began_s: float) -> None:
        """The store is away: the calls that wait are answered. What they did is written once it is there, as lost."""
        self.away_since_s = began_s
        log.error("the store has not answered for %g s; calls are answered with 503 until it does", WAIT_S)
        for source in {*self._busy, *self._dirty}:
            source.give_up(StoreTimeoutError("the store did not answer within a second"))
