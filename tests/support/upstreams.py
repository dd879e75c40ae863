"""A real service to the byte: what came, and what it answers, are written as they stand on the wire."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable

Answering = Callable[[socket.socket, bytes], None]


class Upstream:
    """
    Answers each connection's one request with `pieces`, and closes it. `got` are the requests, head and
    body, as bytes. `then` may do more with a connection before it is closed; `tls` makes it speak TLS.
    """

    def __init__(
        self,
        *pieces: bytes,
        then: Answering | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._pieces = pieces
        self._then = then
        self._tls = tls
        self.got: list[bytes] = []
        self._socket = socket.create_server((host, 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else host}:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                request = _read(connection)
                if not request:
                    return
                self.got.append(request)
                for piece in self._pieces:
                    connection.sendall(piece)
                if self._then is not None:
                    self._then(connection, request)
                if self._tls is not None:
                    connection.close()
        except OSError:
            return

    @property
    def head(self) -> list[str]:
        """The lines of the last request's head."""
        return self.got[-1].partition(b"\r\n\r\n")[0].decode().split("\r\n")

    def sent(self, name: str) -> list[str]:
        """The values of a header of the last request."""
        pairs = (line.split(": ", 1) for line in self.head[1:])
        return [value for key, value in pairs if key.lower() == name.lower()]

    @property
    def body(self) -> bytes:
        return self.got[-1].partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        self._socket.close()


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(body: bytes = b"", *lines: str, status: str = "200 OK", length: bool = True) -> bytes:
    """A reply on the wire."""
    own = [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, *own, "", ""]).encode("latin-1") + body


def chunks(*pieces: bytes) -> Iterable[bytes]:
    """The pieces as chunks, and the last chunk."""
    return [*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]
