"""An exact number of calls over some connections at once: wrk ends by the clock, with calls under way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import aiohttp

Headers = Callable[[int], dict[str, str]]


def ask(
    port: int,
    path: str,
    count: int,
    connections: int,
    *,
    method: str = "GET",
    headers: Headers | None = None,
    body: str | None = None,
) -> Counter[int]:
    """How often each status came. `headers` makes those of call 1, 2, …. Raises aiohttp.ClientError, TimeoutError."""
    return asyncio.run(_ask(f"http://127.0.0.1:{port}{path}", count, connections, method, headers, body))


async def _ask(
    url: str, count: int, connections: int, method: str, headers: Headers | None, body: str | None
) -> Counter[int]:
    numbers = iter(range(1, count + 1))
    statuses: Counter[int] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def one_after_the_other() -> None:
            for number in numbers:
                own = headers(number) if headers else None
                async with session.request(method, url, headers=own, data=body) as answer:
                    await answer.read()
                    statuses[answer.status] += 1

        await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
    return statuses
