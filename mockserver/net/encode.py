"""
Responses to bytes. Both ways of answering write what stands here.

The head carries what the scenario set, in its order and case, plus Date, and
Content-Length or Transfer-Encoding, and Connection where it must be said.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from mockserver.model.http import Response

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})

_date_at = 0
_date_line = ""


def date_now() -> str:
    """The Date of this second, by real time (RFC 9110 6.6.1)."""
    global _date_at, _date_line  # noqa: PLW0603  (one text a second, for all connections)
    now = int(time.time())
    if now != _date_at:
        _date_at = now
        _date_line = formatdate(now, usegmt=True)
    return _date_line


def encode_head(
    response: Response,
    *,
    length: int | None,
    keep_alive: bool = True,
    version: tuple[int, int] = (1, 1),
) -> bytes:
    """
    Status line and header lines with the blank line after them. `length` is what
    Content-Length says, None for a chunked body (or, before HTTP/1.1, one that
    ends with the connection).
    """
    status = response.status
    reason = response.reason if response.reason is not None else _REASONS.get(status, "")
    lines = [f"HTTP/1.1 {status} {reason}"]
    names = set()
    for name, value in response.headers:
        lines.append(f"{name}: {value}")
        names.add(name.lower())
    if "date" not in names:
        lines.append(f"Date: {date_now()}")
    if status not in _BODILESS and "content-length" not in names and "transfer-encoding" not in names:
        if length is not None:
            lines.append(f"Content-Length: {length}")
        elif version >= (1, 1):
            lines.append("Transfer-Encoding: chunked")
    if "connection" not in names:
        if not keep_alive:
            lines.append("Connection: close")
        elif version < (1, 1):
            lines.append("Connection: keep-alive")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 7.1). Not for empty data, which would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def closes(response: Response) -> bool:
    """Whether the scenario itself asks for the end of the connection."""
    return any(name.lower() == "connection" and "close" in value.lower() for name, value in response.headers)


def lies(response: Response, length: int) -> bool:
    """Whether the scenario's own Content-Length differs from the body's."""
    own = response.header("content-length")
    return own is not None and own.strip() != str(length)
