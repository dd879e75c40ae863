"""
Requests that came before, by their bytes: what parsing and looking about found out need not be found out again.

A test suite asks the same things over and over, and parsing is a function of
the bytes alone. What came only once is not kept, but for its hash. Bounded:
two generations, the older one forgotten when the newer is full.
"""

from __future__ import annotations

from mockserver.engine.known import Known

MOST_BYTES = 8_000_000
"""Of the requests in one generation."""
MOST = 20_000
LONGEST_BYTES = 8_192
"""Of one request: longer ones seldom come twice, and reading them costs more than parsing their head."""
_ENTRY_BYTES = 400
"""About what is kept of a request beside its bytes."""


class KnownRequests:
    """Known requests by their bytes."""

    __slots__ = ("_bytes", "_came", "_new", "_old", "get")

    def __init__(self) -> None:
        self._new: dict[bytes, Known] = {}
        self._came: set[int] = set()
        self._turn()

    def _turn(self) -> None:
        self._old = self._new
        self._new = {}
        self._bytes = 0
        self.get = self._new.get
        """A known request, by its bytes; `find` looks among the older ones too."""

    def find(self, data: bytes) -> Known | None:
        """One that `get` has not."""
        known = self._old.get(data)
        if known is not None:
            self.add(data, known)
        return known

    def comes_again(self, data: bytes) -> bool:
        """Whether those bytes are worth knowing: they came before."""
        if len(data) > LONGEST_BYTES:
            return False
        came, at = self._came, hash(data)
        if at in came:
            return True
        if len(came) >= MOST:
            came.clear()
        came.add(at)
        return False

    def add(self, data: bytes, known: Known) -> None:
        self._bytes += len(data) + _ENTRY_BYTES
        if len(self._new) >= MOST or self._bytes > MOST_BYTES:
            self._turn()
            self._bytes = len(data) + _ENTRY_BYTES
        self._new[data] = known

    def purge(self) -> None:
        """Forgets those whose namespace was removed: they would hold on to it."""
        old = {data: known for data, known in self._old.items() if not known.is_lost}
        self._new, kept = {}, self._new
        self._turn()
        for data, known in kept.items():
            if not known.is_lost:
                self.add(data, known)
        self._old = old

    def replace(self, data: bytes, known: Known) -> None:
        """What is known of it now; it was known before."""
        self._new[data] = known

    def forget(self, data: bytes) -> None:
        self._new.pop(data, None)
        self._old.pop(data, None)
