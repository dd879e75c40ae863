"""The OAuth 2.0 token endpoint and the OpenID Connect provider of a scenario, as written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mockserver.errors import WrongValueError, near, shown
from mockserver.schema.base import DurationS, SchemaOf, Spec, TextLike, http_url

TOKEN_CHANGES = (
    "ok", "expired", "not_yet_valid", "wrong_audience", "wrong_issuer", "bad_signature", "rotated",
)  # fmt: skip


class OAuthClientSpec(Spec):
    """A client. Without a secret it is public, and must use PKCE."""

    secret: TextLike | None = None
    redirect_uris: list[str] | None = Field(default=None, description="Allowed redirect URIs; default: any.")
    post_logout_redirect_uris: list[str] | None = Field(
        default=None, description="Allowed redirect URIs after a logout; default: any."
    )


def _client(value: object) -> object:
    if value is None or isinstance(value, (list, tuple)):
        raise WrongValueError(
            f"expected a secret, got {shown(value)}", "Write its secret, or {} for a public client"
        )
    return OAuthClientSpec.model_validate(value if isinstance(value, dict) else {"secret": value})


OAuthClient = Annotated[
    Any, BeforeValidator(_client), SchemaOf(OAuthClientSpec, {"type": ["string", "number", "boolean"]})
]
"""An OAuthClientSpec, or its secret."""


class OAuthUserSpec(Spec):
    """A user who can sign in."""

    password: TextLike | None = Field(default=None, description="Default: any password.")
    claims: dict[str, Any] = Field(
        default={}, description="Claims of the ID token and of the userinfo endpoint; `sub` is the name."
    )


class TokenChangeSpec(Spec):
    """Changed claims of the tokens of one answer."""

    claims: dict[str, Any] = Field(description="Claims that replace those of the tokens; null removes one.")


def _change(value: object) -> object:
    if isinstance(value, str):
        if value not in TOKEN_CHANGES:
            raise WrongValueError(f"{value!r} is not a kind of token", near(value, TOKEN_CHANGES))
        return value
    return TokenChangeSpec.model_validate(value)


TokenChange = Annotated[
    Any, BeforeValidator(_change), SchemaOf(TokenChangeSpec, {"enum": list(TOKEN_CHANGES)})
]
"""One of TOKEN_CHANGES, or a TokenChangeSpec."""

_ISSUER_HINT = "Write the URL by which clients reach the server, such as http://mock:8080"
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def _issuer(value: object) -> object:
    if not isinstance(value, str):
        raise WrongValueError(f"expected a URL, got {shown(value)}", _ISSUER_HINT)
    parts = http_url(value, _ISSUER_HINT)
    if parts.query or parts.fragment or value.endswith("/") or _CONTROL.search(value):
        raise WrongValueError(
            f"{shown(value)} has a query, a fragment, white space or a slash at its end", _ISSUER_HINT
        )
    return value


class OAuthSpec(Spec):
    """
    A token endpoint: client credentials and refresh tokens; tokens expire by the virtual clock.

    With `oidc`, an OpenID Connect provider.
    """

    path: str = Field(default="/oauth/token", pattern=r"^/[^?#{}]*$")
    clients: Annotated[dict[str, OAuthClient], Field(min_length=1)] = Field(
        description="Secrets by client id; {} is a public client, {secret, redirect_uris} limits redirects."
    )
    expires_s: DurationS = Field(default=3600.0, alias="expires")
    oidc: bool = Field(
        default=False,
        description="Be an OpenID Connect provider: discovery, signed tokens, sign-in of `users`.",
    )
    users: dict[str, OAuthUserSpec] = Field(default={}, description="Users by name.")
    consent: Literal["page", "auto", "deny"] = Field(
        default="page",
        description="Who allows a sign-in: a page with a form, `auto` for the first user, or `deny`.",
    )
    alg: Literal["RS256", "ES256"] = Field(default="RS256", description="The algorithm of signatures.")
    issuer: Annotated[str | None, BeforeValidator(_issuer)] = Field(
        default=None, description="URL of the issuer; default: the URL of the request, with the base."
    )
    audience: str | None = Field(
        default=None, description="Audience of access tokens; default: what the client requests, else its id."
    )
    tokens: list[TokenChange] = Field(
        default=[],
        description="Faults of issued tokens, one for each answer with tokens; the last one repeats.",
        examples=[["expired", "ok"]],
    )
    jwks_delay_s: DurationS = Field(
        default=0.0,
        alias="jwks_delay",
        description="Time until the key set shows a rotated key, by the virtual clock.",
    )

    @model_validator(mode="after")
    def _fits(self) -> OAuthSpec:
        if not self.oidc:
            for key in ("users", "consent", "alg", "issuer", "audience", "tokens", "jwks_delay_s"):
                if self.has(key):
                    name = key.removesuffix("_s")
                    raise WrongValueError(f"`{name}` needs `oidc: true`", f"Add oidc: true, or remove {name}")
            for name, client in self.clients.items():
                if client.model_fields_set != {"secret"} or client.secret is None:
                    raise WrongValueError(
                        f"the client {name!r} needs `oidc: true`, or only a secret",
                        f"Write clients: {{{name}: s3cret}}",
                    )
        return self
