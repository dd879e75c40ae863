"""Who may call: bearer, basic, API keys, the built-in oauth; and what comes first where several things stand before a route."""

import base64

import pytest

DETAIL = "urn:mockserver:unauthorized"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("auth", "good", "bad", "challenge"),
    [
        (
            "{bearer: [secret-token, 42]}",
            [{"Authorization": "Bearer secret-token"}, {"authorization": "bearer 42"}],
            [
                {},
                {"Authorization": "Bearer other"},
                {"Authorization": "secret-token"},
                {"Authorization": "Basic secret-token"},
                {"Authorization": "Bearer secret-token x"},
            ],
            'Bearer realm="shop"',
        ),
        (
            "{basic: {user: pass, zoë: 'a:b'}}",
            [{"Authorization": basic("user", "pass")}, {"Authorization": basic("zoë", "a:b")}],
            [
                {},
                {"Authorization": basic("user", "other")},
                {"Authorization": basic("user", "")},
                {"Authorization": "Basic user:pass"},
                {"Authorization": "Basic ===="},
                {"Authorization": "Bearer pass"},
            ],
            'Basic realm="shop", charset="UTF-8"',
        ),
        (
            "{api_key: {header: x-api-key, values: [k1, 7]}}",
            [{"X-Api-Key": "k1"}, {"x-api-key": "7"}],
            [{}, {"X-Api-Key": "k2"}, {"X-Api-Key": ""}, {"Authorization": "Bearer k1"}],
            'ApiKey realm="shop"',
        ),
    ],
)
def test_who_may_and_who_may_not(serving, auth, good, bad, challenge):
    server = serving(f"auth: {auth}\nroutes: [{{request: GET /a, reply: 200}}]")

    assert [server.ask("GET", "/a", headers=headers).status for headers in good] == [200] * len(good)
    for headers in bad:
        answer = server.ask("GET", "/a", headers=headers)
        assert answer.status == 401, headers
        assert answer.json()["type"] == DETAIL
        assert answer.header("www-authenticate").startswith(challenge)
    assert server.admin.get("/routes/shop%2FGET%20%2Fa")["calls"] == len(good) + len(bad), "they count"


def test_a_key_may_stand_in_the_query(serving):
    server = serving("auth: {api_key: {query: key, values: [k 1]}}\nroutes: [{request: GET /a, reply: 200}]")

    assert [server.ask("GET", target).status for target in ("/a?key=k%201", "/a?key=k1", "/a")] == [
        200,
        401,
        401,
    ]
    assert "query parameter key is missing" in server.ask("GET", "/a").json()["detail"]


def test_a_bad_token_is_told_from_none(serving):
    """RFC 6750 3.1."""
    server = serving("auth: {bearer: [t]}\nroutes: [{request: GET /a, reply: 200}]")

    none, bad = server.ask("GET", "/a"), server.ask("GET", "/a", headers={"Authorization": "Bearer x"})

    assert "error=" not in none.header("www-authenticate")
    assert 'error="invalid_token"' in bad.header("www-authenticate")


def test_a_route_or_a_resource_may_have_its_own_or_none(serving):
    server = serving(
        """
auth: {bearer: [t]}
routes:
  - {request: GET /open, reply: 200, auth: none}
  - {request: GET /own, reply: 200, auth: {api_key: {header: k, values: [v]}}}
  - {request: GET /shared, reply: 200}
resources:
  - {path: /items, auth: none}
  - {path: /orders}
"""
    )

    assert [server.ask("GET", path).status for path in ("/open", "/own", "/shared", "/items", "/orders")] == [
        200, 401, 401, 200, 401,
    ]  # fmt: skip
    assert server.ask("GET", "/own", headers={"k": "v"}).status == 200
    assert server.ask("GET", "/orders", headers={"Authorization": "Bearer t"}).status == 200


# OAuth

OAUTH = """
oauth: {path: /oauth/token, clients: {app: s3cret, other: o}, expires: 1h}
auth: oauth
routes: [{request: GET /a, reply: 200}]
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def token(
    server, form="grant_type=client_credentials&client_id=app&client_secret=s3cret", headers=None, prefix=""
):
    return server.ask("POST", f"{prefix}/oauth/token", form, headers={**FORM, **(headers or {})})


def fetch(server, access, prefix=""):
    return server.ask("GET", f"{prefix}/a", headers={"Authorization": f"Bearer {access}"})


def test_client_credentials_give_a_token_that_is_good_until_it_expires_by_the_clock(serving):
    server = serving(OAUTH)
    server.admin.post("/clock", {"freeze": True})
    given = token(server)
    assert given.status == 200
    assert given.header("cache-control") == "no-store"
    body = given.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)

    assert fetch(server, body["access_token"]).status == 200
    server.admin.post("/clock", {"advance": "59m59s"})
    assert fetch(server, body["access_token"]).status == 200
    server.admin.post("/clock", {"advance": "1s"})

    expired = fetch(server, body["access_token"])
    assert expired.status == 401
    assert 'error="invalid_token"' in expired.header("www-authenticate")


def test_a_refresh_token_is_good_once_and_for_its_client(serving):
    server = serving(OAUTH)
    first = token(server).json()

    def refresh(one, client="app&client_secret=s3cret"):
        return token(
            server, f"grant_type=refresh_token&refresh_token={one['refresh_token']}&client_id={client}"
        )

    assert refresh(first, "other&client_secret=o").json()["error"] == "invalid_grant"
    second = refresh(first).json()
    assert second["access_token"] != first["access_token"]
    assert fetch(server, second["access_token"]).status == 200
    again = refresh(first)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert refresh(second).status == 200


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ("grant_type=client_credentials", {"Authorization": basic("app", "s3cret")}, 200, None),
        (
            '{"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret"}',
            {"Content-Type": "application/json"},
            200,
            None,
        ),
        ("grant_type=client_credentials&client_id=app&client_secret=x", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=nobody&client_secret=s3cret", {}, 401, "invalid_client"),
        ("grant_type=client_credentials", {"Authorization": "Basic !"}, 401, "invalid_client"),
        ("grant_type=password&client_id=app&client_secret=s3cret", {}, 400, "unsupported_grant_type"),
        ("client_id=app&client_secret=s3cret", {}, 400, "invalid_request"),
        ("[]", {"Content-Type": "application/json"}, 401, "invalid_client"),
        ("{", {"Content-Type": "application/json"}, 401, "invalid_client"),
        ("", {"Content-Type": "text/plain"}, 401, "invalid_client"),
    ],
)
def test_a_token_request_is_judged_as_rfc_6749_says(serving, form, headers, status, error):
    answer = token(serving(OAUTH), form, headers)

    assert answer.status == status
    assert answer.json().get("error") == error
    assert (answer.header("www-authenticate") is not None) is (status == 401)


def test_tokens_belong_to_their_namespace_and_go_with_a_reset(serving):
    server = serving(OAUTH)
    server.admin.post("/namespaces", {"name": "other"})
    given = token(server).json()["access_token"]

    assert fetch(server, given, "/@other").status == 401
    server.admin.post("/reset")
    assert fetch(server, given).status == 401
    assert token(server).json()["access_token"] != given, "what was drawn is not drawn again"


# What comes first


def test_auth_stands_before_limit_before_idempotency_before_the_claim(serving):
    """Nothing that stops earlier takes from what stands later."""
    server = serving(
        """
auth: {bearer: [t]}
limit: {rate: 2/h, burst: 2}
idempotency: {header: idempotency-key, required: true}
routes: [{request: POST /a, reply: [{json: 1, effect: {kind: a}}, {json: 2, effect: {kind: a}}]}]
"""
    )
    server.admin.post("/clock", {"freeze": True})
    authorized = {"Authorization": "Bearer t"}

    def ask(**headers):
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        return server.ask("POST", "/a", "", headers=lines).status

    assert [ask() for _ in range(5)] == [401] * 5, "takes no token of the bucket"
    assert ask(**authorized) == 400, "takes one, and no step"
    assert ask(**authorized, Idempotency_Key="k") == 200
    assert ask(**authorized, Idempotency_Key="k") == 429, "a replay is limited too"
    assert ask(**authorized) == 429, "the limit stands before the missing key"
    server.admin.post("/clock", {"advance": "30m"})
    assert server.ask("POST", "/a", "", headers={**authorized, "Idempotency-Key": "k"}).json() == 1
    server.admin.post("/clock", {"advance": "30m"})
    assert server.ask("POST", "/a", "", headers={**authorized, "Idempotency-Key": "k2"}).json() == 2
    assert [call["step"] for call in server.calls()] == [None] * 6 + [1, None, None, None, 2]


def test_an_outage_stands_before_them_all(serving):
    server = serving("auth: {bearer: [t]}\nroutes: [{request: POST /a, reply: 200}]")
    server.admin.call("PUT", "/outage", {"reply": 503})

    assert server.ask("POST", "/a").status == 503
