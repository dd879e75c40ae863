"""A client that ends its half of the connection: it may have gone, or wait for its answer."""

import sys
import threading

import pytest
from support.server import until
from support.wire import Wire

SCENARIO = """
routes:
  - {request: GET /text, reply: {text: hello}}
  - {request: GET /made, reply: {text: "{{ request.path }}"}}
  - {request: POST /echo, reply: {text: "{{ request.text }}"}}
  - {request: GET /delay, reply: {text: hello, delay: 100ms}}
  - {request: GET /pieces, reply: {chunks: [hel, {text: lo, delay: 50ms}]}}
  - {request: GET /slow, reply: {text: hello, throttle: {chunks: 3, over: 100ms}}}
  - {request: GET /late, reply: {text: late, delay: 300ms}}
  - {request: GET /hang, reply: {fault: hang}}
  - {request: GET /hang-after, reply: {text: hello, fault: {kind: hang, after: 2}}}
  - {request: GET /reset, reply: {text: hello, delay: 50ms, fault: reset}}
  - {request: GET /cut, reply: {text: hello, delay: 50ms, fault: {kind: truncate, after: 2}}}
"""
HELLO = {"/text": b"hello", "/made": b"/made", "/delay": b"hello", "/pieces": b"hello", "/slow": b"hello"}
KINDS = {
    "by HTTP/1.1": "GET {} HTTP/1.1\r\nHost: x\r\n\r\n",
    "by HTTP/1.1, to be closed": "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "by HTTP/1.0": "GET {} HTTP/1.0\r\n\r\n",
}
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the client has taken")


@pytest.fixture
def server(serving):
    return serving(SCENARIO, hang_limit_s=60)


def finished(server, number=1):
    """The call once nothing more happens to it: a client that ended its half may still take its answer."""
    found = []

    def is_settled():
        found[:] = [call for call in server.calls() if call["number"] == number]
        return found and found[0]["outcome"] not in ("open", "client_left")

    until(is_settled)
    return found[0]


@linux
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", HELLO)
def test_a_client_that_waits_for_its_answer_gets_it(server, target, kind):
    with Wire(server.address) as wire:
        wire.send(KINDS[kind].format(target))
        wire.ends_sending()
        answer = wire.answer()
        assert (answer.status, answer.body) == (200, HELLO[target])
        assert wire.is_closed()

    call = finished(server)
    assert call["outcome"] == "done"
    assert call["times"]["last_byte_ms"] is not None
    assert server.admin.get("/counts")["routes"][call["route"]]["in_flight"] == 0


@pytest.mark.parametrize("target", ["/text", "/delay", "/pieces"])
def test_so_does_one_that_asks_for_the_head_alone(server, target):
    with Wire(server.address) as wire:
        wire.send(f"HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.ends_sending()
        assert wire.answer(head=True).status == 200
        assert wire.is_closed()


def test_so_does_one_that_sends_a_body_in_a_read_of_its_own(server):
    with Wire(server.address) as wire:
        wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert wire.answer().status == 100
        wire.send("hello")
        wire.ends_sending()
        assert wire.answer().body == b"hello"
        assert wire.is_closed()


def test_requests_in_a_pipeline_are_all_answered(server):
    with Wire(server.address) as wire:
        wire.send("".join(KINDS["by HTTP/1.1"].format(target) for target in HELLO))
        wire.ends_sending()
        assert [wire.answer().body for _ in HELLO] == list(HELLO.values())
        assert wire.is_closed()


@pytest.mark.parametrize("target", ["/__admin/health", "/__admin/nothing"])
def test_the_admin_api_answers_too(server, target):
    with Wire(server.address) as wire:
        wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.ends_sending()
        assert wire.answer().status in (200, 404)
        assert wire.is_closed()


def test_a_stream_of_the_admin_api_ends(server):
    with Wire(server.address) as wire:
        wire.send("GET /__admin/calls/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.until(b"\r\n\r\n")
        wire.ends_sending()
        wire.rest()
    until(lambda: not server.app.engine.default.followers)


def test_at_the_end_of_its_half_the_client_counts_as_gone(server):
    with Wire(server.address) as wire:
        wire.send(KINDS["by HTTP/1.1"].format("/late"))
        server.admin.post("/verify", {"request": "GET /late", "within": "5s"})
        wire.ends_sending()
        until(lambda: server.calls()[0]["outcome"] == "client_left")
        call = server.calls()[0]
        assert call["times"]["left_ms"] is not None
        assert call["times"]["last_byte_ms"] is None
        assert server.admin.get("/counts")["routes"]["shop/GET /late"]["in_flight"] == 0
        assert wire.answer().body == b"late"
    if sys.platform == "linux":
        assert finished(server)["times"]["left_ms"] == call["times"]["left_ms"]


@pytest.mark.parametrize("target", ["/delay", "/pieces", "/slow"])
def test_one_that_has_gone_takes_no_answer(server, target):
    with Wire(server.address) as wire:
        wire.send(KINDS["by HTTP/1.1"].format(target))
        server.admin.post("/verify", {"request": f"GET {target}", "within": "5s"})
        if target != "/delay":
            wire.until(b"\r\n\r\n")
    until(lambda: server.app.engine.default.call_log.get(1).home is None)

    call = server.calls()[0]
    assert (call["outcome"], call["times"]["last_byte_ms"]) == ("client_left", None)
    assert call["times"]["left_ms"] is not None


@pytest.mark.parametrize("target", ["/hang", "/hang-after"])
def test_a_hang_ends_at_once(server, target):
    with Wire(server.address) as wire:
        wire.send(KINDS["by HTTP/1.1"].format(target))
        server.admin.post("/verify", {"request": f"GET {target}", "within": "5s"})
        wire.ends_sending()
        wire.rest()
    call = server.closed_call()
    assert (call["outcome"], call["fault"]) == ("client_left", "hang")


@linux
def test_a_part_that_was_taken_before_a_fault_makes_it_that_fault(server):
    for number, (target, data, end) in enumerate([("/cut", b"he", "FIN"), ("/reset", b"", "RST")], 1):
        with Wire(server.address) as wire:
            wire.send(KINDS["by HTTP/1.1"].format(target))
            wire.ends_sending()
            got = wire.ending()
        assert (got[0][-2:], got[1]) == (data, end)
        until(lambda number=number: server.app.engine.default.call_log.get(number).home is None)
    calls = server.calls()
    assert [(call["fault"], call["outcome"]) for call in calls] == [
        ("truncate", "truncate"),
        ("reset", "client_left"),
    ], "of a reset nobody can tell whether the client still waited"


def test_a_body_that_can_not_come_any_more_is_no_request(server):
    with Wire(server.address) as wire:
        wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhel")
        until(lambda: server.app._listeners[0].connections)
        wire.ends_sending()
        assert wire.is_closed()
    call = server.closed_call()
    assert (call["outcome"], call["request"]["complete"]) == ("client_left", False)


def test_half_a_head_is_no_request(server):
    with Wire(server.address) as wire:
        wire.send("GET /text HTTP/1.1\r\nHost:")
        wire.ends_sending()
        assert wire.is_closed()
    assert server.calls() == []


@linux
def test_a_slow_reader_of_a_large_answer_takes_it(serving):
    server = serving(
        {"shop.yaml": "routes: [{request: GET /big, reply: {file: big.bin}}]", "big.bin": bytes(8_000_000)}
    )
    with Wire(server.address, receive_buffer=65536) as wire:
        wire.send(KINDS["by HTTP/1.1"].format("/big"))
        wire.ends_sending()
        until(lambda: [call["outcome"] for call in server.calls()] == ["client_left"])
        assert len(wire.answer().body) == 8_000_000
        assert wire.is_closed()
    assert finished(server)["outcome"] == "done"


def test_the_key_of_a_client_that_left_is_free_for_its_retry(serving):
    server = serving(
        "routes: [{request: POST /pay, idempotency: {header: Idempotency-Key}, reply: {text: paid, delay: 300ms}}]"
    )
    request = "POST /pay HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: 0\r\n\r\n"
    with Wire(server.address) as wire:
        wire.send(request)
        server.admin.post("/verify", {"request": "POST /pay", "within": "5s"})
    until(lambda: server.calls()[0]["outcome"] == "client_left")
    with Wire(server.address) as wire:
        wire.send(request)
        answer = wire.answer()
    assert (answer.status, answer.body) == (200, b"paid")


def test_nothing_of_it_stays(server):
    before = threading.active_count()
    for target in HELLO:
        with Wire(server.address) as wire:
            wire.send(KINDS["by HTTP/1.1"].format(target))
            wire.ends_sending()
            wire.rest()
    until(lambda: not any(one.transport for one in server.app._listeners[0].connections))
    assert threading.active_count() == before
