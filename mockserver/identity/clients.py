"""Which client sends a request, and whether it is the one that it claims to be (RFC 6749 2.3)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from urllib.parse import unquote_plus

from mockserver.identity.provider import (
    Endpoint,
    IdentityAnswer,
    IdentityRequest,
    Parameters,
    Provider,
    refused,
)
from mockserver.model.http import Request
from mockserver.model.written import as_text
from mockserver.schema.identity import OAuthSpec

ClientEndpoint = Callable[[Provider, IdentityRequest, str, Parameters], IdentityAnswer]
CLIENT_METHODS = ["client_secret_basic", "client_secret_post", "none"]
SECRET_METHODS = CLIENT_METHODS[:2]


def for_clients(endpoint: ClientEndpoint, needed: str | None = None, *, secret: bool = False) -> Endpoint:
    """
    Return the endpoint for requests of authenticated clients, which have the needed parameter.

    With `secret`, a public client is refused.
    """

    def answer(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
        fields = asked.form()
        if fields.repeated is not None:
            return refused("invalid_request", f"{fields.repeated} is repeated")
        client = _authenticated(provider.spec, asked.request, fields)
        if isinstance(client, IdentityAnswer):
            return client
        if secret and provider.spec.clients[client].secret is None:
            return _unknown("A public client is not authenticated")
        if needed is not None and needed not in fields:
            return refused("invalid_request", f"{needed} is missing")
        return endpoint(provider, asked, client, fields)

    return answer


def _authenticated(spec: OAuthSpec, request: Request, fields: Parameters) -> str | IdentityAnswer:
    """Return the authenticated client, or the error. A public client has no secret."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_basic = scheme.lower() == "basic"
    if is_basic + ("client_secret" in fields) + ("client_assertion" in fields) > 1:
        return refused("invalid_request", "The client is authenticated in more than one way. Use one of them")
    if "client_assertion" in fields:
        return _unknown(f"client_assertion is not supported. Use {' or '.join(SECRET_METHODS)}")
    name, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    if is_basic:
        try:
            name, _, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return _unknown()
        if not _is_client(spec, name, secret):
            name, secret = unquote_plus(name), unquote_plus(secret)  # RFC 6749 2.3.1
    if not _is_client(spec, name, secret):
        return _unknown()
    if fields.get("client_id", name) != name:
        return refused("invalid_request", "client_id is not the client of the Authorization header")
    return name


def _unknown(text: str = "Unknown client, or wrong secret") -> IdentityAnswer:
    return refused("invalid_client", text, 401, ("WWW-Authenticate", 'Basic realm="oauth"'))


def _is_client(spec: OAuthSpec, name: str, secret: str) -> bool:
    client = spec.clients.get(name)
    if client is None:
        return False
    known = "" if client.secret is None else as_text(client.secret)
    return hmac.compare_digest(known.encode(), secret.encode())
