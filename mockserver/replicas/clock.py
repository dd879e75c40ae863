"""The clocks of replicas: the time of the store, pinned while an entry is run, and the clock of a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from mockserver.store.clock import VirtualClock


class _Pinned:
    """The time of a clock, pinned for what is run without waiting. It can be pinned within another pin."""

    __slots__ = ("_before", "_clock", "_store_s")

    def __init__(self, clock: StoreClock, store_s: float) -> None:
        self._clock = clock
        self._store_s = store_s
        self._before: float | None = None

    def __enter__(self) -> None:
        self._before, self._clock.pinned = self._clock.pinned, self._store_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clock.pinned = self._before


class StoreClock:
    """
    Unix seconds of the store. `local` is a monotonic clock of this process, in seconds.

    The local clock gives the speed, the store the moment: the two are never subtracted from each other but through the
    offset that `observe` measured. The time never goes back.
    """

    def __init__(self, local: Callable[[], float]) -> None:
        self._local = local
        self._offset_s = 0.0
        self._best_s = float("inf")
        self.pinned: float | None = None
        self._pinned_tasks: dict[asyncio.Task[object], float] = {}
        self._floor_s = 0.0

    def observe(self, before_s: float, after_s: float, store_s: float) -> None:
        """
        Take the store's time, which was read between two readings of the local clock. A reading that took long says
        little: it replaces a better one only slowly, since clocks drift.
        """
        took_s = after_s - before_s
        self._best_s *= 1.5
        if took_s <= self._best_s:
            self._best_s = took_s
            self._floor_s = max(self._floor_s, self._local() + self._offset_s if self._offset_s else 0.0)
            self._offset_s = store_s - (before_s + after_s) / 2

    def at_least(self, store_s: float) -> None:
        """Show no earlier time than this from now on: another replica has seen it."""
        self._floor_s = max(self._floor_s, store_s)

    def live(self) -> float:
        """Return the store's time of now."""
        now_s = self._local() + self._offset_s
        return now_s if now_s > self._floor_s else self._floor_s  # noqa: FURB136  (max costs three times as much)

    def now(self) -> float:
        """Return the pinned time where there is one, else the store's time of now."""
        if self.pinned is not None:
            return self.pinned
        if self._pinned_tasks:
            try:
                task = asyncio.current_task()
            except RuntimeError:  # in a thread
                task = None
            if task is not None and task in self._pinned_tasks:
                return self._pinned_tasks[task]
        return self.live()

    def at(self, store_s: float) -> _Pinned:
        """Pin the time for what is run without waiting."""
        return _Pinned(self, store_s)

    @contextmanager
    def at_in_task(self, store_s: float) -> Iterator[None]:
        """Pin the time for what the current task does, also where it waits. Other tasks see the time of now."""
        task = asyncio.current_task()
        assert task is not None
        self._pinned_tasks[task] = store_s
        try:
            yield
        finally:
            del self._pinned_tasks[task]


class LoggedClock(VirtualClock):
    """The clock of a namespace, whose changes are told."""

    __slots__ = ("told",)

    def __init__(self, wall: Callable[[], float], told: Callable[[], None] = lambda: None) -> None:
        super().__init__(wall)
        self.told = told

    def freeze(self, at_s: float | None = None) -> None:
        super().freeze(at_s)
        self.told()

    def move_to(self, at_s: float) -> None:
        super().move_to(at_s)
        self.told()

    def resume(self) -> None:
        super().resume()
        self.told()

    def reset(self) -> None:
        super().reset()
        self.told()

    def restore(self, state: tuple[float, float | None]) -> None:
        super().restore(state)
        self.told()
