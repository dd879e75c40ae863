"""A raw socket that speaks what a test writes, and shows to the byte what comes back."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class RawAnswer:
    """One answer as it came: `lines` are its header lines, in order and case."""

    start: str
    lines: list[str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.start.split()[1])

    def all(self, name: str) -> list[str]:
        pairs = (line.split(": ", 1) for line in self.lines)
        return [value for key, value in pairs if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    @property
    def names(self) -> list[str]:
        return [line.split(":", 1)[0] for line in self.lines]


class _Tls:
    """
    TLS over a socket. The `ssl` module's own would say of an RST, and of an end
    without a goodbye, that they were the same; here the first is a
    ConnectionResetError, and the second an SSLEOFError.
    """

    def __init__(
        self, bare: socket.socket, context: ssl.SSLContext, name: str | None, session: ssl.SSLSession | None
    ) -> None:
        self._bare = bare
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name, session=session)
        try:
            self._until_done(self.object.do_handshake)
        except BaseException:
            bare.close()
            raise

    def _until_done(self, deed: Callable[[], T]) -> T:
        while True:
            try:
                done = deed()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._bare.recv(65536)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # the alert
                raise
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if (
            data := self._outgoing.read()
        ):  # even nothing can't be sent after an RST, and what came before it is to be read
            self._bare.sendall(data)

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self.object.write(rest) :]
        self._flush()

    def recv(self, most: int) -> bytes:
        """Empty where the server has said goodbye."""
        try:
            return self._until_done(lambda: self.object.read(most))
        except ssl.SSLZeroReturnError:
            return b""


class Wire:
    """
    One connection. Every read fails after `timeout_s`, so a test can't hang.

    With `tls` it speaks TLS from the start, and asks for the certificate of `name` (None: of no name).
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        timeout_s: float = 5,
        receive_buffer: int | None = None,
        tls: ssl.SSLContext | None = None,
        name: str | None = "localhost",
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(timeout_s)
        self._socket.connect(address)
        self._tls = None if tls is None else _Tls(self._socket, tls, name, session)
        self._read = b""

    @property
    def tls(self) -> ssl.SSLObject:
        """What was agreed on."""
        assert self._tls is not None
        return self._tls.object

    def send(self, data: bytes | str) -> None:
        (self._tls or self._socket).sendall(data.encode() if isinstance(data, str) else data)

    def send_bare(self, data: bytes) -> None:
        """Past the TLS, if there is any."""
        self._socket.sendall(data)

    def ends_sending(self) -> None:
        """Half-close: nothing more is sent, but answers are awaited."""
        self._socket.shutdown(socket.SHUT_WR)

    def _receive(self) -> bytes:
        return (self._tls or self._socket).recv(65536)

    def _more(self) -> None:
        data = self._receive()
        if not data:
            raise ConnectionError(f"the server closed the connection after {self._read!r}")
        self._read += data

    def exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            self._more()
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._more()
        return self.exactly(self._read.index(end) + len(end))

    def answer(self, *, head: bool = False) -> RawAnswer:
        """The next answer, with the body that its head promises; `head`: it answers a HEAD."""
        start, *lines = self.until(b"\r\n\r\n")[:-4].decode("utf-8", "surrogateescape").split("\r\n")
        bare = RawAnswer(start, lines, b"")
        if head or bare.status < 200 or bare.status in (204, 304):
            return bare
        if bare.header("transfer-encoding") == "chunked":
            return RawAnswer(start, lines, b"".join(self._chunks()))
        length = bare.header("content-length")
        return RawAnswer(start, lines, self.rest() if length is None else self.exactly(int(length)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            yield self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"

    def rest(self) -> bytes:
        """Everything until the server closes."""
        with contextlib.suppress(ConnectionError):
            while True:
                self._more()
        taken, self._read = self._read, b""
        return taken

    def ending(self) -> tuple[bytes, str]:
        """Everything up to the end, and how it ended: `FIN` or `RST`."""
        end = "FIN"
        try:
            while data := self._receive():
                self._read += data
        except ConnectionResetError:
            end = "RST"
        taken, self._read = self._read, b""
        return taken, end

    def bare_ending(self) -> str:
        """How the connection under TLS ends, whatever comes before."""
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            return "RST"
        return "FIN"

    def is_closed(self) -> bool:
        """Waits for the server to close; fails at the time-out where it doesn't, or says more."""
        assert not self._read, self._read
        try:
            data = self._receive()
        except ConnectionError:
            return True
        assert data == b"", data
        return True

    def says_goodbye(self) -> None:
        """Nothing more is sent, by the words of TLS."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.send(b"")

    def reset(self) -> None:
        """Leaves as a crashed client does, with an RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
