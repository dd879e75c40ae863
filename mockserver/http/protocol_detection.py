"""
Plain and TLS on one port: the first byte of a connection says which it is.

A TLS record of the handshake begins with 0x16 (RFC 8446 5.1), and no HTTP
request does. After that byte the connection is as if it had had a port of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from copy import copy
from typing import cast

from mockserver.engine.answers import problem_response
from mockserver.http.encoder import encode_head
from mockserver.http.tls.layer import Begin, ReadCert, TlsLayer
from mockserver.model.problem import problem

_HANDSHAKE = 0x16


class Door:
    """
    Called for each connection of one port. `plain` makes those that don't speak TLS (None: they are told
    that they should), `begin` those that do, once their handshake is over. So many as `most_waiting` may not
    have come so far; of each that is one too many `refused` is told, and `too_slow` of each whose handshake takes
    longer than `handshake_s`.
    """

    def __init__(
        self,
        plain: Callable[[], asyncio.Protocol] | None,
        begin: Begin,
        context: ssl.SSLContext,
        read_cert: ReadCert,
        *,
        most_waiting: int,
        refused: Callable[[], None],
        handshake_s: float,
        too_slow: Callable[[], None],
    ) -> None:
        self.plain: Callable[[], asyncio.Protocol] = plain or _TlsAsked
        self._begin = begin
        self._context = context
        self._read_cert = read_cert
        self._most_waiting = most_waiting
        self._refused = refused
        self._handshake_s = handshake_s
        self._too_slow = too_slow
        self.waiting: set[asyncio.Transport] = set()
        """Connections that no request can have come from yet."""

    def __call__(self) -> asyncio.Protocol:
        return _FirstByte(self)

    def inside(
        self, context: ssl.SSLContext, connection: Callable[[], asyncio.Protocol], limit_s: float
    ) -> asyncio.Protocol:
        """Stands in for the protocol of a tunnel, whose first byte is to come within `limit_s`."""
        door = copy(self)  # who waits is counted together
        door.plain = connection
        door._begin = lambda _: connection()  # noqa: SLF001  (its own class)
        door._context = context  # noqa: SLF001
        return _FirstByte(door, limit_s)

    def admit(self, transport: asyncio.Transport) -> None:
        """Lets it wait. One too many is closed without a word, since nobody knows what it speaks."""
        if len(self.waiting) >= self._most_waiting:
            self._refused()
            transport.close()
        else:
            self.waiting.add(transport)

    def tls(self) -> asyncio.Protocol:
        return TlsLayer(
            self._context,
            self._begin,
            self._read_cert,
            self.waiting,
            limit_s=self._handshake_s,
            too_slow=self._too_slow,
        )

    def cut(self) -> None:
        """Ends the connections that wait."""
        for transport in tuple(self.waiting):
            transport.abort()


class _FirstByte(asyncio.Protocol):
    """Stands in for the protocol that the first byte chooses."""

    __slots__ = ("_door", "_limit_s", "_timer", "_transport")

    def __init__(self, door: Door, limit_s: float | None = None) -> None:
        self._door = door
        self._limit_s = limit_s
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._door.admit(self._transport)
        if self._limit_s is not None:
            self._timer = asyncio.get_running_loop().call_later(self._limit_s, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        transport, door = self._transport, self._door
        self._leave()
        protocol = door.tls() if data[0] == _HANDSHAKE else door.plain()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self._leave()

    def _leave(self) -> None:
        self._door.waiting.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()


class _TlsAsked(asyncio.Protocol):
    """Says to who speaks plainly that this port doesn't."""

    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  (asyncio's signature)
        detail = "Write https in place of http, or use the port of --port"
        response = problem_response(problem(400, "tls-asked", "This port speaks TLS", detail))
        head = encode_head(response, length=len(response.body), keep_alive=False)
        self._transport.write(head + response.body)
        self._transport.close()
