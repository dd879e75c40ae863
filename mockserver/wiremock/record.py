"""The journal: calls of the namespace, newest first, without those that a client removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call


class Journal:
    """Removed calls are hidden here, and stay in the call log of the namespace; `clear` clears it."""

    def __init__(self, ns: Namespace) -> None:
        self._ns = ns
        self._removed: set[int] = set()

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls, newest first, without incomplete and automatic ones."""
        return (
            call
            for call in reversed(self._ns.call_log)
            if call.number not in self._removed and call.request.complete and not call.automatic
        )

    def get(self, number: int) -> Call | None:
        call = self._ns.call_log.get(number)
        return None if call is None or number in self._removed else call

    def remove(self, holds: Callable[[Call], bool]) -> list[Call]:
        """Remove the matching calls, and return them."""
        result = [call for call in self if holds(call)]
        recorded = {call.number for call in self._ns.call_log}
        self._removed = (self._removed & recorded) | {call.number for call in result}
        return result

    def clear(self) -> None:
        self._removed.clear()
        self._ns.forget_calls()
        self._ns.tell()
