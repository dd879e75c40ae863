"""Real clients of OpenID Connect: what they get of the provider, and what they say of wrong tokens and keys."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msal
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from joserfc import jwt
from joserfc.errors import InvalidClaimError
from joserfc.jwk import KeySet
from jwt import ExpiredSignatureError, PyJWKClientError

from mockserver.client import Client
from mockserver.client.namespaces import Namespace
from mockserver.server import Server

pytestmark = pytest.mark.slow
BACK = "http://app.test/callback"
IDP = """
scenario: idp
base: /idp
oauth:
  oidc: true
  consent: auto
  jwks_delay: 1m
  clients: {app: s3cret}
  users: {ann: {password: pw, claims: {email: ann@example.test}}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("idp")
    (folder / "idp.yaml").write_text(IDP)
    server = Server(folder, tls=True)
    with server:
        (folder / "ca.pem").write_text(server.ca_pem)
        yield server


@pytest.fixture
def mock(server: Server) -> Iterator[Namespace]:
    with Client(server.tls_url.replace("https", "http", 1)) as client, client.namespace() as mock:
        yield mock


@pytest.fixture
def session(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    """A browser; it and the clients trust the CA of the server, whatever the environment says."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Path(server.settings.paths[0]) / "ca.pem"))
    with requests.Session() as session:
        yield session


def issuer_of(server: Server, mock: Namespace) -> str:
    return f"{server.tls_url}/@{mock.name}/idp"


def redirected(session: requests.Session, url: str) -> str:
    return session.get(url, allow_redirects=False).headers["location"]


def test_authlib_signs_in_refreshes_and_refuses_a_token_for_another(
    server: Server, mock: Namespace, session: requests.Session
) -> None:
    metadata = session.get(f"{issuer_of(server, mock)}/.well-known/openid-configuration").json()
    keys = KeySet.import_key_set(session.get(metadata["jwks_uri"]).json())
    registry = jwt.JWTClaimsRegistry(
        aud={"essential": True, "value": "app"}, iss={"value": metadata["issuer"]}
    )
    client = OAuth2Session(
        "app", "s3cret", scope="openid email", redirect_uri=BACK, code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    )  # fmt: skip

    def sign_in() -> dict[str, Any]:
        url, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier="v" * 48
        )
        answer = redirected(session, url)
        return client.fetch_token(authorization_response=answer, state=state, code_verifier="v" * 48)

    mock.state["oauth.idp.token"] = "wrong_audience"
    wrong = sign_in()
    with pytest.raises(InvalidClaimError, match="aud"):
        registry.validate(jwt.decode(wrong["id_token"], keys).claims)
    mock.state.clear()
    given = sign_in()
    claims = jwt.decode(given["id_token"], keys).claims
    registry.validate(claims)
    assert claims["email"] == "ann@example.test"
    assert client.get(metadata["userinfo_endpoint"]).json()["sub"] == "ann"
    mock.clock.advance("2h")
    assert client.get(metadata["userinfo_endpoint"]).status_code == 401
    renewed = client.refresh_token(metadata["token_endpoint"], refresh_token=given["refresh_token"])
    assert renewed["refresh_token"] != given["refresh_token"]
    assert client.get(metadata["userinfo_endpoint"]).json()["sub"] == "ann"
    assert mock.route("POST /idp/oauth/token").calls.statuses == [200, 200, 200]


def test_msal_waits_after_a_failure_and_takes_any_id_token(
    server: Server, mock: Namespace, session: requests.Session
) -> None:
    failing = mock.on("POST /idp/oauth/token", then="stop").reply(503)

    def an_app() -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication("app", "s3cret", oidc_authority=issuer_of(server, mock))

    app = an_app()
    for _ in range(2):
        with pytest.raises(msal.exceptions.MsalServiceError, match="503"):
            app.acquire_token_for_client(["orders"])
    assert failing.calls.statuses == [503], "MSAL repeats the answer by itself for a while"
    app = an_app()
    service = app.acquire_token_for_client(["orders"])
    assert "access_token" in service
    assert app.acquire_token_for_client(["orders"])["token_source"] == "cache"

    def sign_in() -> dict[str, Any]:
        flow = app.initiate_auth_code_flow(["email"], redirect_uri=BACK, response_mode="form_post")
        page = session.get(flow["auth_uri"]).text
        fields = dict(re.findall('name="([^"]*)" value="([^"]*)"', page))
        return app.acquire_token_by_auth_code_flow(flow, fields)

    mock.state["oauth.idp.token"] = "wrong_audience"
    assert sign_in()["id_token_claims"]["aud"] == "wrong-audience", "MSAL leaves it to the application"
    mock.state.clear()
    given = sign_in()
    assert given["id_token_claims"]["email"] == "ann@example.test"
    mock.clock.advance("2h")
    (account,) = app.get_accounts()
    renewed = app.acquire_token_silent(["email"], account, force_refresh=True)
    assert renewed["access_token"] != given["access_token"]


def test_google_auth_refreshes_and_refuses_expired_tokens_and_unknown_keys(
    server: Server, mock: Namespace, session: requests.Session
) -> None:
    issuer, transport = issuer_of(server, mock), GoogleRequest(session)
    code = redirected(
        session,
        f"{issuer}/oauth/authorize?response_type=code&client_id=app&redirect_uri={BACK}&scope=openid",
    )
    form = {
        "grant_type": "authorization_code",
        "code": code.partition("code=")[2].partition("&")[0],
        "client_id": "app",
        "client_secret": "s3cret",
        "redirect_uri": BACK,
    }
    given = session.post(f"{issuer}/oauth/token", form).json()
    credentials = Credentials(
        None,
        given["refresh_token"],
        token_uri=f"{issuer}/oauth/token",
        client_id="app",
        client_secret="s3cret",
    )

    def verified() -> str:
        credentials.refresh(transport)
        certs_url = f"{issuer}/.well-known/jwks.json"
        return id_token.verify_token(credentials.id_token, transport, audience="app", certs_url=certs_url)[
            "sub"
        ]

    assert verified() == "ann"
    assert credentials.refresh_token != given["refresh_token"]
    mock.state["oauth.idp.token"] = "expired"
    with pytest.raises(ExpiredSignatureError):
        verified()
    mock.state["oauth.idp.token"] = "rotated"
    with pytest.raises(PyJWKClientError, match="rs256-2"):
        verified()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    made = tmp_path_factory.mktemp("node")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "openid-client@6", "jose@6"]
    done = subprocess.run(install, cwd=made, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("npm could not fetch openid-client and jose")
    shutil.copy(Path(__file__).with_name("identity.mjs"), made)
    return made


def test_the_clients_of_node_run_every_flow_and_refuse_what_is_wrong(
    folder: Path, serving: Callable[..., Any]
) -> None:
    tokens = "[ok, ok, ok, wrong_audience, ok, expired, bad_signature, rotated]"
    server = serving({
        "idp.yaml": IDP.replace("jwks_delay: 1m", f"tokens: {tokens}")
        + "routes: [{request: GET /.well-known/jwks.json, reply: [503, 503], then: stop}]\n"
    })  # fmt: skip
    issuer = f"{server.url}/idp"

    done = subprocess.run(
        ["node", "identity.mjs", issuer], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["claims"]["sub"], got["claims"]["iss"], got["userinfo"]["email"]) == (
        "ann",
        issuer,
        "ann@example.test",
    )
    assert (got["introspected"], got["revoked"]) == (True, [False, True])
    assert (got["after_reuse"], got["after_sign_out"]) == (False, "invalid_grant")
    assert got["signed_out"] == "http://app.test/callback?state=s"
    assert (got["renewed"], got["reused"], got["device"]) == (True, "invalid_grant", "ann")
    assert got["wrong_audience"] == "OAUTH_JWT_CLAIM_COMPARISON_FAILED"
    assert got["while_keys_fail"] == ["ERR_JOSE_GENERIC", "ERR_JOSE_GENERIC", "ok"]
    assert got["expired"] == ["ERR_JWT_EXPIRED"] * 3
    assert got["bad_signature"] == ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED"] * 3
    assert got["rotated"] == ["ok"] * 3
