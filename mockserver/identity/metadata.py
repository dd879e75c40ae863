"""What a provider tells about itself: discovery and keys."""

from __future__ import annotations

from typing import Any

from mockserver.identity.clients import CLIENT_METHODS, SECRET_METHODS
from mockserver.identity.issuing import shown_keys
from mockserver.identity.provider import IdentityAnswer, IdentityRequest, Provider, json_answer
from mockserver.identity.sign_in import RESPONSE_MODES
from mockserver.identity.token_endpoint import DEVICE_GRANT, GRANT_TYPES
from mockserver.jwt import public_key

DISCOVERY = "/.well-known/openid-configuration"
AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"
KEY_SET = "/.well-known/jwks.json"
_OF_USERS = ("userinfo_endpoint", "device_authorization_endpoint", "end_session_endpoint")
_CLAIMS = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid"]


def discovery(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer with the metadata of the provider (OpenID Connect Discovery 3, RFC 8414 2)."""
    issuer, spec = provider.issuer(asked.request), provider.spec
    url = issuer + provider.folder
    claims = dict.fromkeys(_CLAIMS)
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
        "end_session_endpoint": f"{url}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [spec.alg],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": list(claims),
        "code_challenge_methods_supported": ["S256", "plain"],
        "token_endpoint_auth_methods_supported": CLIENT_METHODS,
        "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
        "revocation_endpoint_auth_methods_supported": CLIENT_METHODS,
        "authorization_response_iss_parameter_supported": True,
        "request_uri_parameter_supported": False,
    }
    if not spec.users:
        for key in _OF_USERS:
            del document[key]
        document["grant_types_supported"] = [
            kind for kind in GRANT_TYPES if kind not in ("authorization_code", DEVICE_GRANT)
        ]
    return json_answer(200, document)


def key_set(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer with the public keys (RFC 7517 5)."""
    keys = [public_key(provider.spec.alg, number) for number in shown_keys(provider, asked)]
    return json_answer(200, {"keys": keys})
