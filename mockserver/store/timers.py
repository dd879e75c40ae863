"""Timers of a namespace's clock. In the order of their times; equal ones in the order in which they were set."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Timer(NamedTuple, Generic[T]):
    """`due_s` is Unix time of the virtual clock; `number` orders equal ones."""

    due_s: float
    number: int
    item: T


class Timers(Generic[T]):
    """A heap of timers. It does not wait itself: the owner of the clock asks for due ones."""

    __slots__ = ("_heap", "_last_number")

    def __init__(self) -> None:
        self._heap: list[Timer[T]] = []
        self._last_number = 0

    def push(self, due_s: float, item: T) -> None:
        self._last_number += 1
        heapq.heappush(
            self._heap, Timer(due_s, self._last_number, item)
        )  # numbers differ: items aren't compared

    def head(self) -> float | None:
        """Return the time of the next one."""
        return self._heap[0].due_s if self._heap else None

    def pop_due(self, until_s: float) -> Timer[T] | None:
        """Remove and return the next one, if it is due."""
        return heapq.heappop(self._heap) if self._heap and self._heap[0].due_s <= until_s else None

    def remove(self, gone: Callable[[T], bool]) -> list[T]:
        """Remove and return, in order, all for which it holds."""
        taken = [timer.item for timer in sorted(self._heap) if gone(timer.item)]
        if taken:
            self._heap = [timer for timer in self._heap if not gone(timer.item)]
            heapq.heapify(self._heap)
        return taken

    def clear(self) -> list[T]:
        """Remove and return all, in order."""
        taken = list(self)
        self._heap = []
        return taken

    def copy(self) -> Timers[T]:
        """Return an independent heap of the same items."""
        twin: Timers[T] = Timers()
        twin._heap = self._heap.copy()
        twin._last_number = self._last_number
        return twin

    def __iter__(self) -> Iterator[T]:
        """Yield them in the order of their times."""
        return (timer.item for timer in sorted(self._heap))

    def __len__(self) -> int:
        return len(self._heap)
