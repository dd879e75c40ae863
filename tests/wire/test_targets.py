"""Request targets: nothing is normalised, and every form that HTTP knows is understood."""

import json

import pytest
from support.wire import Wire

SCENARIO = """
routes:
  - request: GET /items/{id}
    reply: {json: {id: "{{ path.id }}", path: "{{ request.path }}"}}
  - request: GET /files/{rest:.+}
    reply: {json: {rest: "{{ path.rest }}"}}
  - request: GET /a//b/../c/
    reply: {text: as it stands}
  - request: GET /grüße
    reply: {text: hallo}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def get(server):
    """The answer to a GET of a target, as text."""

    def got(target, headers="Host: x\r\n"):
        with Wire(server.address) as wire:
            wire.send(b"GET " + (target if isinstance(target, bytes) else target.encode()) + b" HTTP/1.1\r\n")
            wire.send(headers + "Connection: close\r\n\r\n")
            return wire.answer()

    return got


def test_an_encoded_slash_is_no_separator_and_is_decoded_in_the_parameter(get):
    assert json.loads(get("/items/a%2Fb").body) == {"id": "a/b", "path": "/items/a%2Fb"}


def test_a_parameter_is_decoded_once(get):
    assert json.loads(get("/items/a%252Fb").body)["id"] == "a%2Fb"


def test_a_plus_in_a_path_is_a_plus(get):
    assert json.loads(get("/items/a+b").body)["id"] == "a+b"


@pytest.mark.parametrize("target", ["/items/", "/items", "/items/a/b", "/Items/a", "//items/a", "/items/a/"])
def test_slashes_and_case_count(get, target):
    assert get(target).status == 404


def test_dots_and_double_slashes_stay(get):
    assert get("/a//b/../c/").body == b"as it stands"
    assert get("/a/c/").status == 404


def test_a_tail_takes_slashes(get):
    assert json.loads(get("/files/a/b%2Fc/d").body) == {"rest": "a/b/c/d"}


def test_a_target_in_absolute_form_is_taken_by_its_path(get, server):
    assert json.loads(get("http://api.example:99/items/7?x=1").body)["id"] == "7"

    request = server.calls()[0]["request"]
    assert (request["target"], request["path"]) == ("http://api.example:99/items/7?x=1", "/items/7")
    assert request["query"] == [["x", "1"]]


def test_an_absolute_target_without_a_path_asks_for_the_root(serving):
    server = serving("routes: [{request: GET /, reply: {text: root}}]")
    with Wire(server.address) as wire:
        wire.send("GET http://api.example HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().body == b"root"


@pytest.mark.parametrize("target", ["/gr%C3%BC%C3%9Fe", "/gr%c3%bc%c3%9fe"])
def test_a_path_is_compared_decoded(get, target):
    assert get(target).body == b"hallo"


def test_the_query_is_recorded_in_its_order_with_repeats(get, server):
    get("/items/1?b=2&a=1&b=%203&flag&=x&a+b=c+d")

    assert server.calls()[0]["request"]["query"] == [
        ["b", "2"], ["a", "1"], ["b", " 3"], ["flag", ""], ["", "x"], ["a b", "c d"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "target",
    [
        "/items/%", "/items/%zz", "/items/%ff%fe", "/items/%00", "/?%=%&&&==", "*", "x", "/" + "a" * 8000,
        "http://[::1/x", "http://[", "http://", "http:///x", "http://%", "http://x:99999999/x", "//", "/@", "/@/x",
        "/@nobody/x", "/@%ff/x", "/mock", "/mock/", "/mock/@", "/mocks", "/items/\x7f",
        b"/items/\xff\xfe", b"/\xc3", "/#fragment", "/items/a#b", "?", "/__admin", "/__admin/", "/__admin/@", "/__admin/@%ff/x",
        "/__admin/%2F", "/__admin//", "/__admin/calls/%00", "/__admin/routes/%ff", "/__admin/scenarios/%zz",
        "http://x/__admin/nothing",
    ],
)  # fmt: skip
def test_no_target_makes_the_server_fail(get, server, target):
    assert 200 <= get(target).status < 500
    assert server.admin.get("/health")["status"] == "ok"


def test_the_target_is_kept_as_it_came(get, server):
    get("/items/%7e%2f?a=%41")

    request = server.calls()[0]["request"]
    assert (request["target"], request["path"]) == ("/items/%7e%2f?a=%41", "/items/%7e%2f")


def test_connect_without_tls_is_refused_with_the_flag_to_use(server):
    with Wire(server.address) as wire:
        wire.send("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
        answer = wire.answer()
        assert answer.status == 501
        assert b"--tls" in answer.body
        assert wire.is_closed()

    (call,) = server.calls()
    assert (call["request"]["method"], call["request"]["target"]) == ("CONNECT", "api.example:443")


@pytest.mark.parametrize("base", ["", "/mock"])
def test_both_base_urls_lead_to_the_same_routes(get, base):
    assert json.loads(get(f"{base}/items/7").body)["path"] == "/items/7"


def test_the_prefix_gives_way_to_a_route_that_begins_with_it(serving):
    server = serving(
        "routes: [{request: GET /mock/x, reply: {text: mine}}, {request: GET /x, reply: {text: other}}]"
    )

    assert server.ask("GET", "/mock/x").text == "mine"
    assert server.ask("GET", "/x").text == "other"


def test_the_default_namespace_has_a_prefix_too(get):
    for prefix in ("/@default", "/mock/@default"):
        assert json.loads(get(f"{prefix}/items/7").body)["path"] == "/items/7"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/@nobody/items/7", "Host: x\r\n"),
        ("/mock/@nobody/items/7", "Host: x\r\n"),
        ("/items/7", "Host: x\r\nx-mockserver-namespace: nobody\r\n"),
        ("/items/7", "Host: x\r\nbaggage: a=b,mockserver.namespace=nobody;p=1\r\n"),
    ],
)
def test_an_unknown_namespace_is_a_404_that_says_so(get, target, headers):
    answer = get(target, headers)

    assert answer.status == 404
    assert answer.header("x-mockserver-matched") == "false"
    assert "nobody" in json.loads(answer.body)["title"]
