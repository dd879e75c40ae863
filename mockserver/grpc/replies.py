"""
Compiles replies of gRPC routes.

A reply with a message is an HTTP response with status 200, whose trailers have the status. One without is sent
Trailers-Only: the status is among its headers, and clients may retry it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mockserver.errors import Flaw, FlawCollector, InvalidInputError, KeyPath, invalid, near, shown
from mockserver.grpc import writing
from mockserver.grpc.framing import CODINGS, framed
from mockserver.grpc.pools import GrpcMethod, GrpcSchema, MessageType
from mockserver.grpc.reading import FREE, TEXTS, WRAPPERS
from mockserver.model.durations import parse_duration_s
from mockserver.model.framing import FRAMING
from mockserver.model.grpc import (
    CONTENT_TYPE,
    GRPC_STATUSES,
    HTTP_STATUS,
    GrpcStatus,
    encode_text,
    grpc_status_of,
)
from mockserver.model.http import Pairs, Request, Response
from mockserver.model.written import as_text
from mockserver.responses.bodies import Body
from mockserver.responses.planner import HeaderMakers, Reply, compile_headers, compile_value, header_lines
from mockserver.responses.streams import Piece, Stream
from mockserver.schema.base import is_template
from mockserver.schema.delays import DelayRangeSpec
from mockserver.schema.reply import BODY_KINDS, PacedSpec, ReplyDefaultsSpec, ReplySpec
from mockserver.templating.templates import Scope, Template, TemplateError, Tree, compile_tree

_ACCEPTED = ("grpc-accept-encoding", ",".join(CODINGS))
_RESERVED = frozenset({"grpc-status", "grpc-message", "grpc-status-details-bin"})


class StatusMaker:
    """The status of a reply, its text and its details; each may be a template."""

    __slots__ = ("_details", "_schema", "_status", "_text")

    def __init__(
        self,
        status: str | Template,
        text: str | Template | None,
        details: Tree | list[Any] | None,
        schema: GrpcSchema | None,
    ) -> None:
        self._status = status
        self._text = text
        self._details = details
        self._schema = schema

    @property
    def is_constant(self) -> bool:
        return (
            isinstance(self._status, str)
            and not isinstance(self._text, Template)
            and not isinstance(self._details, Tree)
        )

    @property
    def template(self) -> Template:
        """The template of the status."""
        assert isinstance(self._status, Template)
        return self._status

    @property
    def fixed(self) -> GrpcStatus | None:
        """The status, unless it is a template."""
        return GrpcStatus[self._status] if isinstance(self._status, str) else None

    def status(self, scope: Scope | None) -> GrpcStatus:
        """Return the status of a call. Raises TemplateError."""
        if isinstance(self._status, str):
            return GrpcStatus[self._status]
        assert scope is not None
        value = self._status.value(scope)
        if isinstance(value, str) and value.strip() in GRPC_STATUSES:
            return GrpcStatus[value.strip()]
        if str(value).isdigit() and int(value) < len(GRPC_STATUSES):
            return GrpcStatus(int(value))
        raise TemplateError(f"{shown(value)} is not a gRPC status", place="status")

    def lines(self, scope: Scope | None) -> Pairs:
        """Return the trailers that carry the status. Raises TemplateError."""
        status = self.status(scope)
        text = self._text.render(scope) if isinstance(self._text, Template) else self._text  # type: ignore[arg-type]
        lines = [("grpc-status", str(int(status)))]
        if text:
            lines.append(("grpc-message", encode_text(text)))
        if self._details is not None:
            assert self._schema is not None
            values = self._details.value(scope) if isinstance(self._details, Tree) else self._details  # type: ignore[arg-type]
            try:
                data = details_of(self._schema, status, text or "", values, (), rendered=True)
            except InvalidInputError as error:
                raise TemplateError(str(error.flaws[0]), place="details") from error
            lines.append(("grpc-status-details-bin", base64.b64encode(data).decode().rstrip("=")))
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The parts of a gRPC reply."""

    spec: ReplySpec
    status: StatusMaker
    headers: HeaderMakers
    trailers: HeaderMakers
    delay: float | DelayRangeSpec | Template | None
    throttle: float | PacedSpec | None
    body: Body | None = None
    stream: Stream | None = None


class GrpcReply(Reply):
    """A compiled reply of a gRPC route."""

    __slots__ = ("_has_messages", "_status_lines", "_trailers")

    def __init__(self, compiled: Compiled) -> None:
        self._status_lines = compiled.status
        self._trailers = compiled.trailers
        self._has_messages = compiled.body is not None or compiled.stream is not None
        fixed = compiled.status.fixed
        super().__init__(
            compiled.spec,
            status=compiled.status.template if fixed is None else HTTP_STATUS[fixed],
            headers=compiled.headers,
            body=compiled.body,
            stream=compiled.stream,
            delay=compiled.delay,
            throttle=compiled.throttle,
        )

    def _is_fixed(self) -> bool:
        return (
            self._status_lines.is_constant
            and all(isinstance(value, str) for _, value in self._trailers)
            and super()._is_fixed()
        )

    def _is_sent_at_once(self) -> bool:
        return False

    def status(self, scope: Callable[[], Scope]) -> int:
        """Return the HTTP status that means the same as the gRPC status. Raises TemplateError."""
        if self.fixed_status is not None:
            return self.fixed_status
        return HTTP_STATUS[self._status_lines.status(scope())]

    def first_lines(self, scope: Scope | None) -> Pairs:
        """Return the headers of a call. Raises TemplateError."""
        return (("content-type", CONTENT_TYPE), _ACCEPTED, *self._header_lines(scope))

    def last_lines(self, scope: Scope | None) -> Pairs:
        """Return the trailers of a call. Raises TemplateError."""
        return (*self._status_lines.lines(scope), *header_lines(self._trailers, "trailers", scope))

    def _response(
        self,
        status: int,  # noqa: ARG002  (that of the base class)
        scope: Scope | None,
        request: Request | None,  # noqa: ARG002
    ) -> tuple[Response, tuple[Piece, ...] | None]:
        headers, trailers = self.first_lines(scope), self.last_lines(scope)
        if not self._has_messages:
            return Response(200, (*headers, *trailers)), None
        pieces = None if self._stream is None else self._stream.pieces(scope)  # type: ignore[arg-type]
        if pieces is not None:
            data = b"".join(piece for _, piece in pieces)
        else:
            assert self._body is not None
            data = self._body.bytes_of(scope)
        return Response(200, headers, data, trailers=trailers), pieces


def compile_parts(
    spec: ReplySpec,
    defaults: ReplyDefaultsSpec,
    method: GrpcMethod | None,
    schema: GrpcSchema | None,
    names: frozenset[str] | None,
) -> Compiled:
    """
    Compile what every reply of a gRPC route has. `method` is None if its schema is not known.

    Raises InvalidInputError with every flaw, with paths relative to the reply.
    """
    flaws = FlawCollector()
    flaws.attempt((), _check_keys, spec, method)
    status = flaws.attempt((), _status_maker, spec, schema, names)
    headers = flaws.attempt((), _header_makers, spec, defaults, names)
    trailers = flaws.attempt((), _trailer_makers, spec, names)
    delay = spec.delay if spec.has("delay") else defaults.delay
    delay = flaws.attempt((), compile_value, delay, ("delay",), names)
    throttle = spec.throttle if spec.has("throttle") else defaults.throttle
    if spec.fault is not None and spec.fault.after is not None and not (spec.has("message") or spec.messages):
        said = "a reply without messages has no place inside for a fault"
        flaws.flaws.append(Flaw(("fault", "after"), said, "Remove `after`"))
    flaws.check()
    return Compiled(spec, status, headers, trailers, delay, throttle)


def compile_messages(
    compiled: Compiled, method: GrpcMethod | None, names: frozenset[str] | None
) -> GrpcReply:
    """Compile a reply whose messages don't depend on others of the client. Raises InvalidInputError."""
    spec = compiled.spec
    if method is not None and spec.has("message"):
        compiled = replace(compiled, body=_body(spec, method.output, names))
    elif method is not None and spec.messages is not None:
        compiled = replace(compiled, stream=_stream(spec, method, names))
    return GrpcReply(compiled)


def _check_keys(spec: ReplySpec, method: GrpcMethod | None) -> None:
    """Reject keys that a reply of this method can't have. Raises InvalidInputError with every flaw."""
    flaws = []
    status = spec.status if spec.has("status") else "OK"
    if isinstance(status, int):
        hint = f"Write {grpc_status_of(status).name}; a route with ANY answers a gRPC call with HTTP"
        flaws.append(Flaw(("status",), f"{status} is a status of HTTP, not of gRPC", hint))
    kinds = [kind for kind in BODY_KINDS if kind != "text" and spec.has("json_" if kind == "json" else kind)]
    hint = "Write `message`, or `messages` for a stream"
    flaws += [Flaw((kind,), f"a gRPC reply has no `{kind}`", hint) for kind in kinds]
    wrong = _wrong_messages(spec, method, str(status))
    if wrong is not None and not kinds:
        flaws.append(wrong)
    if flaws:
        raise InvalidInputError(flaws)


def _wrong_messages(spec: ReplySpec, method: GrpcMethod | None, status: str) -> Flaw | None:
    """Return what is wrong with the messages of a reply, given its method and status."""
    has_one, has_many = spec.has("message"), spec.messages is not None
    key = ("message",) if has_one else ("messages",)
    if has_one and has_many:
        return Flaw(("messages",), "a reply has `message` or `messages`, not both", "Keep one of them")
    if (has_one or has_many) and method is None:
        hint = "Write grpc: {proto: payments.proto} in the scenario, and one method in `request`"
        return Flaw(key, "the type of the message is not known", hint)
    if has_one and status != "OK" and not is_template(status):
        hint = "Remove one of them; a stream may have `messages` before its status"
        return Flaw(key, f"a reply with the status {status} has no message", hint)
    if has_many and method is not None and not method.replies_in_stream:
        said = f"{method.path[1:]} answers one message, not a stream"
        return Flaw(key, said, "Write message: {…}")
    if has_one and method is not None and method.replies_in_stream:
        return Flaw(key, f"{method.path[1:]} answers a stream", "Write messages: [{message: {…}}]")
    if (
        not (has_one or has_many or spec.fault)
        and status == "OK"
        and not (method is not None and method.replies_in_stream)
    ):
        hint = "Write message: {…}; {} is a message without fields"
        return Flaw((), "a reply with the status OK has a message", hint)
    return None


def _status_maker(spec: ReplySpec, schema: GrpcSchema | None, names: frozenset[str] | None) -> StatusMaker:
    flaws = FlawCollector()
    status = flaws.attempt((), compile_value, spec.status if spec.has("status") else "OK", ("status",), names)
    text = None if spec.text is None else as_text(spec.text)
    if text is not None and not spec.raw:
        text = flaws.attempt((), compile_value, text, ("text",), names)
    details = None
    if spec.details is not None:
        details = flaws.attempt(("details",), _details, spec, schema, names)
    flaws.check()
    return StatusMaker(status, text, details, schema)


def _details(
    spec: ReplySpec, schema: GrpcSchema | None, names: frozenset[str] | None
) -> Tree | list[Any] | None:
    if schema is None:
        raise invalid(
            (),
            "the types of the details are not known",
            "Write grpc: {proto: payments.proto} in the scenario",
        )
    tree = None if spec.raw else compile_tree(spec.details, (), names=names)
    is_constant = tree is None or tree.constant
    details_of(schema, GrpcStatus.UNKNOWN, "", spec.details or [], (), templates=not is_constant)
    return spec.details if is_constant else tree


def details_of(
    schema: GrpcSchema,
    status: GrpcStatus,
    text: str,
    details: list[Any],
    path: KeyPath,
    *,
    templates: bool = False,
    rendered: bool = False,
) -> bytes:
    """Return a google.rpc.Status with these details. Raises InvalidInputError with every flaw."""
    kind = schema.find_type("google.rpc.Status")
    if kind is None:
        hint = "Install the extra mockserver[grpc]"
        raise invalid(path, "details need google.rpc.Status, which is not installed", hint)
    writer = writing.MessageWriter(schema, templates=templates, rendered=rendered)
    message = kind.make(code=int(status), message=text)
    for i, detail in enumerate(details):
        if not (templates and is_template(detail)):
            writer.fill(message.details.add(), detail, (*path, i))
    if writer.flaws:
        raise InvalidInputError(writer.flaws)
    return bytes(message.SerializeToString(deterministic=True))


def _header_makers(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, names: frozenset[str] | None
) -> HeaderMakers:
    for name in spec.headers:
        _check_name(name, ("headers", name))
    return tuple(
        (name.lower(), value)
        for name, value in compile_headers(spec, defaults, names)
        if name.lower() not in FRAMING and name.lower() != "content-type"
    )


def _trailer_makers(spec: ReplySpec, names: frozenset[str] | None) -> HeaderMakers:
    flaws = FlawCollector()
    makers = []
    for name, value in (spec.trailers or {}).items():
        path = ("trailers", name)
        flaws.attempt((), _check_name, name, path)
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            where = (*path, i) if isinstance(value, list) else path
            text = as_text(item)
            makers.append(
                (name.lower(), text if spec.raw else flaws.attempt((), compile_value, text, where, names))
            )
    flaws.check()
    return tuple(makers)


def _check_name(name: str, path: KeyPath) -> None:
    if name.lower() in _RESERVED:
        raise invalid(
            path, f"{name!r} is written by the server", "Write `status`, `text` or `details`", at_key=True
        )


def _body(spec: ReplySpec, kind: MessageType, names: frozenset[str] | None) -> Body:
    """Compile `message`."""
    write, static = message_writer(kind, spec.message, ("message",), names, raw=spec.raw)
    body = Body("message", CONTENT_TYPE)
    if static is not None:
        body.static = framed(static)
    else:
        body.render = lambda scope: framed(write(scope))
    return body


Write = Callable[[Scope], bytes]


def message_writer(
    kind: MessageType, written: Any, path: KeyPath, names: frozenset[str] | None, *, raw: bool
) -> tuple[Write, bytes | None]:
    """Return the function that makes a message, and the message if nothing varies. Raises InvalidInputError."""
    tree = None if raw else compile_tree(written, path, names=names)
    if tree is None or tree.constant:
        static = writing.make(kind, written, path)
        return lambda _: static, static
    writing.check(kind, written, path)

    def write(scope: Scope) -> bytes:
        value = tree.value(scope)
        try:
            if isinstance(value, str) and kind.name not in TEXTS | WRAPPERS | FREE:
                value = json.loads(value)  # the text of a whole message is JSON
            return writing.make(kind, value, rendered=True)
        except ValueError as error:
            raise TemplateError(f"it is not valid JSON: {error}", place=".".join(map(str, path))) from error
        except InvalidInputError as error:
            raise TemplateError(str(error.flaws[0]), place=".".join(map(str, path))) from error

    return write, None


def _stream(spec: ReplySpec, method: GrpcMethod, names: frozenset[str] | None) -> Stream:
    """Compile `messages` without steps that receive."""
    flaws = FlawCollector()
    items = []
    constant = True
    for i, item in enumerate(spec.messages or ()):
        made = flaws.attempt((), _item, item, ("messages", i), method, names, spec.raw)
        if made is not None:
            items.append(made[0])
            constant = constant and made[1]
    flaws.check()
    return Stream(items, CONTENT_TYPE, constant=constant)


def check_item(item: object, path: KeyPath, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return an item of `messages`. Raises InvalidInputError if it has other keys, or nothing to do."""
    if not isinstance(item, dict):
        raise invalid(path, f"expected a mapping, got {shown(item)}", "Write {message: {…}}")
    for key in item:
        if key not in keys:
            hint = near(str(key), keys) + " The fields of the message go under `message`."
            raise invalid((*path, key), "unknown key", hint, at_key=True)
    if "message" not in item and not any(key in item for key in ("delay", "receive")):
        raise invalid(path, "there is no message", "Write {message: {…}}")
    return item


def wait_s(item: dict[str, Any], path: KeyPath) -> float:
    """Return the seconds of the delay of an item. Raises InvalidInputError."""
    if "delay" not in item:
        return 0.0
    try:
        return max(0.0, parse_duration_s(item["delay"]))
    except ValueError as error:
        raise invalid((*path, "delay"), str(error), "Write 20ms or 1s") from error


def _item(
    item: object, path: KeyPath, method: GrpcMethod, names: frozenset[str] | None, raw: bool
) -> tuple[Callable[[Scope], Iterator[Piece]], bool]:
    """Compile an item; also return whether nothing varies."""
    if isinstance(item, dict) and ("receive" in item or "repeat" in item):
        key = "receive" if "receive" in item else "repeat"
        hint = "Remove it: only a method with streams of both sides receives while it answers"
        raise invalid(
            (*path, key),
            f"{method.path[1:]} is answered when the client has sent everything",
            hint,
            at_key=True,
        )
    written = check_item(item, path, ("message", "delay", "each"))
    pause_s = wait_s(written, path)
    if "each" in written:
        return each_of(written, path, method.output, names, pause_s), False
    if "message" not in written:
        return (lambda _: iter(((pause_s, b""),))), True
    write, static = message_writer(method.output, written["message"], (*path, "message"), names, raw=raw)
    if static is not None:
        piece = (pause_s, framed(static))
        return (lambda _: iter((piece,))), True
    return (lambda scope: iter(((pause_s, framed(write(scope))),))), False


def each_of(
    item: dict[str, Any], path: KeyPath, kind: MessageType, names: frozenset[str] | None, pause_s: float
) -> Callable[[Scope], Iterator[Piece]]:
    """Compile an item with `each`. Raises InvalidInputError."""
    source = compile_tree(item["each"], (*path, "each"), names=names)
    inner = None if names is None else names | {"item"}
    write, _ = message_writer(kind, item.get("message"), (*path, "message"), inner, raw=False)

    def pieces(scope: Scope) -> Iterator[Piece]:
        values = source.value(scope)
        if not isinstance(values, (list, tuple)):
            raise TemplateError(f"`each` needs a list, got {shown(values)}", place=".".join(map(str, path)))
        for value in values:
            yield pause_s, framed(write(scope.with_("item", value)))

    return pieces
