"""Parsing of request heads: validated by llhttp, and kept as bytes."""

from __future__ import annotations

import re
from base64 import b64decode
from sys import intern
from typing import Any
from urllib.parse import unquote, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from mockserver.errors import MockServerError
from mockserver.model.http import HTTP_1_1, Headers, Peer, Request, Via
from mockserver.model.problem import problem

_HTTP_2 = (
    "HTTP/2 begins with its connection preface, before anything else on the connection; with --store the server speaks "
    "HTTP/1.1 only. Have the client use HTTP/1.1, such as curl --http1.1; over TLS it is negotiated"
)
_LINE = "A request line has three parts with one space between them, as in: GET /path HTTP/1.1"
_LENGTH = "\ncontent-length:"
HTTP_1_0 = (1, 0)
PREFACE_LINE = ("PRI", "*")
_LINE_FEED = "A line of the head ends with a line feed alone. Each ends with CR LF"
_VERSIONS = {"HTTP/1.1": HTTP_1_1, "HTTP/1.0": HTTP_1_0}
CHUNKED = -1
"""Length of a chunked body."""
TUNNEL = -2
"""Instead of a length: the data after a CONNECT are not a body but tunnelled."""


class BadHeadError(MockServerError):
    """
    A request that can't be answered; `document` is the problem. `line` is the method and the target of an attempt to
    use HTTP/2. `limit` is the limit that was reached, as `/health` counts it.
    """

    def __init__(
        self, document: dict[str, Any], *, line: tuple[str, str] | None = None, limit: str | None = None
    ) -> None:
        super().__init__(document["detail"])
        self.document = document
        self.line = line
        self.limit = limit


_SILENT = object()
"""Receives no event of the parser."""
_headers_of_head, _request_of_head = Headers.of_head, Request.of_head
"""Bound once: a class method that is looked up is bound for each call."""


class Heads:
    """Reads the heads of one connection. A head has at most `most_lines` header lines."""

    __slots__ = ("_body_length", "_most_lines", "_parser", "peer")

    def __init__(self, peer: Peer, most_lines: int) -> None:
        self.peer = peer
        self._most_lines = most_lines
        self._parser: HttpRequestParser | None = None
        """The one of the last head, if it can go on: to make one takes longer than to read a head."""
        self._body_length = 0

    def read(self, data: bytes, arrived_s: float, arrived_at_s: float) -> tuple[Request, int, bool]:
        """
        Parse a head, up to the empty line. Return the request, the length of its body, CHUNKED or TUNNEL, and whether
        the connection stays open. Raises BadHeadError.
        """
        if not data.isascii():
            data = ascii_line(data)
        parser = self._parser
        if parser is None or self._body_length:
            parser = HttpRequestParser(_SILENT)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            pass  # an offered upgrade is ignored and answered by HTTP/1.1 (RFC 9110 7.8)
        except HttpParserError as error:
            raise _explained(data, str(error)) from None
        line, _, rest = data.decode("latin-1").partition("\r")
        try:
            method, target, spoken = line.split(" ")
            version = _VERSIONS[spoken]
        except (ValueError, KeyError):
            raise _explained(data, _LINE) from None
        raw = data[len(line) + 1 : -2]
        lower = rest.lower()
        length = 0
        at = lower.find(_LENGTH)
        if at >= 0:  # the parser has verified that it is one number, without a transfer coding beside it
            length = int(lower[at + len(_LENGTH) : lower.index("\r", at)])
        elif "\ntransfer-encoding:" in lower:
            length = _chunked(rest)
        peer = self.peer
        if target[0] != "/":
            length = _checked_length(data, method, target, length)
            if "\nproxy-authorization:" in lower and peer.via is None:
                peer = _by_proxy(peer, rest)
        if len(data) > 2 * self._most_lines and raw.count(b"\n") - 1 > self._most_lines:
            raise too_many_lines(self._most_lines)
        goes_on = version is HTTP_1_1 and "\nconnection:" not in lower
        self._parser = parser if goes_on else None
        self._body_length = length
        headers = _headers_of_head(raw, lower)
        request = _request_of_head(intern(method), target, headers, peer, version, arrived_s, arrived_at_s)
        return request, length, goes_on or _keeps(lower, version)

    def skip(self, body: bytes) -> None:
        """Go on after the whole body of the last head. Without it, the next head gets another parser."""
        if self._parser is not None:
            self._parser.feed_data(body)
            self._body_length = 0


def _checked_length(data: bytes, method: str, target: str, length: int) -> int:
    """Return the length for a target that is not a path: TUNNEL for that of a CONNECT. Raises BadHeadError."""
    if method == "CONNECT":
        if _has_bare_line_feed(data):  # which the parser skips here
            raise bad_request(_LINE_FEED)
        if length:
            raise bad_request("A CONNECT has no body: what follows it goes through the tunnel")
        return TUNNEL
    if "://" in target:
        _check_url(target)
    return length


def _values(text: str, name: str) -> list[str]:
    """Return the values of every header line with that name."""
    return [value.strip(" \t") for value in re.findall(rf"\n{name}:([^\r]*)", text, re.IGNORECASE)]


def _words(value: str) -> list[str]:
    """Split a list into members, in lower case. Only spaces and tabs around them are stripped (RFC 9110 5.6.3)."""
    return [word.strip(" \t") for word in value.lower().split(",")]


def _check_url(target: str) -> None:
    """Raises BadHeadError for a target that looks like a URL and is not valid."""
    try:
        has_host = bool(urlsplit(target).hostname) and urlsplit(target).port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise bad_request(f"The request target can't be read as a URL: {target[:80]}")


def _by_proxy(peer: Peer, text: str) -> Peer:
    """The peer as the user of a proxy: the user's name is that of a namespace."""
    scheme, _, given = _values(text, "proxy-authorization")[0].partition(" ")
    try:
        pair = b64decode(given, validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        pair = ""
    via = Via(unquote(pair.partition(":")[0]), False)
    return Peer(peer.client, peer.scheme, peer.client_cert, peer.max_json_members, via)


def _chunked(text: str) -> int:
    written = ", ".join(_values(text, "transfer-encoding"))
    codings = _words(written)
    if codings != ["chunked"]:
        raise _bad_codings(written, codings)
    return CHUNKED


def _bad_codings(written: str, codings: list[str]) -> BadHeadError:
    """Raises BadHeadError for a body without a known end (RFC 9112 6.3) or in a coding that is not supported."""
    if codings[-1:] != ["chunked"] or codings.count("chunked") > 1:
        return bad_request(
            f"Transfer-Encoding: {written} does not say where the body ends: its last coding must be chunked, once"
        )
    detail = (
        f"Transfer-Encoding: {written} is not supported. Send the body with Transfer-Encoding: chunked alone, "
        "and name its compression in Content-Encoding"
    )
    return BadHeadError(problem(501, "transfer-coding", "The transfer-coding is not supported", detail))


def _keeps(lower: str, version: tuple[int, int]) -> bool:
    """Whether the connection stays open after the response (RFC 9112 9.3)."""
    if version is HTTP_1_0 and "\ntransfer-encoding:" in lower:
        return False  # the framing is ambiguous (RFC 9112 6.1)
    words = {word for line in _values(lower, "connection") for word in _words(line)}
    return "close" not in words and (version is HTTP_1_1 or "keep-alive" in words)


def too_many_lines(most: int) -> BadHeadError:
    """Return the error for more than `most` header lines."""
    detail = f"It has more than {most} header lines; see --max-headers"
    document = problem(431, "too-many-headers", "The request has too many headers", detail)
    return BadHeadError(document, limit="headers")


def too_large_head(data: bytes | bytearray, most_bytes: int) -> BadHeadError:
    """Return the error for a head of more than `most_bytes`."""
    line = data.find(b"\n", 0, most_bytes)
    if line < 0:
        detail = f"It is longer than {most_bytes} bytes; see --max-head"
        document = problem(414, "target-too-long", "The request target is too long", detail)
    else:
        return head_too_large(most_bytes)
    return BadHeadError(document, limit="head")


def head_too_large(most_bytes: int) -> BadHeadError:
    """Return the error for header lines of more than `most_bytes`."""
    detail = f"It is larger than {most_bytes} bytes; see --max-head"
    document = problem(431, "head-too-large", "The head of the request is too large", detail)
    return BadHeadError(document, limit="head")


def ascii_line(data: bytes) -> bytes:
    """
    Percent-encode non-ASCII bytes of the target, except in the host of an absolute URL.

    A target may hold raw UTF-8 or other bytes. The parser accepts only ASCII, and the encoded form is equivalent (RFC
    3986 2.5).
    """
    end = data.find(b"\r")
    start = data.find(b" ", 0, end) + 1
    if not start:
        return data
    if data[start : start + 1] != b"/":
        scheme = data.find(b"://", start, end)
        start = data.find(b"/", scheme + 3, end) if scheme >= 0 else start
        if start < 0:
            return data
    line = b"".join(b"%%%02X" % byte if byte > 0x7F else b"%c" % byte for byte in data[start:end])
    return data[:start] + line + data[end:]


_VERSION = re.compile(rb"HTTP/([0-9]+)(?:\.([0-9]+))?\Z")
"""Also matches invalid versions."""
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def _explained(data: bytes, said: str) -> BadHeadError:
    """Return the error for a head that the parser rejects, with the fix; `said` is the parser's message."""
    line = data.split(b"\r\n", 1)[0]
    method, _, rest = line.partition(b" ")
    target, _, spoken = rest.rpartition(b" ")
    version = _VERSION.match(spoken)
    if _has_bare_line_feed(data):
        return bad_request(_LINE_FEED)
    if line == b"PRI * HTTP/2.0":
        return _http_2(PREFACE_LINE)
    if not _METHOD.match(method) or not rest:
        return bad_request(f"The first line is not a request line. {_LINE}")
    if not version and b" " not in rest:
        return _no_version()
    if version and version[1] in (b"2", b"3") and version[2] == b"0":
        if version[1] == b"2":
            return _http_2((method.decode(), target.decode("ascii", "replace")))
        detail = "End the request line with HTTP/1.1"
        return BadHeadError(problem(505, "http-version", f"{spoken.decode()} is not supported", detail))
    if version and version[1] == b"0":
        return _no_version()
    if spoken not in (b"HTTP/1.1", b"HTTP/1.0"):
        shown = spoken[:20].decode("ascii", "replace")
        return bad_request(
            f"The request line ends with {shown!r}, which is not a version of HTTP. End it with HTTP/1.1"
        )
    if b" " in target:
        return bad_request(f"There is a space in the request target; write %20 for it. {_LINE}")
    if "ethod" in said:
        return bad_request(
            f"{method[:40].decode()!r} is not a known method. Methods are in upper case, as in: GET, POST"
        )
    if "Transfer-Encoding" in said and "ontent" not in said:
        written = ", ".join(_values(data.decode("latin-1"), "transfer-encoding"))
        codings = _words(written)
        return bad_request(said) if codings == ["chunked"] else _bad_codings(written, codings)
    return bad_request(said)


def _http_2(line: tuple[str, str]) -> BadHeadError:
    return BadHeadError(problem(505, "http2", "HTTP/2 is not supported here", _HTTP_2), line=line)


def _no_version() -> BadHeadError:
    """Whether the request line has no version, as in HTTP/0.9, or that version."""
    detail = "A request line ends with HTTP/1.1, as in: GET /path HTTP/1.1"
    return BadHeadError(problem(400, "bad-request", "HTTP/0.9 is not supported", detail))


def check_beginning(data: bytes) -> None:
    """Raises BadHeadError if no valid head begins with the data, so that the server does not wait for the rest."""
    if _has_bare_line_feed(data):
        raise bad_request(_LINE_FEED)
    line, end, _ = data.partition(b"\r\n")
    method, space, target = line.partition(b" ")
    if not _METHOD.match(method):
        raise bad_request(f"The first line is not a request line. {_LINE}")
    if end and not (space and _VERSION.search(target)):
        raise _explained(data, _LINE)


def _has_bare_line_feed(data: bytes) -> bool:
    return data.count(b"\n") != data.count(b"\r\n")


def bad_request(detail: str) -> BadHeadError:
    """Return the error for an invalid request."""
    return BadHeadError(problem(400, "bad-request", "This is not a valid HTTP request", detail))
