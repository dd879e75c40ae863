"""Cross-origin requests that no route takes: a browser shows their explanation only where CORS lets it."""

import pytest
from support.upstreams import Upstream, reply
from support.wire import Wire

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.scenarios.loader import from_text
from mockserver.verification.lint import lint_warnings

SCENARIO = """
base: /shop
cors: {cors}
routes:
  - {{request: GET /data, reply: {{text: fine}}}}
  - {{request: GET /open, reply: {{headers: {{Access-Control-Allow-Origin: "*"}}, text: open}}}}
"""
ORIGIN = {"Origin": "http://app.example"}
ASKING = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}


@pytest.fixture
def shop(serving):
    return lambda cors="true", **more: serving({"shop.yaml": SCENARIO.format(cors=cors), **more})


@pytest.mark.parametrize(
    ("method", "target", "status"), [("GET", "/shop/nothing/near", 404), ("POST", "/shop/data", 405)]
)
def test_an_unmatched_request_carries_the_headers_of_its_scenario(shop, method, target, status):
    answer = shop().ask(method, target, headers=ORIGIN)
    assert answer.status == status
    assert answer.header("access-control-allow-origin") == "http://app.example"
    assert answer.header("access-control-allow-credentials") == "true"
    assert "x-mockserver-matched" in answer.header("access-control-expose-headers")


def test_the_browser_may_send_what_it_asks_for(shop):
    answer = shop().ask("OPTIONS", "/shop/nothing", headers=ASKING)
    assert (answer.status, answer.header("access-control-allow-methods")) == (204, "POST")
    assert answer.header("access-control-allow-headers") == "x-a"


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_none_without_an_origin_that_is_allowed(shop, method, headers):
    server = shop("{origins: ['http://app.example']}")
    answer = server.ask(method, "/shop/nothing", headers={**headers, "Access-Control-Request-Method": "GET"})
    assert answer.header("access-control-allow-origin") is None


def test_none_in_a_scenario_without_rules(shop):
    server = shop("false")
    for method in ("GET", "OPTIONS"):
        answer = server.ask(method, "/shop/nothing", headers=ASKING)
        assert (answer.status, answer.header("access-control-allow-origin")) == (404, None)


def test_another_scenario_of_another_base_lends_none(shop):
    server = shop(**{"other.yaml": "base: /other\nroutes: [{request: GET /data, reply: 200}]"})
    assert server.ask("GET", "/other/data/x/y", headers=ORIGIN).header("access-control-allow-origin") is None


@pytest.mark.parametrize("cors", ["true", "{credentials: false}"])
@pytest.mark.parametrize("target", ["/shop/data", "/shop/open", "/shop/none"])
def test_a_star_never_meets_credentials(shop, cors, target):
    answer = shop(cors).ask("GET", target, headers=ORIGIN)
    allowed = answer.header("access-control-allow-origin")
    assert allowed in ("*", "http://app.example")
    assert (answer.header("access-control-allow-credentials") == "true") == (allowed != "*")


def test_a_star_and_credentials_of_a_reply_become_the_origin(serving):
    lines = 'Access-Control-Allow-Origin: "*", Access-Control-Allow-Credentials: "true"'
    server = serving(f"cors: true\nroutes: [{{request: GET /a, reply: {{headers: {{{lines}}}, text: a}}}}]")
    with Wire(server.address) as wire:
        wire.send("GET /a HTTP/1.1\r\nHost: x\r\nOrigin: http://app.example\r\n\r\n")
        answer = wire.answer()
    assert answer.all("access-control-allow-origin") == ["http://app.example"]
    assert answer.all("access-control-allow-credentials") == ["true"]
    assert answer.header("vary") == "Origin"


STAR_WITH_CREDENTIALS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}])
@pytest.mark.parametrize("real", [False, True], ids=["a reply", "a real service"])
def test_a_star_stands_alone_where_the_origin_is_not_allowed(serving, headers, real):
    service = Upstream(reply(b"a", *(f"{name}: {value}" for name, value in STAR_WITH_CREDENTIALS.items())))
    answers = f"proxy: '{service.url}'" if real else f"reply: {{headers: {STAR_WITH_CREDENTIALS}, text: a}}"
    server = serving(f"cors: {{origins: ['http://app.example']}}\nroutes: [{{request: GET /a, {answers}}}]")
    answer = server.ask("GET", "/a", headers=headers)
    service.close()
    assert (answer.body, answer.header("access-control-allow-origin")) == (b"a", "*")
    assert answer.header("access-control-allow-credentials") is None


def test_check_warns_of_a_star_with_credentials_without_rules():
    reply = f"routes: [{{request: GET /a, reply: {{headers: {STAR_WITH_CREDENTIALS}}}}}]"
    said = [
        [warning.message for warning in lint_warnings(build_scenario_set([from_text(text, "shop")]))]
        for text in (reply, f"cors: true\n{reply}")
    ]
    assert said == [["a browser refuses `Access-Control-Allow-Origin: *` beside credentials"], []]


def test_a_repeated_answer_allows_the_origin_that_asks(serving):
    server = serving(
        "cors: true\nidempotency: {header: Idempotency-Key}\nroutes: [{request: POST /a, reply: {text: a}}]"
    )
    for origin in ("http://app.example", "http://other.example"):
        answer = server.ask("POST", "/a", b"", headers={"Origin": origin, "Idempotency-Key": "1"})
        assert answer.header("access-control-allow-origin") == origin
