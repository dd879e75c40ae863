"""Clients of a mock server that runs in any process."""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

from mockserver.client.context_managers import AsyncPause, Pause
from mockserver.client.http import Http
from mockserver.client.link import InProcess, Link
from mockserver.client.namespaces import AsyncNamespace, Namespace, NamespaceSurface, PauseT, RouteT
from mockserver.client.routes import AsyncRoute, Route
from mockserver.client.sync_async import does

TIMEOUT_S = 30.0
_PATH = re.compile(r"(?P<before>.*?)(/mock)?(/@(?P<name>[^/]+))?/?")


def link_to(
    url: str,
    token: str | None = None,
    *,
    admin_url: str | None = None,
    timeout_s: float = TIMEOUT_S,
    context: ssl.SSLContext | None = None,
    local: InProcess | None = None,
) -> Link:
    """Return the link for the arguments of a client. Raises ValueError for an invalid URL."""
    match = _PATH.fullmatch(urlsplit(url).path)
    before, name = (match["before"], match["name"]) if match else ("", None)
    root = f"{before}/__admin"
    if admin_url is not None:
        root = urlsplit(admin_url).path.rstrip("/") or "/__admin"
    http = Http(admin_url or url, token=token, timeout_s=timeout_s, context=context)
    return Link(http, root, unquote(name) if name else "default", local)


class ClientSurface(NamespaceSurface[RouteT, PauseT]):
    """The constructor and `close` of both clients."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        admin_url: str | None = None,
        timeout_s: float = TIMEOUT_S,
        context: ssl.SSLContext | None = None,
        local: InProcess | None = None,
    ) -> None:
        link = link_to(url, token, admin_url=admin_url, timeout_s=timeout_s, context=context, local=local)
        super().__init__(link, url.rstrip("/"))

    @does
    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        self._link.http.close()


class Client(ClientSurface[Route, Pause[Any]], Namespace):
    """
    A client of a mock server, bound to the namespace `default` (or to the one at the end of `url`, `/@name`).

    It has all methods of `Namespace`. Threads may share it. `admin_url` is needed if the admin API has a separate
    port. `timeout_s` is the timeout of a request in seconds. `context` is the TLS context for https.
    """

    def __exit__(self, *exception: object) -> None:
        self._link.http.close()


class AsyncClient(ClientSurface[AsyncRoute, AsyncPause[Any]], AsyncNamespace):
    """Like `Client`, with methods and properties to be awaited. It is not bound to an event loop."""

    async def __aexit__(self, *exception: object) -> None:
        self._link.http.close()
