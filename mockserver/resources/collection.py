"""
The items of one resource in one namespace, in their order.

Items are replaced, never changed, so that snapshots keep them as they were.
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
"""Maximum number of removed items whose places are kept."""


@dataclass(frozen=True, slots=True)
class CollectionSnapshot:
    """A copy of a collection. Only `Collection.restore` uses its fields."""

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
        """All items, in order."""
        return list(self._items.values())

    def get(self, text: str) -> Item | None:
        return self._items.get(text)

    def insert(self, text: str, item: Item, *, counted: bool = False) -> None:
        """Add an item at the end. `counted`: ids are numbered; a larger number that was sent moves the count."""
        self._items[text] = item
        self.size_bytes += size_of(item)
        self._places[text] = self._next_place
        self._next_place += 1
        if not counted:
            self.next_number += 1
        elif text.isascii() and text.isdecimal() and len(text) <= _MAX_COUNTED_DIGITS:
            self.next_number = max(self.next_number, int(text) + 1)

    def replace(self, text: str, item: Item) -> None:
        """Replace the value of an item, which keeps its place."""
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

    def slice(self, start: int, size: int, *, newest_first: bool = False) -> list[Item]:
        items = reversed(self._items.values()) if newest_first else self._items.values()
        return list(islice(items, start, start + size))

    def place_of(self, text: str) -> int | None:
        """Return the place of an item, even if it was removed."""
        return self._places.get(text)

    def after(self, place: int, size: int, *, newest_first: bool = False) -> list[tuple[int, Item]]:
        """Return the next items after a place, with their places."""
        places = self._places
        if newest_first:
            newest = reversed(self._items.items())
            behind = ((places[text], item) for text, item in newest if places[text] < place)
        else:
            behind = ((places[text], item) for text, item in self._items.items() if places[text] > place)
        return list(islice(behind, size))

    def before(self, place: int, size: int, *, newest_first: bool = False) -> list[tuple[int, Item]]:
        """Return the last items before a place, with their places."""
        return self.after(place, size, newest_first=not newest_first)[::-1]

    def copy(self) -> Collection:
        """Return a collection with the same items."""
        twin = Collection()
        twin._put(self.snapshot())
        twin.size_bytes = self.size_bytes
        return twin

    def snapshot(self) -> CollectionSnapshot:
        return CollectionSnapshot(dict(self._items), dict(self._places), self.next_number, self._next_place)

    def restore(self, snapshot: CollectionSnapshot) -> None:
        """Restore a snapshot."""
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
