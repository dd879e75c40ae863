"""
Requests and responses as plain values: bytes kept, headers ordered and repeated.

Everything derived from a request (query, JSON, form) is made at first use and
kept, so that a request pays only for what its routes ask.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote

Pairs = tuple[tuple[str, str], ...]
Grouped = Mapping[str, list[str]]
"""Values by name, those of one name in their order."""


class _Absent:
    """Stands for 'the request has no such part', which is not the same as null."""

    def __repr__(self) -> str:
        return "absent"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


class Headers(Mapping[str, str]):
    """
    Header lines in the order and case in which they came.

    As a mapping: names ignore case, a repeated name gives its first value;
    `all` gives every line's value.
    """

    __slots__ = ("_lines", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: Pairs = tuple(pairs)
        self._lines: dict[str, list[str]] | None = None

    def _by_name(self) -> dict[str, list[str]]:
        lines = self._lines
        if lines is None:
            lines = {}
            for name, value in self.pairs:
                lines.setdefault(name.lower(), []).append(value)
            self._lines = lines
        return lines

    def all(self, name: str) -> list[str]:
        """The values of every line of that name, in order; empty where there is none."""
        return self._by_name().get(name.lower(), [])

    def __getitem__(self, name: str) -> str:
        return self._by_name()[name.lower()][0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


class UnreadableBody(Exception):
    """The body can't be read as what was asked; the text says why, for a person."""


MAX_DECODED_BYTES = 64 * 1024 * 1024


def _inflate(data: bytes, make: Callable[[], Any]) -> bytes:
    """Inflated bytes, at most MAX_DECODED_BYTES: a few KB may hold gigabytes of zeros."""
    engine = make()
    out = engine.decompress(data, MAX_DECODED_BYTES)
    if engine.unconsumed_tail:
        raise UnreadableBody(f"it inflates to more than {MAX_DECODED_BYTES} bytes")
    return bytes(out + engine.flush())


def _decode(data: bytes, coding: str) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return _inflate(data, lambda: zlib.decompressobj(zlib.MAX_WBITS | 16))
    if coding == "deflate":
        # RFC 9110 8.4.1.2 asks for zlib's wrapper; some clients send the raw stream.
        try:
            return _inflate(data, zlib.decompressobj)
        except zlib.error:
            return _inflate(data, lambda: zlib.decompressobj(-zlib.MAX_WBITS))
    if coding in ("identity", ""):
        return data
    raise UnreadableBody(f"content-encoding {coding!r} is not known")


def grouped(pairs: Pairs) -> Grouped:
    """
    All values of each name, in order.

    >>> grouped((("a", "1"), ("b", "2"), ("a", "3")))
    {'a': ['1', '3'], 'b': ['2']}
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def parse_media_type(value: str) -> tuple[str, dict[str, str]]:
    """
    A Content-Type as its lower-case type and its parameters.

    >>> parse_media_type('Text/Plain; charset="utf-8"')
    ('text/plain', {'charset': 'utf-8'})
    """
    message = Message()
    message["content-type"] = value
    params = {name.lower(): text for name, text in (message.get_params() or [])[1:]}
    return value.split(";", 1)[0].strip().lower(), params


def _no_constant(name: str) -> Any:
    raise UnreadableBody(f"{name} is no JSON")


class Part:
    """One part of a multipart body: its form name, file name, headers and bytes."""

    __slots__ = ("body", "filename", "headers", "name")

    def __init__(self, name: str | None, filename: str | None, headers: Headers, body: bytes) -> None:
        self.name = name
        self.filename = filename
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "text/plain")


class Request:
    """
    A request as it came.

    `target` is the request line's own; `path` is its raw path without query
    and without the prefixes that choose a namespace (`prefix`); `body` is what
    was sent, content-coding and all. `arrived_s` is Unix time, `arrived_at_s`
    the monotonic clock's.
    """

    __slots__ = (
        "_cache", "arrived_at_s", "arrived_s", "body", "client", "complete", "headers", "method",
        "namespace", "path", "prefix", "query_string", "scheme", "target", "version",
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
        arrived_s: float = 0.0,
        arrived_at_s: float = 0.0,
        version: tuple[int, int] = (1, 1),
    ) -> None:
        raw_path, _, query = target.partition("?")
        self.method = method
        self.target = target
        self.path = raw_path if path is None else path
        self.prefix = prefix
        self.query_string = query
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.namespace = namespace
        self.complete = complete
        self.client = client
        self.scheme = scheme
        self.arrived_s = arrived_s
        self.arrived_at_s = arrived_at_s
        self.version = version
        self._cache: dict[str, Any] = {}

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """Makes a part at first use. A reason not to be read is kept too, and raised each time."""
        cache = self._cache
        if name not in cache:
            try:
                cache[name] = make()
            except UnreadableBody as why:
                cache[name] = why
        value = cache[name]
        if isinstance(value, UnreadableBody):
            raise value
        return value

    def forget_parsed(self) -> None:
        """What was made from the body is made anew when asked; the body has been cut."""
        self._cache.clear()

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def base_url(self) -> str:
        """Where this client reaches its world, without a trailing slash; keeps the namespace's prefix."""
        return f"{self.scheme}://{self.host}{self.prefix}"

    @property
    def url(self) -> str:
        query = f"?{self.query_string}" if self.query_string else ""
        return f"{self.base_url}{self.path}{query}"

    @property
    def client_ip(self) -> str:
        return self.client.rpartition(":")[0].strip("[]")

    @property
    def query_pairs(self) -> Pairs:
        """Query parameters in order, decoded; `a` without `=` is there with an empty value."""
        return self._once(  # type: ignore[no-any-return]
            "query", lambda: tuple(parse_qsl(self.query_string, keep_blank_values=True, errors="replace"))
        )

    @property
    def query(self) -> Grouped:
        """All values of each query parameter, in order."""
        return self._once("query_grouped", lambda: grouped(self.query_pairs))  # type: ignore[no-any-return]

    @property
    def cookies(self) -> Grouped:
        """All values of each cookie, in order."""
        return self._once("cookies_grouped", lambda: grouped(self.cookie_pairs))  # type: ignore[no-any-return]

    @property
    def form(self) -> Grouped:
        """All values of each form field, in order. Raises UnreadableBody."""
        return self._once("form_grouped", lambda: grouped(self.form_pairs))  # type: ignore[no-any-return]

    @property
    def cookie_pairs(self) -> Pairs:
        return self._once("cookies", self._read_cookies)  # type: ignore[no-any-return]

    def _read_cookies(self) -> Pairs:
        found = []
        for line in self.headers.all("cookie"):
            for piece in line.split(";"):
                name, equals, value = piece.strip().partition("=")
                if equals and name:
                    found.append((name, value.strip('"')))
        return tuple(found)

    @property
    def media_type(self) -> str:
        """The body's media type in lower case, without parameters; empty where none was named."""
        return self._content_type()[0]

    def _content_type(self) -> tuple[str, dict[str, str]]:
        value = self.headers.get("content-type", "")
        return self._once("content_type", lambda: parse_media_type(value))  # type: ignore[no-any-return]

    @property
    def decoded_body(self) -> bytes:
        """The body without its content-coding. Raises UnreadableBody."""
        if "content-encoding" not in self.headers:
            return self.body
        return self._once("decoded", self._read_decoded)  # type: ignore[no-any-return]

    def _read_decoded(self) -> bytes:
        data = self.body
        codings = ",".join(self.headers.all("content-encoding")).split(",")
        for coding in reversed([c.strip().lower() for c in codings]):
            try:
                data = _decode(data, coding)
            except (zlib.error, EOFError, gzip.BadGzipFile) as why:
                raise UnreadableBody(f"it is not {coding}: {why}") from why
        return data

    @property
    def text(self) -> str:
        """The body as text in its charset (UTF-8 unless named). Raises UnreadableBody."""
        return self._once("text", self._read_text)  # type: ignore[no-any-return]

    def _read_text(self) -> str:
        data = self.decoded_body
        charset = self._content_type()[1].get("charset", "utf-8")
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError) as why:
            raise UnreadableBody(f"it is no {charset} text: {why}") from why

    @property
    def json(self) -> Any:
        """The body as JSON, whatever its Content-Type says. Raises UnreadableBody."""
        return self._once("json", self._read_json)

    def _read_json(self) -> Any:
        if not self.body:
            raise UnreadableBody("the body is empty")
        text = self.text if "charset" in self._content_type()[1] else self.decoded_body
        try:
            return json.loads(text, parse_constant=_no_constant)
        except RecursionError as why:
            raise UnreadableBody("it is nested too deeply") from why
        except ValueError as why:  # JSONDecodeError, UnicodeDecodeError, too many digits
            raise UnreadableBody(f"it is no JSON: {why}") from why

    @property
    def form_pairs(self) -> Pairs:
        """Fields of a urlencoded or multipart form, names as sent, files left out. Raises UnreadableBody."""
        return self._once("form", self._read_form)  # type: ignore[no-any-return]

    def _read_form(self) -> Pairs:
        if self.media_type == "application/x-www-form-urlencoded":
            return tuple(parse_qsl(self.text, keep_blank_values=True, errors="replace"))
        if self.media_type == "multipart/form-data":
            return tuple(
                (part.name, part.text)
                for part in self.parts
                if part.name is not None and part.filename is None
            )
        named = self.media_type or "absent"
        raise UnreadableBody(f"a form needs its own content-type; this one is {named}")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of any multipart body. Raises UnreadableBody."""
        return self._once("parts", self._read_parts)  # type: ignore[no-any-return]

    def _read_parts(self) -> tuple[Part, ...]:
        kind, params = self._content_type()
        boundary = params.get("boundary", "")
        if not kind.startswith("multipart/") or not boundary:
            raise UnreadableBody("it is no multipart body with a boundary")
        return split_multipart(self.decoded_body, boundary)


def split_multipart(body: bytes, boundary: str) -> tuple[Part, ...]:
    """The parts of a multipart body (RFC 2046 5.1). Raises UnreadableBody where the end never came."""
    mark = b"--" + boundary.encode("utf-8", "surrogateescape")
    sections = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(sections) < 2 or not any(s.startswith(b"--") for s in sections[1:]):
        raise UnreadableBody("the multipart body has no closing boundary")
    parts = []
    for section in sections[1:]:
        if section.startswith(b"--"):
            break
        _, _, rest = section.partition(b"\r\n")
        if rest.startswith(b"\r\n"):
            head, content = b"", rest[2:]
        else:
            head, _, content = rest.partition(b"\r\n\r\n")
        parts.append(_read_part(head, content))
    return tuple(parts)


def _read_part(head: bytes, content: bytes) -> Part:
    pairs = []
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name.strip(), value.strip()))
    headers = Headers(pairs)
    params = parse_media_type(headers.get("content-disposition", ""))[1]
    return Part(params.get("name"), params.get("filename"), headers, content)


def decode_segment(text: str) -> str:
    """One path segment or parameter, percent-decoded once; bytes that are no UTF-8 become U+FFFD."""
    return unquote(text) if "%" in text else text


class Response:
    """An answer: headers in order and in the case written. `body` is whole and ready, coding and all."""

    __slots__ = ("body", "headers", "reason", "status")

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        reason: str | None = None,
    ) -> None:
        self.status = status
        self.headers: Pairs = tuple(headers)
        self.body = body
        self.reason = reason

    def header(self, name: str) -> str | None:
        """The first value of that header, case ignored."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)
