"""Where the sequences of a namespace stand: one position a route, or one for each value of its `per`."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.model.position import Position
from mockserver.store.bounds import Bounded, Bounds

PositionKey = str | tuple[str, str | None]
"""A route's id, or its id and the value of `per`."""


class Positions:
    """Those of `per` values are bounded: past it, the one that was asked for longest ago begins anew."""

    __slots__ = ("_drawn", "_of_routes", "_per")

    def __init__(self, bounds: Bounds) -> None:
        self._of_routes: dict[str, Position] = {}
        self._per: Bounded[tuple[str, str | None], Position] = Bounded("per_keys", bounds)
        self._drawn = 0

    def get(self, key: PositionKey) -> Position | None:
        return self._of_routes.get(key) if isinstance(key, str) else self._per.get(key)

    def used(self, key: PositionKey, version: str) -> Position:
        """The position of that key, which is in use now; a new one where there is none."""
        if isinstance(key, str):
            position = self._of_routes.get(key)
            if position is None:
                position = self._of_routes[key] = Position(version)
            return position
        position = self._per.get(key)
        if position is not None:
            self._per.touch(key)
        else:
            position = Position(version)
            position.draws = self._drawn
            self.put(key, position)
        return position

    def put(self, key: PositionKey, position: Position) -> None:
        if isinstance(key, str):
            self._of_routes[key] = position
            return
        for left in self._per.put(key, position, len(key[0]) + len(key[1] or "")):
            # What was generated for a key that left is not generated again when the key comes back.
            self._drawn = max(self._drawn, left.draws)

    def values(self) -> Iterator[Position]:
        yield from self._of_routes.values()
        yield from self._per.values()

    def items(self) -> Iterator[tuple[PositionKey, Position]]:
        yield from self._of_routes.items()
        yield from self._per.items()

    def __len__(self) -> int:
        return len(self._of_routes) + len(self._per)
