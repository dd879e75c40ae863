"""aiohttp's parser, for which everything that it can't read is a malformed request, and no upgrade is ever taken."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import HttpRequestParser

from mockserver.model.problem import problem

Fed = tuple[Any, bool, bytes]
_VERSIONS = (aiohttp.HttpVersion11, aiohttp.HttpVersion10)
_HTTP_2 = (
    "The client speaks HTTP/2, and this server speaks HTTP/1.1 only. Have the client use HTTP/1.1, "
    "such as curl --http1.1; over TLS it is negotiated"
)


class Unsupported(BadHttpMessage):
    """
    A valid request of a kind that is not supported; `document` says so. `line` is the method and the target of an
    attempt to speak HTTP/2.
    """

    def __init__(self, document: dict[str, Any], line: tuple[str, str] | None = None) -> None:
        super().__init__(document["detail"])
        self.document = document
        self.line = line


class Parser(HttpRequestParser):
    """
    Raises HttpProcessingError for what is no HTTP, and nothing else.

    The target is made a URL by yarl, which raises IndexError for `http://[::1]@/`:
    out of `data_received` that would end the connection without an answer.

    Whoever offers an upgrade is answered by HTTP/1.1 and may go on by it (RFC 9110
    7.8). aiohttp's loses what comes in one read behind an offer of `h2c`, and a
    head whose chunks are malformed where they come in one read with it. So where
    either may stand, as it is usually written, heads are fed one by one, however they came.
    """

    _rest = b""

    def feed_data(self, data: bytes, *more: Any) -> Fed:
        if not (
            b"pgrade" in data or b"hunked" in data or b"PGRADE" in data or b"HUNKED" in data or self._rest
        ):
            return self._fed(data, *more)
        rest, self._rest = self._rest + data, b""
        while rest:
            end = rest.find(b"\r\n\r\n") + 4
            piece, rest = (rest[:end], rest[end:]) if end >= 4 else (rest, b"")
            messages, upgraded, tail = self._fed(piece, *more)
            if upgraded and messages and messages[-1][0].method == "CONNECT":
                return messages, True, tail + rest
            if upgraded:
                self.set_upgraded(False)
                rest = tail + rest
            if messages:
                if messages[-1][0].upgrade and not upgraded:
                    self._fed(b"")  # here it would lose what is fed next
                self._rest = rest
                return messages, False, b""
        return (), False, b""

    def _fed(self, data: bytes, *more: Any) -> Fed:
        try:
            fed: Fed = super().feed_data(data, *more)
        except BadHttpMessage as error:
            if error.message.startswith("Pause on PRI/Upgrade"):
                raise Unsupported(
                    problem(505, "http2", "HTTP/2 is not supported", _HTTP_2), ("PRI", "*")
                ) from error
            raise
        except (IndexError, ValueError) as why:
            raise BadHttpMessage(f"the request target can't be read: {why}") from why
        for message, _ in fed[0]:
            _check(message)
        return fed


def ascii_line(data: bytes) -> bytes:
    """
    The same, the bytes of the first line that are no ASCII percent-encoded, but for the host of an absolute URL: a
    target may hold raw UTF-8, or any other bytes, aiohttp takes only ASCII, and the encoding says the same (RFC 3986
    2.5). Empty lines may stand before it.
    """
    start = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(b"\n", start) + 1 or len(data)
    target = data.find(b" ", start, end) + 1
    if target and data[target : target + 1] != b"/":
        scheme = data.find(b"://", target, end)
        start = data.find(b"/", scheme + 3, end) if scheme >= 0 else start
        if start < 0:
            return data
    line = b"".join(b"%%%02X" % byte if byte > 0x7F else b"%c" % byte for byte in data[start:end])
    return data[:start] + line + data[end:]


def _check(message: Any) -> None:
    """Raises Unsupported for a version and for transfer-codings that are not spoken here."""
    version = message.version
    if version not in _VERSIONS:
        if version < aiohttp.HttpVersion10:
            detail = "A request line ends with HTTP/1.1, as in: GET /path HTTP/1.1"
            raise Unsupported(problem(400, "bad-request", "HTTP/0.9 is not supported", detail))
        if version.major == 2:
            document = problem(505, "http2", "HTTP/2 is not supported", _HTTP_2)
            raise Unsupported(document, (message.method, message.path))
        detail = (
            f"HTTP/{version.major}.{version.minor} is not spoken here. End the request line with HTTP/1.1"
        )
        raise Unsupported(problem(505, "http-version", "The HTTP version is not supported", detail))
    if message.chunked:
        codings = message.headers.get("transfer-encoding", "")
        if codings.strip().lower() != "chunked":
            detail = f"Transfer-Encoding: {codings} is not supported. Send the body with Transfer-Encoding: chunked alone, and name its compression in Content-Encoding"
            raise Unsupported(problem(501, "transfer-coding", "The transfer-coding is not supported", detail))
