"""From a response to the header block that begins it."""

from __future__ import annotations

from mockserver.http.encoder import content_length, date_line
from mockserver.http.h2.hpack import indexed_or_literal, literal
from mockserver.model.framing import FRAMING
from mockserver.model.http import Pairs, Response
from mockserver.real_time import REAL

_NOT_SENT = FRAMING | {"keep-alive", "proxy-connection", "upgrade"}
"""Headers that HTTP/2 does not have, or that the server writes."""
CONTINUE = indexed_or_literal(b":status", b"100")


def ready_head(response: Response, now_s: float) -> bytes:
    """Encode the head of a whole response, like `encoder.encode`. `now_s` is Unix time."""
    kept = response.http2_head
    if kept is None:
        shape = response.shape
        if shape is not None:
            if shape.http2_head is None:
                shape.http2_head = _fields(response)[0]
            return shape.http2_head + _length(f"{len(response.body)}") + _date(now_s)
        kept = response.http2_head = _head(response, len(response.body))
    before, needs_date = kept
    return before + _date(now_s) if needs_date else before


def encode_head(response: Response, length: int | None, *, head_only: bool = False) -> bytes:
    """Encode a head for a body of that length, None if it is not known."""
    before, needs_date = _head(response, length, head_only=head_only)
    return before + _date(REAL.time()) if needs_date else before


def encode_trailers(trailers: Pairs) -> bytes:
    return b"".join([literal(name.lower().encode(), _value(value)) for name, value in trailers])


def _head(response: Response, length: int | None, *, head_only: bool = False) -> tuple[bytes, bool]:
    """Return the block, and whether the Date is to follow."""
    block, needs_date = _fields(response)
    known = content_length(response, length, head_only=head_only)
    return (block if known is None else block + _length(known)), needs_date


def _fields(response: Response) -> tuple[bytes, bool]:
    parts = [indexed_or_literal(b":status", b"%d" % response.status)]
    needs_date = True
    for name, value in response.headers:
        lower = name.lower()
        if lower not in _NOT_SENT:
            parts.append(literal(lower.encode(), _value(value)))
            needs_date = needs_date and lower != "date"
    return b"".join(parts), needs_date


def _value(value: str) -> bytes:
    return value.strip(" \t").encode("utf-8", "surrogateescape")


def _length(value: str) -> bytes:
    return literal(b"content-length", value.encode())


_date_at = 0
_date_field = b""


def _date(now_s: float) -> bytes:
    global _date_at, _date_field  # noqa: PLW0603  (one a second, for all connections)
    now = int(now_s)
    if now != _date_at:
        _date_at = now
        _date_field = literal(b"date", date_line(now_s))
    return _date_field
