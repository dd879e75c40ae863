"""What becomes of issued tokens: userinfo, introspection, revocation."""

from __future__ import annotations

from functools import partial
from typing import Any

from mockserver.identity.issuing import user_claims
from mockserver.identity.provider import (
    Commits,
    IdentityAnswer,
    IdentityRequest,
    Parameters,
    Provider,
    json_answer,
    refused,
)
from mockserver.identity.sessions import ended, session_of
from mockserver.jwt import UnreadableTokenError, bearer_token, is_signed, read_token
from mockserver.model.http import Response
from mockserver.store.memory import Memory
from mockserver.store.tokens import Grant

Access = tuple[dict[str, Any], Grant]
"""The claims of an access token, and what the namespace knows of it."""


def valid_access(memory: Memory, text: str, now_s: float) -> Access | None:
    """Return an access token of the namespace; None if it is not one, was revoked, or is not valid now."""
    try:
        token = read_token(text)
    except UnreadableTokenError:
        return None
    name, since_s = token.claims.get("jti"), token.claims.get("nbf")
    grant = memory.tokens.access_of(name, now_s) if isinstance(name, str) else None
    if grant is None or (isinstance(since_s, (int, float)) and now_s < since_s) or not is_signed(token):
        return None
    return token.claims, grant


def _own_access(provider: Provider, asked: IdentityRequest, text: str) -> Access | None:
    access = valid_access(asked.memory, text, asked.now_s)
    return access if access is not None and access[1].get("provider") == provider.name else None


def userinfo(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer with the claims of the user (OpenID Connect Core 5.3)."""
    given = asked.request.headers.get("authorization", "")
    if not given:
        return _unauthorized("invalid_request", "The header Authorization is missing", 401, 'realm="oauth"')
    access = _own_access(provider, asked, bearer_token(given))
    if access is None:
        return _unauthorized("invalid_token", "The access token is unknown, expired or not valid yet")
    claims, grant = access
    if "user" not in grant or "openid" not in str(claims.get("scope", "")).split():
        text = "The access token is not of a user, or does not have the scope openid"
        return _unauthorized("insufficient_scope", text, 403)
    return json_answer(200, user_claims(provider, grant["user"]))


def _unauthorized(code: str, text: str, status: int = 401, parameters: str = "") -> IdentityAnswer:
    """Return an error; without a token, the challenge names none (RFC 6750 3.1)."""
    challenge = parameters or f'realm="oauth", error="{code}"'
    return refused(code, text, status, ("WWW-Authenticate", f"Bearer {challenge}"))


def introspect(provider: Provider, asked: IdentityRequest, _: str, fields: Parameters) -> IdentityAnswer:
    """Answer whether a token is valid, and with its claims (RFC 7662)."""
    access = _own_access(provider, asked, fields["token"])
    if access is not None:
        return json_answer(200, {"active": True, "token_type": "Bearer", **access[0]})
    session = session_of(provider, asked, "refresh", fields["token"])
    if session is None:
        return json_answer(200, {"active": False})
    about = {
        "client_id": session["client"],
        "sub": user_claims(provider, session["user"])["sub"],
        "scope": session["scope"],
    }
    return json_answer(200, {"active": True, **about})


def revoke(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    """
    Revoke an access token, or a refresh token with all tokens of its session; an unknown one is not an error (RFC 7009).
    """
    access = _own_access(provider, asked, fields["token"])
    session = session_of(provider, asked, "refresh", fields["token"])
    owner = (
        access[1]["client"] if access is not None else session["client"] if session is not None else client
    )
    if owner != client:
        return refused("invalid_request", "The token was issued to another client")
    commits: Commits = ()
    if access is not None:
        commits = (partial(asked.memory.tokens.revoke, access[0]["jti"]),)
    elif session is not None:
        commits = ended(asked, session)
    return IdentityAnswer(Response(200), commits)
