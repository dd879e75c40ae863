"""The webhooks of a namespace, those on their way and those that came to an end. Bounded; what is dropped is counted."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.model.delivery import Delivery, DeliveryState

KEPT = 10_000
_UNDER_WAY = frozenset({DeliveryState.WAITING, DeliveryState.SENDING})


class Deliveries:
    """Deliveries by number, oldest first. `last_number` goes on over a reset, so no id comes twice."""

    __slots__ = ("_kept", "dropped", "last_number")

    def __init__(self, last_number: int = 0) -> None:
        self._kept: dict[int, Delivery] = {}
        self.last_number = last_number
        self.dropped = 0

    def add(self, delivery: Delivery) -> None:
        self._kept[delivery.number] = delivery
        if len(self._kept) > KEPT:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """The oldest that is over; one under way only where all are."""
        over = (number for number, one in self._kept.items() if one.state not in _UNDER_WAY)
        del self._kept[next(over, next(iter(self._kept)))]
        self.dropped += 1

    def next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def get(self, number: int) -> Delivery | None:
        return self._kept.get(number)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)
