"""The chunks of a request's body (RFC 9112 7.1)."""

from __future__ import annotations

import re

from mockserver.errors import MockServerError

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}(?=[ \t]*(?:;|\Z))")
_EXTENSION = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*\Z")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\Z")
_MOST_LINE_BYTES = 8192
"""Limit of a chunk's first line, and of the trailer lines."""


class BadChunkError(MockServerError, ValueError):
    """Invalid chunked encoding; the message names the error."""


class Chunks:
    """Incremental decoder of a chunked body. `feed` returns the bytes after the body, None while the body is incomplete."""

    __slots__ = ("_held", "_left", "_trailing", "_trailing_bytes")

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        """Remaining bytes of the chunk, including the line end after it; 0 between two chunks."""
        self._trailing = False
        self._trailing_bytes = 0

    def feed(self, data: bytes, body: bytearray) -> bytes | None:
        """Append decoded data to `body`. Raises BadChunkError."""
        if self._held:
            data, self._held = self._held + data, b""
        at, size = 0, len(data)
        while at < size:
            if self._left:
                at = self._chunk(data, at, body)
                continue
            end = data.find(b"\n", at)
            if (size if end < 0 else end) - at > _MOST_LINE_BYTES:
                raise BadChunkError("a line between its chunks is too long")
            if end < 0:
                break
            if data[end - 1 : end] != b"\r" or end == at:
                raise BadChunkError("a line between its chunks does not end with CRLF")
            line = data[at : end - 1]
            at = end + 1
            if not self._trailing:
                self._begin(line)
            elif not line:
                return data[at:]
            else:
                self._trailer(line)
        self._held = data[at:]
        return None

    def _chunk(self, data: bytes, at: int, body: bytearray) -> int:
        """Read more of a chunk. Return the offset after it."""
        left = self._left
        if left > 2:
            piece = data[at : at + left - 2]
            body += piece
            self._left -= len(piece)
            return at + len(piece)
        expected = b"\r\n"[2 - left : 3 - left]
        if data[at : at + 1] != expected:
            raise BadChunkError("a chunk does not have its declared size")
        self._left -= 1
        return at + 1

    def _begin(self, line: bytes) -> None:
        size = _SIZE.match(line)
        if size is None or not _EXTENSION.match(line, size.end()):
            raise BadChunkError(f"{line[:20].decode('latin-1')!r} is not the size of a chunk")
        length = int(size[0], 16)
        if length:
            self._left = length + 2
        else:
            self._trailing = True

    def _trailer(self, line: bytes) -> None:
        self._trailing_bytes += len(line)
        if self._trailing_bytes > _MOST_LINE_BYTES:
            raise BadChunkError("its trailers are too long")
        if not _TRAILER.match(line):
            raise BadChunkError("a trailer is not a header line")
