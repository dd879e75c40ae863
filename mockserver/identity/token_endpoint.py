"""
The token endpoint: client credentials and refresh tokens (RFC 6749 4.4 and 6), and with OpenID Connect authorization
codes (RFC 6749 4.1, RFC 7636) and device codes (RFC 8628).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import partial

from mockserver.identity.issuing import issued
from mockserver.identity.provider import (
    Fields,
    IdentityAnswer,
    IdentityRequest,
    Provider,
    for_clients,
    json_answer,
    kept_grant,
    refused,
)
from mockserver.store.tokens import Grant

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_USED = "The {} is unknown, was used or has expired"


@for_clients
def token(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    kind = fields.get("grant_type", "")
    if not kind:
        return refused("invalid_request", "grant_type is missing")
    grants = _SIGNED if provider.spec.oidc else _OPAQUE
    if kind not in grants:
        return refused("unsupported_grant_type", f"Use {' or '.join(grants)}")
    return grants[kind](provider, asked, client, fields)


# Opaque tokens


def _opaque(
    provider: Provider, asked: IdentityRequest, client: str, _: Fields, spent: str | None = None
) -> IdentityAnswer:
    access, refresh = asked.draws.text(40), asked.draws.text(40)
    document = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(provider.spec.expires_s),
        "refresh_token": refresh,
    }
    tokens, now_s = asked.memory.tokens, asked.now_s
    commits = (
        *(() if spent is None else (partial(tokens.spend, spent),)),
        partial(tokens.issue, access, now_s, now_s + provider.spec.expires_s),
        partial(tokens.keep, refresh, client, now_s),
    )
    return IdentityAnswer(json_answer(200, document).response, commits)


def _opaque_again(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    spent = fields.get("refresh_token", "")
    if asked.memory.tokens.client_of(spent) != client:
        return refused("invalid_grant", "The refresh token is unknown or was used")
    return _opaque(provider, asked, client, fields, spent)


# Signed tokens


def _by_secret(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    if provider.spec.clients[client].secret is None:
        return refused("unauthorized_client", "A public client has no credentials")
    audience = fields.get("audience") or fields.get("resource")
    grant = {"client": client, "user": None, "scope": fields.get("scope", ""), "audience": audience}
    return issued(provider, asked, grant)


def _kept(provider: Provider, asked: IdentityRequest, client: str, kind: str, code: str) -> Grant | None:
    grant = kept_grant(provider, asked, kind, code)
    return grant if grant is not None and grant["client"] == client else None


def _by_code(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    code = fields.get("code", "")
    grant = _kept(provider, asked, client, "code", code)
    if grant is None:
        return refused("invalid_grant", _USED.format("code"))
    if fields.get("redirect_uri", grant["redirect_uri"]) != grant["redirect_uri"]:
        return refused("invalid_grant", "redirect_uri is not that of the authorization request")
    if not is_verified(
        grant.get("challenge"), grant.get("challenge_method"), fields.get("code_verifier", "")
    ):
        return refused("invalid_grant", "code_verifier does not fit the code_challenge")
    return issued(provider, asked, grant, spent=code, is_renewable=True)


def is_verified(challenge: str | None, method: str | None, verifier: str) -> bool:
    """Whether the verifier is that of the challenge (RFC 7636 4.6); true without a challenge."""
    if challenge is None:
        return True
    if method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return verifier == challenge


def _again(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    refresh = fields.get("refresh_token", "")
    grant = _kept(provider, asked, client, "refresh", refresh)
    if grant is None:
        return refused("invalid_grant", _USED.format("refresh token"))
    scope = fields.get("scope") or grant["scope"]
    if not set(scope.split()) <= set(grant["scope"].split()):
        return refused("invalid_scope", f"The scope was not granted; it was {grant['scope']!r}")
    return issued(provider, asked, {**grant, "scope": scope}, spent=refresh, is_renewable=True)


def _by_device(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    code = fields.get("device_code", "")
    grant = _kept(provider, asked, client, "device", code)
    if grant is None:
        return refused("expired_token", _USED.format("device code"))
    if grant["user"] is None and not grant["denied"]:
        return refused("authorization_pending", "The user has not allowed it yet")
    if grant["denied"]:
        denied = refused("access_denied", "The user denied it")
        return IdentityAnswer(denied.response, (partial(asked.memory.tokens.spend, code),))
    return issued(provider, asked, grant, spent=code, is_renewable=True)


GrantType = Callable[[Provider, IdentityRequest, str, Fields], IdentityAnswer]
_OPAQUE: dict[str, GrantType] = {"client_credentials": _opaque, "refresh_token": _opaque_again}
_SIGNED: dict[str, GrantType] = {
    "authorization_code": _by_code,
    "client_credentials": _by_secret,
    "refresh_token": _again,
    DEVICE_GRANT: _by_device,
}
GRANT_TYPES = tuple(_SIGNED)
