"""
From a written reply to the steps that send it.

A reply in which nothing varies becomes one shared plan at load; others are rendered for their call. Order: render, then
fault, then throttle, then delay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, ReadFile, invalid, shown
from mockserver.model.framing import has_body, is_chunked
from mockserver.model.grpc import GRPC_STATUSES, HTTP_STATUS, GrpcStatus
from mockserver.model.http import Pairs, Request, Response, Shape
from mockserver.model.plan import Drip, Plan, Send, Wait, keeps_connection
from mockserver.model.written import as_text
from mockserver.responses.bodies import CODINGS, Body, compile_body, encoded, encoded_parts
from mockserver.responses.delays import Delay, seconds_of
from mockserver.responses.faults import broken
from mockserver.responses.ranges import for_file
from mockserver.responses.streams import Piece, Stream, compile_stream
from mockserver.schema.base import is_template
from mockserver.schema.delays import DelayRangeSpec
from mockserver.schema.reply import FaultSpec, PacedSpec, ReplyDefaultsSpec, ReplySpec
from mockserver.templating.templates import Scope, Template, TemplateError, compile_text

HeaderMakers = tuple[tuple[str, str | Template], ...]


@dataclass(slots=True)
class Planned:
    """
    The steps of one response, and the response for the call log, which exists even if a fault replaces it.

    Calls share it: don't change it. It is not frozen, since that would make its creation slower.
    """

    plan: Plan
    response: Response
    fault: str | None = None


def sent(response: Response) -> Planned:
    """Return the plan that sends a response."""
    return Planned((Send(response),), response)


class Reply:
    """A compiled reply. `ready` is its plan if nothing varies."""

    __slots__ = (
        "_body",
        "_delay",
        "_fault",
        "_headers",
        "_lines",
        "_render",
        "_shape",
        "_status",
        "_stream",
        "_throttle",
        "fails",
        "fault",
        "fixed_status",
        "own_work",
        "ready",
        "spec",
        "work",
    )

    def __init__(
        self,
        spec: ReplySpec,
        *,
        status: int | Template,
        headers: HeaderMakers,
        body: Body | None,
        stream: Stream | None,
        delay: Delay | None,
        throttle: float | PacedSpec | None,
    ) -> None:
        self.spec = spec
        self._status = status
        self._headers = headers
        self._body = body
        self._stream = stream
        self._delay = delay
        self._throttle = throttle
        self._fault: FaultSpec | None = spec.fault
        self.fault: str | None = spec.fault.kind.value if spec.fault else None
        self.ready: Planned | None = None
        self.work: Any = None
        """Its side effects below 400, with those of its route; `own_work` are its own."""
        self.own_work: Any = None
        self.fails = False
        """Whether it has errors alone, whatever its status."""
        self.fixed_status = status if isinstance(status, int) else None
        self._lines = self._fixed_lines()
        self._shape = Shape()
        self._render = body.render if body is not None and self._is_sent_at_once() else None
        """Makes the body, if it alone varies, and is sent at once."""
        if self._is_fixed():
            self.ready = self._make(None, None, None)

    def _is_fixed(self) -> bool:
        return (
            isinstance(self._status, int)
            and all(isinstance(value, str) for _, value in self._headers)
            and (self._body is None or (self._body.static is not None and self._body.etag is None))
            and (self._stream is None or self._stream.static is not None)
            and not isinstance(self._delay, (DelayRangeSpec, Template))
        )

    def _fixed_lines(self) -> Pairs | None:
        """The header lines, if none is a template."""
        lines = [(name, value) for name, value in self._headers if isinstance(value, str)]
        if len(lines) != len(self._headers):
            return None
        if self._body is not None and "content-type" not in {name.lower() for name, _ in lines}:
            lines.append(("Content-Type", self._body.content_type))
        return tuple(lines)

    def _is_sent_at_once(self) -> bool:
        lines = self._lines
        return (
            lines is not None
            and self._stream is None
            and self._delay is None
            and self._throttle is None
            and self._fault is None
            and self.fixed_status is not None
            and has_body(self.fixed_status)
            and keeps_connection(lines)
            and not any(name.lower() in ("date", "content-encoding") for name, _ in lines)
        )

    def status(self, scope: Callable[[], Scope]) -> int:
        """Return the status of this call. Raises TemplateError if a template fails or gives an invalid status."""
        if isinstance(self._status, int):
            return self._status
        value = self._status.value(scope())
        try:
            status = int(value)
        except (TypeError, ValueError):
            status = 0
        if not 200 <= status <= 599:
            raise TemplateError(f"{shown(value)} is not a valid HTTP status", place="status")
        return status

    def plan(
        self, status: int, scope: Callable[[], Scope], chance: Callable[[], Random], request: Request
    ) -> Planned:
        """Return the steps for one call. Raises TemplateError."""
        if self.ready is not None:
            return self.ready
        render = self._render
        if render is not None:
            response = Response(status, self._lines or (), render(scope()))
            response.shape = self._shape
            return Planned((Send(response),), response)
        return self._make(status, scope(), chance, request)

    def _make(
        self,
        status: int | None,
        scope: Scope | None,
        chance: Callable[[], Random] | None,
        request: Request | None = None,
    ) -> Planned:
        if status is None:
            assert isinstance(self._status, int)
            status = self._status
        response, pieces = self._response(status, scope, request)
        plan = self.sent(response, pieces)
        wait_s = self._wait_s(scope, chance)
        return Planned((Wait(wait_s), *plan) if wait_s else plan, response, self.fault)

    def _response(
        self, status: int, scope: Scope | None, request: Request | None
    ) -> tuple[Response, tuple[Piece, ...] | None]:
        headers = list(self._header_lines(scope))
        names = {name.lower() for name, _ in headers}
        content_type = None
        pieces: tuple[Piece, ...] | None = None
        data = b""
        if self._stream is not None:
            pieces = self._stream.pieces(scope)  # type: ignore[arg-type]  # a fixed stream asks no scope
            content_type = self._stream.content_type
            data = b"".join(piece for _, piece in pieces)
        elif self._body is not None:
            data = self._body.bytes_of(scope)
            content_type = self._body.content_type
        if not has_body(status):
            return Response(status, headers), None
        if content_type is not None and "content-type" not in names:
            headers.append(("Content-Type", content_type))
        if "content-encoding" in names and (data or pieces is not None):
            data, pieces = _encoded(data, pieces, ",".join(values(headers, "content-encoding")))
        response = Response(status, headers, data)
        if self._body is not None and self._body.etag is not None and request is not None:
            response = for_file(response, self._body.etag, request)
        return response, pieces

    def _header_lines(self, scope: Scope | None) -> Pairs:
        return header_lines(self._headers, "headers", scope)

    def sent(self, response: Response, pieces: tuple[Piece, ...] | None) -> Plan:
        """Return the steps that send this response, or its pieces, with the reply's throttle and fault."""
        in_chunks = is_chunked(response.headers)
        if pieces is None and in_chunks and has_body(response.status):
            pieces = ((0.0, response.body),)
        chunked = pieces is not None and (in_chunks or response.header("content-length") is None)
        if pieces is not None and self._fault is not None and self._fault.events is not None:
            pieces = pieces[: self._fault.events]
        if self._throttle is not None and pieces is None and response.body:
            pieces = _paced(response.body, self._throttle)
        elif self._throttle is not None and pieces:
            pieces = tuple(slower for piece in pieces for slower in _slowed(piece, self._throttle))
        if self._fault is not None:
            return broken(self._fault, response, pieces, chunked=chunked)
        if pieces is None:
            return (Send(response),)
        return (Drip(response, pieces, chunked=chunked),)

    def _wait_s(self, scope: Scope | None, chance: Callable[[], Random] | None) -> float:
        if self._delay is None:
            return 0.0
        # One that varies is asked for a call, which has both.
        return seconds_of(self._delay, lambda: scope, chance)  # type: ignore[arg-type,return-value]


def header_lines(makers: HeaderMakers, place: str, scope: Scope | None) -> Pairs:
    """Return header lines with their templates filled in. Raises TemplateError."""
    lines = []
    for name, maker in makers:
        if isinstance(maker, str):
            lines.append((name, maker))
            continue
        value = maker.render(scope)  # type: ignore[arg-type]  # templates are never asked without one
        if any(c in value for c in "\r\n\0"):
            raise TemplateError("a header value can't hold a line break", place=f"{place}.{name}")
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise TemplateError(f"{shown(value)} can't be written", place=f"{place}.{name}")
        lines.append((name, value))
    return tuple(lines)


def values(headers: Iterable[tuple[str, str]], wanted: str) -> list[str]:
    """Return the values of a header, in lower case."""
    return [value.strip().lower() for name, value in headers if name.lower() == wanted]


def _encoded(
    data: bytes, pieces: tuple[Piece, ...] | None, codings: str
) -> tuple[bytes, tuple[Piece, ...] | None]:
    """Apply the content codings to a body, and to its pieces if there are any."""
    try:
        if pieces is None:
            return encoded(data, codings), None
        parts = encoded_parts([piece for _, piece in pieces], codings)
    except ValueError as error:
        raise TemplateError(str(error), place="headers.content-encoding") from error
    waits = [wait_s for wait_s, _ in pieces] or [0.0]
    return b"".join(parts), tuple(zip(waits, parts, strict=True))


def _paced(body: bytes, throttle: float | PacedSpec) -> tuple[Piece, ...]:
    """
    Split a body into pieces over time. A rate sends about 20 pieces a second, the first at once; `{chunks: 5, over:
    2s}` sends five, the last one after 2 s.
    """
    if isinstance(throttle, PacedSpec):
        count = max(1, min(throttle.chunks, len(body)))
        cuts = [len(body) * i // count for i in range(count + 1)]
        wait_s = throttle.over_s / max(1, count - 1)
        return tuple((wait_s if i else 0.0, body[cuts[i] : cuts[i + 1]]) for i in range(count))
    return _slowed((0.0, body), throttle)


def _slowed(piece: Piece, throttle: float | PacedSpec) -> tuple[Piece, ...]:
    wait_s, data = piece
    if isinstance(throttle, PacedSpec):
        return (piece,)
    size = max(1, min(len(data), int(throttle / 20)))
    parts = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
    return tuple((wait_s if not i else len(parts[i - 1]) / throttle, part) for i, part in enumerate(parts))


def compile_reply(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, read_file: ReadFile, names: frozenset[str] | None
) -> Reply:
    """
    Compile a reply, not a `choose` or `cases`. `names` are the variables of its templates. Raises InvalidInputError
    with every flaw, paths relative to the reply.
    """
    if spec.websocket is not None:
        raise invalid(("websocket",), "only a reply of a route can accept a WebSocket", "Use a status here")
    flaws: list[Flaw] = [
        Flaw((key,), f"`{key}` is for gRPC", "Write request: GRPC package.Service/Method")
        for key in ("message", "messages", "details", "trailers")
        if spec.has(key)
    ]
    if spec.has("errors"):
        flaws.append(
            Flaw(("errors",), "`errors` are those of a GraphQL field", "Write request: GRAPHQL Query.user")
        )
    grpc_status = spec.status if spec.status in GRPC_STATUSES else None

    def tried(make: Callable[[], Any]) -> Any:
        try:
            return make()
        except InvalidInputError as error:
            flaws.extend(error.flaws)

    status = tried(lambda: compile_value(spec.status, ("status",), names))
    headers = tried(lambda: compile_headers(spec, defaults, names))
    if grpc_status is not None:
        # For a gRPC call, the engine makes a gRPC response of it; for any other, this is what it means in HTTP.
        status = HTTP_STATUS[GrpcStatus[grpc_status]]
        headers = (*(headers or ()), ("grpc-status", str(int(GrpcStatus[grpc_status]))))
    body = tried(lambda: compile_body(spec, read_file, names))
    stream = tried(lambda: compile_stream(spec, names))
    delay = tried(lambda: compile_delay(spec, defaults, names))
    throttle = spec.throttle if spec.has("throttle") else defaults.throttle
    tried(lambda: _check_coding(headers, body or stream))
    tried(lambda: _check_pieces(spec, stream))
    if flaws:
        raise InvalidInputError(flaws)
    return Reply(
        spec, status=status, headers=headers, body=body, stream=stream, delay=delay, throttle=throttle
    )


def _check_pieces(spec: ReplySpec, stream: Stream | None) -> None:
    """Reject keys that need pieces without a stream, and keys that make pieces of one. Raises InvalidInputError."""
    if spec.fault is not None and spec.fault.events is not None and stream is None:
        raise invalid(
            ("fault", "after"),
            f"{spec.fault.after!r} in a reply without `events` or `chunks`",
            "Write headers, or a number of body bytes",
        )
    if stream is not None and isinstance(spec.throttle, PacedSpec):
        raise invalid(
            ("throttle",),
            "events and chunks are pieces already",
            "Write `delay` on each of them, or a rate such as 10KB/s",
        )


def _check_coding(headers: HeaderMakers | None, body: Body | Stream | None) -> None:
    for name, value in headers or ():
        if name.lower() != "content-encoding" or not isinstance(value, str) or body is None:
            continue
        for coding in value.split(","):
            if coding.strip().lower() not in CODINGS:
                raise invalid(
                    ("headers", name),
                    f"{coding.strip()!r} is not a supported content coding",
                    f"Use one of {', '.join(sorted(CODINGS))}",
                )


def compile_delay(spec: ReplySpec, defaults: ReplyDefaultsSpec, names: frozenset[str] | None) -> Delay | None:
    """Return the delay of a reply, or that of the defaults. Raises InvalidInputError."""
    delay = spec.delay if spec.has("delay") else defaults.delay
    made: Delay | None = compile_value(delay, ("delay",), names)
    return made


def compile_value(value: Any, path: KeyPath, names: frozenset[str] | None, *, raw: bool = False) -> Any:
    """Return a value that may be a template, compiled if it is one. Raises InvalidInputError."""
    return compile_text(value, path, names=names) if is_template(value) and not raw else value


def compile_headers(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, names: frozenset[str] | None
) -> HeaderMakers:
    """Return the header lines of a reply, with those of the defaults. Raises InvalidInputError."""
    own = {name.lower() for name in spec.headers}
    merged = {name: value for name, value in defaults.headers.items() if name.lower() not in own}
    lines: list[tuple[str, str | Template]] = []
    for name, value in (*merged.items(), *spec.headers.items()):
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            path = ("headers", name, i) if isinstance(value, list) else ("headers", name)
            lines.append((name, compile_value(as_text(item), path, names, raw=spec.raw)))
    return tuple(lines)
