"""
Responses to bytes. Both ways of answering write what stands here.

The head carries what the scenario set, in its order and case, plus Date, and
Content-Length or Transfer-Encoding, and Connection where it must be said.
"""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from mockserver.model.http import Response, Shape
from mockserver.real_time import REAL

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})

_date_at = 0
_date_line = b""


def date_now() -> bytes:
    """The Date of this second, by real time (RFC 9110 6.6.1)."""
    global _date_at, _date_line  # noqa: PLW0603  (one text a second, for all connections)
    now = int(REAL.time())
    if now != _date_at:
        _date_at = now
        _date_line = formatdate(now, usegmt=True).encode()
    return _date_line


def encode(response: Response) -> bytes:
    """A whole response, head and body, for a connection that stays, by HTTP/1.1."""
    parts = response.encoded
    if parts is None:
        if response.shape is not None:
            return _shaped(response, response.shape)
        parts = response.encoded = encode_parts(response)
    before, after = parts
    return before + date_now() + after if after else before


KEPT_WHOLE_BYTES = 16_384
"""Of a body: a larger one is not kept twice."""


def encode_at(response: Response, now_s: int) -> bytes:
    """The same as `encode`, where the second is known; kept for the rest of it, unless it is made for one call."""
    if response.whole_s == now_s:
        return response.whole
    data = encode(response)
    if response.shape is None and len(response.body) <= KEPT_WHOLE_BYTES:
        response.whole, response.whole_s = data, now_s
    return data


def _shaped(response: Response, shape: Shape) -> bytes:
    """The same, where everything before the Date is that of others too, and only the length follows it."""
    head = shape.head
    if head is None:
        head, _ = _head(response, 0, keep_alive=True, version=(1, 1))
        shape.head = head
    body = response.body
    return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, date_now(), len(body), body)


def encode_parts(response: Response) -> tuple[bytes, bytes]:
    """The bytes before and after the value of Date; all in the first where the scenario sets its own Date."""
    before, after = _head(response, len(response.body), keep_alive=True, version=(1, 1))
    body = b"" if response.status in _BODILESS else response.body
    return (before, after + body) if after else (before + body, b"")


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
    before, after = _head(response, length, keep_alive=keep_alive, version=version)
    return before + date_now() + after if after else before


def _head(
    response: Response, length: int | None, *, keep_alive: bool, version: tuple[int, int]
) -> tuple[bytes, bytes]:
    """The head around the value of Date; the second part is empty where the scenario sets its own."""
    status = response.status
    reason = response.reason if response.reason is not None else _REASONS.get(status, "")
    lines = [f"HTTP/1.1 {status} {reason}"]
    names = set()
    for name, value in response.headers:
        lines.append(f"{name}: {value}")
        names.add(name.lower())
    ends = []
    if status not in _BODILESS and "content-length" not in names and "transfer-encoding" not in names:
        if length is not None:
            ends.append(f"Content-Length: {length}")
        elif version >= (1, 1):
            ends.append("Transfer-Encoding: chunked")
    if "connection" not in names:
        if not keep_alive:
            ends.append("Connection: close")
        elif version < (1, 1):
            ends.append("Connection: keep-alive")
    ends.append("\r\n")
    if "date" in names:
        return _bytes([*lines, *ends]), b""
    return _bytes([*lines, "Date: "]), b"\r\n" + _bytes(ends)


def _bytes(lines: list[str]) -> bytes:
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
