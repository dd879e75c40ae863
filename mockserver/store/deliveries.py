"""The webhooks of a namespace, pending and completed. Limited; dropped ones are counted."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.store.bounds import Bounded, Bounds
from mockserver.store.delivery import Delivery, DeliveryState

_UNDER_WAY = frozenset({DeliveryState.WAITING, DeliveryState.SENDING})


class Deliveries:
    """Deliveries by number, oldest first. `last_number` continues after a reset, so that ids are unique."""

    __slots__ = ("_bounds", "_kept", "dropped_before", "last_number")

    def __init__(self, bounds: Bounds, last_number: int = 0) -> None:
        self._bounds = bounds
        self._kept: Bounded[int, Delivery] = Bounded("deliveries", bounds, _is_settled)
        self.last_number = last_number
        self.dropped_before = 0
        """Number of deliveries that were dropped before the state file was written."""

    @property
    def dropped(self) -> int:
        return self.dropped_before + self._kept.dropped

    def add(self, delivery: Delivery) -> None:
        """Add a delivery. If the pending ones leave no room for it, it fails: it is kept without its body and not sent."""
        self._kept.put(delivery.number, delivery, _size_of(delivery))
        if self._kept.is_over:
            self._bounds.reached("deliveries")
            delivery.state = DeliveryState.FAILED
            delivery.error = (
                f"not sent: the webhooks under way take {self._bounds.entries:,} entries or "
                f"{self._bounds.size_bytes:,} bytes already; see --max-entries and --max-entries-bytes"
            )
            delivery.body = b""
            self._kept.put(delivery.number, delivery, _size_of(delivery))

    def next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def get(self, number: int) -> Delivery | None:
        return self._kept.get(number)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(sorted(self._kept.values(), key=lambda delivery: delivery.number))

    def __len__(self) -> int:
        return len(self._kept)


def _is_settled(delivery: Delivery) -> bool:
    return delivery.state not in _UNDER_WAY


_ATTEMPT_BYTES = 1_000
"""Approximate size of an attempt, with the start of its response."""


def _size_of(delivery: Delivery) -> int:
    headers = sum(len(name) + len(value) for name, value in delivery.headers)
    return len(delivery.body) + len(delivery.url) + headers + _ATTEMPT_BYTES * delivery.attempts
