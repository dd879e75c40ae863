"""
A connection to Redis or Valkey for what is written with each call: commands that are packed already, and short answers.

The library makes the connection, with TLS, password and database. Its own way of sending costs several times as much as
the store does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast


class CommandPipe(asyncio.Protocol):
    """Sends commands of one caller at a time. `pool` are the library's connections, of protocol 2."""

    def __init__(self, pool: Any, timeout_s: float) -> None:  # noqa: ANN401  (the library's)
        self._pool = pool
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._transport: asyncio.Transport | None = None
        self._former: asyncio.BaseProtocol | None = None
        """The library's, which hears of the end."""
        self._reader: Any = None
        self._results: list[Any] = []
        self._wanted = 0
        self._answered: asyncio.Future[list[Any]] | None = None

    async def exchange(self, commands: Sequence[bytes]) -> list[Any]:
        """
        Send commands, and return their results; errors of the store are among them. Raises OSError, TimeoutError, and
        the library's errors where it can't connect.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            transport = await self._connect()
        loop = asyncio.get_running_loop()
        self._results, self._wanted = [], len(commands)
        self._answered = loop.create_future()
        timer = loop.call_later(self._timeout_s, self._end, TimeoutError("Timeout reading from the store"))
        transport.write(b"".join(commands))
        try:
            return await self._answered
        except BaseException:
            transport.abort()  # an answer that comes late must not be taken for another one
            self._transport = None
            raise
        finally:
            timer.cancel()
            self._answered = None

    async def _connect(self) -> asyncio.Transport:
        from hiredis import Reader

        if self._connection is None:
            self._connection = self._pool.make_connection()
        await self._connection.disconnect(nowait=True)
        await self._connection.connect()
        transport = cast("asyncio.Transport", self._connection._writer.transport)  # noqa: SLF001  (nothing public has it)
        self._reader = Reader()
        self._transport, self._former = transport, transport.get_protocol()
        transport.set_protocol(self)
        return transport

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        reader.feed(data)
        while (result := reader.gets()) is not False:
            self._results.append(result)
        if len(self._results) >= self._wanted and self._answered is not None and not self._answered.done():
            self._answered.set_result(self._results)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._former is not None:
            self._former.connection_lost(exc)
        self._end(ConnectionResetError("the store closed the connection"))

    def _end(self, error: Exception) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)


def packed(args: Sequence[str | bytes]) -> bytes:
    """Return a command as the store reads it."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        data = arg.encode() if isinstance(arg, str) else arg
        parts += (b"$%d\r\n" % len(data), data, b"\r\n")
    return b"".join(parts)
