"""
The namespace of a request: `[/mock][/@name]/path`, a header, baggage, the user of the proxy, or the default.

A prefix is not stripped if a route of the namespace starts with it literally (`/mock/x`, `/@babel/core`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol
from urllib.parse import unquote

from mockserver.engine.namespace import DEFAULT, NAMESPACE_NAME, Namespace
from mockserver.errors import MockServerError
from mockserver.model.http import Headers, Request

HEADER = "x-mockserver-namespace"
BAGGAGE_KEY = "mockserver.namespace"
PREFIXES = ("/mock", "/@", "/%40", "/__")
"""Only paths with one of these prefixes can select another namespace than the headers, or the admin API."""


class UnknownNamespaceError(MockServerError, LookupError):
    """No namespace has that `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Homes(Mapping[str, Namespace]):
    """
    Namespaces that may be on another replica: every name has one, that of the engine or an empty one. It knows only the
    prefixes of scenario files.
    """

    def __init__(self, engine: HasNamespaces) -> None:
        self._engine = engine

    def __getitem__(self, name: str) -> Namespace:
        ns = self._engine.namespaces.get(name)
        if ns is not None:
            return ns
        if not NAMESPACE_NAME.fullmatch(name):
            raise UnknownNamespaceError(name)
        return Namespace(name, "", self._engine.default.shared)

    def __iter__(self) -> Iterator[str]:
        return iter(self._engine.namespaces)

    def __len__(self) -> int:
        return len(self._engine.namespaces)


class HasNamespaces(Protocol):
    """The part of the engine that addressing uses."""

    namespaces: dict[str, Namespace]
    default: Namespace


class Addresser:
    """Finds the namespace of a request. `make` creates an unknown one, if that is allowed."""

    __slots__ = ("_make", "_namespaces")

    def __init__(
        self,
        namespaces: Mapping[str, Namespace],
        make: Callable[[str], Namespace] | None = None,
    ) -> None:
        self._namespaces = namespaces
        self._make = make

    def address(self, request: Request) -> Namespace:
        """Return the namespace of a request, and set its name, prefix and path. Raises UnknownNamespaceError."""
        headers, raw_path = request.headers, request.path
        named = headers.get(HEADER) or (_from_baggage(headers) if "baggage" in headers else None)
        if not named and request.peer.via is not None:
            named = request.peer.via.namespace
        namespaces = self._namespaces
        home = namespaces.get(named) if named else namespaces[DEFAULT]
        if raw_path.startswith(PREFIXES):
            ns = self._prefixed(request, raw_path, home or namespaces[DEFAULT])
            if ns is not None:
                home = ns
        if home is None:
            home = self._unknown(named or "")
        request.namespace = home.name
        return home

    def _prefixed(self, request: Request, raw_path: str, literal: Namespace) -> Namespace | None:
        """Strip the prefixes. Return the namespace that they select. Routes of `literal` may start with a prefix."""
        prefix, path = "", raw_path
        if raw_path.startswith("/mock") and raw_path[5:6] in ("", "/") and not literal.has_prefix("mock"):
            prefix, path = "/mock", raw_path[5:] or "/"
        ns = None
        if path.startswith(("/@", "/%40")):  # some clients encode the at sign
            segment, slash, rest = path[1:].partition("/")
            if not literal.has_prefix(segment):
                name = unquote(segment)[1:]
                ns = self._namespaces.get(name) or self._unknown(name)
                prefix, path = f"{prefix}/{segment}", slash + rest or "/"
        request.path, request.prefix = path, prefix
        return ns

    def _unknown(self, name: str) -> Namespace:
        if self._make is None:
            raise UnknownNamespaceError(name)
        return self._make(name)


def _from_baggage(headers: Headers) -> str | None:
    """Return the member `mockserver.namespace` of W3C baggage: `key=value;properties` separated by commas."""
    for line in headers.all("baggage"):
        for member in line.split(","):
            key, equals, value = member.split(";", 1)[0].partition("=")
            if equals and key.strip() == BAGGAGE_KEY:
                return unquote(value.strip())
    return None
