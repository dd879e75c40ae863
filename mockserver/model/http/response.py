"""Responses: bytes kept, headers in their order and case."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from mockserver.model.headers import Pairs


class Shape:
    """
    The common part of responses that differ only in their bodies. `http/` caches the `head` before the Date, and
    `http2_head` before the length.
    """

    __slots__ = ("head", "http2_head")

    def __init__(self) -> None:
        self.head: bytes | None = None
        self.http2_head: bytes | None = None


class Response:
    """
    A response: headers in their order and case. `body` is the encoded body. `trailers` are header lines after the body:
    HTTP/1.1 sends them in chunked encoding, HTTP/1.0 not at all.
    """

    __slots__ = (
        "_sha256", "body", "encoded", "headers", "http2_head", "reason", "shape", "status", "trailers",
    )  # fmt: skip

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        reason: str | None = None,
        trailers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.status = status
        self.headers: Pairs = tuple(headers)
        self.body = body
        self.reason = reason
        self.trailers: Pairs = tuple(trailers)
        self._sha256: str | None = None
        self.encoded: tuple[bytes, bytes] | None = None
        """The bytes before and after the Date, cached by `http/` for responses that are sent repeatedly."""
        self.http2_head: tuple[bytes, bool] | None = None
        """The header block of HTTP/2 before the Date, and whether it needs one; cached likewise."""
        self.shape: Shape | None = None
        """The part shared with responses that differ only in their bodies."""

    @property
    def sha256(self) -> str:
        """Hash of the body, in hex; computed once for all calls that share it."""
        if self._sha256 is None:
            self._sha256 = hashlib.sha256(self.body).hexdigest()
        return self._sha256

    def header(self, name: str) -> str | None:
        """Return the first value of that header, case ignored."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class StreamReply:
    """A response without a known end: the head, then pieces until the client disconnects."""

    response: Response
    pieces: AsyncIterator[bytes]
