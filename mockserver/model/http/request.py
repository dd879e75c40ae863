"""
Requests: bytes kept, headers ordered and repeated.

Values derived from a request (query, JSON, form) are computed on first use and cached, so that a request pays only for
what its routes use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from mockserver.model.client_cert import ClientCert
from mockserver.model.coding import UnreadableBodyError, decode_charset, decode_content, parse_media_type
from mockserver.model.headers import Headers, Pairs
from mockserver.model.http.forms import Grouped, grouped, split_form, split_urlencoded
from mockserver.model.http.json_body import (
    DECODERS,
    DECODERS_AS_WRITTEN,
    MAX_JSON_MEMBERS,
    Decoders,
    decode_json,
)
from mockserver.model.multipart import Part, split_multipart

T = TypeVar("T")

HTTP_1_1 = (1, 1)
"""The default version of a request."""
HTTP_2 = (2, 0)
WEBSOCKET = "WS"
"""The method of a WebSocket handshake in routes and calls."""
GRAPHQL = "GRAPHQL"
"""The method of a field in request lines, such as `GRAPHQL Query.user`; on the wire it is POST or GET."""
ADMIN = "/__admin"
"""Prefix of the admin API. Routes can't use it."""
_FORM_LINE = "\ncontent-type: application/x-www-form-urlencoded\r"
_SMALL_FORM_BYTES = 4096
"""Limit of a form: fewer than MAX_FORM_FIELDS fields."""


class _Absent:
    """A missing part of a request, as opposed to null."""

    def __repr__(self) -> str:
        return "absent"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


class Unreadable:
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
        value = cache.get(name, ABSENT)
        if value is ABSENT:
            try:
                value = make()
            except UnreadableBodyError as error:
                value = Unreadable(str(error))
            cache[name] = value
        if value.__class__ is Unreadable:
            raise UnreadableBodyError(value.reason)
        return value  # type: ignore[no-any-return]

    def parsed(self) -> dict[str, Any]:
        """Return what `once` has computed; what it computes later is added."""
        cache = self._cache
        if cache is None:
            cache = self._cache = {}
        return cache

    def forget_parsed(self) -> None:
        """Drop values derived from head and body; they are computed again when needed."""
        self._cache = None
        headers = self.headers
        headers.lower = headers.lines = None
        if headers.raw is not None:
            headers.split = None

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
        lower = self.headers.lower
        if lower is not None and "charset" not in lower:
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
        return self.once("json_as_written", lambda: self._read_json(DECODERS_AS_WRITTEN))

    def _read_json(self, decoders: Decoders = DECODERS) -> object:
        lower = self.headers.lower
        if lower is not None and "charset" not in lower and "\ncontent-encoding:" not in lower:
            return decode_json(self.body, "", self.peer.max_json_members, decoders)  # as most clients send it
        return decode_json(self.decoded_body, self._charset, self.peer.max_json_members, decoders)

    @property
    def form_pairs(self) -> Pairs:
        """Fields of a urlencoded or multipart form, without files. Raises UnreadableBodyError."""
        return self.once("form", self._read_form)

    def _read_form(self) -> Pairs:
        lower = self.headers.lower
        if (
            lower is not None
            and lower.startswith(_FORM_LINE, lower.find("\ncontent-type:"))
            and len(self.body) <= _SMALL_FORM_BYTES
            and self.body.isascii()
            and "\ncontent-encoding:" not in lower
        ):
            return split_urlencoded(self.body.decode("ascii"))  # as most clients send it
        if self.media_type == "application/x-www-form-urlencoded":
            return split_form(self.text)
        if self.media_type == "multipart/form-data":
            return tuple(
                (part.name, part.text)
                for part in self.parts
                if part.name is not None and part.filename is None
            )
        named = self.media_type or "absent"
        raise UnreadableBodyError(f"a form needs its own content-type; this one is {named}")

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
