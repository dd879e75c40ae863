"""
An aiohttp session for one request, which is sent as written and whose reply is returned as received.

Each request has its own connection: a kept one may be closed by the other side at the moment of its use. No redirects,
cookies or proxies of the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDict

from mockserver.model.framing import ends_with_head
from mockserver.outbound.egress import Target

_MOST_HEAD_BYTES = 64 * 1024
_OURS_ALONE = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would add."""


class _Connection(ResponseHandler):
    """
    A connection for one request.

    Data after the reply is dropped, because aiohttp would fail a complete reply, as with a chunk after a 204.
    """

    _final: RawResponseMessage | None = None
    """The head of the final reply, once it is complete; not of interim replies (1xx)."""

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        if self._final is None:
            super().feed_data(data, size)
            if data[0].code >= 200:
                self._final = data[0]

    def data_received(self, data: bytes) -> None:
        # Line by line, since aiohttp's parser loses a head that an error follows in the same piece.
        while data and self._final is None:
            end = data.find(b"\n") + 1 or len(data)
            super().data_received(data[:end])
            data = data[end:]
        if data and not self._skip_payload and (self._final is None or not ends_with_head(self._final.code)):
            super().data_received(data)


def _connection(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _Connection(loop)


@contextlib.asynccontextmanager
async def session_to(
    target: Target, tls: ssl.SSLContext | bool = True
) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session whose requests go to the addresses of the target, without resolving its name again."""
    connector = aiohttp.TCPConnector(
        resolver=PinnedResolver(target), use_dns_cache=False, force_close=True, ssl=tls
    )
    connector._factory = partial(_connection, asyncio.get_running_loop())  # noqa: SLF001  (aiohttp has no other way in)
    async with (
        connector,
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            skip_auto_headers=_OURS_ALONE,
            auto_decompress=False,
            max_line_size=_MOST_HEAD_BYTES,
            max_field_size=_MOST_HEAD_BYTES,
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
    """Send one request. `empty_body` is used if there is no body: None sends no length."""
    return await session.request(
        method,
        target.url,
        headers=CIMultiDict(lines),
        data=io.BytesIO(body) if body else empty_body,  # sent in pieces; aiohttp warns of large bytes
        allow_redirects=False,
    )


class PinnedResolver(AbstractResolver):
    """Resolves the host of a target to its checked addresses, and no other host."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  (its addresses are chosen already)
    ) -> list[ResolveResult]:
        if host.removesuffix(".").lower() != self._target.host:
            raise OSError(f"{host} is not the host that was looked at")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._target.addresses
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""
