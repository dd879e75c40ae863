"""Limits for data that clients can fill: entries of each kind, and their bytes."""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from mockserver.errors import MockServerError
from mockserver.model.sizes import size_of

K = TypeVar("K")
V = TypeVar("V")

_ENTRY_BYTES = 200
"""Approximate overhead of an entry beside its key and value."""
_GONE_BYTES = 600
"""Approximate size of what is kept of a removed route: its id, and counts by status."""
_FEW = 64

KINDS = (
    "state", "resources", "idempotency_keys", "access_tokens", "refresh_tokens", "limit_keys", "per_keys", "effects",
    "deliveries", "violations", "route_counts",
)  # fmt: skip
"""Every kind with a limit, by its name in `/health` and the metrics."""


class StoreFullError(MockServerError):
    """An entry exceeds the limit, and none of its kind may be dropped. `kind` is one of KINDS."""

    def __init__(self, kind: str, bounds: Bounds) -> None:
        super().__init__(f"at most {bounds.entries:,} entries and {bounds.size_bytes:,} bytes of {kind}")
        self.kind = kind
        self.bounds = bounds


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of each kind. `reached` is called with the kind each time an entry is dropped or rejected."""

    entries: int = 100_000
    size_bytes: int = 64_000_000
    reached: Callable[[str], None] = lambda kind: None  # noqa: ARG005

    def exceeded(self, entries: int, size_bytes: int) -> bool:
        return entries > self.entries or size_bytes > self.size_bytes


_NOTHING: deque[Any] = deque()
"""Shared by all queues that are empty, so that they take no memory. Nothing is added to it."""


class Expiry(dict[K, float]):
    """
    Expiry times by key, by the virtual clock. Set them with `set_at` alone.

    Most lifetimes are the same, so most times are added in their order: these are queued, the others are in a heap.
    """

    __slots__ = ("_heap", "_number", "_queue")

    _queue: deque[tuple[K, float]]

    def __init__(self, until_s: Mapping[K, float] = MappingProxyType({})) -> None:
        super().__init__(until_s)
        self._number = 0
        self._rebuild()

    def set_at(self, key: K, until_s: float) -> None:
        self[key] = until_s
        queue, heap = self._queue, self._heap
        if not queue:
            self._queue = deque(((key, until_s),))
        elif until_s >= queue[-1][1]:
            queue.append((key, until_s))
        else:
            self._number += 1
            heapq.heappush(heap, (until_s, self._number, key))  # numbers differ: keys are not compared
        if len(queue) + len(heap) > 2 * len(self) + _FEW:
            self._rebuild()

    def forget(self, key: K) -> None:
        """Remove the time of a key, if it has one."""
        self.pop(key, None)
        queue = self._queue
        while queue and queue[0][0] not in self:
            queue.popleft()

    def due(self, now_s: float) -> Sequence[K]:
        """Remove and return the keys that are due."""
        queue, heap = self._queue, self._heap
        if not ((queue and queue[0][1] <= now_s) or (heap and heap[0][0] <= now_s)):
            return ()
        due = []
        while queue and queue[0][1] <= now_s:
            due.append(queue.popleft())
        while heap and heap[0][0] <= now_s:
            until_s, _, key = heapq.heappop(heap)
            due.append((key, until_s))
        keys = []
        for key, until_s in due:
            if self.get(key) == until_s:
                del self[key]
                keys.append(key)
        return keys

    def _rebuild(self) -> None:
        """Drop the outdated times of keys that were set again or removed."""
        self._queue = deque(sorted(self.items(), key=itemgetter(1))) if self else _NOTHING
        self._heap: list[tuple[float, int, K]] = []


class Gone(Generic[V]):
    """
    Values by route id, kept for removed routes too. Above the limit the oldest values of removed routes are dropped, a
    tenth of the limit at once, since finding them takes a look at every entry.
    """

    __slots__ = ("_bounds", "_there", "entries")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.entries: dict[str, V] = {}
        self._there = 0
        """How many belonged to existing routes at the last check."""

    def leaving(self, is_there: Callable[[str], bool]) -> list[str]:
        """Return the ids to drop now. Call it after routes have changed."""
        most = min(self._bounds.entries, self._bounds.size_bytes // _GONE_BYTES)
        if len(self.entries) - self._there <= most:
            return []
        gone = [route_id for route_id in self.entries if not is_there(route_id)]
        self._there = len(self.entries) - len(gone)
        return gone[: len(gone) - most + most // 10] if len(gone) > most else []


class Bounded(Generic[K, V]):
    """
    Entries by key, oldest first. Above the limit the oldest entry for which `is_settled` holds is dropped; if there is
    none, all stay. Expired entries are dropped before that.
    """

    __slots__ = (
        "_bounds",
        "_entries",
        "_expiry",
        "_is_settled",
        "_kind",
        "_sizes",
        "dropped",
        "size_bytes",
    )

    def __init__(
        self,
        kind: str,
        bounds: Bounds,
        is_settled: Callable[[V], bool] = lambda value: True,  # noqa: ARG005
    ) -> None:
        self._kind = kind
        self._bounds = bounds
        self._is_settled = is_settled
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}
        self._expiry: Expiry[K] = Expiry()
        self.size_bytes = 0
        self.dropped = 0
        """Number of entries dropped at the limit."""

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def put(self, key: K, value: V, size_bytes: int, until_s: float | None = None) -> list[V]:
        """Add the entry as the newest. Return the entries that were dropped for it."""
        entries, sizes = self._entries, self._sizes
        if key in entries:
            self.size_bytes -= sizes[key]
            entries.move_to_end(key)
        entries[key] = value
        sizes[key] = size = size_bytes + _ENTRY_BYTES
        self.size_bytes += size
        if until_s is not None:
            self._expiry.set_at(key, until_s)
        elif self._expiry:
            self._expiry.pop(key, None)
        bounds = self._bounds
        if len(entries) <= bounds.entries and self.size_bytes <= bounds.size_bytes:
            return []
        return self._shrink()

    def touch(self, key: K, until_s: float | None = None) -> None:
        """Make the entry the newest again."""
        self._entries.move_to_end(key)
        if until_s is not None:
            self._expiry.set_at(key, until_s)

    def pop(self, key: K) -> V | None:
        value = self._entries.pop(key, None)
        if value is not None:
            self.size_bytes -= self._sizes.pop(key)
            self._expiry.forget(key)
        return value

    def expire(self, now_s: float) -> None:
        """Drop the settled entries that have expired."""
        for key in self._expiry.due(now_s):
            value = self._entries.get(key)
            if value is not None and self._is_settled(value):
                self.pop(key)

    def _shrink(self) -> list[V]:
        """Drop the oldest settled entries. Those that are not settled become the newest again."""
        bounds, entries, is_settled = self._bounds, self._entries, self._is_settled
        left: list[V] = []
        under_way: list[tuple[K, V]] = []
        while entries and bounds.exceeded(len(entries) + len(under_way), self.size_bytes):
            key, value = entries.popitem(last=False)
            if is_settled(value):
                self.size_bytes -= self._sizes.pop(key)
                self._expiry.forget(key)
                self.dropped += 1
                bounds.reached(self._kind)
                left.append(value)
            else:
                under_way.append((key, value))
        if under_way:
            entries.update(under_way)
        return left

    @property
    def is_over(self) -> bool:
        """Whether the limit is exceeded, since no entry may be dropped."""
        return self._bounds.exceeded(len(self._entries), self.size_bytes)

    def items(self) -> Iterator[tuple[K, V]]:
        return iter(self._entries.items())

    def values(self) -> Iterator[V]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)


class Log(Generic[V]):
    """A log, oldest first. Above the limit the oldest entries are dropped, and counted in `dropped`."""

    __slots__ = ("_bounds", "_kept", "_kind", "dropped", "size_bytes")

    def __init__(self, kind: str, bounds: Bounds) -> None:
        self._kind = kind
        self._bounds = bounds
        self._kept: deque[tuple[V, int]] = deque()
        self.size_bytes = 0
        self.dropped = 0

    @property
    def total(self) -> int:
        """Number of entries ever added."""
        return self.dropped + len(self._kept)

    def add(self, entry: V) -> None:
        size = size_of(entry) + _ENTRY_BYTES
        self._kept.append((entry, size))
        self.size_bytes += size
        bounds = self._bounds
        while len(self._kept) > bounds.entries or self.size_bytes > bounds.size_bytes:
            _, size = self._kept.popleft()
            self.size_bytes -= size
            self.dropped += 1
            self._bounds.reached(self._kind)

    def __iter__(self) -> Iterator[V]:
        return (entry for entry, _ in self._kept)

    def __len__(self) -> int:
        return len(self._kept)
