"""The endpoints of `oauth` by their request lines."""

from __future__ import annotations

from mockserver.identity.metadata import (
    AUTHORIZATION_SERVER,
    DISCOVERY,
    KEY_SET,
    discovery,
    introspect,
    key_set,
    revoke,
    userinfo,
)
from mockserver.identity.provider import Endpoint
from mockserver.identity.sign_in import authorize, device, device_page, no_users
from mockserver.identity.token_endpoint import token
from mockserver.jwt import require_jwt
from mockserver.schema.identity import OAuthSpec


def endpoints_of(spec: OAuthSpec) -> dict[str, Endpoint]:
    """Return the endpoints, with paths below the base of the scenario. Raises MissingExtraError."""
    if not spec.oidc:
        return {f"POST {spec.path}": token}
    require_jwt(("oidc",), "An OpenID Connect provider")
    folder = spec.path.rpartition("/")[0]
    endpoints: dict[str, Endpoint] = {
        f"POST {spec.path}": token,
        f"GET {DISCOVERY}": discovery,
        f"GET {AUTHORIZATION_SERVER}": discovery,
        f"GET {KEY_SET}": key_set,
        f"GET,POST {folder}/authorize": authorize if spec.users else no_users,
        f"POST {folder}/introspect": introspect,
        f"POST {folder}/revoke": revoke,
    }
    if spec.users:
        endpoints |= {
            f"GET,POST {folder}/userinfo": userinfo,
            f"POST {folder}/device_authorization": device,
            f"GET,POST {folder}/device": device_page,
        }
    return endpoints
