"""The flows of an OpenID Connect provider, as RFC 6749, 7636, 8628, 7662, 7009 and OpenID Connect Core describe them."""

from __future__ import annotations

import base64
import html
import json
import re

import pytest
from support.engine import InMemory

from identity.support import APP, BACK, CHALLENGE, HOST, IDP, VERIFIER, Idp, claims_of, read, redirected
from mockserver.model.http import Request

SPA = {"client_id": "spa"}
WITH_PAGE = IDP.replace("consent: auto", "consent: page")


def test_the_metadata_lead_to_endpoints_that_exist() -> None:
    idp = Idp()

    document = idp.document("GET /idp/.well-known/openid-configuration")

    assert document["issuer"] == "http://idp.test/idp"
    assert document == idp.document("GET /idp/.well-known/oauth-authorization-server")
    urls = [value for key, value in document.items() if key.endswith(("_endpoint", "_uri"))]
    assert len(urls) == 8
    for url in urls:
        path = url.removeprefix("http://idp.test")
        statuses = {
            idp.ask(f"{method} {path}", {} if method == "POST" else None).status for method in ("GET", "POST")
        }
        assert statuses - {404, 405}, url


def test_a_provider_without_users_offers_no_sign_in() -> None:
    idp = Idp("base: /idp\noauth: {oidc: true, clients: {app: s3cret}}")

    document = idp.document("GET /idp/.well-known/openid-configuration")

    assert document["grant_types_supported"] == ["client_credentials", "refresh_token"]
    assert "device_authorization_endpoint" not in document
    assert idp.authorize().status == 400
    assert idp.token()["token_type"] == "Bearer"


def test_the_issuer_can_be_fixed() -> None:
    idp = Idp(IDP.replace("consent: auto", "consent: auto\n  issuer: https://login.test/x"))

    document = idp.document("GET /idp/.well-known/openid-configuration")

    assert document["token_endpoint"] == "https://login.test/x/oauth/token"
    assert claims_of(idp.token()["access_token"])["iss"] == "https://login.test/x"


def test_a_namespace_has_its_own_issuer_and_tokens() -> None:
    idp = Idp()
    other = Idp(ns=idp.memory.engine.make_namespace("other"), memory=idp.memory)
    access = idp.token()["access_token"]

    assert (idp.me(access), other.me(access)) == (200, 401)


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_client_credentials_give_a_signed_token(alg: str) -> None:
    idp = Idp(IDP.replace("consent: auto", f"consent: auto\n  alg: {alg}"))

    given = idp.token(scope="pay read", audience="orders")

    token = read(given["access_token"])
    assert token.header == {"typ": "at+jwt", "alg": alg, "kid": f"{alg.lower()}-1"}
    assert {name: token.claims[name] for name in ("iss", "sub", "aud", "scope", "client_id")} == {
        "iss": "http://idp.test/idp", "sub": "app", "aud": "orders", "scope": "pay read", "client_id": "app",
    }  # fmt: skip
    assert token.claims["exp"] - token.claims["iat"] == given["expires_in"] == 3600
    assert "id_token" not in given
    assert "refresh_token" not in given
    assert [(key["alg"], key["kid"]) for key in idp.key_set()] == [(alg, f"{alg.lower()}-1")]
    assert idp.key_set()[0].keys().isdisjoint({"d", "p", "q"})
    assert idp.me(given["access_token"]) == 200


def test_a_code_gives_tokens_of_the_user_once() -> None:
    idp = Idp()
    back = redirected(idp.authorize(state="s&t", nonce="n1", scope="openid email"))
    assert back["state"] == "s&t"
    assert back["iss"] == "http://idp.test/idp"

    given = idp.token("authorization_code", code=back["code"], redirect_uri=BACK)

    identity = claims_of(given["id_token"])
    assert {name: identity[name] for name in ("sub", "aud", "nonce", "email", "roles")} == {
        "sub": "ann", "aud": "app", "nonce": "n1", "email": "ann@example.test", "roles": ["admin"],
    }  # fmt: skip
    assert identity["auth_time"] == identity["iat"]
    again = idp.token("authorization_code", code=back["code"], redirect_uri=BACK)
    assert again["error"] == "invalid_grant"


def test_a_code_expires_by_the_clock() -> None:
    idp = Idp()
    code = idp.code()

    idp.memory.now_s += 60

    assert idp.token("authorization_code", code=code)["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("method", "challenge", "verifier", "error"),
    [
        ("S256", CHALLENGE, VERIFIER, None),
        ("S256", CHALLENGE, "b" * 43, "invalid_grant"),
        ("S256", CHALLENGE, "", "invalid_grant"),
        ("S256", VERIFIER, VERIFIER, "invalid_grant"),
        ("plain", VERIFIER, VERIFIER, None),
    ],
)
def test_a_public_client_proves_that_the_code_is_its_own(
    method: str, challenge: str, verifier: str, error: str | None
) -> None:
    idp = Idp()
    code = idp.code("spa", code_challenge=challenge, code_challenge_method=method)

    given = idp.token("authorization_code", SPA, code=code, code_verifier=verifier)

    assert given.get("error") == error
    assert idp.me(given.get("access_token", "")) == (200 if error is None else 401)


def test_a_code_is_good_for_its_client_and_redirect_uri() -> None:
    idp = Idp()
    code = idp.code("spa", code_challenge=CHALLENGE, code_challenge_method="S256")

    assert idp.token("authorization_code", code=code, code_verifier=VERIFIER)["error"] == "invalid_grant"
    other = idp.token(
        "authorization_code", SPA, code=code, code_verifier=VERIFIER, redirect_uri="https://b.test/"
    )
    assert other["error"] == "invalid_grant"
    assert "access_token" in idp.token("authorization_code", SPA, code=code, code_verifier=VERIFIER)


def test_codes_and_refresh_tokens_are_good_for_their_provider() -> None:
    memory = InMemory({"idp": IDP, "other": IDP.replace("/idp", "/other")})
    idp = Idp(memory=memory)

    def at(provider: str, endpoint: str, **form: str) -> dict[str, object]:
        answer = idp.ask(f"POST /{provider}/oauth/{endpoint}", {**APP, **form})
        return json.loads(answer.body or b"{}")

    by_code = {"grant_type": "authorization_code", "code": idp.code(), "redirect_uri": BACK}
    assert at("other", "token", **by_code)["error"] == "invalid_grant"
    refresh = str(at("idp", "token", **by_code)["refresh_token"])
    again = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert at("other", "token", **again)["error"] == "invalid_grant"
    assert at("other", "introspect", token=refresh) == {"active": False}
    at("other", "revoke", token=refresh)
    assert "access_token" in at("idp", "token", **again)


@pytest.mark.parametrize(
    ("client", "fields", "error"),
    [
        ("app", {"response_type": "token"}, "unsupported_response_type"),
        ("app", {"response_mode": "fragment"}, "invalid_request"),
        ("app", {"request_uri": "https://app.test/r"}, "request_uri_not_supported"),
        ("app", {"request": "e30.e30."}, "request_not_supported"),
        ("app", {"response_type": ""}, "invalid_request"),
        ("app", {"prompt": "none login"}, "invalid_request"),
        ("app", {"code_challenge": CHALLENGE, "code_challenge_method": "S512"}, "invalid_request"),
        ("app", {"code_challenge": "x"}, "invalid_request"),
        ("app", {"code_challenge": f"{CHALLENGE}="}, "invalid_request"),
        ("app", {"code_challenge_method": "S256"}, "invalid_request"),
        ("app", {"id_token_hint": "x"}, "login_required"),
        ("spa", {}, "invalid_request"),
        ("spa", {"code_challenge": ""}, "invalid_request"),
    ],
)
def test_an_invalid_authorization_request_is_told_to_the_client(
    client: str, fields: dict[str, str], error: str
) -> None:
    back = redirected(Idp().authorize(client, state="s", **fields))

    assert (back["error"], back["state"]) == (error, "s")


@pytest.mark.parametrize(
    ("client", "target"),
    [
        ("nobody", BACK),
        ("app", ""),
        ("app", "javascript:alert(1)"),
        ("app", "JavaScript:alert(1)"),
        ("app", "/callback"),
        ("app", "https://app.test/#fragment"),
        ("app", "https://app.test/\r\nx: y"),
        ("web", "https://evil.test/"),
    ],
)
def test_nobody_is_redirected_to_what_the_client_did_not_name(client: str, target: str) -> None:
    response = Idp().authorize(client, redirect_uri=target)

    assert (response.status, response.header("location")) == (400, None)


def test_a_result_can_be_posted() -> None:
    idp = Idp()
    page = idp.authorize(response_mode="form_post", state='<">', redirect_uri=f'{BACK}?a=<"b').body.decode()

    fields = hidden_fields(page)
    assert fields["state"] == '<">'
    assert 'action="https://app.test/callback?a=&lt;&quot;b"' in page
    assert "access_token" in idp.token(
        "authorization_code", code=fields["code"], redirect_uri=f'{BACK}?a=<"b'
    )


def test_a_consent_can_be_denied() -> None:
    idp = Idp(IDP.replace("consent: auto", "consent: deny"))

    assert redirected(idp.authorize())["error"] == "access_denied"


def hidden_fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def test_a_page_asks_the_user_and_says_what_was_wrong() -> None:
    idp = Idp(WITH_PAGE)
    response = idp.authorize(state='<s">', nonce="n", login_hint="ann", scope="openid <b>")
    page = response.body.decode()
    assert (response.header("content-security-policy") or "").startswith("default-src 'none'")
    assert "<b>" not in page
    assert 'value="ann"' in page
    fields = hidden_fields(page)
    assert fields["state"] == '<s">'

    def press(decision: str, **typed: str) -> tuple[int, str]:
        answer = idp.ask("POST /idp/oauth/authorize", {**fields, **typed, "decision": decision})
        return answer.status, answer.body.decode() if answer.status == 200 else redirected(answer).get(
            "error", ""
        )

    for typed in ({"username": "ann", "password": "x"}, {"username": "eve", "password": "pw"}, {}):
        status, text = press("allow", **typed)
        assert status == 200
        assert "Unknown user, or wrong password" in text
    assert press("deny") == (303, "access_denied")
    assert press("allow", username="ann", password="pw") == (303, "")
    assert press("allow", username="bob", password="any") == (303, "")


def test_the_page_can_not_be_left_out_with_the_query() -> None:
    idp = Idp(WITH_PAGE)

    page = idp.authorize(decision="allow", username="ann", password="pw")

    assert page.status == 200
    assert redirected(idp.authorize(prompt="none"))["error"] == "login_required"


# Refresh tokens


def signed_in(idp: Idp, scope: str = "openid pay") -> dict[str, str]:
    return idp.token("authorization_code", code=idp.code(nonce="n", scope=scope), redirect_uri=BACK)


def test_a_refresh_token_is_replaced_at_each_use() -> None:
    idp = Idp()
    first = signed_in(idp)

    second = idp.token("refresh_token", refresh_token=first["refresh_token"])

    assert claims_of(second["access_token"])["sub"] == claims_of(second["id_token"])["sub"] == "ann"
    assert second["refresh_token"] != first["refresh_token"]
    other = {"client_id": "web", "client_secret": "w"}
    assert (
        idp.token("refresh_token", other, refresh_token=second["refresh_token"])["error"] == "invalid_grant"
    )
    assert idp.token("refresh_token", refresh_token=second["refresh_token"])["scope"] == "openid pay"


def test_a_refresh_can_ask_for_less_but_not_for_more() -> None:
    idp = Idp()
    refresh = signed_in(idp)["refresh_token"]

    assert idp.token("refresh_token", refresh_token=refresh, scope="pay admin")["error"] == "invalid_scope"
    less = idp.token("refresh_token", refresh_token=refresh, scope="pay")
    assert (less["scope"], "id_token" in less) == ("pay", False)


# Devices


def test_a_device_waits_until_the_user_allows_it() -> None:
    idp = Idp(WITH_PAGE)
    codes = idp.document("POST /idp/oauth/device_authorization", {**APP, "scope": "openid"})
    assert codes["verification_uri"] == "http://idp.test/idp/oauth/device"

    def poll() -> dict[str, str]:
        return idp.token("urn:ietf:params:oauth:grant-type:device_code", device_code=codes["device_code"])

    def press(decision: str, **typed: str) -> str:
        form = {"user_code": codes["user_code"].lower(), **typed, "decision": decision}
        return idp.ask("POST /idp/oauth/device", form).body.decode()

    assert poll()["error"] == "authorization_pending"
    assert (
        codes["user_code"] in idp.ask(f"GET /idp/oauth/device?user_code={codes['user_code']}").body.decode()
    )
    assert "wrong password" in press("allow", username="ann", password="x")
    assert "unknown or has expired" in press("allow", user_code="AAAA-AAAA")
    assert poll()["error"] == "authorization_pending"
    assert "Allowed" in press("allow", username="ann", password="pw")
    assert claims_of(poll()["id_token"])["sub"] == "ann"
    assert poll()["error"] == "expired_token"


def test_a_device_can_be_denied_and_its_code_expires() -> None:
    idp = Idp(WITH_PAGE)
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    denied, late = (idp.document("POST /idp/oauth/device_authorization", APP) for _ in range(2))

    idp.ask("POST /idp/oauth/device", {"user_code": denied["user_code"], "decision": "deny"})

    assert idp.token(grant, device_code=denied["device_code"])["error"] == "access_denied"
    assert idp.token(grant, device_code=denied["device_code"])["error"] == "expired_token"
    idp.memory.now_s += late["expires_in"]
    assert idp.token(grant, device_code=late["device_code"])["error"] == "expired_token"


def test_a_device_needs_no_page_with_consent_auto() -> None:
    idp = Idp()
    codes = idp.document("POST /idp/oauth/device_authorization", {**APP, "scope": "openid"})

    given = idp.token("urn:ietf:params:oauth:grant-type:device_code", device_code=codes["device_code"])

    assert claims_of(given["id_token"])["sub"] == "ann"


# Userinfo, introspection, revocation


def test_userinfo_has_the_claims_of_the_user() -> None:
    idp = Idp()
    user, service = signed_in(idp), idp.token()

    told = idp.document("GET /idp/oauth/userinfo", authorization=f"Bearer {user['access_token']}")

    assert told == {"sub": "ann", "email": "ann@example.test", "roles": ["admin"]}
    for token, status in ((service["access_token"], 403), (user["id_token"], 401), ("x", 401)):
        answer = idp.ask("GET /idp/oauth/userinfo", headers=[("authorization", f"Bearer {token}")])
        assert answer.status == status
        assert answer.header("www-authenticate") is not None


def test_introspection_knows_valid_tokens() -> None:
    idp = Idp()
    given = signed_in(idp)

    def active(token: str) -> bool:
        return idp.document("POST /idp/oauth/introspect", {**APP, "token": token})["active"]

    told = idp.document("POST /idp/oauth/introspect", {**APP, "token": given["access_token"]})
    assert (told["active"], told["sub"], told["scope"], told["client_id"]) == (
        True,
        "ann",
        "openid pay",
        "app",
    )
    assert active(given["refresh_token"])
    assert not active("x")
    assert idp.ask("POST /idp/oauth/introspect", {"token": given["access_token"]}).status == 401
    idp.memory.now_s += 3600
    assert not active(given["access_token"])


def test_a_revoked_token_is_not_valid_any_more() -> None:
    idp = Idp()
    given = signed_in(idp)

    def revoke(token: str, client: dict[str, str] = APP) -> int:
        return idp.ask("POST /idp/oauth/revoke", {**client, "token": token}).status

    other = {"client_id": "web", "client_secret": "w"}
    assert revoke(given["access_token"], other) == revoke(given["refresh_token"], other) == 400
    assert idp.me(given["access_token"]) == 200, "it is not that client's"
    assert revoke(given["access_token"]) == revoke("x") == 200
    assert idp.me(given["access_token"]) == 401
    renewed = idp.token("refresh_token", refresh_token=given["refresh_token"])
    assert idp.me(renewed["access_token"]) == 200
    assert revoke(renewed["refresh_token"]) == 200
    assert idp.me(renewed["access_token"]) == 401, "it is of the same session"
    assert idp.token("refresh_token", refresh_token=renewed["refresh_token"])["error"] == "invalid_grant"


def test_a_name_and_a_secret_in_a_header_are_url_encoded() -> None:
    """RFC 6749 2.3.1. Many clients send them as they are."""
    idp = Idp("base: /idp\noauth: {oidc: true, clients: {'a b': 'c:d+e'}}")
    for pair in ("a b:c:d+e", "a+b:c%3Ad%2Be"):
        header = "Basic " + base64.b64encode(pair.encode()).decode()
        given = idp.document(
            "POST /idp/oauth/token", {"grant_type": "client_credentials"}, authorization=header
        )
        assert given.get("error") is None


def test_a_public_client_has_no_credentials() -> None:
    assert Idp().token(client=SPA)["error"] == "unauthorized_client"
    assert Idp().token(client={"client_id": "spa", "client_secret": "x"})["error"] == "invalid_client"


def test_text_that_utf_8_can_not_encode_is_answered_as_any_other() -> None:
    idp = Idp()
    lines = [*HOST, ("content-type", "application/json")]

    def post(path: str, **fields: str) -> int:
        request = Request("POST", f"/idp/oauth/{path}", lines, json.dumps(fields).encode())
        call = idp.memory.engine.begin(request, idp.ns)
        assert call.status is not None
        return call.status

    lone = "\ud800"
    assert post("token", grant_type=lone, client_id="app", client_secret=lone) == 401
    assert post("token", grant_type="client_credentials", scope=lone, **APP) == 200
    assert (
        post("authorize", client_id="app", response_type="code", redirect_uri=f"{BACK}/{lone}", state=lone)
        == 303
    )
    assert post("device", user_code=lone, username=lone, password=lone, decision="allow") == 200
