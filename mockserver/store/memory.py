"""What a service remembers in one namespace: state, resources, idempotency keys, limits, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.store.clock import VirtualClock
from mockserver.store.keys import Keys
from mockserver.store.limits import Limits
from mockserver.store.state import State
from mockserver.store.tokens import Tokens


class Memory:
    """
    The parts that a reset of `memory` puts back, and a snapshot keeps.

    `resources` are collections by their resource's id, made by whoever asks first.
    """

    __slots__ = ("clock", "keys", "limits", "resources", "state", "tokens")

    def __init__(self, clock: VirtualClock, state: Mapping[str, Any]) -> None:
        self.clock = clock
        self.state = State(state, clock.now_s)
        self.keys = Keys()
        self.limits = Limits()
        self.tokens = Tokens()
        self.resources: dict[str, Any] = {}

    def copy(self) -> Memory:
        """For a snapshot. What is in flight is not part of it."""
        twin = Memory(self.clock, {})
        twin.state = self.state.copy()
        twin.keys = self.keys.copy()
        twin.limits = self.limits.copy()
        twin.tokens = self.tokens.copy()
        twin.resources = {name: one.copy() for name, one in self.resources.items()}
        return twin
