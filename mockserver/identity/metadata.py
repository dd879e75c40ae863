"""What a provider tells about itself and its tokens: discovery, keys, userinfo, introspection, revocation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mockserver.identity.issuing import shown_keys, user_claims
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
from mockserver.identity.sign_in import RESPONSE_MODES
from mockserver.identity.token_endpoint import DEVICE_GRANT, GRANT_TYPES
from mockserver.jwt import UnreadableTokenError, bearer_token, is_signed, public_key, read_token
from mockserver.model.http import Response
from mockserver.store.memory import Memory

DISCOVERY = "/.well-known/openid-configuration"
AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"
KEY_SET = "/.well-known/jwks.json"
_CLIENT_METHODS = ["client_secret_basic", "client_secret_post", "none"]


def discovery(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer with the metadata of the provider (OpenID Connect Discovery 3, RFC 8414 2)."""
    issuer, spec = provider.issuer(asked.request), provider.spec
    url = issuer + provider.folder
    claims = dict.fromkeys(["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce"])
    for user in spec.users.values():
        claims.update(dict.fromkeys(user.claims))
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": issuer + spec.path,
        "userinfo_endpoint": f"{url}/userinfo",
        "jwks_uri": issuer + KEY_SET,
        "introspection_endpoint": f"{url}/introspect",
        "revocation_endpoint": f"{url}/revoke",
        "device_authorization_endpoint": f"{url}/device_authorization",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [spec.alg],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": list(claims),
        "code_challenge_methods_supported": ["S256", "plain"],
        "token_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "introspection_endpoint_auth_methods_supported": _CLIENT_METHODS[:2],
        "revocation_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "authorization_response_iss_parameter_supported": True,
    }
    if not spec.users:
        for key in ("device_authorization_endpoint", "userinfo_endpoint"):
            del document[key]
        document["grant_types_supported"] = [
            kind for kind in GRANT_TYPES if kind not in ("authorization_code", DEVICE_GRANT)
        ]
    return json_answer(200, document)


def key_set(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer with the public keys (RFC 7517 5)."""
    keys = [public_key(provider.spec.alg, number) for number in shown_keys(provider, asked)]
    return json_answer(200, {"keys": keys})


def valid_claims(memory: Memory, text: str, now_s: float) -> dict[str, Any] | None:
    """Return the claims of an access token of the namespace; None if it is not one, was revoked, or has expired."""
    try:
        token = read_token(text)
    except UnreadableTokenError:
        return None
    name = token.claims.get("jti")
    is_valid = isinstance(name, str) and memory.tokens.is_valid(name, now_s) and is_signed(token)
    return token.claims if is_valid else None


def userinfo(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer with the claims of the user (OpenID Connect Core 5.3)."""
    given = asked.request.headers.get("authorization", "")
    claims = valid_claims(asked.memory, bearer_token(given), asked.now_s)
    if claims is None:
        challenge = ("WWW-Authenticate", 'Bearer realm="oauth", error="invalid_token"')
        return refused("invalid_token", "The access token is unknown or has expired", 401, challenge)
    for name in provider.spec.users:
        about = user_claims(provider, name)
        if about["sub"] == claims.get("sub"):
            return json_answer(200, about)
    challenge = ("WWW-Authenticate", 'Bearer realm="oauth", error="insufficient_scope"')
    return refused("insufficient_scope", "The access token is not of a user", 403, challenge)


@for_clients
def introspect(provider: Provider, asked: IdentityRequest, _: str, fields: Fields) -> IdentityAnswer:
    """Answer whether a token is valid, and with its claims (RFC 7662)."""
    text = fields.get("token", "")
    claims = valid_claims(asked.memory, text, asked.now_s)
    if claims is not None:
        return json_answer(200, {"active": True, "token_type": "Bearer", **claims})
    grant = kept_grant(provider, asked, "refresh", text)
    if grant is None:
        return json_answer(200, {"active": False})
    about = {"client_id": grant["client"], "sub": grant["user"], "scope": grant["scope"]}
    return json_answer(200, {"active": True, **about})


@for_clients
def revoke(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    """Revoke an access or a refresh token of the client; an unknown one is not an error (RFC 7009)."""
    text, tokens = fields.get("token", ""), asked.memory.tokens
    commits: tuple[Callable[[], None], ...] = ()
    claims = valid_claims(asked.memory, text, asked.now_s)
    grant = kept_grant(provider, asked, "refresh", text)
    if claims is not None and claims.get("client_id") == client:
        commits = (partial(tokens.revoke, claims["jti"]),)
    elif grant is not None and grant["client"] == client:
        commits = (partial(tokens.spend, text),)
    return IdentityAnswer(Response(200), commits)
