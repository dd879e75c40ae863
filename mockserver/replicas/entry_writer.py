"""The entries of one namespace on their way to the store, in groups, and who waits for them to be there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mockserver.errors import MockServerError
from mockserver.replicas.committer import MOST_BYTES, MOST_ENTRIES, Committer, StoreTimeoutError
from mockserver.replicas.entries import Kind, encode
from mockserver.replicas.store import AddedGroup, EntryGroup, Written


@dataclass(slots=True)
class Mark:
    """
    The end of a block. With a `token`, the namespace is open from there on to replicas that have it; with an empty one
    it is closed. `blocks` is the number of blocks before it, once that is known.
    """

    token: str | None = None
    blocks: int = -1


class EntryWriter:
    """
    The only writer of its namespace, unless that is open. `position` counts the entries that were appended here,
    `confirmed` those that the store has taken. `blocks` are those of the list in the store that this memory has; the
    last ones may not be written yet. `epoch` is that of the ownership. `refused` is called when the store refuses a group.
    """

    def __init__(
        self, name: str, epoch: str, committer: Committer, refused: Callable[[Written], None], *, blocks: int
    ) -> None:
        self.epoch = epoch
        self.position = 0
        self.confirmed = 0
        self.blocks = blocks
        self.unread = 0
        """Own blocks that were written while the namespace is open, and not read again yet."""
        self.lost: MockServerError | None = None
        """Why nothing can be written any more."""
        self.token = ""
        """By which other replicas add calls; empty while the namespace is closed."""
        self.is_replaying = False
        """Whether what is run is in the store already."""
        self._name = name
        self._committer = committer
        self._refused = refused
        self._groups = 0
        self._written_token = ""
        self._unwritten: deque[bytes | Mark] = deque()
        self._waiting: deque[tuple[int, Callable[[MockServerError | None], None]]] = deque()

    def append(
        self, kind: Kind, at_s: float, head: list[Any], first: bytes = b"", second: bytes = b""
    ) -> None:
        """Add one entry, which the committer writes with others."""
        if self.is_replaying:
            return
        self.position += 1
        self._unwritten.append(encode(kind, at_s, head, first, second))
        self._committer.wants(self)

    def mark(self, token: str) -> None:
        """Open the namespace to replicas that have the token, or close it by an empty one."""
        self.position += 1
        self._unwritten.append(Mark(token))
        self._committer.wants(self)

    def end(self) -> Mark:
        """Return the place after all entries so far; its `blocks` are known once these are stored."""
        mark = Mark()
        if self.token:
            mark.blocks = self.blocks
        else:
            self._unwritten.append(mark)
            self._committer.wants(self)
        return mark

    @property
    def is_complete(self) -> bool:
        """Whether this memory is that of the first `blocks` blocks, with calls that are not in the call log yet."""
        return not self.unread and self.confirmed >= self.position

    async def stored(self) -> None:
        """
        Wait until all entries so far are in the store. Raises OwnerLostError, StoreIsFullError, and StoreTimeoutError
        after a second.
        """
        if self.lost is None and self.confirmed >= self.position:
            return
        future = asyncio.get_running_loop().create_future()

        def told(error: MockServerError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.when_stored(told)
        await future

    def when_stored(self, then: Callable[[MockServerError | None], None]) -> None:
        """Call that once all entries so far are in the store, or with the reason why that is not known."""
        if self.lost is not None:
            then(self.lost)
        elif self.confirmed >= self.position:
            then(None)
        elif self._committer.is_away:
            then(StoreTimeoutError("the store did not answer within a second"))
        else:
            self._waiting.append((self.position, then))

    def give_up(self, error: MockServerError) -> None:
        """Tell the waiting callers that it takes too long. The entries are still written, later."""
        waiting, self._waiting = self._waiting, deque()
        for _, then in waiting:
            then(error)

    def take(self) -> EntryGroup | None:
        """Return the next group; None if there is nothing to write."""
        unwritten = self._unwritten
        entries: list[bytes] = []
        size = 0
        while unwritten and len(entries) < MOST_ENTRIES and size < MOST_BYTES:
            entry = unwritten[0]
            if isinstance(entry, Mark):
                if entries:
                    break
                unwritten.popleft()
                entry.blocks = self.blocks + self.unread
                if entry.token is not None:
                    self._written_token = entry.token
                    return self._group(b"", 1)
            else:
                unwritten.popleft()
                entries.append(entry)
                size += len(entry)
        if not entries:
            return None
        if self.token:
            self.unread += 1  # its place among the blocks of others is known when they are read
        else:
            self.blocks += 1
        return self._group(b"".join(entries), len(entries))

    def _group(self, block: bytes, count: int) -> EntryGroup:
        self._groups += 1
        return EntryGroup(self._name, self.epoch, self._groups, block, count, self._written_token)

    def written(self, group: EntryGroup | AddedGroup, result: Written) -> None:
        """Hear what became of a group."""
        if result is not Written.DONE:
            self._refused(result)
            return
        self.confirmed += group.count
        waiting = self._waiting
        while waiting and waiting[0][0] <= self.confirmed:
            waiting.popleft()[1](None)

    def fail(self, error: MockServerError) -> None:
        """Nothing more can be written: tell the waiting callers."""
        if self.lost is None:
            self.lost = error
        self._unwritten.clear()
        self.give_up(error)
