"""
Encoding of responses.

The head has the header lines of the scenario, in their order and case, plus Date, Content-Length or Transfer-Encoding,
and Connection if needed. The framing always matches the body that is sent: header lines that contradict it are
corrected or left out.
"""

from __future__ import annotations

from email.utils import formatdate

from mockserver.model.framing import REASONS, connection_of, has_body, is_length
from mockserver.model.http import Pairs, Response, Shape
from mockserver.real_time import REAL

_date_at = 0.0
"""The second of `_date_line`."""
_date_line = b""


def date_line(now_s: float) -> bytes:
    """Return the Date header value, by real time (RFC 9110 6.6.1)."""
    global _date_at, _date_line  # noqa: PLW0603  (one text a second, for all connections)
    if not _date_at <= now_s < _date_at + 1:
        _date_at = now_s // 1
        _date_line = formatdate(_date_at, usegmt=True).encode()
    return _date_line


def encode(response: Response, now_s: float) -> bytes:
    """Encode a whole HTTP/1.1 response for a connection that stays open. `now_s` is Unix time."""
    parts = response.encoded
    if parts is None:
        if response.shape is not None:
            return _shaped(response, response.shape, now_s)
        before, after = _head(response, len(response.body), keep_alive=True, version=(1, 1))
        body = response.body if has_body(response.status) else b""
        parts = response.encoded = (before, after + body) if after else (before + body, b"")
    before, after = parts
    return before + date_line(now_s) + after if after else before


def _shaped(response: Response, shape: Shape, now_s: float) -> bytes:
    """Like `encode`, for responses that share everything before the Date; only the length differs."""
    head = shape.head
    if head is None:
        head, _ = _head(response, 0, keep_alive=True, version=(1, 1))
        shape.head = head
    body = response.body
    return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, date_line(now_s), len(body), body)


def encode_head(
    response: Response,
    *,
    length: int | None,
    keep_alive: bool = True,
    version: tuple[int, int] = (1, 1),
    head_only: bool = False,
) -> bytes:
    """
    Encode status line and header lines with the blank line. `length` is the Content-Length; None for a chunked body
    (or, before HTTP/1.1, one that ends with the connection).
    """
    before, after = _head(response, length, keep_alive=keep_alive, version=version, head_only=head_only)
    return before + date_line(REAL.time()) + after if after else before


def _head(
    response: Response,
    length: int | None,
    *,
    keep_alive: bool,
    version: tuple[int, int],
    head_only: bool = False,
) -> tuple[bytes, bytes]:
    """Return the head around the value of Date; the second part is empty if the scenario sets its own."""
    status = response.status
    reason = response.reason if response.reason is not None else REASONS.get(status, "")
    framing = _framing(response, length, keep_alive=keep_alive, version=version, head_only=head_only)
    lines = [f"HTTP/1.1 {status} {reason}"]
    has_date = False
    for name, value in response.headers:
        lower = name.lower()
        if lower not in _FRAMING:
            lines.append(f"{name}: {value}")
            has_date = has_date or lower == "date"
        elif lower in framing:
            lines.append(f"{name}: {framing.pop(lower)}")
    if response.trailers and "transfer-encoding" in framing:
        lines.append("Trailer: " + ", ".join(name for name, _ in response.trailers))
    ends = [f"{_FRAMING[lower]}: {value}" for lower, value in framing.items()] + ["\r\n"]
    if has_date:
        return _bytes([*lines, *ends]), b""
    return _bytes([*lines, "Date: "]), b"\r\n" + _bytes(ends)


_FRAMING = {
    "content-length": "Content-Length",
    "transfer-encoding": "Transfer-Encoding",
    "connection": "Connection",
}


def _framing(
    response: Response, length: int | None, *, keep_alive: bool, version: tuple[int, int], head_only: bool
) -> dict[str, str]:
    """Return the header lines for framing and connection, by names in lower case."""
    lines = {}
    if length is None and version >= (1, 1) and has_body(response.status):
        lines["transfer-encoding"] = "chunked"
    known = content_length(response, length, head_only=head_only)
    if known is not None:
        lines["content-length"] = known
    if not keep_alive:
        lines["connection"] = connection_of(response.headers) if closes(response) else "close"
    elif version < (1, 1):
        lines["connection"] = "keep-alive"
    elif any(name.lower() == "connection" for name, _ in response.headers):
        lines["connection"] = connection_of(response.headers)
    return lines


def content_length(response: Response, length: int | None, *, head_only: bool = False) -> str | None:
    """Return the value of Content-Length for a body of that length; None for no such line."""
    written = (response.header("content-length") or "").strip()
    if has_body(response.status):
        if length is None:
            return None
        # For HEAD it may be the length that only the scenario knows.
        return written if head_only and not length and is_length(written) else f"{length}"
    if response.status == 205:
        return "0"  # clients expect a body here, unlike after a 204
    return written if response.status == 304 and is_length(written) else None


def _bytes(lines: list[str]) -> bytes:
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def chunk(data: bytes) -> bytes:
    """Encode one chunk (RFC 9112 7.1). Not for empty data, which would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def last_chunk(trailers: Pairs) -> bytes:
    """Encode the end of a body with trailers (RFC 9112 7.1.2)."""
    return b"0\r\n" + _bytes([*(f"{name}: {value}" for name, value in trailers), "\r\n"])


def closes(response: Response) -> bool:
    """Whether the scenario asks for the connection to be closed."""
    return any(word.strip().lower() == "close" for word in connection_of(response.headers).split(","))
