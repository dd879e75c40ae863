"""Policies, as written: authentication, idempotency keys, rate limits."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, shown
from mockserver.model.lines import HeaderLines
from mockserver.schema.base import DurationS, SchemaOf, Spec, TextLike, exactly_one
from mockserver.schema.reply import ReplySpec

NONE = "none"
"""Disables, on a route, a policy of its scenario."""


class ApiKeySpec(Spec):
    """A key in a header or a query parameter."""

    header: str | None = None
    query: str | None = None
    values: Annotated[list[TextLike], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_place(self) -> ApiKeySpec:
        hint = "Write {header: x-api-key, values: [...]}, or `query` for `header`"
        exactly_one(self, ("header", "query"), "an API key needs one of `header` and `query`", hint)
        return self


_AUTH_KINDS = "Write {bearer: [token]}, {basic: {user: pass}}, {api_key: {...}}"


class AuthSpec(Spec):
    """Authentication of exactly one kind."""

    bearer: Annotated[list[TextLike], Field(min_length=1)] | None = Field(
        default=None, description="Accepted tokens."
    )
    basic: Annotated[dict[str, TextLike], Field(min_length=1)] | None = Field(
        default=None, description="Passwords by user."
    )
    api_key: ApiKeySpec | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> AuthSpec:
        exactly_one(
            self, ("bearer", "basic", "api_key"), "auth needs exactly one kind", f"{_AUTH_KINDS} or oauth"
        )
        return self


def _auth(value: object) -> object:
    if isinstance(value, str):
        if value not in ("oauth", NONE):
            raise WrongValueError(
                f"{value!r} is not a kind of authentication", f"{_AUTH_KINDS}, oauth or none"
            )
        return value
    return AuthSpec.model_validate(value)


Auth = Annotated[Any, BeforeValidator(_auth), SchemaOf(AuthSpec, {"enum": ["oauth", "none"]})]
"""An AuthSpec, "oauth" or "none"."""


class IdempotencySpec(Spec):
    """The idempotency key of POST and PATCH: in a header, or in a field of the JSON body."""

    header: str | None = None
    json_: str | None = Field(
        default=None, alias="json", description="A field of the body, such as idempotency_key or meta.key."
    )
    ttl_s: DurationS = Field(
        default=86400.0,
        alias="ttl",
        description="How long a key is valid, by the virtual clock; default 24h.",
    )
    required: bool = Field(default=False, description="A request without a key gets 400.")
    conflict: ReplySpec | None = Field(
        default=None, description="The answer to a known key with another body; default 422."
    )
    in_flight: ReplySpec | None = Field(
        default=None, description="The answer while the first request is in progress; default 409."
    )

    @model_validator(mode="after")
    def _one_place(self) -> IdempotencySpec:
        hint = "Write {header: idempotency-key} or {json: idempotency_key}"
        exactly_one(self, ("header", "json_"), "the key needs one of `header` and `json`", hint)
        return self


_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h|d)")
_WINDOWS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Rate:
    """A number of calls in a number of seconds."""

    __slots__ = ("calls", "text", "window_s")

    def __init__(self, text: str) -> None:
        """Raises ValueError."""
        match = _RATE.fullmatch(text.strip())
        if not match or float(match[1]) <= 0:
            raise ValueError(text)
        self.text = text
        self.calls = float(match[1])
        self.window_s = _WINDOWS_S[match[2]]

    def __repr__(self) -> str:
        return f"Rate({self.text!r})"


def _rate(value: object) -> object:
    try:
        return Rate(str(value))
    except ValueError:
        raise WrongValueError(f"{shown(value)} is not a valid rate", "Write 10/s, 2/m or 100/h") from None


def _limit_headers(value: object) -> object:
    if value is not None and not isinstance(value, (bool, dict)):
        hint = "Write true, false, or {x-ratelimit-remaining: '{{ limit.remaining }}'}"
        raise WrongValueError(f"expected true, false or headers, got {shown(value)}", hint)
    return value


RateText = Annotated[
    Any, BeforeValidator(_rate), WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?/(s|m|h|d)$"})
]
"""A Rate, written as 10/s."""


class LimitSpec(Spec):
    """A token bucket for each value of `by`, or a number of concurrent calls."""

    rate: RateText = None
    burst: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Size of the bucket; default: the number of `rate`."
    )
    in_flight: Annotated[int, Field(ge=1)] | None = None
    by: str | None = Field(default=None, description="A selector; each of its values has its own bucket.")
    headers: Annotated[bool | HeaderLines | None, BeforeValidator(_limit_headers)] = Field(
        default=None,
        description=(
            "true: every answer has RateLimit-Policy and RateLimit, not only those over the limit; false: none has; or other "
            "headers, which can use `limit`."
        ),
        examples=[True, {"x-ratelimit-remaining": "{{ limit.remaining }}"}],
    )
    reply: ReplySpec | None = Field(
        default=None, description="The answer over the limit, which can use `limit`; default 429."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> LimitSpec:
        hint = "Write {rate: 10/s, burst: 5} or {in_flight: 2}"
        exactly_one(self, ("rate", "in_flight"), "a limit needs one of `rate` and `in_flight`", hint)
        if self.burst is not None and self.rate is None:
            raise WrongValueError("`burst` needs `rate`", "Add rate: 10/s")
        return self


def _idempotency(value: object) -> object:
    return value if value == NONE else IdempotencySpec.model_validate(value)


def _limit(value: object) -> object:
    return value if value == NONE else LimitSpec.model_validate(value)


Idempotency = Annotated[Any, BeforeValidator(_idempotency), SchemaOf(IdempotencySpec, {"const": NONE})]
"""An IdempotencySpec, or "none"."""
Limit = Annotated[Any, BeforeValidator(_limit), SchemaOf(LimitSpec, {"const": NONE})]
"""A LimitSpec, or "none"."""


class GuardedSpec(Spec):
    """Policies that are applied before a request is answered; those of a route replace the scenario's."""

    auth: Auth = Field(
        default=None, description="Authentication: {bearer: [...]}, oauth, …; `none` disables it."
    )
    idempotency: Idempotency = Field(default=None, description="The idempotency key of POST and PATCH.")
    limit: Limit = Field(
        default=None,
        description="{rate: 10/s, burst: 5, by: selector} or {in_flight: 2}; with headers, reply.",
    )
