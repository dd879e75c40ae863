"""What the endpoints of a provider share: what they are asked, what they answer, and who their clients are."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from urllib.parse import unquote_plus

from mockserver.model.http import Request, Response, UnreadableBodyError
from mockserver.model.written import as_text
from mockserver.responses.bodies import dump_json
from mockserver.schema.identity import OAuthSpec
from mockserver.store.memory import Memory
from mockserver.store.tokens import Grant
from mockserver.templating.random_values import Draws

StateWrites = tuple[tuple[str, object, float | None], ...]
NO_STORE = ("Cache-Control", "no-store")

Fields = Mapping[str, str]
"""The fields of a form or a query, or the texts of a JSON object."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The token endpoint or OpenID Connect provider of the scenario `name`, below its base."""

    name: str
    base: str
    spec: OAuthSpec

    @property
    def folder(self) -> str:
        """The path of the folder of its endpoints, without a slash at its end."""
        return self.spec.path.rpartition("/")[0]

    def issuer(self, request: Request) -> str:
        return self.spec.issuer or request.base_url + self.base

    def state_key(self, name: str) -> str:
        """Return the key in the state of a namespace."""
        return f"oauth.{self.name}.{name}"


@dataclass(frozen=True, slots=True)
class IdentityRequest:
    """A request to an endpoint, with what the namespace remembers, its time and random values."""

    request: Request
    memory: Memory
    now_s: float
    draws: Draws

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number of the state."""
        value = self.memory.state.get(key, default)
        return value if isinstance(value, int) and not isinstance(value, bool) else default


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """A response, and what is written when it is sent."""

    response: Response
    commits: tuple[Callable[[], None], ...] = ()
    writes: StateWrites = ()


Endpoint = Callable[[Provider, IdentityRequest], IdentityAnswer]


def kept_grant(provider: Provider, asked: IdentityRequest, kind: str, code: str) -> Grant | None:
    """Return what a code or a refresh token of this provider grants; None if it is unknown or has expired."""
    grant = asked.memory.tokens.grant_of(code, asked.now_s)
    is_own = grant is not None and (grant["kind"], grant.get("provider")) == (kind, provider.name)
    return grant if is_own else None


def json_answer(status: int, document: Mapping[str, object], *headers: tuple[str, str]) -> IdentityAnswer:
    lines = [("Content-Type", "application/json"), NO_STORE, *headers]
    return IdentityAnswer(Response(status, lines, dump_json(document)))


def refused(code: str, text: str, status: int = 400, *headers: tuple[str, str]) -> IdentityAnswer:
    """Return an error as RFC 6749 5.2 describes it."""
    return json_answer(status, {"error": code, "error_description": text}, *headers)


def unknown_client() -> IdentityAnswer:
    challenge = ("WWW-Authenticate", 'Basic realm="oauth"')
    return refused("invalid_client", "Unknown client, or wrong secret", 401, challenge)


def fields_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, or of a JSON object; none of any other body."""
    try:
        if request.media_type == "application/json":
            body = request.json
            return _texts(body.items()) if isinstance(body, Mapping) else {}
        return _texts(request.form_pairs)
    except UnreadableBodyError:
        return {}


def parameters_of(request: Request) -> dict[str, str]:
    """Return the fields of a POST, else those of the query."""
    return fields_of(request) if request.method == "POST" else _texts(request.query_pairs)


def _texts(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Return texts that UTF-8 can encode."""
    return {as_text(name): as_text(value).encode(errors="replace").decode() for name, value in pairs}


def authenticated(spec: OAuthSpec, request: Request, fields: Fields) -> str | None:
    """Return the authenticated client, by Basic or by the body; None if there is none. A public client has no secret."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    name, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not is_client(spec, name, secret):
            name, secret = unquote_plus(name), unquote_plus(secret)  # RFC 6749 2.3.1
    return name if is_client(spec, name, secret) else None


def for_clients(
    answer: Callable[[Provider, IdentityRequest, str, Fields], IdentityAnswer],
) -> Callable[[Provider, IdentityRequest], IdentityAnswer]:
    """Return an endpoint that only authenticated clients may use. `answer` gets the client and the fields of the body."""

    @wraps(answer)
    def endpoint(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
        fields = fields_of(asked.request)
        client = authenticated(provider.spec, asked.request, fields)
        return unknown_client() if client is None else answer(provider, asked, client, fields)

    return endpoint


def is_client(spec: OAuthSpec, name: str, secret: str) -> bool:
    client = spec.clients.get(name)
    if client is None:
        return False
    known = "" if client.secret is None else as_text(client.secret)
    return hmac.compare_digest(known.encode(), secret.encode())
