"""Webhooks, as written: target, body, time, retries and signature."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic_core import CoreSchema

from mockserver.errors import WrongValueError, near, shown
from mockserver.model.lines import HeaderLines, header_name
from mockserver.schema.base import METHOD, DurationS, Json, OneOrList, Spec, TextLike, http_url, is_template

SCHEMES = ("stripe", "github", "slack", "standard", "hmac")
FAULTS = ("expired", "wrong_key", "tampered")
ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")
_TIMELESS = frozenset({"github", "hmac"})
_ONLY_HMAC = ("header", "algorithm", "encoding")


def _word(what: str, known: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> object:
        if value is not None and value not in known:
            raise WrongValueError(f"{shown(value)} is no {what}", near(str(value), known))
        return value

    return BeforeValidator(check)


def key_of_standard(secret: str) -> bytes:
    """
    Return the key in a secret of Standard Webhooks: Base64, with or without `whsec_` and padding.

    Raises ValueError.
    """
    bare = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{shown(secret)} is not valid Base64") from error
    if not key:
        raise ValueError("the secret is empty")
    return key


class SignSpec(Spec):
    """
    How a webhook is signed. A fault makes the signature wrong on purpose: past its
    time, with another key, or with the body changed after it was signed.
    """

    scheme: Annotated[
        Literal["stripe", "github", "slack", "standard", "hmac"], _word("signature scheme", SCHEMES)
    ]
    secret: Annotated[str, Field(min_length=1)] = Field(description="The shared secret.")
    fault: Annotated[
        Literal["expired", "wrong_key", "tampered"] | None, _word("fault of a signature", FAULTS)
    ] = Field(default=None, description="Makes the signature invalid.")
    header: Annotated[str, BeforeValidator(header_name), WithJsonSchema({"type": "string"})] = Field(
        default="x-signature", description="hmac only: the header of the signature."
    )
    algorithm: Annotated[Literal["sha1", "sha256", "sha384", "sha512"], _word("algorithm", ALGORITHMS)] = (
        Field(default="sha256", description="hmac only.")
    )
    encoding: Annotated[Literal["hex", "base64"], _word("encoding", ("hex", "base64"))] = Field(
        default="hex", description="hmac only."
    )

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> Self:
        beside = [key for key in _ONLY_HMAC if self.has(key)]
        if beside and self.scheme != "hmac":
            what = " and ".join(f"`{key}`" for key in beside)
            raise WrongValueError(
                f"the scheme {self.scheme} has its own {what}", "Leave it out, or use the scheme hmac"
            )
        if self.fault == "expired" and self.scheme in _TIMELESS:
            raise WrongValueError(
                f"a signature of the scheme {self.scheme} has no time to expire", "Use wrong_key or tampered"
            )
        if self.scheme == "standard" and not is_template(self.secret):
            _check_standard(self.secret)
        return self


def _check_standard(secret: str) -> None:
    try:
        key_of_standard(secret)
    except ValueError as error:
        raise WrongValueError(
            str(error), "A secret of the scheme standard is whsec_ and a key in Base64"
        ) from error


MOST_ATTEMPTS = 100
MOST_REPEATS = 100
DEFAULT_ATTEMPTS = 3
DEFAULT_BACKOFF_S = 1.0


def _backoff(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,)


class RetrySpec(Spec):
    """Retries until the receiver answers 2xx, or all attempts are used."""

    attempts: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)] | None = Field(
        default=None,
        description="Total number of attempts; default 3, or as many as the schedule of `backoff` allows.",
        examples=[3],
    )
    backoff_s: Annotated[tuple[DurationS, ...], Field(min_length=1), BeforeValidator(_backoff), OneOrList] = (
        Field(
            default=(DEFAULT_BACKOFF_S,),
            alias="backoff",
            description="Waits between attempts, by the virtual clock: 1s, or a schedule such as [1s, 5s, 1m], whose last entry repeats.",
            examples=["1s"],
        )
    )

    @property
    def tries(self) -> int:
        """Total number of attempts."""
        if self.attempts is not None:
            return self.attempts
        return len(self.backoff_s) + 1 if len(self.backoff_s) > 1 else DEFAULT_ATTEMPTS

    @model_validator(mode="before")
    @classmethod
    def _a_mapping(cls, value: object) -> object:
        if isinstance(value, (dict, cls)):
            return value
        raise WrongValueError(f"expected a mapping, got {shown(value)}", "Write {attempts: 3, backoff: 1s}")


def _url(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise WrongValueError(f"expected a URL, got {shown(value)}", _URL_HINT)
    if not is_template(value) and "${" not in value:
        _check_url(value)
    return value


_URL_HINT = "Write one such as http://app:8000/hooks"


def _check_url(text: str) -> None:
    if "@" in http_url(text, _URL_HINT).netloc:
        raise WrongValueError(
            "the URL of a webhook can't contain user and password",
            "Send them as headers: {authorization: ...}",
        )
    if re.search(r"[\x00-\x20\x7f\\]", text):
        raise WrongValueError(f"{shown(text)} contains a space or a backslash", "Percent-encode it: %20, %5C")


def _method(value: object) -> object:
    if not isinstance(value, str) or not METHOD.fullmatch(value):
        raise WrongValueError(f"{shown(value)} is not a valid method", "Write POST, PUT or another")
    if value != value.upper():
        raise WrongValueError(
            f"{value!r} is not a valid method: methods are case-sensitive", f"Write {value.upper()!r}"
        )
    return value


_OUR_HEADERS = ("content-length", "transfer-encoding", "connection")
WEBHOOK_BODY_KINDS = ("json", "text", "html", "xml", "base64", "file", "form")


class WebhookSpec(Spec):
    """A request that the service sends after a call, or before its answer."""

    url: Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string"})] = Field(
        description="The target URL, such as {{ vars.callback }}.",
        examples=["http://app:8000/hooks", "{{ vars.callback }}"],
    )
    method: Annotated[str, BeforeValidator(_method), WithJsonSchema({"type": "string"})] = "POST"
    headers: HeaderLines = Field(default={}, description="A list sends one line per value.")
    json_: Json = Field(
        default=None, alias="json", description="The body as JSON; {{ reply.json }} is the answer."
    )
    text: TextLike = Field(default=None, description="The body as text/plain.")
    html: str | None = Field(default=None, description="The body as text/html.")
    xml: str | None = Field(default=None, description="The body as application/xml.")
    base64: str | None = Field(default=None, description="The body in Base64.")
    file: str | None = Field(default=None, description="A file in the folder of the scenario.")
    form: dict[str, Any] | None = Field(default=None, description="The body as a URL-encoded form.")
    sign: SignSpec | None = Field(default=None, description="{scheme: stripe, secret: whsec_test}")
    delay_s: DurationS = Field(
        default=0.0,
        alias="delay",
        description="Delay after the call, by the virtual clock; moving the clock sends due webhooks.",
    )
    retry: RetrySpec | None = Field(
        default=None, description="{attempts: 3, backoff: 1s}; default: one attempt."
    )
    repeat: Annotated[int, Field(ge=1, le=MOST_REPEATS)] = Field(
        default=1, description="Number of times that the webhook is sent."
    )
    before: bool = Field(default=False, description="Send it once before the answer.")

    @property
    def body_kind(self) -> str | None:
        """The key of WEBHOOK_BODY_KINDS that was written."""
        return next(iter(self._bodies()), None)

    @property
    def raw(self) -> bool:
        """Braces are always templates in a webhook."""
        return False

    @property
    def attempts(self) -> int:
        """Total number of attempts of one delivery."""
        return self.retry.tries if self.retry else 1

    @property
    def backoff_s(self) -> tuple[float, ...]:
        return self.retry.backoff_s if self.retry else (DEFAULT_BACKOFF_S,)

    def _bodies(self) -> list[str]:
        return [kind for kind in WEBHOOK_BODY_KINDS if self.has("json_" if kind == "json" else kind)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        bodies = self._bodies()
        if len(bodies) > 1:
            raise WrongValueError(
                f"a webhook has one body, this one has {' and '.join(bodies)}", "Keep one of them"
            )
        if self.before and self.delay_s:
            raise WrongValueError("`before` sends it before the answer, `delay` later", "Keep one of them")
        for name in self.headers:
            if name.lower() in _OUR_HEADERS:
                raise WrongValueError(
                    f"the header {name!r} follows from the body and the connection", "Leave it out"
                )
        return self


def _webhooks(value: object) -> object:
    if value == "none":
        return []
    if value is None:
        raise WrongValueError("`webhook` has no value", "Write none to send nothing, or leave the key out")
    if isinstance(value, (dict, list, WebhookSpec)):
        return value if isinstance(value, list) else [value]
    raise WrongValueError(
        f"expected a webhook, got {shown(value)}", "Write {url: http://app:8000/hooks, json: {...}}, or none"
    )


class _WebhooksSchema:
    """The JSON Schema of `webhook`: one, a list of them, or `none`."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        listed = handler(core)
        return {"anyOf": [{"const": "none"}, listed["items"], listed]}


Webhooks = Annotated[list[WebhookSpec], BeforeValidator(_webhooks), _WebhooksSchema]
"""Webhooks in the order in which they are sent; empty for `none`."""
