"""From the fields of a header block to the head of a request (RFC 9113 8.3)."""

from __future__ import annotations

import re
from sys import intern

from mockserver.http.h2.hpack import Field, HeaderDecoder
from mockserver.http.heads import bad_request, too_many_lines
from mockserver.http.limits import WireLimits

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_TARGET = re.compile(rb"[\x00-\x20\x7f]")
_GRPC = re.compile(r"\ncontent-type: application/grpc(?:[+;][^\r]*)?\r")
_OF_HTTP_1 = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
_PSEUDO = frozenset((b":method", b":path", b":scheme", b":authority"))
_MOST_KNOWN_HEADS = 64
_MOST_KNOWN_BYTES = 512


class RequestHead:
    """
    Method, target and header lines, as `Headers.of_head` takes them. `length` is the declared one of the body, None if
    there is none.
    """

    __slots__ = ("expects_continue", "is_grpc", "length", "lower", "method", "raw", "target")

    def __init__(self, method: str, target: str, raw: bytes, length: int | None) -> None:
        self.method = method
        self.target = target
        self.raw = raw
        self.lower = raw.decode("latin-1").lower()
        self.length = length
        self.is_grpc = method == "POST" and _GRPC.search(self.lower) is not None
        self.expects_continue = "\nexpect: 100-continue\r" in self.lower


class RequestHeads:
    """The header blocks of one connection. A client that repeats itself sends the same block, whose head is known then."""

    __slots__ = ("_decoder", "_known", "_known_since", "_most_lines", "decode")

    def __init__(self, limits: WireLimits) -> None:
        self._decoder = HeaderDecoder(limits.head_bytes)
        self.decode = self._decoder.decode
        self._most_lines = limits.headers
        self._known: dict[bytes, RequestHead] = {}
        self._known_since = 0

    def read(self, block: bytes) -> RequestHead:
        """Raises BadHeadError, HeaderBlockError, TooManyFieldsError."""
        decoder, known = self._decoder, self._known
        head = known.get(block)
        if head is not None and decoder.changes == self._known_since:
            return head
        fields = decoder.decode(block)
        if decoder.changes != self._known_since:
            # What the block means depended on the table before the change.
            known.clear()
            self._known_since = decoder.changes
            return request_head(fields, self._most_lines)
        head = request_head(fields, self._most_lines)
        if len(block) <= _MOST_KNOWN_BYTES:
            if len(known) >= _MOST_KNOWN_HEADS:
                known.clear()
            known[block] = head
        return head


def request_head(fields: list[Field], most_lines: int) -> RequestHead:
    """Raises BadHeadError."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[Field] = []
    cookies: list[bytes] = []
    host = length = None
    for name, value in fields:
        if name[:1] == b":":
            if name not in _PSEUDO or name in pseudo or lines or cookies or host is not None:
                raise bad_request(
                    f"{_shown(name)} is unknown, repeated, or after a header. A request begins with :method, :scheme, "
                    ":authority and :path, each once"
                )
            pseudo[name] = value
            continue
        if not _NAME.fullmatch(name):
            raise bad_request(f"{_shown(name)} is not a header name of HTTP/2: these are in lower case")
        if _CONTROL.search(value):
            raise bad_request(f"The value of {_shown(name)} has a control character")
        if name in _OF_HTTP_1 or (name == b"te" and value.lower() != b"trailers"):
            raise bad_request(f"HTTP/2 has no header {_shown(name)} of this value: leave it out")
        if name == b"cookie":
            cookies.append(value)
        elif name == b"host":
            host = value
        else:
            if name == b"content-length":
                if not value.isdigit() or len(value) > 18 or length not in (None, int(value)):
                    raise bad_request("Its content-length is not one number")
                length = int(value)
            lines.append((name, value))
    authority = pseudo.get(b":authority", host)
    if host is not None and host != authority:
        raise bad_request(":authority and host differ. Send one of them, or the same twice")
    if len(fields) > most_lines:
        raise too_many_lines(most_lines)
    method, target = _request_line(pseudo, authority)
    if authority is not None:
        lines.insert(0, (b"host", authority))
    if cookies:
        lines.append((b"cookie", b"; ".join(cookies)))  # RFC 9113 8.2.3
    raw = b"\n" + b"".join([b"%b: %b\r\n" % line for line in lines])
    return RequestHead(method, target, raw, length)


def _request_line(pseudo: dict[bytes, bytes], authority: bytes | None) -> tuple[str, str]:
    """Return method and target. Raises BadHeadError."""
    method, path = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if not _METHOD.fullmatch(method):
        raise bad_request("Its :method is missing, or not a method")
    if authority is not None and (_NOT_IN_TARGET.search(authority) or not authority.isascii()):
        raise bad_request("Its :authority has a character that a host can't have")
    if method == b"CONNECT":
        return "CONNECT", (authority or b"").decode("latin-1")
    if not pseudo.get(b":scheme"):
        raise bad_request("Its :scheme is missing")
    if (path[:1] != b"/" and (method, path) != (b"OPTIONS", b"*")) or _NOT_IN_TARGET.search(path):
        raise bad_request("Its :path is missing, or not a path: it begins with / and has no spaces")
    if not path.isascii():  # as on HTTP/1.1: the encoded form is equivalent (RFC 3986 2.5)
        path = b"".join(b"%%%02X" % byte if byte > 0x7F else b"%c" % byte for byte in path)
    return intern(method.decode()), path.decode()


def check_trailers(fields: list[Field]) -> None:
    """Raises BadHeadError."""
    for name, value in fields:
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise bad_request(f"{_shown(name)} is not a valid trailer")


def _shown(name: bytes) -> str:
    return repr(name[:40].decode("latin-1"))
