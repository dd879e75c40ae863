"""
TLS between a socket's transport and a connection. Writes are encrypted and passed on at once.

asyncio's own layer reports a write as drained while megabytes of it are still to be sent, so a call would end before
its response was sent, and a reset would discard it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from mockserver.model.client_cert import ClientCert

log = logging.getLogger("mockserver")

_READ_BYTES = 256 * 1024

Begin = Callable[["TlsTransport"], asyncio.Protocol]
"""Creates the connection on top of the transport, after the handshake."""
ReadCert = Callable[[bytes], ClientCert]


class TlsLayer(asyncio.Protocol):
    """
    The server's side of one connection. `open_` holds the transports during their handshake; one that takes longer than
    `limit_s` is aborted, and `too_slow` is called.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        begin: Begin,
        read_cert: ReadCert,
        open_: set[asyncio.Transport],
        *,
        limit_s: float,
        too_slow: Callable[[], None],
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._begin = begin
        self._read_cert = read_cert
        self._open = open_
        self._limit_s = limit_s
        self._too_slow = too_slow
        self._raw: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        self._transport: TlsTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing_paused = False

    # Events of the socket's transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        raw = cast("asyncio.Transport", transport)
        self._raw = raw
        self._open.add(raw)
        self._timer = asyncio.get_running_loop().call_later(self._limit_s, self._cut)

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        if self._inner is None and not self._is_shaken():
            return
        self._deliver()

    def eof_received(self) -> bool:
        """Pass the end of the client's data to the connection above."""
        if self._inner is None or self._transport is None:
            return False
        if not self._inner.eof_received():
            self._transport.close()
            return False
        return True

    def pause_writing(self) -> None:
        self._writing_paused = True
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settled()
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.connection_lost(exc)

    # The handshake

    def _is_shaken(self) -> bool:
        """Return whether the handshake is completed, after sending its output."""
        assert self._raw is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            return False
        except (ssl.SSLError, OSError) as error:
            log.warning("no TLS with %s: %s", _peer(self._raw), _said(error))
            self.flush()  # the alert, which tells the client why
            self._raw.close()
            return False
        self._settled()
        self.flush()
        self._transport = TlsTransport(self, self._raw, self._tls, self._cert())
        self._inner = self._begin(self._transport)
        self._inner.connection_made(self._transport)
        if self._writing_paused:
            self._inner.pause_writing()
        return True

    def _cut(self) -> None:
        """Abort a slow handshake. No response could be decrypted yet."""
        assert self._raw is not None
        self._too_slow()
        self._raw.abort()

    def _settled(self) -> None:
        """Clean up after the handshake, successful or not."""
        if self._raw is not None:
            self._open.discard(self._raw)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cert(self) -> ClientCert | None:
        der = self._tls.getpeercert(binary_form=True)
        if der is None:
            return None
        try:
            return self._read_cert(der)
        except ValueError as error:
            log.warning("the client's certificate can't be read, and counts as absent: %s", error)
            return None

    # Calls of the connection above

    def _deliver(self) -> None:
        """Pass on the available data in one piece; nothing after the connection was closed."""
        assert self._raw is not None
        if self._raw.is_closing():
            return
        pieces = []
        ended = False
        try:
            while not ended:
                piece = self._tls.read(_READ_BYTES)
                pieces.append(piece)
                ended = not piece  # the client sends nothing more
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            log.warning("broken TLS from %s: %s", _peer(self._raw), _said(error))
            self.flush()
            self._raw.abort()
            return
        self.flush()
        data = b"".join(pieces)
        if data and self._inner is not None:
            self._inner.data_received(data)
        if ended:
            self.eof_received()

    def change(self, inner: asyncio.Protocol) -> None:
        """Another connection goes on in the place of the one above."""
        self._inner = inner

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt data and write it to the socket's transport."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]
        self.flush()

    def say_goodbye(self) -> None:
        """Send close_notify (RFC 8446 6.1) without waiting for the client's."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self.flush()

    def flush(self) -> None:
        data = self._outgoing.read()
        if data and self._raw is not None:
            self._raw.write(data)


class TlsTransport(asyncio.Transport):
    """Transport of a connection over TLS. Its flow control is that of the socket's transport."""

    def __init__(
        self, layer: TlsLayer, raw: asyncio.Transport, tls: ssl.SSLObject, client_cert: ClientCert | None
    ) -> None:
        super().__init__()
        self._layer = layer
        self._raw = raw
        self._closed = False
        self._known: dict[str, Any] = {
            "sslcontext": tls.context,
            "ssl_object": tls,
            "client_cert": client_cert,
        }

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return `sslcontext`, `ssl_object` or `client_cert` of TLS; else the socket transport's value."""
        return self._known[name] if name in self._known else self._raw.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hands what is read from now on to another protocol."""
        self._layer.change(cast("asyncio.Protocol", protocol))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self._layer.send(data)

    def close(self) -> None:
        if not self.is_closing():
            self._layer.say_goodbye()
            self._raw.close()
        self._closed = True

    def abort(self) -> None:
        self._closed = True
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._closed or self._raw.is_closing()

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._raw.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def is_reading(self) -> bool:
        return self._raw.is_reading()

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()


def _peer(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return f"{peer[0]} (port {peer[1]})" if peer else "a client"


_REASONS = {
    "UNKNOWN_CA": "the client does not trust the certificate; give it the CA, see GET /__admin/ca.pem",
    "BAD_CERTIFICATE": "the client does not accept the certificate; does it know the CA, GET /__admin/ca.pem?",
    "CERTIFICATE_UNKNOWN": "the client does not accept the certificate; does it know the CA, GET /__admin/ca.pem?",
    "CERTIFICATE_VERIFY_FAILED": "the client's certificate is not of --tls-client-ca",
    "UNSUPPORTED_PROTOCOL": "the client's version of TLS is too old; 1.2 is the least",
}


def _said(error: Exception) -> str:
    """Return the reason with the fix; OpenSSL's message if it is not a known one."""
    reason = getattr(error, "reason", None) or ""
    own = getattr(error, "verify_message", "") or reason or str(error)
    for part, text in _REASONS.items():
        if part in reason.upper().replace(" ", "_"):
            return f"{text} ({own})"
    return own.replace("_", " ").lower()
