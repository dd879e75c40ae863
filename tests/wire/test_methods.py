"""Methods: HEAD, OPTIONS, 405, and what no route takes."""

import pytest
from support.wire import Wire

SCENARIO = """
routes:
  - name: read
    request: GET /item
    reply: [503, {json: {ok: true}, headers: {x-own: "1"}}]
  - name: write
    request: PUT,PATCH /item
    reply: 200
  - name: own-head
    request: HEAD /headed
    reply: {status: 200, headers: {x-head: "1"}}
  - name: headed
    request: GET /headed
    reply: {text: x}
  - name: own-options
    request: OPTIONS /optional
    reply: {text: mine}
  - name: optional
    request: GET /optional
    reply: 200
  - name: any
    request: ANY /any
    reply: {text: "{{ request.method }}"}
  - name: only-x
    request: POST /guarded
    match: {headers: {x-key: present}}
    reply: 200
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def send(server):
    def sent(method, target, *lines):
        with Wire(server.address) as wire:
            wire.send(
                f"{method} {target} HTTP/1.1\r\nHost: x\r\n"
                + "".join(f"{line}\r\n" for line in lines)
                + "\r\n"
            )
            return wire.answer(head=method == "HEAD")

    return sent


def test_head_is_answered_as_get_without_the_body(server):
    with Wire(server.address) as wire:
        wire.send("HEAD /item HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        first, second = wire.answer(head=True), wire.answer(head=True)
        wire.send("GET /item HTTP/1.1\r\nHost: x\r\n\r\n")
        third = wire.answer()

    assert (first.status, second.status) == (503, 200)
    assert second.header("content-length") == third.header("content-length") == str(len(third.body))
    assert second.header("content-type") == "application/json"


def test_head_takes_a_step_and_counts_for_the_route(server, send):
    send("HEAD", "/item")

    assert server.admin.post("/count", {"route": "read"}) == {"count": 1, "exact": True}
    call = server.calls()[0]
    assert (call["route"], call["step"], call["request"]["method"]) == ("shop/read", 1, "HEAD")
    assert call["reply"]["body"]["length"] == 0


def test_a_head_route_is_asked_before_the_get_route(send):
    assert send("HEAD", "/headed").header("x-head") == "1"


def test_options_on_a_known_path_is_answered_by_itself(server, send):
    answer = send("OPTIONS", "/item")

    assert (answer.status, answer.header("allow")) == (204, "GET, HEAD, OPTIONS, PATCH, PUT")
    assert answer.names == ["Allow", "Date"]
    call = server.calls()[0]
    assert (call["automatic"], call["matched"], call["route"]) == (True, False, None)
    counts = server.admin.get("/counts")
    assert (counts["automatic"], counts["unmatched"], counts["routes"]) == (1, 0, {})


def test_a_route_of_its_own_answers_options(server, send):
    assert send("OPTIONS", "/optional").body == b"mine"
    assert server.calls()[0]["route"] == "shop/own-options"


def test_any_takes_every_method(send):
    for method in ("GET", "DELETE", "OPTIONS", "PROPFIND"):
        assert send(method, "/any").body == method.encode()


def test_a_wrong_method_is_405_with_what_is_allowed(server, send):
    answer = send("DELETE", "/item")

    assert answer.status == 405
    assert answer.header("allow") == "GET, HEAD, OPTIONS, PATCH, PUT"
    assert answer.header("x-mockserver-matched") == "false"
    assert answer.header("content-type") == "application/problem+json"
    assert server.admin.get("/counts")["unmatched"] == 1


def test_a_miss_of_a_condition_is_404_and_no_405(send):
    assert send("POST", "/guarded").status == 404


def test_an_unmatched_request_is_told_so_and_recorded(server, send):
    answer = send("POST", "/nowhere")

    assert answer.status == 404
    assert answer.header("x-mockserver-matched") == "false"
    assert answer.header("content-type") == "application/problem+json"
    call = server.calls()[0]
    assert (call["matched"], call["route"], call["step"], call["reply"]["status"]) == (False, None, None, 404)


@pytest.mark.parametrize("accept", ["text/html", "text/plain, text/*;q=0.5"])
def test_who_takes_no_json_gets_plain_text(send, accept):
    for method, target in (("GET", "/nowhere"), ("DELETE", "/item")):
        answer = send(method, target, f"Accept: {accept}")
        assert answer.header("content-type") == "text/plain; charset=utf-8"
        assert answer.header("x-mockserver-matched") == "false"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/problem+json", "application/*"])
def test_who_takes_json_gets_a_problem_document(send, accept):
    assert send("GET", "/nowhere", f"Accept: {accept}").header("content-type") == "application/problem+json"


def test_options_of_an_unknown_path_is_unmatched(send):
    assert send("OPTIONS", "/nowhere").status == 404


def test_the_status_of_a_miss_can_be_chosen(serving):
    server = serving(unmatched_status=418)

    assert server.ask("GET", "/nowhere").status == 418
    assert server.ask("GET", "/data").status == 405


def test_methods_know_case(send):
    assert send("get", "/item").status in (400, 404, 405)
