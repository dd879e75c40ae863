"""
Plain HTTP and TLS on one port, distinguished by the first byte of a connection.

A TLS handshake record starts with 0x16 (RFC 8446 5.1), and no HTTP request does. After that byte the connection behaves
as on a port of its own.
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


class ProtocolDetector:
    """
    Protocol factory of one port. `plain` handles connections without TLS (None: they get an error), `begin` those with
    TLS, after the handshake. At most `most_waiting` connections may be in detection or handshake; `refused` is called
    for each one above, and `too_slow` for each whose handshake takes longer than `handshake_s`.
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
        """Connections before their first request."""

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
        """Register a connection that waits. One above the limit is closed silently: its protocol is unknown."""
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
        """Abort the waiting connections."""
        for transport in tuple(self.waiting):
            transport.abort()


class _FirstByte(asyncio.Protocol):
    """Protocol of a connection until its first byte selects the real one."""

    __slots__ = ("_door", "_limit_s", "_timer", "_transport")

    def __init__(self, door: ProtocolDetector, limit_s: float | None = None) -> None:
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
    """Tells clients without TLS that this port requires it."""

    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  (asyncio's signature)
        detail = "Write https in place of http, or use the port of --port"
        response = problem_response(problem(400, "tls-asked", "This port requires TLS", detail))
        head = encode_head(response, length=len(response.body), keep_alive=False)
        self._transport.write(head + response.body)
        self._transport.close()
