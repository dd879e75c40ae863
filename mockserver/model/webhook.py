"""What a service sends by itself, as authors write it. Here: how it is signed."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from mockserver.errors import Wrong, near, shown
from mockserver.model.base import Spec, is_template

SCHEMES = ("stripe", "github", "slack", "standard", "hmac")
FAULTS = ("expired", "wrong_key", "tampered")
ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")
_TIMELESS = frozenset({"github", "hmac"})
_ONLY_HMAC = ("header", "algorithm", "encoding")


def _word(what: str, known: tuple[str, ...]) -> Any:
    def check(value: object) -> object:
        if value is not None and value not in known:
            raise Wrong(f"{shown(value)} is no {what}", near(str(value), known))
        return value

    return BeforeValidator(check)


def _header_name(value: object) -> object:
    if not isinstance(value, str) or not value or any(c in value for c in ' \t\r\n\0:"(),/;<=>?@[\\]{}'):
        raise Wrong(f"{shown(value)} is no header name", "Use letters, digits and dashes")
    return value


def key_of_standard(secret: str) -> bytes:
    """
    The key in a secret of Standard Webhooks: Base64, `whsec_` before it or not, padded or not.

    Raises ValueError.
    """
    bare = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as why:
        raise ValueError(f"{shown(secret)} is no Base64") from why
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
    secret: Annotated[str, Field(min_length=1)] = Field(description="The key that the receiver knows too.")
    fault: Annotated[
        Literal["expired", "wrong_key", "tampered"] | None, _word("fault of a signature", FAULTS)
    ] = Field(default=None, description="Makes the signature wrong, on purpose.")
    header: Annotated[str, BeforeValidator(_header_name), WithJsonSchema({"type": "string"})] = Field(
        default="x-signature", description="hmac only: the header that carries it."
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
            raise Wrong(
                f"the scheme {self.scheme} has its own {what}", "Leave it out, or use the scheme hmac"
            )
        if self.fault == "expired" and self.scheme in _TIMELESS:
            raise Wrong(
                f"a signature of the scheme {self.scheme} has no time to expire", "Use wrong_key or tampered"
            )
        if self.scheme == "standard" and not is_template(self.secret):
            _check_standard(self.secret)
        return self


def _check_standard(secret: str) -> None:
    try:
        key_of_standard(secret)
    except ValueError as why:
        raise Wrong(str(why), "A secret of the scheme standard is whsec_ and a key in Base64") from why
