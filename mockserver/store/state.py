"""A namespace's key-value state: flat text keys (dots have no meaning), JSON values, expiry by the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mockserver.model.http import ABSENT
from mockserver.model.sizes import size_of
from mockserver.store.bounds import Bounds, Expiry, StoreFullError


def _size(key: str, value: object) -> int:
    return 0 if value is None else key.__sizeof__() + size_of(value)


def sizes_of(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the size of each value, for `State.check_sizes` and `State.write_all`."""
    return {key: _size(key, value) for key, value in values.items()}


class State(Mapping[str, Any]):
    """
    A mapping of the values that have not expired. `now_s` is the virtual clock's. At the limit values stay: call
    `check` before a client's value is written.
    """

    __slots__ = ("_bounds", "_expiry", "_now_s", "_sizes", "_values", "size_bytes")

    def __init__(self, initial: Mapping[str, Any], now_s: Callable[[], float], bounds: Bounds) -> None:
        self._bounds = bounds
        self._now_s = now_s
        self.put(initial, {})

    def read(self, key: str) -> object:
        """Return the value, or ABSENT."""
        if key not in self._values:
            return ABSENT
        until_s = self._expiry.get(key)
        if until_s is not None and self._now_s() >= until_s:
            return ABSENT
        return self._values[key]

    def check(self, writes: Iterable[tuple[str, Any, float | None]]) -> None:
        """Check whether all of these may be written. Raises StoreFullError."""
        self.check_sizes({key: _size(key, value) for key, value, _ in writes})

    def write_all(self, writes: Sequence[tuple[str, Any, float | None]]) -> None:
        """Write all of these, or none if there is no room. Raises StoreFullError."""
        if self._expiry:
            self._forget_expired()
        sized = []
        grown_bytes = self.size_bytes
        for key, value, ttl_s in writes:
            size = 0 if value is None else key.__sizeof__() + size_of(value)
            grown_bytes += size
            sized.append((key, value, ttl_s, size))
        values = self._values
        # With room for all of them as new entries, the sizes of replaced ones don't matter.
        if self._bounds.exceeded(len(values) + len(sized), grown_bytes):
            self.check_sizes({key: size for key, _, _, size in sized})
        for key, value, ttl_s, size in sized:
            if value is None or ttl_s is not None or key in values:
                self._write(key, value, ttl_s, size)
            else:
                values[key] = value
                self._sizes[key] = size
                self.size_bytes += size

    def check_sizes(self, sizes: Mapping[str, int]) -> None:
        """Like `check`, for values of known sizes, 0 for null: see `sizes_of`. Raises StoreFullError."""
        if self._expiry:
            self._forget_expired()
        there = sizes.keys() & self._sizes.keys()
        more = len(sizes) - list(sizes.values()).count(0) - len(there)
        growth = sum(sizes.values()) - sum(map(self._sizes.__getitem__, there))
        bounds = self._bounds
        if (more > 0 and len(self._values) + more > bounds.entries) or (
            growth > 0 and self.size_bytes + growth > bounds.size_bytes
        ):
            raise StoreFullError("state", bounds)

    def write(self, key: str, value: object, ttl_s: float | None = None) -> None:
        """Set a value; null removes it. With `ttl_s` it expires after that time."""
        self._write(key, value, ttl_s, _size(key, value))

    def _write(self, key: str, value: object, ttl_s: float | None, size: int) -> None:
        if self._expiry:
            self._forget_expired()
        if key in self._values:
            self._remove(key)
        if value is None:
            return
        self._values[key] = value
        self._sizes[key] = size
        self.size_bytes += size
        if ttl_s is not None:
            self._expiry.set_at(key, self._now_s() + ttl_s)

    def write_sized(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        """Write many values of known sizes at once. Null removes."""
        if self._expiry:
            self._forget_expired()
        for key in values.keys() & self._expiry.keys():
            del self._expiry[key]
        self._values.update(values)
        self._sizes.update(sizes)
        for key, value in values.items():
            if value is None:
                del self._values[key], self._sizes[key]
        self.size_bytes = sum(self._sizes.values())

    def _remove(self, key: str) -> None:
        if self._values.pop(key, None) is not None:
            self.size_bytes -= self._sizes.pop(key)
            self._expiry.pop(key, None)

    def _forget_expired(self) -> None:
        now_s = self._now_s()
        for key in self._expiry.due(now_s):
            self._remove(key)

    def clear(self) -> None:
        self.put({}, {})

    def plain(self) -> dict[str, Any]:
        return {key: self._values[key] for key in self} if self._expiry else dict(self._values)

    def parts(self) -> tuple[dict[str, Any], dict[str, float]]:
        """Return copies of the values and of their expiry times; expired ones may be included."""
        return dict(self._values), dict(self._expiry)

    def put(self, values: Mapping[str, Any], until_s: Mapping[str, float]) -> None:
        """Replace everything by the result of `parts`."""
        self._values: dict[str, Any] = dict(values)
        self._sizes = {key: _size(key, value) for key, value in self._values.items()}
        self.size_bytes = sum(self._sizes.values())
        self._expiry: Expiry[str] = Expiry(until_s)

    def copy(self) -> State:
        twin = State({}, self._now_s, self._bounds)
        twin._values, twin._sizes, twin.size_bytes = dict(self._values), dict(self._sizes), self.size_bytes
        twin._expiry = Expiry(self._expiry)
        return twin

    def __getitem__(self, key: str) -> object:
        value = self.read(key)
        if value is ABSENT:
            raise KeyError(key)
        return value

    def get(self, key: str, default: object = None) -> object:
        """Like every mapping's, without an exception on the way."""
        value = self.read(key)
        return default if value is ABSENT else value

    def __iter__(self) -> Iterator[str]:
        if not self._expiry:
            return iter(tuple(self._values))
        return iter([key for key in self._values if self.read(key) is not ABSENT])

    def __len__(self) -> int:
        return len(self._values) if not self._expiry else sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.read(key) is not ABSENT
