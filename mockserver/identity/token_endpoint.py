"""
The token endpoint: client credentials and refresh tokens (RFC 6749 4.4 and 6), and with OpenID Connect authorization
codes (RFC 6749 4.1, RFC 7636) and device codes (RFC 8628).
"""

from __future__ import annotations

import base64
import hashlib
from functools import partial

from mockserver.identity.clients import ClientEndpoint
from mockserver.identity.issuing import issued
from mockserver.identity.provider import (
    IdentityAnswer,
    IdentityRequest,
    Parameters,
    Provider,
    json_answer,
    refused,
)
from mockserver.identity.sessions import ended, replayed, session_of
from mockserver.store.tokens import Grant

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_USED = "The {} is unknown, was used or has expired"


def token(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    grants = _SIGNED if provider.spec.oidc else _OPAQUE
    kind = fields["grant_type"]
    if kind not in grants:
        return refused("unsupported_grant_type", f"Use {' or '.join(grants)}")
    needed, answer = grants[kind]
    if needed is not None and needed not in fields:
        return refused("invalid_request", f"{needed} is missing")
    return answer(provider, asked, client, fields)


# Opaque tokens


def _opaque(
    provider: Provider, asked: IdentityRequest, client: str, _: Parameters, spent: str | None = None
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
        partial(tokens.issue, access, {"until_s": now_s + provider.spec.expires_s}, now_s),
        partial(tokens.keep, refresh, client, now_s),
    )
    return IdentityAnswer(json_answer(200, document).response, commits)


def _opaque_again(
    provider: Provider, asked: IdentityRequest, client: str, fields: Parameters
) -> IdentityAnswer:
    spent = fields["refresh_token"]
    if asked.memory.tokens.client_of(spent) != client:
        return refused("invalid_grant", "The refresh token is unknown or was used")
    return _opaque(provider, asked, client, fields, spent)


# Signed tokens


def _by_secret(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    if provider.spec.clients[client].secret is None:
        return refused("unauthorized_client", "A public client has no credentials")
    audience = fields.get("audience") or fields.get("resource")
    return issued(provider, asked, {"client": client, "scope": fields.get("scope", ""), "audience": audience})


def _session_of(
    provider: Provider, asked: IdentityRequest, client: str, kind: str, code: str
) -> Grant | IdentityAnswer:
    """Return the session of a code or refresh token, or the error, which ends the session of one that was used."""
    session = session_of(provider, asked, kind, code)
    if session is not None and session["client"] == client:
        return session
    used = replayed(provider, asked, client, code)
    text = _USED.format("refresh token" if kind == "refresh" else kind)
    if used is None:
        return refused("invalid_grant", text)
    return refused(
        "invalid_grant", f"{text}. All tokens of its user's session are revoked", commits=ended(asked, used)
    )


def _by_code(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    session = _session_of(provider, asked, client, "code", fields["code"])
    if isinstance(session, IdentityAnswer):
        return session
    if fields.get("redirect_uri") != session["redirect_uri"]:
        return refused("invalid_grant", "redirect_uri is not that of the authorization request")
    if not is_verified(
        session.get("challenge"), session.get("challenge_method"), fields.get("code_verifier", "")
    ):
        return refused("invalid_grant", "code_verifier does not fit the code_challenge")
    return issued(provider, asked, session)


def is_verified(challenge: str | None, method: str | None, verifier: str) -> bool:
    """Whether the verifier is that of the challenge (RFC 7636 4.6); without one, whether there is none (RFC 9700 4.8.2)."""
    if challenge is None:
        return not verifier
    if method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return verifier == challenge


def _again(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    session = _session_of(provider, asked, client, "refresh", fields["refresh_token"])
    if isinstance(session, IdentityAnswer):
        return session
    scope = fields.get("scope") or session["scope"]
    if not set(scope.split()) <= set(session["scope"].split()):
        return refused("invalid_scope", f"The scope was not granted; it was {session['scope']!r}")
    return issued(provider, asked, session, scope=scope)


def _by_device(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    session = session_of(provider, asked, "device", fields["device_code"])
    if session is None or session["client"] != client:
        return refused("expired_token", _USED.format("device code"))
    if session["denied"]:
        return refused("access_denied", "The user denied it", commits=ended(asked, session))
    if session["user"] is None:
        return refused("authorization_pending", "The user has not allowed it yet")
    return issued(provider, asked, session)


_OPAQUE: dict[str, tuple[str | None, ClientEndpoint]] = {
    "client_credentials": (None, _opaque),
    "refresh_token": ("refresh_token", _opaque_again),
}
_SIGNED: dict[str, tuple[str | None, ClientEndpoint]] = {
    "authorization_code": ("code", _by_code),
    "client_credentials": (None, _by_secret),
    "refresh_token": ("refresh_token", _again),
    DEVICE_GRANT: ("device_code", _by_device),
}
GRANT_TYPES = tuple(_SIGNED)
