"""An exact number of calls over some connections at once: wrk ends by the clock, with calls under way."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable


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


async def ask(port: int, request: Callable[[int], bytes], count: int, connections: int) -> Counter[int]:
    """How often each status came. `request` makes the bytes of call 1, 2, …. Raises as `answer`."""
    numbers = iter(range(1, count + 1))
    statuses: Counter[int] = Counter()

    async def one_after_the_other() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for number in numbers:
                writer.write(request(number))
                statuses[await answer(reader)] += 1
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
    return statuses
