"""
Idempotency keys: what was answered under them, until the clock forgets it.

A key is `IN_FLIGHT` from the claim of its first call to that call's end, then
kept with its answer or free again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mockserver.store.bounds import Bounded, Bounds


@dataclass(slots=True)
class KeptKey:
    """
    What is known of one key. `answer` is None while its first call is in
    flight, which may say what will be `kept`; once it is there, nothing changes any more. `at` is (scope, key).
    """

    line: tuple[str, str]
    body: str
    call_id: str
    until_s: float
    answer: Any = None
    at: tuple[str, str] = ("", "")
    kept: Any = None

    def keep(self, answer: object) -> None:
        """That will be its answer once its first call is over."""
        self.kept = answer


class Keys:
    """
    Known keys by (scope, key). A scope is where `idempotency` stands. `in_flight`
    is how many wait for the end of their first call.
    """

    __slots__ = ("_bounds", "_kept", "in_flight")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._kept: Bounded[tuple[str, str], KeptKey] = Bounded("idempotency_keys", bounds, _is_settled)
        self.in_flight = 0

    def find(self, scope: str, key: str, now_s: float) -> KeptKey | None:
        """What is known of the key; a kept answer past its time is not known any more."""
        self._kept.expire(now_s)
        return self._kept.get((scope, key))

    def open(self, entry: KeptKey) -> None:
        """The key's first call is claimed."""
        self._kept.put(entry.at, entry, _size_of(entry))
        self.in_flight += 1

    def settle(self, entry: KeptKey) -> None:
        """The first call is over: its answer is kept, or, where there is none to keep, the key is free."""
        if self._kept.get(entry.at) is not entry:
            return  # forgotten by a reset meanwhile
        self.in_flight -= 1
        if entry.kept is None:
            self._kept.pop(entry.at)
        else:
            entry.answer = entry.kept
            self._kept.put(entry.at, entry, _size_of(entry), entry.until_s)

    def answered(self) -> list[KeptKey]:
        """Those whose answer is kept, oldest first."""
        return [one for one in self._kept.values() if one.answer is not None]

    def put(self, entries: Iterable[KeptKey]) -> None:
        """Known from now on, each with its answer."""
        for entry in entries:
            self._kept.put(entry.at, entry, _size_of(entry), entry.until_s)

    def copy(self) -> Keys:
        twin = Keys(self._bounds)
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
