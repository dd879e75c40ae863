"""Side effects at the service, independent of its responses: one entry per effect, oldest first."""

from __future__ import annotations

from typing import Any

from mockserver.store.bounds import Bounds, Log


class Effects(Log[dict[str, Any]]):
    """The effects of a namespace."""

    __slots__ = ()

    def __init__(self, bounds: Bounds) -> None:
        super().__init__("effects", bounds)
