"""A client of the identity provider of an engine in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from support.engine import InMemory

from mockserver.engine.namespace import Namespace
from mockserver.jwt import WebToken, read_token
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome

APP = {"client_id": "app", "client_secret": "s3cret"}
HOST = [("host", "idp.test")]
BACK = "https://app.test/callback"
VERIFIER = "a" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
IDP = """
base: /idp
oauth:
  oidc: true
  consent: auto
  clients: {app: s3cret, spa: {}, web: {secret: w, redirect_uris: ["https://app.test/callback"]}}
  users:
    ann: {password: pw, claims: {email: ann@example.test, roles: [admin]}}
    bob: {}
routes:
  - {request: GET /me, auth: oauth, reply: {text: me}}
"""


Fields = dict[str, Any] | list[tuple[str, Any]]


class Idp:
    """Requests of a browser and of clients, to the default namespace or another."""

    def __init__(
        self, scenario: str = IDP, ns: Namespace | None = None, memory: InMemory | None = None
    ) -> None:
        self.memory = memory or InMemory({"idp": scenario})
        self.ns = ns or self.memory.default

    def ask(
        self, line: str, form: Fields | None = None, headers: list[tuple[str, str]] | None = None
    ) -> Response:
        method, _, target = line.partition(" ")
        lines = [*HOST, *(headers or [])]
        body = b""
        if form is not None:
            lines.append(("content-type", "application/x-www-form-urlencoded"))
            body = urlencode(form).encode()
        call = self.memory.engine.begin(Request(method, target, lines, body), self.ns)
        self.memory.engine.finish(call, Outcome.DONE)
        assert call.response is not None
        return call.response

    def document(self, line: str, form: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        lines = list(headers.items())
        return json.loads(self.ask(line, form, lines).body)

    def token(
        self, grant: str = "client_credentials", client: dict[str, str] = APP, **form: Any
    ) -> dict[str, Any]:
        if grant == "authorization_code":
            form = {"redirect_uri": BACK, **form}
        return self.document("POST /idp/oauth/token", {"grant_type": grant, **client, **form})

    def authorize(self, client: str = "app", **more: str) -> Response:
        fields = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": BACK,
            "scope": "openid",
            **more,
        }
        return self.ask(f"GET /idp/oauth/authorize?{urlencode(fields)}")

    def code(self, client: str = "app", **more: str) -> str:
        return redirected(self.authorize(client, **more))["code"]

    def me(self, access_token: str) -> int:
        return self.ask("GET /idp/me", headers=[("authorization", f"Bearer {access_token}")]).status

    def key_set(self) -> list[dict[str, str]]:
        return self.document("GET /idp/.well-known/jwks.json")["keys"]


def redirected(response: Response) -> dict[str, str]:
    """The parameters that a redirect brings to the client."""
    assert response.status in (302, 303), response.body
    location = response.header("location")
    assert location is not None
    return dict(parse_qsl(urlsplit(location).query))


def claims_of(text: str) -> dict[str, Any]:
    return read_token(text).claims


def read(text: str) -> WebToken:
    return read_token(text)
