"""
HTTP by the standard library: a few connections to one server, kept open, for any number of threads.

No proxy of the environment stands between a test and its mock server.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from mockserver.client.errors import Unreachable, refusal

KEPT_CONNECTIONS = 8


class Abort:
    """Lets another thread end the exchange that runs under it, by closing its connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False
        self._connection: HTTPConnection | None = None

    def watch(self, connection: HTTPConnection | None) -> None:
        with self._lock:
            self._connection = connection
            if self._over:
                _shut(connection)

    def now(self) -> None:
        with self._lock:
            self._over = True
            _shut(self._connection)


def _shut(connection: HTTPConnection | None) -> None:
    if connection is not None and connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


ABORT: ContextVar[Abort | None] = ContextVar("mockserver_abort", default=None)
"""Set where somebody may want to end what the current thread is doing."""


class Http:
    """
    Exchanges JSON with the server at `url` (scheme, host and port count).

    `timeout_s` is how long an answer may take; None waits for ever.
    """

    def __init__(
        self, url: str, *, token: str | None, timeout_s: float, context: ssl.SSLContext | None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"{url!r} is no URL of a mock server. Write it whole, such as http://localhost:8080"
            )
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._context = context
        self._timeout_s = timeout_s
        self._headers = {"Accept": "application/json", "User-Agent": "mockserver-client"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._lock = threading.Lock()
        self._idle: list[HTTPConnection] = []
        self._process = os.getpid()

    def send(self, method: str, target: str, document: Any = ..., *, wait_s: float | None = 0.0) -> Any:
        """
        What is answered, as JSON; None where it is empty. `wait_s` is time that
        the server was asked to take on top.

        Raises Refused for a problem document, Unreachable where nobody answers.
        """
        body, headers = None, self._headers
        if document is not ...:
            body = json.dumps(document, allow_nan=False).encode()
            headers = {**headers, "Content-Type": "application/json"}
        status, data = self._exchange(method, target, body, headers, wait_s)
        parsed = self._parsed(method, target, status, data)
        if status >= 400:
            raise refusal(parsed)
        return parsed

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
            f"{method} {self.url}{target} was answered with {status} and {data[:80]!r}: that is no mock server. "
            "Give the URL of one, and, where its admin API has a port of its own, admin_url="
        )

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str], wait_s: float | None
    ) -> tuple[int, bytes]:
        timeout_s = None if wait_s is None else self._timeout_s + wait_s
        try:
            with self._connected(timeout_s) as connection:
                connection.request(method, target, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
        except TimeoutError as why:
            raise Unreachable(f"{method} {self.url}{target} got no answer within {timeout_s:g} s") from why
        except (OSError, HTTPException) as why:
            said = getattr(why, "strerror", None) or str(why) or type(why).__name__
            raise Unreachable(
                f"No mock server answers at {self.url}: {said}. "
                "Start one with `mockserver serve`, or correct the URL"
            ) from why

    @contextlib.contextmanager
    def _connected(self, timeout_s: float | None) -> Iterator[HTTPConnection]:
        """A connection for one exchange; kept afterwards unless it failed or the server closes it."""
        connection = self._take()
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        abort = ABORT.get()
        if abort is not None:
            abort.watch(connection)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            if abort is not None:
                abort.watch(None)
        self._keep(connection)

    def _take(self) -> HTTPConnection:
        if self._process != os.getpid():  # forked: the open connections are the parent's
            self._process, self._idle = os.getpid(), []
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._made()
            if connection.sock is not None and not _closed_by_peer(connection.sock):
                return connection
            connection.close()

    def _made(self) -> HTTPConnection:
        if self._secure:
            return HTTPSConnection(self._host, self._port, context=self._context)
        return HTTPConnection(self._host, self._port)

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < KEPT_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Closes what is idle. The next exchange opens a connection again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        """A client that nobody closed takes its connections along, without a ResourceWarning in the user's tests."""
        if hasattr(self, "_idle"):
            self.close()


def _closed_by_peer(sock: socket.socket) -> bool:
    """Whether the other side has ended it: an idle connection that can be read has nothing but its end."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])
