"""What really happened at the service, apart from what it answered: one entry an effect, oldest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

KEPT = 100_000


class Effects:
    """A namespace's effects. `dropped` counts those that are not kept any more."""

    __slots__ = ("_kept", "dropped")

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque()
        self.dropped = 0

    def add(self, effect: dict[str, Any]) -> None:
        self._kept.append(effect)
        if len(self._kept) > KEPT:
            self._kept.popleft()
            self.dropped += 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
