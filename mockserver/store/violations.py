"""Where what was asked and answered broke a contract, oldest first; counted exactly, also those no longer kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

KEPT = 10_000


class Violations:
    """A namespace's violations, as JSON. Each has a `number`, from 1."""

    __slots__ = ("_kept", "dropped")

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque()
        self.dropped = 0

    @property
    def total(self) -> int:
        return self.dropped + len(self._kept)

    def add(self, violation: dict[str, Any]) -> None:
        self._kept.append({"number": self.total + 1, **violation})
        if len(self._kept) > KEPT:
            self._kept.popleft()
            self.dropped += 1

    def put(self, dropped: int, rows: list[dict[str, Any]]) -> None:
        """As they were."""
        self.dropped = dropped
        self._kept.extend(rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
