"""A namespace's key-value state: flat text keys (a dot means nothing), any JSON value, forgotten by the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockserver.model.http import ABSENT


class State(Mapping[str, Any]):
    """Reads as a mapping of what is not forgotten yet. `now_s` is the virtual clock's."""

    __slots__ = ("_now_s", "_until", "_values")

    def __init__(self, initial: Mapping[str, Any], now_s: Callable[[], float]) -> None:
        self._values: dict[str, Any] = dict(initial)
        self._until: dict[str, float] = {}
        self._now_s = now_s

    def read(self, key: str) -> Any:
        """The value, or ABSENT."""
        if key not in self._values:
            return ABSENT
        until_s = self._until.get(key)
        if until_s is not None and self._now_s() >= until_s:
            return ABSENT
        return self._values[key]

    def write(self, key: str, value: Any, ttl_s: float | None = None) -> None:
        """Null removes. With `ttl_s` the value is forgotten so long after."""
        self._until.pop(key, None)
        if value is None:
            self._values.pop(key, None)
            return
        self._values[key] = value
        if ttl_s is not None:
            self._until[key] = self._now_s() + ttl_s

    def clear(self) -> None:
        self._values.clear()
        self._until.clear()

    def plain(self) -> dict[str, Any]:
        return {key: self._values[key] for key in self}

    def parts(self) -> tuple[dict[str, Any], dict[str, float]]:
        """Copies of the values and of the ends that some of them have; what is forgotten may still be there."""
        return dict(self._values), dict(self._until)

    def put(self, values: Mapping[str, Any], until_s: Mapping[str, float]) -> None:
        """What `parts` gave, and nothing else."""
        self._values = dict(values)
        self._until = dict(until_s)

    def copy(self) -> State:
        twin = State(self._values, self._now_s)
        twin._until = dict(self._until)
        return twin

    def __getitem__(self, key: str) -> Any:
        value = self.read(key)
        if value is ABSENT:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        if not self._until:
            return iter(tuple(self._values))
        return iter([key for key in self._values if self.read(key) is not ABSENT])

    def __len__(self) -> int:
        return len(self._values) if not self._until else sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.read(key) is not ABSENT
