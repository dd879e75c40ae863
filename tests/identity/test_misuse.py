"""Requests that a provider must refuse, and what it does about codes and tokens in the wrong hands (RFC 9700)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from support.engine import InMemory

from identity.support import APP, BACK, CHALLENGE, IDP, VERIFIER, Idp, claims_of, read, redirected
from mockserver.identity.token_endpoint import GRANT_TYPES
from mockserver.jwt import sign, signing_key

WEB = {"client_id": "web", "client_secret": "w"}
SPA = {"client_id": "spa"}
AT_SPA = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def basic(pair: str) -> list[tuple[str, str]]:
    return [("authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")]


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


def signed_in(idp: Idp, scope: str = "openid pay", **more: str) -> dict[str, Any]:
    return idp.token("authorization_code", code=idp.code(scope=scope, **more))


def refreshed(idp: Idp, token: str, **more: str) -> dict[str, Any]:
    return idp.token("refresh_token", refresh_token=token, **more)


# Client authentication


@pytest.mark.parametrize(
    ("pair", "form", "error"),
    [
        ("app:s3cret", {}, None),
        ("app:s3cret", {"client_id": "app"}, None),
        (None, {**APP}, None),
        ("app:s3cret", {"client_secret": "s3cret"}, "invalid_request"),
        ("app:s3cret", {**WEB}, "invalid_request"),
        ("app:s3cret", {"client_id": "web"}, "invalid_request"),
        ("app:s3cret", {"client_assertion": "e30.e30.x"}, "invalid_request"),
        (None, {**APP, "client_assertion": "e30.e30.x"}, "invalid_request"),
        (None, {"client_id": "app", "client_assertion": "e30.e30.x"}, "invalid_client"),
        (None, {"client_id": "spa", "client_assertion": "e30.e30.x"}, "invalid_client"),
        ("app", {}, "invalid_client"),
        ("app:", {}, "invalid_client"),
        ("app:s3cret", {"scope": ["a", "b"]}, "invalid_request"),
        ("app:s3cret", {"resource": ["a", "b"]}, None),
        ("app:s3cret", {"grant_type": ""}, "invalid_request"),
        ("app:s3cret", {"grant_type": "password"}, "unsupported_grant_type"),
        ("app:s3cret", {"grant_type": "authorization_code"}, "invalid_request"),
        ("app:s3cret", {"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_a_client_authenticates_in_one_way_and_names_what_it_needs(
    pair: str | None, form: dict[str, Any], error: str | None
) -> None:
    fields = (
        [("grant_type", "client_credentials"), *form.items()] if "grant_type" not in form else form.items()
    )
    pairs = [
        (name, each) for name, value in fields for each in (value if isinstance(value, list) else [value])
    ]

    answer = Idp().ask("POST /idp/oauth/token", pairs, basic(pair) if pair is not None else None)

    assert json.loads(answer.body).get("error") == error
    assert answer.status == {None: 200, "invalid_client": 401}.get(error, 400)
    assert (answer.header("www-authenticate") is not None) == (error == "invalid_client")


def test_a_public_client_may_revoke_but_not_introspect() -> None:
    idp = Idp()
    code = idp.code("spa", **AT_SPA)
    given = idp.token("authorization_code", SPA, code=code, code_verifier=VERIFIER)

    assert idp.ask("POST /idp/oauth/introspect", {**SPA, "token": given["access_token"]}).status == 401
    assert idp.ask("POST /idp/oauth/introspect", APP).status == 400
    assert idp.ask("POST /idp/oauth/revoke", SPA).status == 400
    assert idp.ask("POST /idp/oauth/revoke", {**SPA, "token": given["access_token"]}).status == 200
    assert idp.me(given["access_token"]) == 401


# Codes


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, {"code_verifier": VERIFIER}),  # the challenge was removed on the way (RFC 9700 4.8.2)
        (AT_SPA, {}),
        ({"code_challenge": CHALLENGE}, {"code_verifier": VERIFIER}),  # it was changed to plain
        ({}, {"redirect_uri": ""}),
        ({}, {"redirect_uri": f"{BACK}/"}),
    ],
)
def test_a_code_needs_what_its_request_had(asked: dict[str, str], told: dict[str, str]) -> None:
    idp = Idp()
    code = idp.code(**asked)

    assert idp.token("authorization_code", code=code, **told)["error"] == "invalid_grant"


def test_the_second_use_of_a_code_revokes_what_the_first_gave() -> None:
    idp = Idp()
    code = idp.code()
    given = idp.token("authorization_code", code=code)
    renewed, other = refreshed(idp, given["refresh_token"]), signed_in(idp)
    assert idp.token("authorization_code", WEB, code=code)["error"] == "invalid_grant"
    assert idp.me(given["access_token"]) == idp.me(renewed["access_token"]) == 200, "not by another client"

    assert idp.token("authorization_code", code=code)["error"] == "invalid_grant"

    assert idp.me(given["access_token"]) == idp.me(renewed["access_token"]) == 401
    assert refreshed(idp, renewed["refresh_token"])["error"] == "invalid_grant"
    assert idp.me(other["access_token"]) == 200, "another session lasts"


def test_a_code_that_is_guessed_takes_nothing() -> None:
    idp = Idp()
    code = idp.code()

    for wrong in (f"{code}x", code.partition(".")[0], f"{code.partition('.')[0]}.", "."):
        assert idp.token("authorization_code", code=wrong)["error"] == "invalid_grant"

    assert "access_token" in idp.token("authorization_code", code=code)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope"])
def test_a_repeated_parameter_is_refused(name: str) -> None:
    idp = Idp()
    answer = idp.ask(
        "GET /idp/oauth/authorize?response_type=code&client_id=app&scope=openid"
        f"&redirect_uri={BACK}&{name}={'app' if name == 'client_id' else BACK}"
    )

    if name == "scope":
        assert redirected(answer)["error"] == "invalid_request"
    else:
        assert (answer.status, answer.header("location")) == (400, None)


@pytest.mark.parametrize(
    ("target", "is_allowed"),
    [
        ("http://127.0.0.1/back", True),
        ("http://127.0.0.1:5123/back", True),
        ("http://[::1]:5123/back", True),
        ("http://127.0.0.1:5123/other", False),
        ("http://127.0.0.1:5123@evil.test/back", False),
        ("http://127.0.0.1.evil.test/back", False),
        ("https://127.0.0.1:5123/back", False),
        ("https://app.test/back", True),
        ("https://app.test:8443/back", False),
        ("https://app.test/back?x=1", False),
    ],
)
def test_a_registered_redirect_is_compared_exactly_but_for_the_port_of_a_loopback(
    target: str, is_allowed: bool
) -> None:
    uris = (
        '["http://127.0.0.1/back", "http://[::1]:1/back", "https://127.0.0.1/back", "https://app.test/back"]'
    )
    idp = Idp(IDP.replace('["https://app.test/callback"]', uris))

    assert idp.authorize("web", redirect_uri=target).status == (302 if is_allowed else 400)


def test_no_redirect_is_allowed_where_none_is_registered() -> None:
    idp = Idp(IDP.replace('["https://app.test/callback"]', "[]"))

    assert idp.authorize("web").status == 400


# Refresh tokens


def test_a_refresh_token_that_was_used_ends_its_session() -> None:
    idp = Idp()
    first = signed_in(idp)
    second = refreshed(idp, first["refresh_token"])
    assert idp.token("refresh_token", WEB, refresh_token=first["refresh_token"])["error"] == "invalid_grant"
    assert idp.me(second["access_token"]) == 200, "not by another client"

    reused = refreshed(idp, first["refresh_token"])

    assert reused["error"] == "invalid_grant"
    assert "session are revoked" in reused["error_description"]
    assert refreshed(idp, second["refresh_token"])["error"] == "invalid_grant"
    assert idp.me(first["access_token"]) == idp.me(second["access_token"]) == 401


def test_a_refresh_with_less_scope_keeps_what_was_granted() -> None:
    idp = Idp()
    less = refreshed(idp, signed_in(idp)["refresh_token"], scope="pay")
    assert claims_of(less["access_token"])["scope"] == less["scope"] == "pay"

    assert refreshed(idp, less["refresh_token"])["scope"] == "openid pay"


# Access tokens


def test_access_tokens_are_good_for_the_endpoints_of_their_provider() -> None:
    idp = Idp(memory=InMemory({"idp": IDP, "other": IDP.replace("/idp", "/other")}))
    access = signed_in(idp)["access_token"]

    def at(provider: str) -> tuple[int, bool]:
        told = idp.document(f"POST /{provider}/oauth/introspect", {**APP, "token": access})
        return idp.ask(f"GET /{provider}/oauth/userinfo", headers=bearer(access)).status, told["active"]

    assert (at("idp"), at("other")) == ((200, True), (401, False))
    idp.ask("POST /other/oauth/revoke", {**APP, "token": access})
    assert at("idp") == (200, True)


def test_a_client_with_the_name_of_a_user_is_not_that_user() -> None:
    """RFC 9700 4.15."""
    idp = Idp(IDP.replace("{app: s3cret,", "{app: s3cret, ann: s,"))
    client = {"client_id": "ann", "client_secret": "s"}
    access = idp.token(client=client, scope="openid")["access_token"]

    assert claims_of(access)["sub"] == "ann"
    assert idp.ask("GET /idp/oauth/userinfo", headers=bearer(access)).status == 403


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ([], 401, 'Bearer realm="oauth"'),
        (bearer("x"), 401, 'Bearer realm="oauth", error="invalid_token"'),
        (bearer("NO OPENID"), 403, 'Bearer realm="oauth", error="insufficient_scope"'),
    ],
)
def test_userinfo_needs_a_token_with_the_scope_openid(
    headers: list[tuple[str, str]], status: int, challenge: str
) -> None:
    idp = Idp()
    access = signed_in(idp, scope="email")["access_token"]

    answer = idp.ask(
        "GET /idp/oauth/userinfo", headers=[(n, v.replace("NO OPENID", access)) for n, v in headers]
    )

    assert (answer.status, answer.header("www-authenticate")) == (status, challenge)


def test_a_token_is_valid_from_nbf_to_exp_by_the_clock() -> None:
    idp = Idp(IDP.replace("consent: auto", "consent: auto\n  tokens: [not_yet_valid, ok]"))
    early, now = signed_in(idp)["access_token"], signed_in(idp)["access_token"]

    def seen(token: str) -> tuple[int, int, bool]:
        told = idp.document("POST /idp/oauth/introspect", {**APP, "token": token})
        return idp.me(token), idp.ask("GET /idp/oauth/userinfo", headers=bearer(token)).status, told["active"]

    assert (seen(early), seen(now)) == ((401, 401, False), (200, 200, True))
    idp.memory.now_s += 3600
    assert (seen(early), seen(now)) == ((200, 200, True), (401, 401, False))
    idp.memory.now_s -= 3601
    assert seen(now) == (401, 401, False), "the clock was set back"


def _signed_by(token: str, header: dict[str, Any], mark: Callable[[bytes], bytes]) -> str:
    """The claims of a token with another header and signature."""
    data = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    body = f"{data}.{token.split('.')[1]}"
    return f"{body}.{base64.urlsafe_b64encode(mark(body.encode())).rstrip(b'=').decode()}"


def test_a_signature_is_that_of_the_key_and_algorithm_that_kid_names() -> None:
    idp = Idp()
    access = signed_in(idp)["access_token"]
    kid = read(access).header["kid"]
    pem = signing_key("RS256", 1).as_pem(private=False)
    jwk = json.dumps(idp.key_set()[0]).encode()

    def unsigned(_: bytes) -> bytes:
        return b""

    def shared(key: bytes) -> Callable[[bytes], bytes]:
        return lambda body: hmac.digest(key, body, hashlib.sha256)

    def by_key(number: int) -> Callable[[bytes], bytes]:
        key = signing_key("RS256", number).private_key
        assert isinstance(key, RSAPrivateKey)
        return lambda body: key.sign(body, PKCS1v15(), SHA256())

    assert idp.me(_signed_by(access, {"alg": "RS256", "kid": kid}, by_key(1))) == 200
    wrong = {
        "none": ({"alg": "none", "kid": kid}, unsigned),
        "none without kid": ({"alg": "none"}, unsigned),
        "none in other letters": ({"alg": "NoNe", "kid": kid}, unsigned),
        "HS256 by the PEM": ({"alg": "HS256", "kid": kid}, shared(pem)),
        "HS256 by the key set": ({"alg": "HS256", "kid": kid}, shared(jwk)),
        "a key in the header": ({"alg": "HS256", "jwk": {"kty": "oct", "k": ""}}, shared(b"")),
        "no signature": ({"alg": "RS256", "kid": kid}, unsigned),
        "another algorithm": ({"alg": "RS512", "kid": kid}, by_key(1)),
        "the key of another kid": ({"alg": "RS256", "kid": kid}, by_key(2)),
        "an unknown kid": ({"alg": "RS256", "kid": "rs256-x"}, by_key(1)),
        "the kid of another algorithm": ({"alg": "RS256", "kid": "es256-1"}, by_key(1)),
        "no kid": ({"alg": "RS256"}, by_key(1)),
        "an unknown extension": ({"alg": "RS256", "kid": kid, "crit": ["x"], "x": 1}, by_key(1)),
    }

    accepted = [
        name
        for name, (header, mark) in wrong.items()
        if idp.me(token := _signed_by(access, {"typ": "JWT", **header}, mark)) != 401
        or idp.document("POST /idp/oauth/introspect", {**APP, "token": token})["active"]
        or "error" not in redirected(idp.authorize(id_token_hint=token))
    ]

    assert accepted == []
    assert idp.me(access) == 200


def test_an_id_token_names_the_user_who_signs_in_without_a_page() -> None:
    """As a browser application renews its tokens: `prompt=none` with the ID token that it has."""
    idp = Idp()
    bob = signed_in(idp, login_hint="bob")
    ann = signed_in(idp)

    def again(token: str) -> str:
        given = signed_in(idp, prompt="none", id_token_hint=token)
        return claims_of(given["id_token"])["sub"]

    idp.memory.now_s += 7200  # an expired one is accepted
    assert (again(bob["id_token"]), again(ann["id_token"])) == ("bob", "ann")
    refused = redirected(idp.authorize(prompt="none", id_token_hint=bob["access_token"]))
    assert refused["error"] == "login_required"


def test_an_id_token_names_the_user_of_the_page() -> None:
    auto = Idp()
    token = signed_in(auto, login_hint="bob")["id_token"]
    idp = Idp(IDP.replace("consent: auto", "consent: page"))

    assert 'value="bob"' in idp.authorize(id_token_hint=token).body.decode()
    assert idp.authorize(id_token_hint="x").status == 200, "the user can still sign in"


# Signing out


def sign_out(idp: Idp, method: str = "GET", **fields: str) -> Any:
    path = "/idp/oauth/logout"
    return idp.ask(f"POST {path}", fields) if method == "POST" else idp.ask(f"GET {path}?{urlencode(fields)}")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_signing_out_ends_the_session_of_the_id_token(method: str) -> None:
    idp = Idp()
    given, other = signed_in(idp), signed_in(idp)
    renewed = refreshed(idp, given["refresh_token"])
    idp.memory.now_s += 3500

    answer = sign_out(
        idp,
        method,
        id_token_hint=given["id_token"],
        post_logout_redirect_uri="https://app.test/bye?a=1",
        state="<s>",
    )

    assert answer.status == (303 if method == "POST" else 302)
    assert answer.header("location") == "https://app.test/bye?a=1&state=%3Cs%3E"
    assert refreshed(idp, renewed["refresh_token"])["error"] == "invalid_grant"
    assert (idp.me(renewed["access_token"]), idp.me(other["access_token"])) == (401, 200)


def test_a_session_with_offline_access_outlasts_its_sign_out() -> None:
    idp = Idp()
    given = signed_in(idp, scope="openid offline_access")

    assert sign_out(idp, id_token_hint=given["id_token"]).status == 200

    assert "access_token" in refreshed(idp, given["refresh_token"])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        ({"client_id": "app", "post_logout_redirect_uri": BACK}, 302),
        ({"client_id": "web", "post_logout_redirect_uri": "https://app.test/bye"}, 302),
        ({"client_id": "web", "post_logout_redirect_uri": BACK}, 400),
        ({"post_logout_redirect_uri": BACK}, 400),
        ({"client_id": "nobody"}, 400),
        ({"client_id": "app", "post_logout_redirect_uri": "javascript:alert(1)"}, 400),
        ({"id_token_hint": "ID", "client_id": "web"}, 400),
        ({"id_token_hint": "ID", "client_id": "app"}, 200),
        ({"id_token_hint": "ACCESS"}, 400),
        ({"id_token_hint": "OTHER"}, 400),
        ({"id_token_hint": "x"}, 400),
    ],
)
def test_signing_out_leads_only_where_the_client_may(fields: dict[str, str], status: int) -> None:
    scenario = IDP.replace('callback"]}', 'callback"], post_logout_redirect_uris: ["https://app.test/bye"]}')
    idp = Idp(memory=InMemory({"idp": scenario, "other": scenario.replace("/idp", "/other")}))
    given = signed_in(idp)
    other = sign({**claims_of(given["id_token"]), "iss": "http://idp.test/other"}, "RS256", 1)
    known = {"ID": given["id_token"], "ACCESS": given["access_token"], "OTHER": other}

    answer = sign_out(idp, **{name: known.get(value, value) for name, value in fields.items()})

    assert answer.status == status
    assert (answer.header("location") is not None) == (status == 302)
    assert idp.me(given["access_token"]) == (401 if status == 200 and fields else 200)


def test_without_an_id_token_the_page_asks_before_it_signs_out() -> None:
    idp = Idp(IDP.replace("consent: auto", "consent: page"))
    fields = {"client_id": "app", "post_logout_redirect_uri": BACK, "state": '"><b>'}

    asked = sign_out(idp, **fields)

    assert asked.status == 200
    assert "<b>" not in asked.body.decode()
    assert 'id="allow"' in asked.body.decode()
    assert sign_out(idp, decision="allow", **fields).status == 200, "the query decides nothing"
    done = sign_out(idp, "POST", decision="allow", **fields)
    assert redirected(done) == {"state": '"><b>'}


# Anything


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = (
    "client_id", "client_secret", "client_assertion", "code", "refresh_token", "device_code", "scope", "redirect_uri",
    "code_verifier", "response_type", "response_mode", "state", "nonce", "prompt", "code_challenge", "code_challenge_method",
    "login_hint", "post_logout_redirect_uri", "user_code", "decision", "username", "password", "resource",
)  # fmt: skip
VALUES = (
    "",
    "x",
    "app",
    "spa",
    "code",
    "openid",
    BACK,
    VERIFIER,
    "none",
    "allow",
    "form_post",
    "ann",
    "\ud800",
    "a.b.c",
)
PATHS = ("authorize", "token", "userinfo", "introspect", "revoke", "device_authorization", "device", "logout")


@given(st.data())
def test_no_request_makes_an_endpoint_fail(data: st.DataObject) -> None:
    idp = Idp()
    given_tokens = signed_in(idp)
    device = idp.document("POST /idp/oauth/device_authorization", APP)
    odd = data.draw(
        st.dictionaries(st.sampled_from(("iss", "sub", "aud", "sid", "jti", "nbf", "scope")), JSON)
    )
    values = [
        *VALUES, idp.code(), device["user_code"], device["device_code"], given_tokens["refresh_token"],
        given_tokens["id_token"], sign({**claims_of(given_tokens["id_token"]), **odd}, "RS256", 1),
        sign({**claims_of(given_tokens["access_token"]), **odd}, "RS256", 1),
    ]  # fmt: skip
    pairs = data.draw(
        st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(values)),
            max_size=8,
            unique_by=lambda pair: pair[0],
        )
    )
    pairs += [(name, data.draw(st.sampled_from(values[-3:]))) for name in ("token", "id_token_hint")]
    is_app = data.draw(st.booleans())
    headers = basic("app:s3cret") if is_app else bearer(data.draw(st.sampled_from(values[-3:])))
    clean = [(name, value.encode(errors="replace").decode()) for name, value in pairs]

    for path in PATHS:
        grant = [("grant_type", data.draw(st.sampled_from(GRANT_TYPES)))] if path == "token" else []
        posted = idp.ask(f"POST /idp/oauth/{path}", [*grant, *clean], headers)
        asked = idp.ask(f"GET /idp/oauth/{path}?{urlencode(clean)}", headers=headers)

        assert {posted.status, asked.status} <= {200, 302, 303, 400, 401, 403, 404, 405}
        if path in ("token", "introspect", "revoke", "device_authorization") and not is_app:
            assert posted.status >= 400 or ("client_id", "spa") in clean or ("client_id", "app") in clean


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "sid", "jti", "nbf", "scope", "exp"])
@pytest.mark.parametrize("value", [[], {}, None, 1e300, True])
def test_claims_of_any_type_are_read(name: str, value: object) -> None:
    """Everybody can sign a token, since the keys are public."""
    idp = Idp()
    given_tokens = signed_in(idp)
    hint, access = (
        sign({**claims_of(given_tokens[kind]), name: value}, "RS256", 1)
        for kind in ("id_token", "access_token")
    )

    assert sign_out(idp, id_token_hint=hint).status == (400 if name in ("iss", "aud") else 200)
    assert idp.authorize(id_token_hint=hint).status == 302
    assert idp.ask("GET /idp/oauth/userinfo", headers=bearer(access)).status in (200, 401, 403)
    assert idp.ask("POST /idp/oauth/introspect", {**APP, "token": access}).status == 200
    assert idp.ask("POST /idp/oauth/revoke", {**APP, "token": access}).status == 200
