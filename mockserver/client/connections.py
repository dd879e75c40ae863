"""
One HTTP/1.1 connection to a mock server.

`http.client` parses headers with the e-mail parser and sends head and body separately, which takes longer than the
rest of an admin call. This connection sends them together, and reads only status, length and end of a head.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from io import BufferedIOBase

from mockserver.client.own_loop import check_answers
from mockserver.errors import MockServerError
from mockserver.model.framing import ends_with_head

_LONGEST_LINE = _PIECE_BYTES = 65536


class BadResponseError(MockServerError):
    """The server sent an invalid or incomplete HTTP response."""


class ClientConnection:
    """`context` None is plain TCP. `sock` is None until the first exchange, and once it was closed."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._address = host, port
        self._context = context
        self._stream: BufferedIOBase | None = None
        self.sock: socket.socket | None = None

    def exchange(self, request: bytes, timeout_s: float | None, abort: Abort | None) -> tuple[int, bytes]:
        """
        Send a request; return status and body. Raises OSError, BadResponseError, and closes the connection then.
        """
        try:
            sock = self._connected(timeout_s)
            if abort is not None:
                abort.watch(sock)
            sock.sendall(request)
            status, body, stays = self._answer()
        except BaseException:
            self.close()
            raise
        finally:
            if abort is not None:
                abort.watch(None)
        if not stays:
            self.close()
        return status, body

    def opened(self, request: bytes, timeout_s: float | None) -> tuple[int, Iterator[bytes]]:
        """
        Return status and the parts of a body that continues until one side closes the connection.

        The connection cannot be used again. Raises OSError, BadResponseError.
        """
        self._connected(timeout_s).sendall(request)
        stream = self._stream
        assert stream is not None
        _, status, headers = _head(stream)
        length = headers.get("content-length", "")
        if length.isdigit():
            return status, iter([_exactly(stream, int(length))])
        if headers.get("transfer-encoding", "").lower() == "chunked":  # a proxy's
            return status, iter(lambda: _chunk(stream), b"")
        return status, iter(lambda: stream.read1(_PIECE_BYTES), b"")

    def _connected(self, timeout_s: float | None) -> socket.socket:
        check_answers(*self._address)
        if self.sock is None:
            sock = socket.create_connection(self._address, timeout_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_hostname=self._address[0])
            self.sock, self._stream = sock, sock.makefile("rb")
        self.sock.settimeout(timeout_s)
        return self.sock

    def _answer(self) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection stays."""
        assert self._stream is not None
        version, status, headers = _head(self._stream)
        while 100 <= status < 200:
            version, status, headers = _head(self._stream)
        stays = headers.get("connection", "").lower() != "close" and version != b"HTTP/1.0"
        if ends_with_head(status):
            return status, b"", stays
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, b"".join(iter(lambda: _chunk(self._stream), b"")), stays
        length = headers.get("content-length", "")
        if length.isdigit():
            return status, _exactly(self._stream, int(length)), stays
        return status, self._stream.read(), False

    @property
    def is_alive(self) -> bool:
        """Whether the connection can be used again: an idle connection that is readable was closed by the server."""
        if self.sock is None:
            return False
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            return not poll.poll(0)
        return not select.select([self.sock], [], [], 0)[0]

    def close(self) -> None:
        for item in (self._stream, self.sock):
            if item is not None:
                with contextlib.suppress(OSError):
                    item.close()
        self.sock = self._stream = None


class Abort:
    """Ends the exchange of another thread by shutting down its connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False
        self._sock: socket.socket | None = None

    def watch(self, sock: socket.socket | None) -> None:
        with self._lock:
            self._sock = sock
            if self._over:
                shut(sock)

    def now(self) -> None:
        with self._lock:
            self._over = True
            shut(self._sock)


def shut(sock: socket.socket | None) -> None:
    """Shut down a connection; a thread that reads from it stops."""
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


# Reading


def _head(stream: BufferedIOBase) -> tuple[bytes, int, dict[str, str]]:
    line = _line(stream)
    if not line:
        raise BadResponseError("it ended the connection without an answer")
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise BadResponseError(f"it answered {line[:60]!r}, which is not HTTP")
    headers = {}
    while (line := _line(stream)).strip():
        name, _, value = line.partition(b":")
        headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
    return version, int(rest[:3]), headers


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise BadResponseError("a line of its answer is longer than 64 KiB")
    return line


def _chunk(stream: BufferedIOBase | None) -> bytes:
    """The next chunk; the last one is empty, its trailers are read over."""
    assert stream is not None
    size = _line(stream).partition(b";")[0].strip()
    try:
        data = _exactly(stream, int(size, 16))
    except ValueError as error:
        raise BadResponseError(f"{size[:20]!r} is not a chunk size") from error
    while _line(stream).strip():
        if data:
            raise BadResponseError("a chunk is longer than it says")
    return data


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise BadResponseError(f"its answer ended after {len(data)} of {size} bytes")
    return data
