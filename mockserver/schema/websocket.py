"""Scripts of WebSocket connections, as written: what the service sends, and which messages it waits for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, near, shown
from mockserver.schema.base import DurationS, Json, OneOrList, SchemaOf, Spec, TextLike, listed
from mockserver.schema.delays import Delay
from mockserver.schema.match import Condition

MESSAGE_KINDS = ("text", "json", "base64")
MOST_CONTROL_BYTES = 125
"""Limit of the payload of a ping (RFC 6455 5.5)."""
_MOST_REASON_BYTES = MOST_CONTROL_BYTES - 2
_UNSENDABLE = frozenset({1004, 1005, 1006})
_MESSAGE_HINT = "Write {text: hello}, {json: {...}} or {base64: ...}"


class WebSocketFaultKind(StrEnum):
    """What breaks an open WebSocket connection."""

    RESET = "reset"
    CLOSE = "close"
    HANG = "hang"
    INVALID_FRAME = "invalid_frame"


class MessageSpec(Spec):
    """One message: a text, JSON in a text message, or a binary message in Base64."""

    text: TextLike = Field(default=None, description="A text message.")
    json_: Json = Field(
        default=None, alias="json", description="A text message with JSON; strings may be templates."
    )
    base64: str | None = Field(default=None, description="A binary message in Base64.")

    @model_validator(mode="before")
    @classmethod
    def _a_mapping(cls, value: object) -> object:
        if isinstance(value, (dict, cls)):
            return value
        raise WrongValueError(f"expected a message, got {shown(value)}", _MESSAGE_HINT)

    @model_validator(mode="after")
    def _one_kind(self) -> MessageSpec:
        kinds = [kind for kind in MESSAGE_KINDS if self.has("json_" if kind == "json" else kind)]
        if len(kinds) != 1:
            written = " and ".join(kinds) or "none"
            raise WrongValueError(
                f"a message has one of text, json and base64, this one has {written}", _MESSAGE_HINT
            )
        return self


class MessageMatchSpec(Spec):
    """Conditions on a received message, which must all be true; without any, every message matches."""

    text: Condition = Field(default=None, description="The text of a text message.")
    json_: Json = Field(
        default=None, alias="json", description="A part of the message as JSON; operators have a $ prefix."
    )
    json_exact: Json = Field(default=None, description="The complete message as JSON.")
    jsonpath: dict[str, Condition] = Field(
        default={}, description="RFC 9535 queries; each condition applies to the list of results."
    )
    schema_: Any = Field(default=None, alias="schema", description="JSON Schema 2020-12, inline or a file.")
    base64: str | None = Field(default=None, description="The bytes of a binary message, in Base64.")


class ReceiveSpec(MessageMatchSpec):
    """A message that the script waits for."""

    timeout_s: DurationS | None = Field(
        default=None,
        alias="timeout",
        description="The connection is closed with 1008 if no such message arrives in this time.",
    )


def is_close_code(code: int) -> bool:
    """Whether the code may be sent in a close frame (RFC 6455 7.4)."""
    return (1000 <= code <= 1014 and code not in _UNSENDABLE) or 3000 <= code <= 4999


def _code(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValueError(f"expected a close code, got {shown(value)}", "Write 1000, or {code, reason}")
    if not is_close_code(value):
        raise WrongValueError(
            f"{value} can't be sent as a close code", "Use 1000 to 1003, 1007 to 1014 or 3000 to 4999"
        )
    return value


def _reason(value: object) -> object:
    if isinstance(value, str) and len(value.encode("utf-8", "replace")) > _MOST_REASON_BYTES:
        raise WrongValueError(f"a reason has at most {_MOST_REASON_BYTES} bytes", "Shorten it")
    return value


CloseCode = Annotated[
    int, BeforeValidator(_code), WithJsonSchema({"type": "integer", "minimum": 1000, "maximum": 4999})
]
CloseReason = Annotated[str, BeforeValidator(_reason)]


class CloseSpec(Spec):
    """The code and the reason of a close frame."""

    code: CloseCode
    reason: CloseReason = ""


def _close(value: object) -> object:
    if isinstance(value, dict):
        return CloseSpec.model_validate(value)
    return CloseSpec(code=_code(value))  # type: ignore[arg-type]  # _code raises for anything but an int


Close = Annotated[
    Any,
    BeforeValidator(_close),
    SchemaOf(CloseSpec, {"type": "integer", "minimum": 1000, "maximum": 4999}),
]
"""A CloseSpec; a plain number is its code."""


def _repeat(value: object) -> object:
    if value == "forever" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise WrongValueError(f"{shown(value)} is not a number of repetitions", "Write 3, or forever")


Repeat = Annotated[
    Any,
    BeforeValidator(_repeat),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "forever"}]}),
]


def _fault(value: object) -> object:
    if isinstance(value, str) and value in list(WebSocketFaultKind):
        return WebSocketFaultKind(value)
    hint = near(value, list(WebSocketFaultKind)) if isinstance(value, str) else "Write reset or another kind"
    raise WrongValueError(f"{shown(value)} is not a fault of a WebSocket connection", hint)


WebSocketFault = Annotated[
    Any, BeforeValidator(_fault), WithJsonSchema({"enum": [kind.value for kind in WebSocketFaultKind]})
]


def _ping(value: object) -> object:
    if isinstance(value, (dict, list)) or value is None:
        raise WrongValueError(f"expected a text, got {shown(value)}", 'Write {ping: ""} or {ping: hello}')
    return value


Ping = Annotated[Any, BeforeValidator(_ping), WithJsonSchema({"type": ["string", "number", "boolean"]})]

_ACTIONS = ("send", "receive", "delay", "ping", "close", "fault", "repeat", "on")


class ScriptStepSpec(Spec):
    """One step of a script: one of these keys; `repeat` goes with `steps`."""

    send: MessageSpec | None = Field(default=None, description="Send a message.")
    receive: ReceiveSpec | None = Field(
        default=None, description="Wait for a message that matches; others are skipped."
    )
    delay: Delay = Field(default=None, description="Wait: 200ms, {min, max} or {median, sigma, max}.")
    ping: Ping = Field(default=None, description="Send a ping with this payload.")
    close: Close = Field(default=None, description="Close the connection: a code, or {code, reason}.")
    fault: WebSocketFault = Field(default=None, description="Break the connection.")
    repeat: Repeat = Field(default=None, description="Perform `steps` this often, or `forever`.")
    steps: Annotated[list[ScriptStepSpec], Field(min_length=1)] | None = Field(
        default=None, description="The steps that `repeat` performs."
    )
    on: Annotated[list[RuleSpec], Field(min_length=1)] | None = Field(
        default=None, description="From now on, messages that match a rule are answered by its steps."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if not isinstance(value, (dict, cls)):
            raise WrongValueError(
                f"expected a step, got {shown(value)}", "Write {send: {text: hello}} or another step"
            )
        return value

    @property
    def action(self) -> str:
        """The key that says what it does."""
        return next(name for name in _ACTIONS if self.has(name))

    @model_validator(mode="after")
    def _one_action(self) -> ScriptStepSpec:
        written = [name for name in _ACTIONS if self.has(name)]
        if len(written) != 1:
            raise WrongValueError(
                f"a step does one thing, this one has {' and '.join(written) or 'none'}",
                f"Write one of {', '.join(_ACTIONS)} in each step",
            )
        if self.has("steps") != (written == ["repeat"]):
            raise WrongValueError(
                "`repeat` and `steps` belong together", "Write {repeat: 3, steps: [{send: {text: hello}}]}"
            )
        if getattr(self, written[0]) is None:
            raise WrongValueError(f"`{written[0]}` has no value", "Write a value behind the key")
        return self


Script = list[ScriptStepSpec]


class RuleSpec(Spec):
    """What answers each message that matches."""

    receive: MessageMatchSpec
    steps: Annotated[list[ScriptStepSpec], Field(min_length=1), BeforeValidator(listed), OneOrList]
