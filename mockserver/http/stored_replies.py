"""Requests on HTTP/1.1 with a shared store: each is answered once it is stored, and the connection waits until then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.engine.answers import NO_WEBSOCKET
from mockserver.engine.namespace import Namespace
from mockserver.model.http import HTTP_1_1, Request

if TYPE_CHECKING:
    from mockserver.http.connection import Connection
    from mockserver.http.listener import Replicated


class PendingReply:
    """A reply that waits for the store, without a task."""

    __slots__ = ("_connection", "_header", "_id", "_ns", "_replica", "_request")

    def __init__(
        self,
        connection: Connection,
        replica: Replicated,
        request: Request,
        ns: Namespace,
        header: tuple[str, str] | None,
    ) -> None:
        self._connection = connection
        self._replica = replica
        self._request = request
        self._ns = ns
        self._header = header
        self._id = replica.new_id()

    def begin(self, *, keep_alive: bool) -> None:
        """Have the request answered, without a task if its reply is known at once."""
        connection, request = self._connection, self._request
        if (
            keep_alive
            and request.version is HTTP_1_1
            and request.method != "HEAD"
            and not connection.has_ended
            and connection.served != connection.last
        ):
            connection.wait_for(self)
            if self._replica.reply_when_stored(request, self._ns.name, self._id, self._header, self):
                return
            connection.wait_is_over()
        connection.begin(self._answer(keep_alive))

    def cancel(self) -> None:
        """Do nothing on a disconnect: `take` notices it."""

    def take(self, data: bytes, left: Callable[[], None]) -> None:
        """Send the reply of a call that is stored. `left` is called if the client does not receive it."""
        connection = self._connection
        connection.wait_is_over()
        if not connection.is_open or connection.transport.is_closing():
            left()
            return
        try:
            connection.transport.write(data)
            if connection.transport.is_closing():
                left()
                connection.end()
            elif connection.paused:
                connection.begin(self._wait_until_taken(left))
            else:
                connection.read_next()
        except Exception as error:  # noqa: BLE001  (a defect is answered by a 500)
            connection.fail(error)

    def ask_again(self) -> None:
        """Answer in a task: the namespace has another owner, or the store is not available."""
        self._connection.wait_is_over()
        if self._connection.is_open:
            self._connection.begin(self._answer(keep_alive=True))

    async def _wait_until_taken(self, left: Callable[[], None]) -> bool:
        try:
            await self._connection.drained()
        except (ConnectionError, asyncio.CancelledError):
            left()
            raise
        return True

    async def _answer(self, keep_alive: bool) -> bool:
        wire = self._connection.reply_wire(self._request, keep_alive)
        await self._replica.answer(
            self._request, self._ns.name, wire, header=self._header, request_id=self._id
        )
        return wire.keep_alive


def answer_when_stored(
    connection: Connection,
    replica: Replicated,
    request: Request,
    ns: Namespace,
    *,
    keep_alive: bool,
    upgrades: bool,
) -> None:
    """Answer a complete request by a replica. One that `upgrades` is told that no WebSocket is expected."""
    connection.served += 1
    connection.idle_since_s = request.arrived_at_s
    header = ("x-mockserver-upgrade", NO_WEBSOCKET) if upgrades else None
    PendingReply(connection, replica, request, ns, header).begin(keep_alive=keep_alive)
