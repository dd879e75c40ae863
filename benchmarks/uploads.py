"""The uploads of a soak that never come whole: they stall until the server cuts them, are reset, or are too large."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Awaitable, Callable

from benchmarks.clients import Ledger
from benchmarks.mixture import INCOMPLETE

READ_TIMEOUT_S = 2.0
"""What the server is started with, so that a stalled upload is cut within a soak's patience."""
PIECE = b"x" * 2**20
STALLED_PIECES, OVERSIZED_PIECES = 8, 20
EVERY_S = 0.5
HEAD = b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Uploads:
    """Each kind of upload, one after the other, until that moment. `made` counts them."""

    def __init__(self, port: int, ledger: Ledger, until_s: float) -> None:
        self._port = port
        self._ledger = ledger
        self._until_s = until_s
        self.made = 0

    async def run(self) -> None:
        await asyncio.gather(*map(self._repeat, (_stall, _reset, _oversized, _oversized_in_chunks)))

    async def _repeat(self, upload: Callable[[Streams], Awaitable[None]]) -> None:
        while time.monotonic() < self._until_s:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            with contextlib.suppress(OSError, EOFError):
                await upload((reader, writer))
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._ledger.count("default", INCOMPLETE)
            self.made += 1
            await asyncio.sleep(EVERY_S)


async def _send(writer: asyncio.StreamWriter, start: bytes, piece: bytes, count: int) -> None:
    writer.write(start)
    for _ in range(count):
        writer.write(piece)
        await writer.drain()


async def _stall(streams: Streams) -> None:
    """Sends no more, and waits until the server has enough of it."""
    reader, writer = streams
    await _send(
        writer, HEAD + b"Content-Length: %d\r\n\r\n" % (2 * STALLED_PIECES * 2**20), PIECE, STALLED_PIECES
    )
    await reader.read()


async def _reset(streams: Streams) -> None:
    _, writer = streams
    await _send(
        writer, HEAD + b"Content-Length: %d\r\n\r\n" % (2 * STALLED_PIECES * 2**20), PIECE, STALLED_PIECES
    )
    await asyncio.sleep(READ_TIMEOUT_S / 4)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _oversized(streams: Streams) -> None:
    """Says at once how much it is."""
    reader, writer = streams
    await _send(writer, HEAD + b"Content-Length: %d\r\n\r\n" % 2**30, PIECE, OVERSIZED_PIECES)
    await reader.read()


async def _oversized_in_chunks(streams: Streams) -> None:
    reader, writer = streams
    chunk = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)
    await _send(writer, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, OVERSIZED_PIECES)
    await reader.read()
