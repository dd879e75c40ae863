"""
HTTP client of the standard library: a pool of connections to one server, for any number of threads.

Proxies of the environment are ignored.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from mockserver.client.connections import Abort, BadResponseError, ClientConnection
from mockserver.client.errors import Unreachable, refusal
from mockserver.model.written import json_text

KEPT_CONNECTIONS = 8
_JSON = json.JSONEncoder(allow_nan=False)
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")

ABORT: ContextVar[Abort | None] = ContextVar("mockserver_abort", default=None)
"""Set if another thread may end the exchange of this thread."""


class Http:
    """
    Exchanges JSON with the server at `url`; only scheme, host and port are used.

    `timeout_s` is the timeout of an answer in seconds; None has no limit. `context` is the TLS context for https; the
    default uses the certificates of the system.
    """

    def __init__(
        self, url: str, *, token: str | None, timeout_s: float, context: ssl.SSLContext | None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"{url!r} is not a URL of a mock server. Write it whole, such as http://localhost:8080"
            )
        if token and _UNSENDABLE.search(token):
            raise ValueError("the token has a space or a line break in it")
        host = parts.netloc.rpartition("@")[2]
        self.url = f"{parts.scheme}://{host}"
        self._address = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme == "https" and context is None:
            context = ssl.create_default_context()
        self._context = context if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        lines = [f"Host: {host}", "Accept: application/json", "User-Agent: mockserver-client"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self._headers = "".join(f"{line}\r\n" for line in lines)
        self._lock = threading.Lock()
        self._idle: list[ClientConnection] = []
        # Unlike `__del__`, this is called before the sockets of a reference cycle are finalized.
        weakref.finalize(self, _close_all, self._idle).atexit = False
        self._process = os.getpid()

    def send(self, method: str, target: str, document: object = ..., *, wait_s: float | None = 0.0) -> Any:
        """
        Send a request; return the JSON of the answer, None if it is empty.

        `wait_s` is additional time for the answer in seconds; None waits without a limit. Raises Refused for a
        problem document, Unreachable without an answer.
        """
        timeout_s = None if wait_s is None else self._timeout_s + wait_s
        status, data = self._exchange(method, target, self._request(method, target, document), timeout_s)
        parsed = self._parsed(method, target, status, data)
        if status >= 400:
            raise refusal(parsed)
        return parsed

    def open(self, target: str) -> tuple[ClientConnection, Iterator[bytes]]:
        """
        Send a GET whose answer continues; return its connection, which the caller closes, and the parts of the body.

        Raises Refused, Unreachable.
        """
        connection = ClientConnection(*self._address, self._context)
        try:
            return connection, self._pieces(connection, target)
        except (OSError, BadResponseError) as error:
            connection.close()
            raise self._unreachable(error) from error
        except BaseException:
            connection.close()
            raise

    def _pieces(self, connection: ClientConnection, target: str) -> Iterator[bytes]:
        status, pieces = connection.opened(self._request("GET", target, ...), self._timeout_s)
        if status >= 400:
            raise refusal(self._parsed("GET", target, status, b"".join(pieces)))
        assert connection.sock is not None
        connection.sock.settimeout(None)
        return pieces

    def _request(self, method: str, target: str, document: object) -> bytes:
        if _UNSENDABLE.search(target):
            raise ValueError(f"{target!r} can't be part of a request line")
        head = f"{method} {target} HTTP/1.1\r\n{self._headers}"
        if document is ...:
            length = "" if method in ("GET", "DELETE") else "Content-Length: 0\r\n"
            return f"{head}{length}\r\n".encode("latin-1")
        body = json_text(document, _JSON).encode()
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") + body

    def _parsed(self, method: str, target: str, status: int, data: bytes) -> Any:
        if not data and status < 400:
            return None
        try:
            document = json.loads(data)
            if status < 400 or {"title", "status"} <= document.keys():
                return document
        except (ValueError, AttributeError):
            pass
        raise Unreachable(
            f"{method} {self.url}{target} was answered with {status} and {data[:80]!r}: that is not a mock server. "
            "Give the URL of one, and, where its admin API has a port of its own, admin_url="
        )

    def _exchange(
        self, method: str, target: str, request: bytes, timeout_s: float | None
    ) -> tuple[int, bytes]:
        connection = self._take()
        try:
            answer = connection.exchange(request, timeout_s, ABORT.get())
        except TimeoutError as error:
            raise Unreachable(f"{method} {self.url}{target} got no answer within {timeout_s:g} s") from error
        except (OSError, BadResponseError) as error:
            raise self._unreachable(error) from error
        self._keep(connection)
        return answer

    def _unreachable(self, error: Exception) -> Unreachable:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unreachable(
            f"No mock server answers at {self.url}: {said}. Start one with `mockserver serve`, or correct the URL"
        )

    def _take(self) -> ClientConnection:
        if self._process != os.getpid():  # forked: the open connections are the parent's
            self._process = os.getpid()
            self._idle.clear()
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return ClientConnection(*self._address, self._context)
            if connection.is_alive:
                return connection
            connection.close()

    def _keep(self, connection: ClientConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < KEPT_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the idle connections. The next exchange opens a connection."""
        with self._lock:
            idle = self._idle.copy()
            self._idle.clear()
        for connection in idle:
            connection.close()


def _close_all(connections: list[ClientConnection]) -> None:
    """Close the connections of a client that was not closed, before the garbage collector warns about their sockets."""
    for connection in connections:
        connection.close()
