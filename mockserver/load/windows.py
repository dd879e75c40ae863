"""Windows that slide over events in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """A window of a length over events, given with their times in ascending order. Its start does not belong to it."""

    __slots__ = ("_events", "_times", "length_s")

    def __init__(self, length_s: float, events: Sequence[tuple[float, T]]) -> None:
        self.length_s = length_s
        self._events = events
        self._times = [at_s for at_s, _ in events]

    def count_until(self, until_s: float) -> int:
        """Return how many events the window has that ends at this time."""
        return bisect_right(self._times, until_s) - bisect_right(self._times, until_s - self.length_s)

    def events_until(self, until_s: float) -> list[T]:
        """Return the events of the window that ends at this time."""
        first, last = (bisect_right(self._times, at_s) for at_s in (until_s - self.length_s, until_s))
        return [event for _, event in self._events[first:last]]

    def counts(self) -> Iterator[tuple[float, int]]:
        """Yield each event's time with the number of events in the window that ends there."""
        for at_s in self._times:
            yield at_s, self.count_until(at_s)
