"""
Requests and responses as plain values: bytes kept, headers ordered and repeated.

Values derived from a request (query, JSON, form) are computed on first use and cached, so that a request pays only for
what its routes use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

from mockserver.model.client_cert import ClientCert
from mockserver.model.coding import UnreadableBodyError, decode_charset, decode_content, parse_media_type
from mockserver.model.headers import Headers, Pairs
from mockserver.model.multipart import Part, split_multipart
from mockserver.model.written import written_float

__all__ = [
    "ABSENT", "Grouped", "Headers", "Pairs", "Part", "Peer", "Request", "Response", "UnreadableBodyError",
]  # fmt: skip

T = TypeVar("T")
Grouped = Mapping[str, list[str]]
"""Values by name, in their order."""

HTTP_1_1 = (1, 1)
"""The default version of a request."""
HTTP_2 = (2, 0)
MAX_FORM_BYTES = 1 << 20
"""Limit of a urlencoded form: percent-decoding a byte costs as much as reading ten of JSON."""
MAX_FORM_FIELDS = 10_000
_SMALL_FORM_BYTES = 4096
"""Limit of a form: fewer than MAX_FORM_FIELDS fields."""
MAX_JSON_MEMBERS = 100_000
"""Default limit of a JSON body: decoding more would block the event loop for longer than 50 ms."""
MAX_LARGE_JSON_DIGITS = 400
"""Limit of an integer in a JSON body of more than 1 MiB: Python's time for one grows with the square of its digits."""
_SMALL_BYTES = 1 << 20
MAX_JSON_DEPTH = 200
"""Limit of nested lists and objects, which protects the stack."""


class _Absent:
    """A missing part of a request, as opposed to null."""

    def __repr__(self) -> str:
        return "absent"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


def grouped(pairs: Pairs) -> Grouped:
    """
    Group the values by name, in order.

    >>> grouped((("a", "1"), ("b", "2"), ("a", "3")))
    {'a': ['1', '3'], 'b': ['2']}
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def split_urlencoded(text: str) -> Pairs:
    """
    Decode the fields of a query or a form, in order; invalid UTF-8 is replaced.

    >>> split_urlencoded("a=1+2&b%5B%5D=%C3%A9&&c")
    (('a', '1 2'), ('b[]', 'é'), ('c', ''))
    """
    text = text.replace("+", " ")
    pairs = []
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            if "%" in field:
                name = _decoded_name(name) if len(name) < _SHORT_NAME_CHARS else unquote(name)
                value = unquote(value) if "%" in value else value
            pairs.append((name, value))
    return tuple(pairs)


_SHORT_NAME_CHARS = 100


@lru_cache(maxsize=1024)
def _decoded_name(name: str) -> str:
    """Decode a name, cached: names of fields repeat."""
    return unquote(name)


def _bounded(value: object, source: bytes) -> object:
    """Return the value, if it is nested no deeper than MAX_JSON_DEPTH. Raises UnreadableBodyError. Does not recurse."""
    if source.count(b"[") + source.count(b"{") <= MAX_JSON_DEPTH:
        return value
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_JSON_DEPTH):
        level = [
            below
            for item in level
            for below in (item.values() if isinstance(item, dict) else item)
            if isinstance(below, (dict, list))
        ]
    if level:
        raise UnreadableBodyError(f"it is nested more than {MAX_JSON_DEPTH} deep")
    return value


def _no_constant(name: str) -> NoReturn:
    raise UnreadableBodyError(f"{name} is not valid JSON")


def _finite(text: str) -> float:
    """Reject infinity: it could be compared and stored, but never be written again."""
    value = float(text)
    if value - value:  # true for infinite numbers only
        raise UnreadableBodyError(f"{text[:20]} is larger than a double can be")
    return value


_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def _has_short_integers(data: bytes) -> bool:
    """Whether no number in that JSON can be too long. This check is faster than a hook for every integer."""
    return 0 not in data[:4] and b"0" * (MAX_LARGE_JSON_DIGITS + 1) not in data.translate(_AS_ZEROS)


def _of_few_digits(text: str) -> int:
    if len(text) > MAX_LARGE_JSON_DIGITS:
        raise UnreadableBodyError(
            f"it is larger than 1 MiB and has an integer of more than {MAX_LARGE_JSON_DIGITS} digits: {text[:20]}…"
        )
    return int(text)


def _as_written(text: str) -> float:
    _finite(text)
    return written_float(text)


Decoders = tuple[json.JSONDecoder, json.JSONDecoder]


def _decoders(parse_float: Callable[[str], float]) -> Decoders:
    """Decoders of small and of large bodies."""
    return (
        json.JSONDecoder(parse_constant=_no_constant, parse_float=parse_float),
        json.JSONDecoder(parse_constant=_no_constant, parse_float=parse_float, parse_int=_of_few_digits),
    )


_DECODERS = _decoders(_finite)
_DECODERS_AS_WRITTEN = _decoders(_as_written)


def _json_text(data: bytes) -> str:
    """Decode JSON: UTF-8 by RFC 8259 8.1; a byte order mark, UTF-16 and UTF-32 are accepted."""
    if 0 in data[:4] or data[0] > 0xEE:
        return data.decode(json.detect_encoding(data))
    return data.decode()


class _Unreadable:
    """Cached value of a part that can't be decoded."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Via(NamedTuple):
    """How requests come by way of the proxy: the namespace that its user names, and whether they come in a tunnel."""

    namespace: str
    tunnel: bool


class Peer:
    """
    Who sends the requests of one connection: `client` is its address and port, `client_cert` what it proved to have. A
    JSON body of more than `max_json_members` is not decoded. `via` is None unless the client uses the server as a proxy.
    """

    __slots__ = ("client", "client_cert", "max_json_members", "scheme", "via")

    def __init__(
        self,
        client: str = "",
        scheme: str = "http",
        client_cert: ClientCert | None = None,
        max_json_members: int = MAX_JSON_MEMBERS,
        via: Via | None = None,
    ) -> None:
        self.client = client
        self.scheme = scheme
        self.client_cert = client_cert
        self.max_json_members = max_json_members
        self.via = via


class Request:
    """
    A request as received.

    `target` is that of the request line; `path` is its raw path without query and without the prefixes that select a
    namespace (`prefix`); `body` is what was sent, with its content coding. `arrived_s` is Unix time, `arrived_at_s` the
    monotonic clock's.
    """

    __slots__ = (
        "_cache", "arrived_at_s", "arrived_s", "body", "complete", "headers", "method", "namespace", "path", "peer",
        "prefix", "target", "version",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        target: str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        path: str | None = None,
        prefix: str = "",
        namespace: str = "default",
        complete: bool = True,
        client: str = "",
        scheme: str = "http",
        client_cert: ClientCert | None = None,
        arrived_s: float = 0.0,
        arrived_at_s: float = 0.0,
        version: tuple[int, int] = HTTP_1_1,
        max_json_members: int = MAX_JSON_MEMBERS,
    ) -> None:
        self.method = method
        self.target = target
        self.path = target.partition("?")[0] if path is None else path
        self.prefix = prefix
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.namespace = namespace
        self.complete = complete
        self.peer = Peer(client, scheme, client_cert, max_json_members)
        self.arrived_s = arrived_s
        self.arrived_at_s = arrived_at_s
        self.version = version
        self._cache: dict[str, Any] | None = None

    @classmethod
    def of_head(
        cls,
        method: str,
        target: str,
        headers: Headers,
        peer: Peer,
        version: tuple[int, int],
        arrived_s: float,
        arrived_at_s: float,
    ) -> Request:
        """Create a request whose body has not been read. Its path is that of the target, also for an absolute URL."""
        self = cls.__new__(cls)
        self.method = method
        self.target = target
        if target[:1] != "/" and "://" in target:
            self.path = urlsplit(target).path or "/"  # RFC 9112 3.2.2
        else:
            query = target.find("?")
            self.path = target if query < 0 else target[:query]
        self.prefix = ""
        self.headers = headers
        self.body = b""
        self.namespace = "default"
        self.complete = True
        self.peer = peer
        self.arrived_s = arrived_s
        self.arrived_at_s = arrived_at_s
        self.version = version
        self._cache = None
        return self

    def again(self) -> Request:
        """Return a copy without cached values."""
        twin = copy(self)
        twin._cache = None  # noqa: SLF001  (its own class)
        return twin

    @property
    def client(self) -> str:
        return self.peer.client

    @property
    def scheme(self) -> str:
        return self.peer.scheme

    @property
    def client_cert(self) -> ClientCert | None:
        """The client's verified certificate."""
        return self.peer.client_cert

    @property
    def max_json_members(self) -> int:
        return self.peer.max_json_members

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]

    def once(self, name: str, make: Callable[[], T]) -> T:
        """
        Compute a part on first use. A decoding error is cached too, and raised each time as a new exception: a cached
        exception would keep its caller, and the request, alive in a reference cycle.
        """
        cache = self._cache
        if cache is None:
            cache = self._cache = {}
        if name not in cache:
            try:
                cache[name] = make()
            except UnreadableBodyError as error:
                cache[name] = _Unreadable(str(error))
        value = cache[name]
        if value.__class__ is _Unreadable:
            raise UnreadableBodyError(value.reason)
        return value  # type: ignore[no-any-return]

    def made(self, name: str, default: object) -> object:
        """Return the part that `once` has computed, if any."""
        return default if self._cache is None else self._cache.get(name, default)

    def forget_parsed(self) -> None:
        """Drop values derived from head and body; they are computed again when needed."""
        self._cache = None
        self.headers.forget()

    @property
    def host(self) -> str:
        """The host of an absolute target, which takes the place of the Host header (RFC 9112 3.2.2), else that header."""
        if self.target[:1] != "/" and "://" in self.target:
            return urlsplit(self.target).netloc.rpartition("@")[2]
        return self.headers.get("host", "")

    @property
    def base_url(self) -> str:
        """The client's base URL, without a trailing slash; keeps the namespace's prefix."""
        return f"{self.scheme}://{self.host}{self.prefix}"

    @property
    def offers_websocket(self) -> bool:
        """Whether it offers to upgrade to WebSocket (RFC 6455 4.1)."""
        return "websocket" in ",".join(self.headers.all("upgrade")).lower()

    @property
    def url(self) -> str:
        query = f"?{self.query_string}" if self.query_string else ""
        return f"{self.base_url}{self.path}{query}"

    @property
    def client_ip(self) -> str:
        return self.client.rpartition(":")[0].strip("[]")

    @property
    def query_pairs(self) -> Pairs:
        """Query parameters in order, decoded; `a` without `=` has an empty value."""
        return self.once("query", self._read_query)

    def _read_query(self) -> Pairs:
        return split_urlencoded(self.target.partition("?")[2])

    @property
    def query(self) -> Grouped:
        """All values of each query parameter, in order."""
        return self.once("query_grouped", lambda: grouped(self.query_pairs))

    @property
    def cookies(self) -> Grouped:
        """All values of each cookie, in order."""
        return self.once("cookies_grouped", lambda: grouped(self.cookie_pairs))

    @property
    def form(self) -> Grouped:
        """All values of each form field, in order. Raises UnreadableBodyError."""
        return self.once("form_grouped", lambda: grouped(self.form_pairs))

    @property
    def cookie_pairs(self) -> Pairs:
        return self.once("cookies", self._read_cookies)

    def _read_cookies(self) -> Pairs:
        result = []
        for line in self.headers.all("cookie"):
            for piece in line.split(";"):
                name, equals, value = piece.strip().partition("=")
                if equals and name:
                    result.append((name, value.strip('"')))
        return tuple(result)

    @property
    def media_type(self) -> str:
        """The body's media type in lower case, without parameters; empty if there is none."""
        return self._content_type()[0]

    def _content_type(self) -> tuple[str, dict[str, str]]:
        value = self.headers.get("content-type", "")
        return self.once("content_type", lambda: parse_media_type(value))

    @property
    def decoded_body(self) -> bytes:
        """The body without its content coding. Raises UnreadableBodyError."""
        if "content-encoding" not in self.headers:
            return self.body
        return self.once("decoded", self._read_decoded)

    def _read_decoded(self) -> bytes:
        return decode_content(self.body, ",".join(self.headers.all("content-encoding")).split(","))

    @property
    def text(self) -> str:
        """The body as text in its charset (default UTF-8). Raises UnreadableBodyError."""
        return self.once("text", self._read_text)

    def _read_text(self) -> str:
        return decode_charset(self.decoded_body, self._charset or "utf-8")

    @property
    def _charset(self) -> str:
        if "charset" not in self.headers.get("content-type", "").lower():
            return ""
        return self._content_type()[1].get("charset", "").lower()

    @property
    def json(self) -> Any:
        """The body as JSON, whatever its Content-Type. Raises UnreadableBodyError."""
        return self.once("json", self._read_json)

    @property
    def message(self) -> Any:
        """The message of a gRPC call as JSON. Raises UnreadableBodyError."""
        raise UnreadableBodyError("it is not a gRPC call")

    @property
    def messages(self) -> list[Any]:
        """All messages of a gRPC call as JSON. Raises UnreadableBodyError."""
        raise UnreadableBodyError("it is not a gRPC call")

    @property
    def arguments(self) -> Any:
        """The arguments of a field of a GraphQL operation. Raises UnreadableBodyError."""
        raise UnreadableBodyError("it is not a field of a GraphQL operation")

    @property
    def json_as_written(self) -> Any:
        """Like `json`, but decimals keep their text. For a body that defines a route's reply."""
        return self.once("json_as_written", lambda: self._read_json(_DECODERS_AS_WRITTEN))

    def _read_json(self, decoders: Decoders = _DECODERS) -> object:
        data = self.decoded_body
        if not data:
            raise UnreadableBodyError("the body is empty")
        most = self.max_json_members
        # Each member follows one of these characters, which texts may hold too. Counting is faster than decoding.
        if len(data) > most and sum(map(data.count, (b",", b"{", b"["))) > most:
            raise UnreadableBodyError(
                f"it is not decoded: it has more than {most:,} members; see --max-json-members"
            )
        try:
            is_utf8 = self._charset in ("", "utf-8", "utf8")
            text = _json_text(data) if is_utf8 else self.text
            decoder = decoders[len(data) > _SMALL_BYTES and not (is_utf8 and _has_short_integers(data))]
            return _bounded(decoder.decode(text), data)
        except RecursionError as error:
            raise UnreadableBodyError("it is nested too deeply") from error
        except UnicodeDecodeError as error:
            raise UnreadableBodyError(
                f"it is not valid {error.encoding} text: {error.reason} at byte {error.start}"
            ) from error
        except ValueError as error:  # JSONDecodeError, or too many digits
            raise UnreadableBodyError(f"it is not valid JSON: {error}") from error

    @property
    def form_pairs(self) -> Pairs:
        """Fields of a urlencoded or multipart form, without files. Raises UnreadableBodyError."""
        return self.once("form", self._read_form)

    def _read_form(self) -> Pairs:
        if (
            self.headers.get("content-type") == "application/x-www-form-urlencoded"
            and len(self.body) <= _SMALL_FORM_BYTES
            and self.body.isascii()
            and "content-encoding" not in self.headers
        ):
            return split_urlencoded(self.body.decode("ascii"))  # as most clients send it
        if self.media_type == "application/x-www-form-urlencoded":
            return self._read_urlencoded()
        if self.media_type == "multipart/form-data":
            return tuple(
                (part.name, part.text)
                for part in self.parts
                if part.name is not None and part.filename is None
            )
        named = self.media_type or "absent"
        raise UnreadableBodyError(f"a form needs its own content-type; this one is {named}")

    def _read_urlencoded(self) -> Pairs:
        text = self.text
        if len(text) > MAX_FORM_BYTES:
            raise UnreadableBodyError(f"the form is longer than {MAX_FORM_BYTES} bytes")
        if text.count("&") >= MAX_FORM_FIELDS:
            raise UnreadableBodyError(f"the form has more than {MAX_FORM_FIELDS} fields")
        return split_urlencoded(text)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of any multipart body. Raises UnreadableBodyError."""
        return self.once("parts", self._read_parts)

    def _read_parts(self) -> tuple[Part, ...]:
        kind, params = self._content_type()
        boundary = params.get("boundary", "")
        if not kind.startswith("multipart/") or not boundary:
            raise UnreadableBodyError("it is not a multipart body with a boundary")
        return split_multipart(self.decoded_body, boundary)


def decode_segment(text: str) -> str:
    """Percent-decode one path segment or parameter once; invalid UTF-8 becomes U+FFFD."""
    return unquote(text) if "%" in text else text


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
        "_sha256",
        "body",
        "encoded",
        "headers",
        "http2_head",
        "reason",
        "shape",
        "status",
        "trailers",
    )

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


WEBSOCKET = "WS"
"""The method of a WebSocket handshake in routes and calls."""
GRAPHQL = "GRAPHQL"
"""The method of a field in request lines, such as `GRAPHQL Query.user`; on the wire it is POST or GET."""
ADMIN = "/__admin"
"""Prefix of the admin API. Routes can't use it."""


@dataclass(frozen=True, slots=True)
class StreamReply:
    """A response without a known end: the head, then pieces until the client disconnects."""

    response: Response
    pieces: AsyncIterator[bytes]
