"""
The items of one resource in one namespace, in the order in which they came.

An item is never changed in place but replaced, so that whoever holds one, a
snapshot too, holds it as it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mockserver.model.sizes import size_of

Item = dict[str, Any]
_MAX_COUNTED_DIGITS = 15
_MOST_GONE = 10_000
"""So many removed items keep their place; then the oldest of them loses it."""


@dataclass(frozen=True, slots=True)
class CollectionSnapshot:
    """A collection as it was. Only `Collection.restore` looks inside."""

    items: dict[str, Item]
    places: dict[str, int]
    next_number: int
    next_place: int


class Collection:
    """
    Items by their id's text. `next_number` is what the next one made is
    counted as; no number comes twice, also where its item has gone.

    A place is a number that grows with every item; that of one which has gone
    is kept, so that who reads page by page finds where they were.
    `size_bytes` is about what the items take.
    """

    __slots__ = ("_gone", "_items", "_next_place", "_places", "next_number", "size_bytes")

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._places: dict[str, int] = {}
        self._gone: deque[tuple[str, int]] = deque()
        self.size_bytes = 0
        self._next_place = 0
        self.next_number = 1

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, text: object) -> bool:
        return text in self._items

    @property
    def items(self) -> list[Item]:
        """All of them, in order."""
        return list(self._items.values())

    def get(self, text: str) -> Item | None:
        return self._items.get(text)

    def insert(self, text: str, item: Item, *, counted: bool = False) -> None:
        """
        A new item, at the end. `counted`: ids are numbers made by counting, so
        a larger one that was sent moves the count on, and a text leaves it.
        """
        self._items[text] = item
        self.size_bytes += size_of(item)
        self._places[text] = self._next_place
        self._next_place += 1
        if not counted:
            self.next_number += 1
        elif text.isascii() and text.isdecimal() and len(text) <= _MAX_COUNTED_DIGITS:
            self.next_number = max(self.next_number, int(text) + 1)

    def replace(self, text: str, item: Item) -> None:
        """Another value for an item, which keeps its place."""
        self.size_bytes += size_of(item) - size_of(self._items[text])
        self._items[text] = item

    def remove(self, text: str) -> None:
        self.size_bytes -= size_of(self._items.pop(text))
        self._gone.append((text, self._places[text]))
        self._forget_gone()

    def _forget_gone(self) -> None:
        while len(self._gone) > _MOST_GONE:
            text, place = self._gone.popleft()
            if text not in self._items and self._places.get(text) == place:
                del self._places[text]

    def slice(self, start: int, size: int) -> list[Item]:
        return list(islice(self._items.values(), start, start + size))

    def place_of(self, text: str) -> int | None:
        """The place of an item that is there, or was."""
        return self._places.get(text)

    def after(self, place: int, size: int) -> list[tuple[int, Item]]:
        """The next items behind a place, each with its own."""
        places = self._places
        behind = ((places[text], item) for text, item in self._items.items() if places[text] > place)
        return list(islice(behind, size))

    def copy(self) -> Collection:
        """Another collection of the same items."""
        twin = Collection()
        twin._put(self.snapshot())
        twin.size_bytes = self.size_bytes
        return twin

    def snapshot(self) -> CollectionSnapshot:
        return CollectionSnapshot(dict(self._items), dict(self._places), self.next_number, self._next_place)

    def restore(self, snapshot: CollectionSnapshot) -> None:
        """What was, and nothing else."""
        self._put(snapshot)
        self.size_bytes = sum(map(size_of, snapshot.items.values()))

    def _put(self, snapshot: CollectionSnapshot) -> None:
        self._items = dict(snapshot.items)
        self._places = dict(snapshot.places)
        self.next_number = snapshot.next_number
        self._next_place = snapshot.next_place
        self._gone = deque(
            (text, place) for text, place in snapshot.places.items() if text not in snapshot.items
        )
        self._forget_gone()
