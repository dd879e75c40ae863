"""Replies, as written: a status, a mapping, or a sequence of them."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from mockserver.errors import WrongValueError, near, shown
from mockserver.model.grpc import GRPC_STATUSES
from mockserver.model.http2_codes import HTTP2_CODES
from mockserver.model.lines import HeaderLines
from mockserver.schema.base import (
    UNSET,
    DurationS,
    Json,
    OneOrList,
    SchemaOf,
    Spec,
    TextLike,
    is_template,
    listed,
)
from mockserver.schema.delays import Delay
from mockserver.schema.match import Condition, MatchSpec
from mockserver.schema.webhook import Webhooks

BODY_KINDS = ("json", "text", "html", "xml", "base64", "file", "form", "events", "chunks")


class FaultKind(StrEnum):
    """What breaks a reply on the wire."""

    RESET = "reset"
    CLOSE = "close"
    TRUNCATE = "truncate"
    GARBAGE = "garbage"
    MALFORMED_CHUNK = "malformed_chunk"
    HANG = "hang"
    NO_WINDOW = "no_window"


def _status(value: object) -> object:
    if is_template(value) or value in GRPC_STATUSES:
        return value
    if isinstance(value, str) and not value.isdigit():
        raise WrongValueError(
            f"expected an HTTP status, or one of gRPC, got {shown(value)}", near(value, GRPC_STATUSES)
        )
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValueError(f"expected an HTTP status, got {shown(value)}", "Use a number from 200 to 599")
    if 0 <= value < len(GRPC_STATUSES):
        return GRPC_STATUSES[value]
    if not 200 <= value <= 599:
        raise WrongValueError(f"{value} is not a valid HTTP status", "Use 200 to 599")
    return int(value)


Status = Annotated[
    Any,
    BeforeValidator(_status),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 200, "maximum": 599},
                {"enum": list(GRPC_STATUSES)},
                {"type": "integer", "minimum": 0, "maximum": 16},
                {"type": "string", "pattern": "\\{\\{"},
            ]
        }
    ),
]


_SIZES = {"B": 1, "KB": 1000, "MB": 1000_000, "KiB": 1024, "MiB": 1024 * 1024}

_SIZE = re.compile(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([A-Za-z]*)\s*")


def parse_size(text: str) -> int:
    """Return a size in bytes. Raises ValueError. `parse_size('10KB')` is 10000, `parse_size('64KiB')` 65536."""
    match = _SIZE.fullmatch(text)
    if not match or (match[2] or "B") not in _SIZES:
        raise ValueError(f"{text!r} is not a valid size; write 64KB, 10MB or 1MiB")
    return int(float(match[1]) * _SIZES[match[2] or "B"])


class PacedSpec(Spec):
    """A body sent in a number of chunks of similar size, evenly over a duration."""

    chunks: Annotated[int, Field(ge=1, le=1_000_000)]
    over_s: DurationS = Field(alias="over")


def _throttle(value: object) -> object:
    if isinstance(value, dict):
        return PacedSpec.model_validate(value)
    if isinstance(value, str) and value.endswith("/s"):
        try:
            rate = parse_size(value[:-2])
        except ValueError:
            rate = 0
        if rate > 0:
            return float(rate)
    raise WrongValueError(
        f"{shown(value)} is not a valid throttle", "Write a rate such as 10KB/s, or {chunks: 5, over: 2s}"
    )


Throttle = Annotated[
    Any,
    BeforeValidator(_throttle),
    SchemaOf(PacedSpec, {"type": "string", "pattern": "^\\d+(\\.\\d+)?\\s*(B|KB|MB|KiB|MiB)/s$"}),
]
"""Bytes per second, or a PacedSpec."""


_EVENTS = re.compile(r"\s*\d+\s+(?:event|message)s?\s*")


class FaultSpec(Spec):
    """
    A fault and its place. `after` is None (before any byte), "headers", a count of body bytes, or of events. `code` is the
    name of the error code that HTTP/2 sends.
    """

    kind: Annotated[FaultKind, Field(strict=False)]
    after: Any = None
    code: str | None = None

    @property
    def events(self) -> int | None:
        """The number of events or chunks before the fault, if it is placed so."""
        if isinstance(self.after, str) and self.after != "headers":
            return int(self.after.split()[0])
        return None

    @model_validator(mode="after")
    def _placed(self) -> FaultSpec:
        after = self.after
        if isinstance(after, str):
            valid = after == "headers" or _EVENTS.fullmatch(after) is not None
        else:
            valid = after is None or (isinstance(after, int) and not isinstance(after, bool) and after >= 0)
        if not valid:
            hint = "Write headers, a number of body bytes, or '2 events'"
            raise WrongValueError(f"{shown(after)} is not a valid place in a reply", hint)
        if self.code is not None:
            if self.code not in HTTP2_CODES:
                raise WrongValueError(
                    f"{shown(self.code)} is not an error code of HTTP/2", near(self.code, HTTP2_CODES)
                )
            if self.kind not in (FaultKind.RESET, FaultKind.CLOSE):
                raise WrongValueError(f"`code` does nothing with {self.kind}", "Use it with reset or close")
        return self


def _fault(value: object) -> object:
    if isinstance(value, str):
        if value not in list(FaultKind):
            raise WrongValueError(f"{value!r} is not a valid fault", near(value, list(FaultKind)))
        return FaultSpec(kind=FaultKind(value))
    if isinstance(value, dict):
        return FaultSpec.model_validate(value)
    raise WrongValueError(
        f"{shown(value)} is not a valid fault", "Write reset, or {kind: reset, after: headers}"
    )


Fault = Annotated[
    Any,
    BeforeValidator(_fault),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(FaultKind)},
                {
                    "type": "object",
                    "properties": {
                        "kind": {"enum": list(FaultKind)},
                        "after": {
                            "anyOf": [
                                {"const": "headers"},
                                {"type": "integer", "minimum": 0},
                                {"type": "string", "pattern": "^\\d+ (event|message)s?$"},
                            ]
                        },
                        "code": {"enum": list(HTTP2_CODES)},
                    },
                    "required": ["kind"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


def _effect(value: object) -> object:
    for effect in value if isinstance(value, list) else [value]:
        if not isinstance(effect, dict) or not effect:
            raise WrongValueError(
                f"{shown(effect)} is not a valid effect",
                'Write {kind: charge, id: "{{ let.id }}"}, or a list of such',
            )
    return value


Effect = Annotated[
    Any,
    BeforeValidator(_effect),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}),
]
"""One mapping or a list of them."""


def _errors(value: object) -> object:
    listed = value if isinstance(value, list) else [value]
    for error in listed:
        if isinstance(error, str) or (
            isinstance(error, dict) and error.keys() <= _ERROR_KEYS and "message" in error
        ):
            continue
        raise WrongValueError(
            f"{shown(error)} is not a valid GraphQL error",
            "Write a text, or {message: No such user, extensions: {code: NOT_FOUND}}",
        )
    if not listed:
        raise WrongValueError("`errors` is empty", "Leave the key out")
    return [{"message": error} if isinstance(error, str) else error for error in listed]


_ERROR_KEYS = {"message", "extensions", "path"}
_ERROR_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "extensions": {"type": "object"},
                "path": {"type": "array", "items": {"type": ["string", "integer"]}},
            },
            "required": ["message"],
            "additionalProperties": False,
        },
    ]
}
GraphQLErrors = Annotated[
    Any,
    BeforeValidator(_errors),
    WithJsonSchema({"anyOf": [_ERROR_SCHEMA, {"type": "array", "items": _ERROR_SCHEMA, "minItems": 1}]}),
]
"""A text, a mapping or a list of them."""


def _script(value: object) -> object:
    if value is None:
        raise WrongValueError("`websocket` has no value", "Write websocket: [] to only accept connections")
    return _script_adapter().validate_python(value)


@cache
def _script_adapter() -> TypeAdapter[Any]:
    from mockserver.schema.websocket import Script  # few scenarios need it

    return TypeAdapter(Script)


class _ScriptSchema:
    """The JSON Schema of a script."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(_script_adapter().core_schema)


Script = Annotated[Any, BeforeValidator(_script), _ScriptSchema]
"""The steps of a WebSocket connection: a list of ScriptStepSpec."""


class WorkSpec(Spec):
    """What a call does beside answering: on a route, the default of its replies below 400."""

    set_: dict[str, Any] | None = Field(
        default=None, alias="set", description="State that replies below 400 write; null removes a key."
    )
    set_ttl_s: DurationS | None = Field(
        default=None,
        alias="set_ttl",
        description="Duration after which the keys of `set` are removed, by the virtual clock.",
    )
    effect: Effect = Field(
        default=None, description="What the service really did in replies below 400: a mapping, or a list."
    )
    webhook: Webhooks = Field(
        default=UNSET, description="Webhooks to send after the answer: one, a list, or `none`."
    )


class ReplyDefaultsSpec(Spec):
    """Defaults of all replies; headers are merged by name."""

    headers: HeaderLines = Field(default={})
    delay: Delay = Field(default=None)
    throttle: Throttle = Field(default=None)


class ReplySpec(Spec):
    """A reply. A plain number is a status with an empty body."""

    status: Status = Field(
        default=200, description="200 to 599, a status of gRPC such as UNAVAILABLE, or a template."
    )
    headers: HeaderLines = Field(default={}, description="A list sends one line per value.")
    json_: Json = Field(default=None, alias="json", description="The body as JSON; strings may be templates.")
    text: TextLike = Field(default=None, description="The body as text/plain.")
    html: str | None = Field(default=None, description="The body as text/html.")
    xml: str | None = Field(default=None, description="The body as application/xml.")
    base64: str | None = Field(default=None, description="The body in Base64.")
    file: str | None = Field(
        default=None, description="A file in the folder of the scenario; supports ranges and ETag."
    )
    form: dict[str, Any] | None = Field(default=None, description="The body as a URL-encoded form.")
    events: list[Any] | None = Field(default=None, description="Server-sent events.")
    chunks: list[Any] | None = Field(default=None, description="Pieces of the body, sent separately.")
    message: Json = Field(default=None, description="gRPC: the message as JSON; strings may be templates.")
    messages: list[Any] | None = Field(
        default=None,
        description="gRPC: messages of a stream, each {message}, with delay or each; with receive in a stream of both sides.",
    )
    errors: GraphQLErrors = Field(
        default=None,
        description="GraphQL: errors of the field, each a text or {message, extensions, path}; without `path` the field is null.",
    )
    details: list[Any] | None = Field(
        default=None, description="gRPC: details of the status, each a mapping with its type under @type."
    )
    trailers: HeaderLines = Field(default={}, description="gRPC: metadata after the messages.")
    delay: Delay = Field(
        default=None, description="Delay before the first byte: 200ms, {min, max} or {median, sigma, max}."
    )
    throttle: Throttle = Field(default=None, description="10KB/s, or {chunks: 5, over: 2s}.")
    fault: Fault = Field(default=None, description="A fault that breaks the reply: a kind, or {kind, after}.")
    times: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="In a sequence: the number of answers."
    )
    for_s: DurationS | None = Field(
        default=None, alias="for", description="In a sequence: the duration after the first answer."
    )
    set_: dict[str, Any] | None = Field(
        default=None, alias="set", description="State to write; null removes a key."
    )
    set_ttl_s: DurationS | None = Field(
        default=None, alias="set_ttl", description="Duration after which the keys of `set` are removed."
    )
    effect: Effect = Field(
        default=None, description="What the service really did, apart from its answer: a mapping, or a list."
    )
    webhook: Webhooks = Field(
        default=UNSET, description="Webhooks to send after the answer: one, a list, or `none`."
    )
    websocket: Script = Field(
        default=None,
        description="Accept the WebSocket handshake, then perform these steps; the request line is WS /path.",
    )
    subprotocol: Annotated[list[str], Field(min_length=1), BeforeValidator(listed), OneOrList] | None = Field(
        default=None,
        description="With `websocket`: the supported subprotocols; default: the first that the client offers.",
    )
    raw: bool = Field(default=False, description="Strings are not templates.")
    choose: Annotated[list[ChoiceSpec], Field(min_length=1)] | None = Field(
        default=None, description="One entry is selected randomly by weight."
    )
    cases: Annotated[list[CaseSpec], Field(min_length=1)] | None = Field(
        default=None, description="The first entry whose conditions are true."
    )

    @property
    def body_kind(self) -> str | None:
        """The key of BODY_KINDS that was written."""
        for kind in BODY_KINDS:
            if self.has("json_" if kind == "json" else kind):
                return kind
        return None

    @classmethod
    def known(cls, **fields: Any) -> ReplySpec:
        """
        Return a reply of valid fields, by their Python names, without validation: building a validator takes
        milliseconds.
        """
        return cls.model_construct(set(fields), **fields)

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"status": value}
        if isinstance(value, str) and value.replace("_", "").isupper():
            return {"status": value}
        if not isinstance(value, (dict, cls)):
            raise WrongValueError(
                f"expected a reply, got {shown(value)}", "A reply is a status, a mapping, or a list of them"
            )
        return value

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> ReplySpec:
        written = [kind for kind in BODY_KINDS if self.has("json_" if kind == "json" else kind)]
        if len(written) > 1:
            raise WrongValueError(
                f"a reply has one body, this one has {' and '.join(written)}", "Keep one of them"
            )
        if self.times is not None and self.for_s is not None:
            raise WrongValueError("a step has `times` or `for`, not both", "Keep one of them")
        if self.has("websocket"):
            self._check_handshake()
        elif self.has("subprotocol"):
            raise WrongValueError("`subprotocol` needs `websocket`", "Add websocket: [], or remove it")
        if self.choose is not None or self.cases is not None:
            allowed = {"choose", "cases", "times", "for_s", "weight", "match", "when", "if_"}
            beside = self.model_fields_set - allowed
            if self.choose is not None and self.cases is not None:
                beside.add("cases")
            if beside:
                words = " and ".join(sorted(name.rstrip("_") for name in beside))
                raise WrongValueError(
                    f"{words} is not allowed beside `choose` or `cases`",
                    "Move it into each of the replies below",
                )
        return self

    def _check_handshake(self) -> None:
        """Raise WrongValueError for keys that a handshake does not have."""
        beside = [name for name in ("status", "fault", "throttle") if self.has(name)]
        beside += [kind for kind in BODY_KINDS if self.has("json_" if kind == "json" else kind)]
        if beside:
            raise WrongValueError(
                f"{' and '.join(beside)} is not allowed beside `websocket`: its handshake is answered with 101",
                "Write it as a step of `websocket`, or as a reply of its own",
            )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        return (
            {
                "anyOf": [
                    {"type": "integer", "minimum": 200, "maximum": 599},
                    {"enum": list(GRPC_STATUSES)},
                    schema,
                ]
            }
            if cls is ReplySpec
            else schema
        )


class ChoiceSpec(ReplySpec):
    """An entry of `choose`."""

    weight: Annotated[float, Field(gt=0)] = 1.0


class CaseSpec(ReplySpec):
    """An entry of `cases`: used if its conditions are true; without conditions, always."""

    match: MatchSpec | None = None
    when: dict[str, Condition] | None = None
    if_: Any = Field(default=None, alias="if")


Steps = Annotated[
    list[ReplySpec],
    Field(min_length=1, description="A reply, or a sequence of replies."),
    BeforeValidator(listed),
    OneOrList,
]
