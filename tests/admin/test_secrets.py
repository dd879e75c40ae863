"""Secrets over the admin API: masked in every answer, the truth on request, and never for a stranger."""

import base64
import gzip
import json

import pytest
from support.admin import Admin, segment

CARD, KEY, TOKEN = "4242424242424242", "sk_live_abcdefgh12345678", "tok_1234567890"
SECRETS = (CARD, "abcdefgh1234", TOKEN, "hunter2", "cookie_value")
SHOP = """
routes:
  - name: login
    request: POST /login
    match: {headers: {x-app: web}}
    set: {last: "{{ request.text }}", seen: "{{ request.headers.authorization }}"}
    reply:
      headers: {Set-Cookie: "sid=cookie_value; Path=/"}
      json: {token: tok_1234567890, ok: true}
      effect: {kind: login, password: "{{ request.json.password }}", note: "{{ request.json.card }}"}
resources:
  - {path: /cards}
"""


@pytest.fixture
def server(serving):
    return serving(SHOP)


def log_in(server, target="/login?api_key=abcdefgh12345678", **headers):
    body = json.dumps({"password": "hunter2", "card": CARD, "key": KEY})
    lines = {
        "X-App": "web", "Authorization": f"Bearer {TOKEN}", "Cookie": "a=cookie_value",
        "Content-Type": "application/json", **headers,
    }  # fmt: skip
    return server.ask("POST", target, body, headers=lines)


def leaked(text):
    return [secret for secret in SECRETS if secret in text]


def test_they_are_masked_in_every_answer_and_shown_on_request(server):
    log_in(server)

    for path in ("/calls", "/calls/1", "/calls.har", "/attempts?by=headers.authorization", "/effects", "/state", "/state/seen"):  # fmt: skip
        masked = server.admin.call("GET", path).text
        shown = server.admin.call("GET", f"{path}{'&' if '?' in path else '?'}reveal=true").text

        by_shape_alone = ["hunter2"] if path == "/state" else []
        assert leaked(masked) == by_shape_alone, path
        assert "****" in masked, path
        assert len(leaked(shown)) > len(by_shape_alone), path


def test_a_call_keeps_its_form(server):
    log_in(server)

    call = server.admin.get("/calls")["items"][0]

    assert call["request"]["target"] == "/login?api_key=****5678"
    assert call["request"]["query"] == [["api_key", "****5678"]]
    assert json.loads(call["request"]["body"]["text"]) == {
        "password": "****", "card": "****4242", "key": "****5678",
    }  # fmt: skip
    assert call["reply"]["headers"][0] == ["Set-Cookie", "sid=****alue; Path=/"]
    assert call["reply"]["body"]["text"] == '{"token":"****7890","ok":true}'
    assert call["effects"] == [
        {**call["effects"][0], "kind": "login", "password": "****", "note": "****4242"}
    ]


def test_a_miss_says_what_differs_without_them(server):
    answer = log_in(server, f"/login/{CARD}", **{"X-App": KEY})
    assert not leaked(answer.text)
    assert answer.json()["title"] == "No route matches POST /login/****4242"

    plain = server.ask("POST", f"/login/{CARD}", headers={"Accept": "text/plain", "X-App": KEY})
    assert not leaked(plain.text)
    assert "****" in plain.text

    assert not leaked(server.admin.call("GET", "/unmatched").text)
    assert leaked(server.admin.call("GET", "/unmatched?reveal=true").text)
    assert not leaked(server.ask("PUT", "/login").text)


def test_a_suggested_route_asks_that_a_secret_be_there(server):
    log_in(server, "/logins")

    suggestion = server.admin.get("/unmatched")["items"][0]["suggestion"]
    server.admin.call("POST", "/scenarios", body=f"scenario: own\nroutes:\n{suggestion}", headers={"Content-Type": "application/yaml"})  # fmt: skip

    assert "$present" in suggestion
    assert log_in(server, "/logins").status == 200
    assert server.ask("POST", "/logins", "{}").status == 404


def test_explain_says_what_differs_without_them(server):
    view = server.admin.post("/explain", {"request": f"POST /login/{CARD}", "headers": {"x-app": KEY}})
    assert not leaked(json.dumps(view))
    assert "****4242" in json.dumps(view)

    view = server.admin.post("/explain", {"request": "POST /login", "headers": {"x-app": KEY}})
    assert view["candidates"][0]["differences"][0]["actual"] == "****5678"
    assert not leaked(json.dumps(view))

    asked = {
        "request": "POST /login",
        "headers": {"x-app": "web", "authorization": "x"},
        "json": {"password": KEY, "card": CARD},
    }
    reply = server.admin.post("/explain", asked)["reply"]
    assert reply["headers"][0] == ["Set-Cookie", "sid=****alue; Path=/"]
    assert reply["effects"] == [{**reply["effects"][0], "password": "****", "note": "****4242"}]


def test_what_a_route_expects_is_masked_as_what_came_is(serving):
    server = serving(
        "routes: [{request: GET /a, match: {headers: {authorization: Bearer expected-7890}}, reply: 200}]"
    )

    (difference,) = server.ask("GET", "/a", headers={"Authorization": "Bearer came-instead-1234"}).json()[
        "nearest"
    ][0]["differences"]

    assert (difference["expected"], difference["actual"]) == ("Bearer ****7890", "Bearer ****1234")
    assert difference["text"].startswith(
        "headers.authorization: expected 'Bearer ****7890', got 'Bearer ****1234'"
    )


@pytest.mark.parametrize(
    ("expected", "came"),
    [("expected-1", "secret" * 30), ("expected-1", "came-in"), ('"a"', "b"), ("1234", 5678)],
)
def test_a_secret_that_is_quoted_is_masked_however_long_it_is(serving, expected, came):
    server = serving(
        f"routes: [{{request: POST /a, match: {{json: {{user: {{pin: {expected}}}}}}}, reply: 200}}]"
    )

    answer = server.ask("POST", "/a", json.dumps({"user": {"pin": came}}))

    (difference,) = answer.json()["nearest"][0]["differences"]
    assert (difference["where"], difference["expected"], difference["actual"]) == (
        "json.user.pin",
        "****",
        "****",
    )
    assert difference["text"].startswith("json.user.pin: expected '****', got '****'")
    assert not {text for text in (expected, f"{came}"[:6]) if len(text) > 3 and text in answer.text}


@pytest.mark.parametrize("reveal", [False, True])
def test_a_body_that_is_coded_or_no_text_hides_nothing(server, reveal):
    secret = json.dumps({"password": "hunter2"}).encode()
    harmless = gzip.compress(b"{}")
    coded = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    server.ask("POST", "/login", gzip.compress(secret), headers=coded)
    server.ask("POST", "/login", harmless, headers=coded)
    server.ask("POST", "/login", secret, headers={"Content-Encoding": "br"})
    server.ask("POST", "/login", b"\xff" + secret)
    server.ask("POST", "/login", b"\xff" + secret, headers={"Content-Encoding": "br"})

    bodies = [call["request"]["body"] for call in server.calls(f"?reveal={reveal}")]
    shown = [(body["text"], body["base64"] and base64.b64decode(body["base64"])) for body in bodies]

    if reveal:
        assert shown[0] == (None, shown[0][1])
        assert gzip.decompress(shown[0][1]) == secret
        assert shown[1:] == [
            (None, harmless),
            (secret.decode(), None),
            (None, b"\xff" + secret),
            (None, b"\xff" + secret),
        ]
        return
    assert shown == [
        ('{"password": "****"}', None),
        (None, harmless),
        ('{"password": "****"}', None),
        (None, b'\xff{"password": "****"}'),
        (None, None),  # nobody can look into it
    ]


def test_a_template_that_fails_tells_no_secret(serving):
    server = serving('routes: [{request: GET /a, reply: {delay: "{{ request.query.d }}"}}]')

    answer = server.ask("GET", f"/a?d={CARD}")

    assert (answer.status, "'****4242' is not a valid duration" in answer.json()["reason"]) == (500, True)
    assert CARD not in answer.text
    assert CARD not in server.admin.call("GET", "/calls").text
    assert CARD not in server.admin.call("POST", "/verify", {"request": "GET /a", "times": 2}).text


def test_a_resource_shows_its_secrets_on_request(server):
    server.admin.call("PUT", "/resources/cards", [{"id": "1", "number": CARD, "token": "abc"}])

    assert server.admin.get("/resources/cards")["items"] == [
        {"id": "1", "number": "****4242", "token": "abc"}
    ]
    assert server.admin.get("/resources/cards?reveal=true")["items"][0]["number"] == CARD
    assert server.ask("GET", "/cards/1").json()["number"] == CARD


def test_webhooks_are_masked_whole(serving):
    server = serving(
        f"""
routes:
  - request: POST /a
    reply:
      status: 200
      webhook:
        url: "{{{{ request.base_url }}}}/hook?access_token={TOKEN}"
        headers: {{Authorization: Bearer {TOKEN}}}
        json: {{password: hunter2, card: "{CARD}"}}
""",
        allow_egress=("127.0.0.1",),
    )
    server.ask("POST", "/a")
    server.admin.call("POST", "/clock", {"advance": "1s"})

    (delivery,) = server.admin.get("/webhooks")["items"]

    assert delivery["tries"]
    assert not leaked(json.dumps(delivery))
    assert ["Authorization", "Bearer ****7890"] in delivery["headers"]
    assert delivery["url"].endswith("/hook?access_token=****7890")
    assert json.loads(delivery["body"]["text"]) == {"password": "****", "card": "****4242"}
    assert leaked(server.admin.call("GET", "/webhooks?reveal=true").text)


PATHS = ("/calls", "/calls.har", "/calls/1", "/calls/stream", "/unmatched", "/attempts", "/webhooks", "/effects", "/state", "/state/a", "/resources/cards")  # fmt: skip


def test_a_stranger_sees_no_secret(serving):
    server = serving(SHOP, admin_token="s3cret")
    log_in(server)

    for path in PATHS:
        assert Admin(server.admin.url).call("GET", f"{path}?reveal=true").status == 401, path


def test_from_elsewhere_nobody_sees_secrets_without_the_token(server, monkeypatch):
    log_in(server)
    api = next(listener._admin for listener in server.app._listeners)
    monkeypatch.setattr(api._services, "may_reveal", lambda request: False)

    for path in PATHS:
        problem = server.admin.refused(403, "GET", f"{path}?reveal=true")
        assert problem["type"] == "urn:mockserver:no-reveal", path


@pytest.mark.parametrize(
    ("client", "may"),
    [("127.0.0.1:5", True), ("[::1]:5", True), ("[::ffff:127.0.0.1]:5", True), ("10.0.0.1:5", False), ("[::ffff:10.0.0.1]:5", False), ("", False)],
)  # fmt: skip
def test_this_machine_is_known_by_either_protocol(client, may):
    from mockserver.admin.guard import Guard
    from mockserver.model.http import Request

    assert Guard().may_reveal(Request("GET", "/", client=client)) is may


def test_errors_quote_no_secret(server):
    problem = server.admin.refused(404, "GET", f"/calls/{KEY}")
    assert KEY not in json.dumps(problem)

    problem = server.admin.refused(422, "POST", "/verify", {"route": KEY, "times": CARD})
    assert not leaked(json.dumps(problem))

    problem = server.admin.refused(404, "GET", f"/{segment(KEY)}")
    assert KEY not in json.dumps(problem)


@pytest.mark.parametrize(
    "body", [{"password": "hunter22", "pin": 1234}, {"query": 'mutation { login(password: "hunter22") }'}]
)
def test_explain_masks_what_a_call_masks(serving, body):
    server = serving(
        "routes: [{request: POST /echo, reply: {json: '{{ request.json }}'}, effect: {kind: x, sent: '{{ request.json }}'}}]"
    )
    server.ask("POST", "/echo", json.dumps(body), headers={"Content-Type": "application/json"})
    (call,) = server.admin.get("/calls")["items"]

    reply = server.admin.post("/explain", {"request": "POST /echo", "json": body})["reply"]

    assert "hunter22" not in json.dumps(reply)
    assert reply["body"] == call["reply"]["body"]["text"]
    assert reply["effects"][0]["sent"] == call["effects"][0]["sent"]
