"""
Idempotency keys and their responses, until they expire by the clock.

A key is `IN_FLIGHT` from the claim of its first call to that call's end, then stored with its response or free again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mockserver.store.bounds import Bounded, Bounds


@dataclass(slots=True)
class KeptKey:
    """
    The state of one key. `answer` is None while its first call is in flight, which may set the response to be `kept` when
    it completes; once it is set, nothing changes. `at` is (scope, key).
    """

    line: tuple[str, str]
    body: str
    call_id: str
    until_s: float
    answer: Any = None
    at: tuple[str, str] = ("", "")
    kept: Any = None


class IdempotencyKeys:
    """Known keys by (scope, key). A scope is where `idempotency` is defined. `in_flight` counts first calls."""

    __slots__ = ("_bounds", "_kept", "in_flight")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._kept: Bounded[tuple[str, str], KeptKey] = Bounded("idempotency_keys", bounds, _is_settled)
        self.in_flight = 0

    def find(self, scope: str, key: str, now_s: float) -> KeptKey | None:
        """Return the state of the key, None if unknown or expired."""
        self._kept.expire(now_s)
        return self._kept.get((scope, key))

    def open(self, entry: KeptKey) -> None:
        """Claim the key for its first call."""
        self._kept.put(entry.at, entry, _size_of(entry))
        self.in_flight += 1

    def settle(self, entry: KeptKey) -> None:
        """Complete the first call: store its response, or free the key if there is none."""
        if self._kept.get(entry.at) is not entry:
            return  # removed by a reset meanwhile
        self.in_flight -= 1
        if entry.kept is None:
            self._kept.pop(entry.at)
        else:
            entry.answer = entry.kept
            self._kept.put(entry.at, entry, _size_of(entry), entry.until_s)

    def answered(self) -> list[KeptKey]:
        """Return the keys with a stored response, oldest first."""
        return [item for item in self._kept.values() if item.answer is not None]

    def put(self, entries: Iterable[KeptKey]) -> None:
        """Add keys with their responses."""
        for entry in entries:
            self._kept.put(entry.at, entry, _size_of(entry), entry.until_s)

    def copy(self) -> IdempotencyKeys:
        twin = IdempotencyKeys(self._bounds)
        twin.put(self.answered())
        return twin

    def __len__(self) -> int:
        return len(self._kept)


def _is_settled(entry: KeptKey) -> bool:
    return entry.answer is not None


def _size_of(entry: KeptKey) -> int:
    scope, key = entry.at
    size = len(scope) + len(key) + len(entry.line[1]) + len(entry.body)
    if entry.answer is not None:
        size += len(entry.answer.body)
        for name, value in entry.answer.headers:
            size += len(name) + len(value)
    return size
