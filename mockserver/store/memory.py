"""The data of a service in one namespace: state, resources, idempotency keys, limits, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mockserver.store.bounds import Bounds, StoreFullError
from mockserver.store.clock import VirtualClock
from mockserver.store.idempotency import IdempotencyKeys
from mockserver.store.rate_limits import Limits
from mockserver.store.state import State
from mockserver.store.tokens import Tokens


class StoredItems(Protocol):
    """The interface of a resource's collection."""

    size_bytes: int

    def __len__(self) -> int: ...

    def copy(self) -> object: ...


class Memory:
    """
    The parts that a reset of `memory` clears, and a snapshot keeps.

    `resources` are collections by their resource's id, created on first use.
    """

    __slots__ = ("bounds", "clock", "keys", "limits", "resources", "state", "tokens")

    def __init__(self, clock: VirtualClock, state: Mapping[str, Any], bounds: Bounds) -> None:
        self.clock = clock
        self.bounds = bounds
        self.state = State(state, clock.now_s, bounds)
        self.keys = IdempotencyKeys(bounds)
        self.limits = Limits(bounds)
        self.tokens = Tokens(bounds)
        self.resources: dict[str, Any] = {}

    def check_resources(self, entries: int, size_bytes: int) -> None:
        """Check whether the collections may grow by that many items and bytes. Raises StoreFullError."""
        held: list[StoredItems] = list(self.resources.values())
        if (entries > 0 and sum(map(len, held)) + entries > self.bounds.entries) or (
            size_bytes > 0 and sum(item.size_bytes for item in held) + size_bytes > self.bounds.size_bytes
        ):
            raise StoreFullError("resources", self.bounds)

    def copy(self) -> Memory:
        """Return a copy for a snapshot, without anything in flight."""
        twin = Memory(self.clock, {}, self.bounds)
        twin.state = self.state.copy()
        twin.keys = self.keys.copy()
        twin.limits = self.limits.copy()
        twin.tokens = self.tokens.copy()
        twin.resources = {name: item.copy() for name, item in self.resources.items()}
        return twin
