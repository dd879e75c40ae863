"""The admin API of one namespace, and functions of a server in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from mockserver.client.errors import Refused
from mockserver.client.http import Http
from mockserver.client.plain import duration_text, plain
from mockserver.client.writing import Condition, Functions
from mockserver.model.durations import parse_duration_s

PAGE = 10_000


class InProcess(Protocol):
    """Functions of the test as replies and conditions; only a server in this process can call them."""

    def place(
        self,
        namespace: str,
        route: str | None,
        document: dict[str, Any],
        functions: Functions,
        where: Condition | None,
    ) -> dict[str, Any]:
        """
        Add a route, or change the route of this id. Return its view.

        `functions` answer for their steps; the route matches only if `where` holds.
        """


class Link:
    """`root` is the path of the admin API, `base` the same with the namespace's prefix."""

    __slots__ = ("base", "http", "local", "namespace", "reveals", "root")

    def __init__(
        self, http: Http, root: str, namespace: str = "default", local: InProcess | None = None
    ) -> None:
        self.http = http
        self.root = root
        self.base = root if namespace == "default" else f"{root}/@{quote(namespace, safe='')}"
        self.namespace = namespace
        self.local = local
        self.reveals = True
        """Whether unmasked secrets are requested; false after the server refused it."""

    def send(
        self,
        method: str,
        path: str,
        /,
        document: object = ...,
        *,
        wait_s: float | None = 0.0,
        **query: object,
    ) -> Any:
        """Raises Refused, Unreachable."""
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{self.base}{path}" + (f"?{urlencode(given)}" if given else "")
        return self.http.send(method, target, document, wait_s=wait_s)

    def verify(self, check: dict[str, Any], within: object, quiet: object) -> None:
        """Check once; `within` and `quiet` are durations or None. Raises VerificationFailed."""
        waits = {
            name: plain(value) for name, value in (("within", within), ("quiet", quiet)) if value is not None
        }
        self.send("POST", "/verify", {**check, **waits}, wait_s=wait_s(within, quiet))

    def at_root(self, method: str, path: str, document: object = ...) -> Any:
        """Send a request for the server, not for a namespace."""
        return self.http.send(method, f"{self.root}{path}", document)

    def to(self, namespace: str) -> Link:
        """Return the link to another namespace of the server, with the same connections."""
        return Link(self.http, self.root, namespace, self.local)

    def look(self, path: str, /, *, masked: bool = False, **query: Any) -> Any:
        """Send a GET, with unmasked secrets if the server allows it."""
        if not self.reveals or masked:
            return self.send("GET", path, **query)
        try:
            return self.send("GET", path, reveal="true", **query)
        except Refused as error:
            if error.kind != "no-reveal":
                raise
            self.reveals = False
            return self.send("GET", path, **query)

    def items(self, path: str, /, *, masked: bool = False, **query: object) -> Iterator[Mapping[str, Any]]:
        """Every item of a list, page by page."""
        for page in self.pages(path, masked=masked, **query):
            yield from page["items"]

    def pages(self, path: str, /, *, masked: bool = False, **query: object) -> Iterator[Mapping[str, Any]]:
        """Every page of a list."""
        cursor = None
        while True:
            page = self.look(path, masked=masked, cursor=cursor, limit=PAGE, **query)
            yield page
            cursor = page["next"]
            if cursor is None:
                return


def segment(name: str) -> str:
    """A name as one segment of a URL."""
    return quote(name, safe="")


def wait_s(*durations: object) -> float:
    """Return the sum of the durations in seconds; the server reports invalid ones."""
    total = 0.0
    for duration in durations:
        try:
            total += parse_duration_s(duration_text(duration) or "0")
        except (ValueError, TypeError):
            continue
    return total
