"""Sequence states of a namespace: one per route, or per value of its `per`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockserver.model.sequence_state import SequenceState
from mockserver.store.bounds import Bounded, Bounds, Gone

SequenceKey = str | tuple[str, str | None]
"""A route's id, or its id and the value of `per`."""


class SequenceStates:
    """The states by key. Those of `per` values are limited: above the limit, the least recently used one restarts."""

    __slots__ = ("_drawn", "_gone", "_per", "of_routes")

    def __init__(self, bounds: Bounds) -> None:
        self._gone: Gone[SequenceState] = Gone(bounds)
        self.of_routes = self._gone.entries
        self._per: Bounded[tuple[str, str | None], SequenceState] = Bounded("per_keys", bounds)
        self._drawn = 0

    def get(self, key: SequenceKey) -> SequenceState | None:
        return self.of_routes.get(key) if isinstance(key, str) else self._per.get(key)

    def used(self, key: SequenceKey, version: str) -> SequenceState:
        """Return the state of that key, now in use, or a new one."""
        if isinstance(key, str):
            position = self.of_routes.get(key)
            if position is None:
                position = self.of_routes[key] = SequenceState(version)
                position.draws = self._drawn
            return position
        position = self._per.get(key)
        if position is not None:
            self._per.touch(key)
        else:
            position = SequenceState(version)
            position.draws = self._drawn
            self.put(key, position)
        return position

    def put(self, key: SequenceKey, position: SequenceState) -> None:
        if isinstance(key, str):
            self.of_routes[key] = position
            return
        for left in self._per.put(key, position, len(key[0]) + len(key[1] or "")):
            # Values generated for a dropped key are not generated again when the key comes back.
            self._drawn = max(self._drawn, left.draws)

    def drop_gone(self, is_there: Callable[[str], bool]) -> None:
        """Drop the states of removed routes at the limit."""
        for route_id in self._gone.leaving(is_there):
            self._drawn = max(self._drawn, self.of_routes.pop(route_id).draws)

    def values(self) -> Iterator[SequenceState]:
        yield from self.of_routes.values()
        yield from self._per.values()

    def items(self) -> Iterator[tuple[SequenceKey, SequenceState]]:
        yield from self.of_routes.items()
        yield from self._per.items()

    def __len__(self) -> int:
        return len(self.of_routes) + len(self._per)
