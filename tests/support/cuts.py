"""A TCP proxy whose connections are cut, in both directions, whenever a test says so; with late bytes, where it asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import random


class CuttingProxy:
    """Passes bytes on to `port` of this host. `late_s` delays what goes there by up to so long, in order."""

    def __init__(self, port: int, chance: random.Random, late_s: float = 0.0) -> None:
        self._target = port
        self._chance = chance
        self._late_s = late_s
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.cuts = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there_writer}
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._pass(reader, there_writer, self._late_s),
                self._pass(there_reader, writer, 0.0),
                return_exceptions=True,
            )
        self._writers -= {writer, there_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late_s: float) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if late_s:
                    await asyncio.sleep(self._chance.random() * late_s)
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        """Cut one side of one connection: what it had not passed on is lost."""
        if self._writers:
            self.cuts += 1
            self._chance.choice(sorted(self._writers, key=id)).transport.abort()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
