"""The way in: a client of a mock server that runs anywhere."""

from __future__ import annotations

import re
import ssl
from types import TracebackType
from urllib.parse import unquote, urlsplit

from mockserver.client.http import Http
from mockserver.client.link import InProcess, Link
from mockserver.client.namespaces import AsyncNamespace, Namespace
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
    """The link that a client's arguments describe. Raises ValueError for what is no URL."""
    found = _PATH.fullmatch(urlsplit(url).path)
    before, name = (found["before"], found["name"]) if found else ("", None)
    root = f"{before}/__admin"
    if admin_url is not None:
        root = urlsplit(admin_url).path.rstrip("/") or "/__admin"
    http = Http(admin_url or url, token=token, timeout_s=timeout_s, context=context)
    return Link(http, root, unquote(name) if name else "default", local)


class Client(Namespace):
    """
    A mock server, and its namespace `default` (or the one that `url` ends in,
    `/@name`). Any number of threads may share it.

    `admin_url` where the admin API has a port of its own; `timeout_s` is how
    long an answer may take; `context` is for https.
    """

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

    def close(self) -> None:
        """Closes the connections; a later call opens them again."""
        self._link.http.close()

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(AsyncNamespace):
    """The same, its methods and facts to be awaited. It belongs to no event loop: any may use it."""

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
        """Closes the connections; a later call opens them again."""
        self._link.http.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, why: BaseException | None, where: TracebackType | None
    ) -> None:
        self._link.http.close()
