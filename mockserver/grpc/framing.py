"""
Messages on the wire: a flag, a length and the data of each (gRPC over HTTP/2, "Length-Prefixed-Message").

A message that the protocol or a limit forbids raises MessageError, with the status that servers answer with.
"""

from __future__ import annotations

import math
import struct
import zlib

from mockserver.model.coding import UnreadableBodyError
from mockserver.model.grpc import GrpcStatus

PREFIX_BYTES = 5
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Limit of a message, also of its decompressed size: the default of gRPC servers."""
MAX_MESSAGES = 10_000
"""Limit of messages in a body that is read as a whole."""
MAX_INFLATED_BYTES = 2 * MAX_MESSAGE_BYTES
"""Limit of the decompressed messages in such a body: more would block the event loop."""
CODINGS = ("identity", "gzip", "deflate")
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class MessageError(UnreadableBodyError):
    """A message that can't be read, and the status that says so."""

    def __init__(self, status: GrpcStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def framed(data: bytes) -> bytes:
    """Return a message with its prefix, not compressed."""
    return struct.pack(">BI", 0, len(data)) + data


class FrameReader:
    """Splits received data into messages. `coding` is the value of `grpc-encoding`."""

    __slots__ = ("_coding", "_held", "_left")

    def __init__(self, coding: str = "identity", most_inflated_bytes: float = math.inf) -> None:
        self._coding = coding.strip().lower()
        self._held = bytearray()
        self._left = most_inflated_bytes

    @property
    def is_between(self) -> bool:
        """Whether no message is incomplete."""
        return not self._held

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are complete now. Raises MessageError."""
        held = self._held
        held += data
        messages: list[bytes] = []
        at = 0
        while len(held) - at >= PREFIX_BYTES:
            flag, length = struct.unpack_from(">BI", held, at)
            if flag > 1:
                raise MessageError(
                    GrpcStatus.INTERNAL, f"a message begins with the flag {flag}, which is 0 or 1"
                )
            if length > MAX_MESSAGE_BYTES:
                raise _too_large(length)
            end = at + PREFIX_BYTES + length
            if end > len(held):
                break
            message = bytes(held[at + PREFIX_BYTES : end])
            messages.append(self._decompressed(message) if flag else message)
            if len(messages) > MAX_MESSAGES:
                raise MessageError(
                    GrpcStatus.RESOURCE_EXHAUSTED, f"the call has more than {MAX_MESSAGES} messages"
                )
            at = end
        del held[:at]
        return messages

    def _decompressed(self, data: bytes) -> bytes:
        if self._coding not in _WINDOW_BITS:
            if self._coding in ("", "identity"):
                raise MessageError(
                    GrpcStatus.INTERNAL, "a message is marked as compressed, but there is no grpc-encoding"
                )
            raise MessageError(
                GrpcStatus.UNIMPLEMENTED,
                f"the compression {self._coding[:40]!r} is not supported: use {', '.join(CODINGS)}",
            )
        inflater = zlib.decompressobj(_WINDOW_BITS[self._coding])
        try:
            plain = inflater.decompress(data, MAX_MESSAGE_BYTES + 1)
        except zlib.error as error:
            raise MessageError(
                GrpcStatus.INTERNAL, f"a message is not valid {self._coding}: {error}"
            ) from error
        if len(plain) > MAX_MESSAGE_BYTES:
            raise _too_large(None)
        self._left -= len(plain)
        if self._left < 0:
            said = f"the messages have more than {MAX_INFLATED_BYTES} bytes decompressed"
            raise MessageError(GrpcStatus.RESOURCE_EXHAUSTED, said)
        if not inflater.eof:
            raise MessageError(GrpcStatus.INTERNAL, f"a message is not valid {self._coding}: it is cut off")
        return plain


def split(body: bytes, coding: str) -> list[bytes]:
    """Return all messages of a body. Raises MessageError."""
    reader = FrameReader(coding, MAX_INFLATED_BYTES)
    messages = reader.feed(body)
    if not reader.is_between:
        raise MessageError(GrpcStatus.INTERNAL, "the last message is cut off")
    return messages


def _too_large(length: int | None) -> MessageError:
    size = f"{length} bytes" if length is not None else f"more than {MAX_MESSAGE_BYTES} bytes decompressed"
    return MessageError(
        GrpcStatus.RESOURCE_EXHAUSTED,
        f"a message has {size}, and the limit is {MAX_MESSAGE_BYTES}",
    )
