"""What really happened at the service, apart from what it answered: one entry an effect, oldest first."""

from __future__ import annotations

from typing import Any

from mockserver.store.bounds import Bounds, Log


class Effects(Log[dict[str, Any]]):
    """A namespace's effects."""

    __slots__ = ()

    def __init__(self, bounds: Bounds) -> None:
        super().__init__("effects", bounds)
