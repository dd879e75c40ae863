"""Multipart bodies (RFC 2046 5.1, RFC 7578, RFC 2387)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.model.coding import UnreadableBodyError, decode_charset, parse_media_type
from mockserver.model.headers import Headers

MAX_PARTS = 1000
MAX_HEAD_BYTES = 16 << 10


class Part:
    """One part of a multipart body: its form name, file name, headers and bytes."""

    __slots__ = ("body", "filename", "headers", "name")

    def __init__(self, name: str | None, filename: str | None, headers: Headers, body: bytes) -> None:
        self.name = name
        self.filename = filename
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        """The text in the part's own charset (default UTF-8); invalid bytes become U+FFFD."""
        charset = parse_media_type(self.headers.get("content-type", ""))[1].get("charset", "utf-8")
        try:
            return decode_charset(self.body, charset)
        except UnreadableBodyError:
            return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        """The media type; text/plain by default (RFC 7578 4.4)."""
        return self.headers.get("content-type", "text/plain")


def split_multipart(body: bytes, boundary: str) -> tuple[Part, ...]:
    """Return the parts of a multipart body. Raises UnreadableBodyError without an end delimiter, or for too many."""
    parts: list[Part] = []
    start = None
    for at, end, is_last in _delimiters(body, b"\r\n--" + boundary.encode("utf-8", "surrogateescape")):
        if start is not None:
            parts.append(_read_part(body[start:at]))
        if is_last:
            return tuple(parts)
        if len(parts) == MAX_PARTS:
            raise UnreadableBodyError(f"the multipart body has more than {MAX_PARTS} parts")
        start = end
    raise UnreadableBodyError("the multipart body has no closing boundary")


_MOST_MARKS = 10 * MAX_PARTS
_BEHIND = re.compile(rb"(--)?[ \t]*(?=\r\n|\Z)")


def _delimiters(body: bytes, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield start and end of each delimiter, and whether it is the closing one. The first may omit its leading line end."""
    at = -2 if body.startswith(mark[2:]) else body.find(mark)
    for _ in range(_MOST_MARKS):
        if at == -1:
            return
        end = at + len(mark)
        result = _BEHIND.match(body, end)
        if result is not None:
            end = result.end()
            yield at, end, result[1] is not None
        at = body.find(mark, end)
    raise UnreadableBodyError(f"the multipart body has its boundary more than {_MOST_MARKS} times")


def _read_part(section: bytes) -> Part:
    """Parse a part between two delimiters, starting with the first one's line end."""
    if section.startswith(b"\r\n\r\n"):
        head, content = b"", section[4:]
    else:
        head, _, content = section[2:].partition(b"\r\n\r\n")
    if len(head) > MAX_HEAD_BYTES:
        raise UnreadableBodyError(f"a part's head is longer than {MAX_HEAD_BYTES} bytes")
    lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
    headers = Headers((name.strip(), value.strip()) for name, colon, value in lines if colon)
    params = parse_media_type(headers.get("content-disposition", ""))[1]
    return Part(params.get("name"), params.get("filename"), headers, content)
