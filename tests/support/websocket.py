"""WebSocket connections of a raw socket: what a test writes and reads are frames, to the byte."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from support.wire import RawAnswer, Wire

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The example of RFC 6455 1.3."""
_MASK = b"\x01\x02\x03\x04"


class Frame(NamedTuple):
    """A frame as it came: its first byte has the flags and the opcode."""

    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 15

    @property
    def close(self) -> tuple[int, str]:
        """Code and reason of a close frame."""
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.payload[:2])[0], self.payload[2:].decode()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True, flags: int = 0) -> bytes:
    """A frame of a client."""
    head = bytes([(128 if fin else 0) | flags | opcode])
    length, bit = len(payload), 128 if mask else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += struct.pack("!BH", bit | 126, length)
    else:
        head += struct.pack("!BQ", bit | 127, length)
    if not mask:
        return head + payload
    return head + _MASK + bytes(byte ^ _MASK[i % 4] for i, byte in enumerate(payload))


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason.encode())


def handshake(
    target: str = "/feed", *lines: str, host: str = "x", key: str | None = KEY, version: str | None = "13"
) -> str:
    head = [f"GET {target} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket", *lines]
    head += [f"Sec-WebSocket-Key: {key}"] if key is not None else []
    head += [f"Sec-WebSocket-Version: {version}"] if version is not None else []
    return "\r\n".join([*head, "", ""])


class Socket(Wire):
    """An open connection; the handshake is sent, and was accepted."""

    def __init__(
        self,
        address: tuple[str, int],
        target: str = "/feed",
        *lines: str,
        host: str = "x",
        early: bytes = b"",
        **options: Any,
    ) -> None:
        super().__init__(address, **options)
        self.send(handshake(target, *lines, host=host).encode() + early)
        self.accepted: RawAnswer = self.answer(head=True)
        assert self.accepted.status == 101, self.accepted

    def say(self, text: str) -> None:
        self.send(frame(TEXT, text.encode()))

    def frame(self) -> Frame:
        """The next frame of the server, which is not masked."""
        first, length = self.exactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.exactly(8))
        assert length < 1 << 32
        return Frame(first, self.exactly(length))

    def text(self) -> str:
        """The text of the next frame."""
        came = self.frame()
        assert came.first == 128 | TEXT, came
        return came.payload.decode()
