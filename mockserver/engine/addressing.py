"""
Whose world a request is for: `[/mock][/@name]/path`, a header, baggage, or the default.

A prefix gives way where a route of the namespace begins with it literally
(`/mock/x`, `/@babel/core`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from mockserver.engine.namespace import Namespace
from mockserver.model.http import Headers

HEADER = "x-mockserver-namespace"
BAGGAGE_KEY = "mockserver.namespace"


class UnknownNamespace(LookupError):
    """No namespace has that name; `name` is it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(slots=True)
class Address:
    """
    A namespace, the path that its routes see, and the prefix that was taken off. `home` is the namespace
    whose routes were asked whether a prefix gives way.
    """

    ns: Namespace
    path: str
    prefix: str
    home: Namespace


class Addresser:
    """Finds the namespace of a request. `make` creates an unknown one, where that is allowed."""

    __slots__ = ("_default", "_make", "_namespaces")

    def __init__(
        self,
        namespaces: Mapping[str, Namespace],
        default: Namespace,
        make: Callable[[str], Namespace] | None = None,
    ) -> None:
        self._namespaces = namespaces
        self._default = default
        self._make = make

    def find(self, raw_path: str, headers: Headers) -> Address:
        """Raises UnknownNamespace. `headers` may leave out what `names_namespace` does not ask about."""
        named = headers.get(HEADER) or _from_baggage(headers)
        home = self._namespaces.get(named) if named else self._default
        literal = home or self._default
        prefix, path = "", raw_path
        if raw_path.startswith("/mock") and raw_path[5:6] in ("", "/") and not literal.has_prefix("mock"):
            prefix, path = "/mock", raw_path[5:] or "/"
        if path.startswith(("/@", "/%40")):  # some clients encode the sign
            segment, slash, rest = path[1:].partition("/")
            if not literal.has_prefix(segment):
                name = unquote(segment)[1:]
                return Address(
                    self._namespaces.get(name) or self._unknown(name),
                    slash + rest or "/",
                    f"{prefix}/{segment}",
                    literal,
                )
        return Address(home or self._unknown(named or ""), path, prefix, literal)

    def _unknown(self, name: str) -> Namespace:
        if self._make is None:
            raise UnknownNamespace(name)
        return self._make(name)


def names_namespace(headers: Container[str]) -> bool:
    """Whether these headers may name a namespace; most requests have none that could."""
    return HEADER in headers or "baggage" in headers


def _from_baggage(headers: Headers) -> str | None:
    """The member `mockserver.namespace` of W3C baggage: `key=value;properties` split by commas."""
    for line in headers.all("baggage"):
        for member in line.split(","):
            key, equals, value = member.split(";", 1)[0].partition("=")
            if equals and key.strip() == BAGGAGE_KEY:
                return unquote(value.strip())
    return None
