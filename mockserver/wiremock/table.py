"""Routing table of the WireMock API."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.model.http import Request, Response, decode_segment
from mockserver.wiremock.engine import WireMockEngine
from mockserver.wiremock.errors import WireMockError, error, not_found
from mockserver.wiremock.record import Journal
from mockserver.wiremock.stubs import Stubs


@dataclass(slots=True)
class WireMockContext:
    """Shared objects of the handlers. `files` are those of `/files`."""

    engine: Engine
    theirs: WireMockEngine
    ns: Namespace
    stubs: Stubs
    journal: Journal
    files: dict[str, bytes]
    settings: dict[str, object]
    may_reveal: Callable[[Request], bool]
    uptime_s: Callable[[], float]


@dataclass(slots=True)
class WireMockRequest:
    """One call, parsed."""

    context: WireMockContext
    http: Request
    params: dict[str, str]
    query: dict[str, str]

    @property
    def reveal(self) -> bool:
        """Whether secrets are shown to this client."""
        return self.context.may_reveal(self.http)

    def number(self, name: str) -> int | None:
        """A query parameter that is a whole number; None where it is left out. Raises WireMockError."""
        text = self.query.get(name)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit():
            raise WireMockError(400, [error(f"{name}: {text!r} is not a number")])
        return int(text[:12])


Handler = Callable[[WireMockRequest], Response | Awaitable[Response]]
"""Awaitable if it takes long, so that other requests run in between."""
H = TypeVar("H", bound=Handler)
_PARAM = re.compile(r"\\\{(\w+)\\\}")


class WireMockTable:
    """Handlers by method and path below /__admin."""

    def __init__(self) -> None:
        self._handlers: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str) -> Callable[[H], H]:
        """Decorates the handler of one line. A parameter called `path` takes slashes."""
        source = _PARAM.sub(
            lambda item: f"(?P<{item[1]}>{'.+' if item[1] == 'path' else '[^/]+'})", re.escape(path)
        )

        def register(handler: H) -> H:
            self._handlers.append((method, re.compile(source), handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """The handler, and its parameters. Raises WireMockError where there is none."""
        wanted = "GET" if method == "HEAD" else method
        for known, pattern, handler in self._handlers:
            fits = pattern.fullmatch(path) if known == wanted else None
            if fits is not None:
                return handler, {name: decode_segment(value) for name, value in fits.groupdict().items()}
        raise not_found()
