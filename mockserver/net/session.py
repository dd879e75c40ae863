"""
One request that goes out by aiohttp's client: no proxies of the environment, no cookies, no redirects, no header of its
own, and a connection of its own, to addresses that were looked at. One kept open may be closed by the receiver just as
it is used, and the request would fail by nobody's fault.

aiohttp is imported at the first request that goes out: no start waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from mockserver.net.egress import Target

if TYPE_CHECKING:
    import aiohttp

_OURS_ALONE = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would add."""


async def client_library() -> Any:
    """Aiohttp. Its first import takes a thread: it would hold the event loop for a tenth of a second."""
    return sys.modules.get("aiohttp") or await asyncio.to_thread(importlib.import_module, "aiohttp")


@contextlib.asynccontextmanager
async def session_to(
    target: Target, *, tls: ssl.SSLContext | None = None, **limits: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one request to that target. `limits` are aiohttp's own."""
    aiohttp = await client_library()
    async with (
        aiohttp.TCPConnector(
            resolver=PinnedResolver(target), use_dns_cache=False, force_close=True, ssl=tls or True
        ) as connector,
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            skip_auto_headers=_OURS_ALONE,
            auto_decompress=False,
            **limits,
        ) as session,
    ):
        yield session


async def request_by(
    session: aiohttp.ClientSession,
    target: Target,
    method: str,
    lines: Iterable[tuple[str, str]],
    body: bytes,
    *,
    empty_body: bytes | None,
) -> aiohttp.ClientResponse:
    """Sends one request. `empty_body` is what is sent where there is none: None says nothing of its length."""
    from multidict import CIMultiDict  # comes with aiohttp

    return await session.request(
        method,
        target.url,
        headers=CIMultiDict(lines),
        data=io.BytesIO(body) if body else empty_body,  # sent in pieces; aiohttp warns of large bytes
        allow_redirects=False,
    )


class PinnedResolver:
    """Gives aiohttp the addresses of a target, and of nothing else: an AbstractResolver by its methods."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  (its addresses are chosen already)
    ) -> list[dict[str, Any]]:
        if host.removesuffix(".").lower() != self._target.host:
            raise OSError(f"{host} is not the host that was looked at")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in self._target.addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""
