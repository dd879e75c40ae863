"""
A namespace that is open to other replicas: they add calls with constant replies to its list in the store by a token.

All else waits until it is closed again and those calls are known here, so it makes no difference who has decided them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.model.http import Request
from mockserver.replicas.added import AddedCalls
from mockserver.replicas.committer import Committer
from mockserver.replicas.constant import constant_route, is_constant
from mockserver.replicas.entry_writer import EntryWriter
from mockserver.replicas.store import MOST_BLOCKS

OPEN_AFTER = 256
"""A namespace is opened after this many calls with constant replies and without any other."""


class NamespaceOpening:
    """
    Opens and closes a namespace. `changes` is held by what changes it. `read_blocks` reads the next blocks, `confirm`
    makes sure that nobody has taken the namespace over; both raise OwnerLostError, StoreAwayError.
    """

    def __init__(
        self,
        ns: Namespace,
        entries: EntryWriter,
        committer: Committer,
        changes: asyncio.Lock,
        *,
        open_after: int,
        read_blocks: Callable[[], Awaitable[Sequence[bytes]]],
        confirm: Callable[[], Awaitable[None]],
    ) -> None:
        self.attended = 0
        """Calls of the admin API in progress: the namespace stays closed."""
        self.added = AddedCalls(ns)
        self._ns = ns
        self._entries = entries
        self._committer = committer
        self._changes = changes
        self._open_after = open_after
        self._read_blocks = read_blocks
        self._confirm = confirm
        self._constants = 0
        self._is_closing = False
        self._closing: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether other replicas can add calls."""
        return bool(self._entries.token) and not self._is_closing

    def decided(self, request: Request, route: Route | None) -> None:
        """Count a call. Open the namespace after many, if nothing but the scenarios decides what is answered."""
        if route is None or not is_constant(route):
            self._constants = 0
            return
        self._constants += 1
        if self._constants < self._open_after:
            return
        self._constants = 0
        ns = self._ns
        if (
            self._entries.token
            or self.attended
            or self._changes.locked()
            or ns.overlay is not None
            or ns.outage is not None
            or ns.recordings is not None
            or ns.watchers
            or ns.listeners
            or ns.followers
            or self._committer.is_away
            or constant_route(ns.shared.scenario_set, request) is None
        ):
            return
        self._entries.token = secrets.token_hex(8)
        self._entries.mark(self._entries.token)

    async def admit(self, is_constant: Callable[[], bool]) -> str:
        """
        Wait until a call can begin here, and return an empty text. If the namespace is open, and the call is one that
        any replica may decide, return the token with which the replica that received it adds it. Raises OwnerLostError,
        StoreTimeoutError, StoreAwayError.
        """
        entries = self._entries
        while entries.token or self._changes.locked():
            if not entries.token:
                async with self._changes:
                    pass
            elif self._is_closing or not is_constant():
                await self.closed()
            else:
                await entries.stored()  # the store knows of it
                await self._confirm()
                if entries.token and not self._is_closing:
                    return entries.token
        return ""

    async def closed(self) -> None:
        """
        Wait until no other replica adds calls, and those that were added are known here. Raises OwnerLostError,
        StoreTimeoutError, StoreAwayError.
        """
        if not self._entries.token:
            return
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
            self._closing.add_done_callback(self._close_done)
        await asyncio.shield(self._closing)

    def _close_done(self, task: asyncio.Task[None]) -> None:
        self._closing = None
        if not task.cancelled():
            task.exception()  # those who wait receive it too

    async def _close(self) -> None:
        entries = self._entries
        if not self._is_closing:
            self._is_closing = True
            entries.mark("")
        await entries.stored()
        await self.catch_up()
        await self.added.log(_let_others)
        entries.blocks += entries.unread  # nobody else has written since
        entries.token, self._is_closing, self._constants, entries.unread = "", False, 0, 0

    async def catch_up(self) -> None:
        """Count what other replicas have added. Raises OwnerLostError, StoreAwayError."""
        async with self._reading:
            while True:
                blocks = await self._read_blocks()
                for block in blocks:
                    self._entries.blocks += 1
                    if not self.added.count(block):
                        self._entries.unread -= 1
                if len(blocks) < MOST_BLOCKS:
                    return


async def _let_others() -> None:
    await asyncio.sleep(0)
