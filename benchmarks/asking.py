"""An exact number of calls over some connections at once: wrk ends by the clock, with calls under way."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Self


async def answer(reader: asyncio.StreamReader) -> int:
    """Reads a whole answer; its status. Raises ValueError, EOFError or OSError where it is none."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        raise ValueError(f"{head[:60]!r} is no answer")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    elif (at := lower.find(b"content-length:")) >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.index(b"\r\n", at)]))
    return int(head[9:12])


class Clients:
    """Open connections to a port; each asks one call after the other."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._count = connections
        self._connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        opened = (asyncio.open_connection("127.0.0.1", self._port) for _ in range(self._count))
        self._connections = await asyncio.gather(*opened)
        return self

    async def __aexit__(self, *_: object) -> None:
        for _, writer in self._connections:
            writer.close()
        for _, writer in self._connections:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, request: Callable[[int], bytes], numbers: Iterable[int]) -> Counter[int]:
        """How often each status came. `request` makes the bytes of the call with that number. Raises as `answer`."""
        left = iter(numbers)
        statuses: Counter[int] = Counter()

        async def one_after_the_other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number in left:
                writer.write(request(number))
                statuses[await answer(reader)] += 1

        await asyncio.gather(*(one_after_the_other(*connection) for connection in self._connections))
        return statuses


async def ask(port: int, request: Callable[[int], bytes], count: int, connections: int) -> Counter[int]:
    """The same for the calls 1, 2, … on connections of their own."""
    async with Clients(port, connections) as clients:
        return await clients.ask(request, range(1, count + 1))
