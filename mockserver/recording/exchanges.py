"""
Recorded requests with their answers, from HAR, VCR or the call log of a server.

Bodies are decoded bytes; header lines keep order and repetition.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from mockserver.model.coding import decode_content
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.written import written_float
from mockserver.schema.base import METHOD

ORIGIN = "x-origin"
"""Key of a scenario for the URL of the real service: `https://api.example`. Exporters use it."""


Lines = list[tuple[str, str]]
"""Header lines, or other named texts, in their order."""


@dataclass(slots=True)
class RecordedExchange:
    """
    `place` is its location in the source. `fault` is set if the answer was broken, `status` is 0 without an answer.
    `name` is its name in the source.
    """

    place: str
    method: str
    url: str
    request_headers: Lines = field(default_factory=list)
    request_body: bytes = b""
    status: int = 200
    headers: Lines = field(default_factory=list)
    body: bytes = b""
    fault: str = ""
    name: str = ""

    @property
    def split(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def origin(self) -> str:
        """`https://api.example:8443`, empty for a URL without a host."""
        at = self.split
        return f"{at.scheme.lower()}://{at.netloc.rpartition('@')[2].lower()}" if at.netloc else ""

    @property
    def path(self) -> str:
        return self.split.path or "/"

    @property
    def request(self) -> Request:
        """The request as the server would see it, but for its content-coding, which is undone."""
        target = self.path + (f"?{self.split.query}" if self.split.query else "")
        lines = [(name, value) for name, value in self.request_headers if name.lower() != "content-encoding"]
        return Request(self.method, target, lines, self.request_body)

    def header(self, name: str) -> str:
        """The first header line of the answer with that name."""
        return value_of(self.headers, name)


def known_method(written: object) -> str:
    """Return a method in upper case. Raises ValueError."""
    if not isinstance(written, str) or not METHOD.fullmatch(written.upper()):
        raise ValueError(f"{written!r} is not a method")
    return written.upper()


def value_of(headers: Lines, name: str) -> str:
    return next((value for header, value in headers if header.lower() == name), "")


def without_coding(body: bytes, headers: Lines) -> bytes:
    """Decode a body as its Content-Encoding says. Raises UnreadableBodyError."""
    codings = [coding for coding in value_of(headers, "content-encoding").split(",") if coding.strip()]
    return decode_content(body, codings) if codings else body


def json_of(body: bytes) -> object:
    """The JSON that a body is, decimals as written. Raises UnreadableBodyError for any other, and for JSON that Python would change."""
    value = Request("POST", "/", [], body).json
    try:
        written = json.loads(body, object_pairs_hook=_once, parse_float=written_float)
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError(str(error)) from error
    if written != value:
        raise UnreadableBodyError("its numbers can't be kept")
    return written


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("it has a duplicate key")
    return result
