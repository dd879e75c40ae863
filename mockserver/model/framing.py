"""Framing of responses: statuses with a body, and framing headers (RFC 9112 6)."""

from __future__ import annotations

from http import HTTPStatus

from mockserver.model.headers import Pairs

REASONS = {status.value: status.phrase for status in HTTPStatus}
"""Reason phrases by status."""
FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers of the connection. The server writes them; those of a scenario are sent if they are right."""
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
"""Headers of one connection (RFC 9110 7.6.1): nobody passes them on."""


def has_body(status: int) -> bool:
    """Whether a response with this status may have a body (RFC 9110 15.2.2, 15.3.5, 15.3.6, 15.4.5)."""
    return status not in (101, 204, 205, 304)


def ends_with_head(status: int) -> bool:
    """Whether a response with this status always ends with its head (RFC 9112 6.3); a 205 may have a length."""
    return status < 200 or status in (204, 304)


def is_length(value: str) -> bool:
    """Whether it is a valid value of Content-Length."""
    return value.isascii() and value.isdigit()


def connection_of(headers: Pairs) -> str:
    """Return the options of all Connection lines."""
    return ", ".join(value for name, value in headers if name.lower() == "connection")


def codings_of(headers: Pairs) -> list[str]:
    """Return the transfer codings of all Transfer-Encoding lines, in lower case."""
    text = ",".join(value for name, value in headers if name.lower() == "transfer-encoding")
    return [word.strip().lower() for word in text.split(",") if word.strip()]


def is_chunked(headers: Pairs) -> bool:
    """Whether the body is sent in chunks."""
    return codings_of(headers)[-1:] == ["chunked"]
