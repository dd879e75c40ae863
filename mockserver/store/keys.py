"""
Idempotency keys: what was answered under them, until the clock forgets it.

A key is `IN_FLIGHT` from the claim of its first call to that call's end, then
kept with its answer or free again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class KeptKey:
    """What is known of one key. `answer` is None while its first call is in flight."""

    line: tuple[str, str]
    body: str
    call_id: str
    until_s: float
    answer: Any = None


class Keys:
    """Known keys by (scope, key). A scope is where `idempotency` stands."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], KeptKey] = {}

    def find(self, scope: str, key: str, now_s: float) -> KeptKey | None:
        """What is known of the key; a kept answer past its time is not known any more."""
        found = self._kept.get((scope, key))
        if found is not None and found.answer is not None and now_s >= found.until_s:
            del self._kept[scope, key]
            return None
        return found

    def open(self, scope: str, key: str, entry: KeptKey) -> None:
        """The key's first call is claimed."""
        self._kept[scope, key] = entry

    def settle(self, scope: str, key: str, entry: KeptKey, answer: Any) -> None:
        """The first call is over: its answer is kept, or, where there is none to keep, the key is free."""
        if self._kept.get((scope, key)) is not entry:
            return  # forgotten by a reset meanwhile
        if answer is None:
            del self._kept[scope, key]
        else:
            entry.answer = answer

    def copy(self) -> Keys:
        twin = Keys()
        twin._kept = {
            at: KeptKey(one.line, one.body, one.call_id, one.until_s, one.answer)
            for at, one in self._kept.items()
            if one.answer is not None
        }
        return twin

    def __len__(self) -> int:
        return len(self._kept)
