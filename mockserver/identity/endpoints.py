"""The endpoints of `oauth` by their request lines."""

from __future__ import annotations

from mockserver.identity.access import introspect, revoke, userinfo
from mockserver.identity.clients import for_clients
from mockserver.identity.devices import device, device_page
from mockserver.identity.metadata import AUTHORIZATION_SERVER, DISCOVERY, KEY_SET, discovery, key_set
from mockserver.identity.provider import Endpoint
from mockserver.identity.sign_in import authorize, no_users
from mockserver.identity.sign_out import sign_out
from mockserver.identity.token_endpoint import token
from mockserver.jwt import require_jwt
from mockserver.schema.identity import OAuthSpec


def endpoints_of(spec: OAuthSpec) -> dict[str, Endpoint]:
    """Return the endpoints, with paths below the base of the scenario. Raises MissingExtraError."""
    tokens = {f"POST {spec.path}": for_clients(token, "grant_type")}
    if not spec.oidc:
        return tokens
    require_jwt(("oidc",), "An OpenID Connect provider")
    folder = spec.path.rpartition("/")[0]
    endpoints: dict[str, Endpoint] = {
        **tokens,
        f"GET {DISCOVERY}": discovery,
        f"GET {AUTHORIZATION_SERVER}": discovery,
        f"GET {KEY_SET}": key_set,
        f"GET,POST {folder}/authorize": authorize if spec.users else no_users,
        f"POST {folder}/introspect": for_clients(introspect, "token", secret=True),
        f"POST {folder}/revoke": for_clients(revoke, "token"),
    }
    if spec.users:
        endpoints |= {
            f"GET,POST {folder}/userinfo": userinfo,
            f"POST {folder}/device_authorization": for_clients(device),
            f"GET,POST {folder}/device": device_page,
            f"GET,POST {folder}/logout": sign_out,
        }
    return endpoints
