"""
One reply being sent: what is written, what is still due, and whether the client is connected.

A reply is completed when its last byte has been sent, whatever the client does afterwards. `Wire` is what all protocols
have in common; how a reply looks in bytes is in `http1_wire` and `h2/wire`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from mockserver.model.call import Call
from mockserver.model.http import Pairs, Response
from mockserver.model.plan import Outcome


class HasClock(Protocol):
    """`mono` is the monotonic clock of calls."""

    @property
    def mono(self) -> Callable[[], float]: ...


class Ledger(Protocol):
    """Receives the progress of the reply to a call: the engine, or a layer between it and a shared store."""

    @property
    def shared(self) -> HasClock: ...

    def answered(self, call: Call, status: int) -> None: ...

    def left(self, call: Call) -> None: ...


class Wire(ABC):
    """
    The connection, or a stream of it, during one reply. `call` is None for replies that are not recorded. `has_left`: the
    client has closed its side of the connection. It may have disconnected or still wait for the response: the two look
    the same until something is sent. `lost` is the outcome of a call whose reply can't be completed.

    What sends: `respond`, then any number of `send`, then `end` unless the length was known. `unsent` is the number of
    bytes of the body that follow, None if it is not known. All raise ConnectionError.
    """

    __slots__ = ("_engine", "_settle", "_task", "_unsent", "call", "client_left", "has_begun", "has_left", "head_only", "is_completed", "lost", "version")  # fmt: skip

    def __init__(self, engine: Ledger, *, version: tuple[int, int], head_only: bool, has_left: bool) -> None:
        self._engine = engine
        self.version = version
        self.head_only = head_only
        self.call: Call | None = None
        self.has_left = has_left
        self.has_begun = False
        self.is_completed = False
        self.lost = Outcome.CLIENT_LEFT
        self._unsent: int | None = None
        self._task: asyncio.Task[Any] | None = None
        self._settle: Callable[[Call, Outcome], Awaitable[None]] | None = None
        self.client_left: Callable[[], None] | None = None
        """Called when the client closes its side of the connection."""

    # What a protocol implements

    @property
    @abstractmethod
    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""

    @abstractmethod
    async def respond(
        self, response: Response, length: int | None, body: bytes = b"", unsent: int | None = 0
    ) -> None:
        """Send the head and the beginning of the body. `length` is that of the body, None if it is not known."""

    @abstractmethod
    async def send(self, data: bytes, unsent: int | None) -> None:
        """Send more of the body."""

    @abstractmethod
    async def end(self, trailers: Pairs = ()) -> None:
        """End a body of unknown length."""

    @abstractmethod
    async def respond_until_close(self, response: Response) -> None:
        """Send a head whose body has no end: what follows is sent by `send`, until the client disconnects."""

    @abstractmethod
    async def raw(self, data: bytes) -> None:
        """Send bytes that are not part of a valid reply."""

    @abstractmethod
    def is_last(self) -> None:
        """Let no other reply follow on a connection of one reply at a time."""

    @abstractmethod
    async def reset(self, code: int | None) -> None:
        """Break the reply. `code` is the reason that HTTP/2 names."""

    @abstractmethod
    async def close(self, code: int | None) -> None:
        """Close the connection."""

    @abstractmethod
    async def truncate(self) -> None:
        """End the reply before its body is complete."""

    @abstractmethod
    def break_off(self) -> None:
        """End a reply that can't be completed."""

    @abstractmethod
    def close_window(self) -> None:
        """Let the client send no more bodies on this connection, as far as the protocol can."""

    @abstractmethod
    async def took_what_came(self) -> bool:
        """Whether the client has received the part of the reply that was sent, as far as is known."""

    # Progress

    def settled_by(self, ledger: Ledger, settle: Callable[[Call, Outcome], Awaitable[None]]) -> None:
        """
        Set the ledger that receives the progress. `settle` is awaited before the last byte of a reply is sent, and
        before the server closes the connection, so that everything the client can observe is stored by then.
        """
        self._engine = ledger
        self._settle = settle

    async def settle(self, outcome: Outcome) -> None:
        """Report the outcome before the end of the reply."""
        if self._settle is not None and self.call is not None:
            await self._settle(self.call, outcome)

    def answers(self, call: Call) -> None:
        """Set the call of the reply."""
        self.call = call
        if self.has_left:
            self._engine.left(call)

    def begins(self, status: int) -> None:
        """Report the status line before it is sent. Raises ConnectionError."""
        self.first_byte()
        if self.call is not None:
            self._engine.answered(self.call, status)

    def first_byte(self) -> None:
        """Report the first byte before it is sent. Raises ConnectionError."""
        self.check_open()
        call = self.call
        if call is not None and call.first_byte_at_s is None:
            call.first_byte_at_s = self._engine.shared.mono()

    def check_open(self) -> None:
        """Raises ConnectionError if nothing can be sent any more."""
        if self.is_closing:
            raise ConnectionResetError("the client has disconnected")

    def completed(self) -> None:
        """Report that the last byte was sent."""
        self.is_completed = True
        if self.call is not None:
            self.call.last_byte_at_s = self._engine.shared.mono()

    def interrupted(self) -> bool:
        """Handle a lost connection. Return whether the reply was completed."""
        if not self.is_completed and self.call is not None and self.call.left_at_s is None:
            self.call.left_at_s = self._engine.shared.mono()
        return self.is_completed

    def ends(self) -> None:
        """Report that the server ends the reply."""
        if self.call is not None:
            self.call.last_byte_at_s = self._engine.shared.mono()

    # The client closes its side

    def nothing_is_due(self) -> None:
        """Let the reply end as soon as the client closes its side: nothing more is sent without an event."""
        if self.has_left:
            raise ConnectionResetError("the client has disconnected")
        self._task = asyncio.current_task()

    def client_ended(self) -> None:
        """Handle the end of the client's side of the connection."""
        self.has_left = True
        if self.client_left is not None:
            self.client_left()
        if self.call is not None and not self.is_completed:
            self._engine.left(self.call)
        if self._task is not None:
            self._task.cancel()
