"""The built-in `oauth`: client credentials and refresh tokens (RFC 6749 4.4 and 6). Tokens expire by the clock."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from mockserver.model.http import Request, Response, UnreadableBodyError
from mockserver.model.written import as_text
from mockserver.responses.bodies import dump_json
from mockserver.schema.policies import OAuthSpec
from mockserver.store.tokens import Tokens
from mockserver.templating.random_values import Draws


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of a token request: a response, and tokens to issue with it."""

    response: Response
    tokens: tuple[str, str, str] | None = None
    spent: str | None = None


def grant(spec: OAuthSpec, request: Request, tokens: Tokens, draws: Draws) -> Grant:
    """Decide on a token request; nothing is issued yet."""
    fields = _fields(request)
    client = _client(spec, request, fields)
    if client is None:
        challenge = ("WWW-Authenticate", 'Basic realm="oauth"')
        return Grant(_refused(401, "invalid_client", "Unknown client, or wrong secret", challenge))
    kind = fields.get("grant_type", "")
    if kind == "refresh_token":
        spent = fields.get("refresh_token", "")
        if tokens.client_of(spent) != client:
            return Grant(_refused(400, "invalid_grant", "The refresh token is unknown or was used"))
        return _granted(spec, client, draws, spent)
    if kind == "client_credentials":
        return _granted(spec, client, draws, None)
    if not kind:
        return Grant(_refused(400, "invalid_request", "grant_type is missing"))
    return Grant(_refused(400, "unsupported_grant_type", "Use client_credentials or refresh_token"))


def _granted(spec: OAuthSpec, client: str, draws: Draws, spent: str | None) -> Grant:
    access, refresh = draws.text(40), draws.text(40)
    document = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(spec.expires_s),
        "refresh_token": refresh,
    }
    return Grant(_json(200, document), (client, access, refresh), spent)


def _fields(request: Request) -> dict[str, str]:
    try:
        if request.media_type == "application/json":
            body = request.json
            return (
                {str(key): as_text(value) for key, value in body.items()} if isinstance(body, Mapping) else {}
            )
        return dict(request.form_pairs)
    except UnreadableBodyError:
        return {}


def _client(spec: OAuthSpec, request: Request, fields: dict[str, str]) -> str | None:
    """Return the authenticated client, by Basic or by the body."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    name, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
    known = spec.clients.get(name)
    return (
        name if known is not None and hmac.compare_digest(as_text(known).encode(), secret.encode()) else None
    )


def _refused(status: int, code: str, text: str, *headers: tuple[str, str]) -> Response:
    return _json(status, {"error": code, "error_description": text}, *headers)


def _json(status: int, document: dict[str, object], *headers: tuple[str, str]) -> Response:
    lines = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers]
    return Response(status, lines, dump_json(document))
