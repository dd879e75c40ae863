"""Contract violations of requests and responses, oldest first; counted exactly, including dropped ones."""

from __future__ import annotations

from typing import Any

from mockserver.store.bounds import Bounds, Log


class Violations(Log[dict[str, Any]]):
    """The violations of a namespace, as JSON. Each has a `number`, from 1."""

    __slots__ = ()

    def __init__(self, bounds: Bounds) -> None:
        super().__init__("violations", bounds)

    def add(self, violation: dict[str, Any]) -> None:
        super().add({"number": self.total + 1, **violation})

    def put(self, dropped: int, rows: list[dict[str, Any]]) -> None:
        """Restore the violations."""
        self.dropped = dropped
        for row in rows:
            super().add(row)
