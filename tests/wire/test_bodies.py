"""Request bodies: whole, in pieces, too large, and cut short."""

import gzip
import hashlib

import pytest
from support.wire import Wire

pytestmark = pytest.mark.smoke

SCENARIO = """
routes:
  - request: POST /echo
    reply: {text: "{{ request.text }}"}
  - request: POST /seen
    reply: {json: {length: "{{ request.text | length }}"}}
  - request: GET /hello
    reply: {text: hello}
"""
LIMIT = 1000


@pytest.fixture
def server(serving):
    return serving(SCENARIO, max_body_bytes=LIMIT)


@pytest.fixture
def wire(server):
    with Wire(server.address) as wire:
        yield wire


def head(*lines, target="/echo"):
    return f"POST {target} HTTP/1.1\r\nHost: x\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n"


def test_a_chunked_body_is_put_together(wire, server):
    wire.send(
        head("Transfer-Encoding: chunked") + '3\r\nabc\r\n2;name="v"\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n'
    )

    assert wire.answer().body == b"abcde"
    body = server.calls()[0]["request"]["body"]
    assert (body["text"], body["length"]) == ("abcde", 5)


def test_100_continue_comes_before_the_body_is_read(wire):
    wire.send(head("Expect: 100-continue", "Content-Length: 2"))
    assert wire.answer().start == "HTTP/1.1 100 Continue"

    wire.send("hi")
    assert wire.answer().body == b"hi"


def test_no_100_continue_goes_to_http_1_0_or_before_an_empty_body(wire):
    wire.send(head("Expect: 100-continue", "Content-Length: 0"))
    assert wire.answer().status == 200

    wire.send(head("Expect: 100-continue", "Content-Length: 2").replace("HTTP/1.1", "HTTP/1.0") + "hi")
    assert wire.answer().body == b"hi"


def test_what_is_too_large_by_its_length_is_413_and_never_asked_for(wire, server):
    wire.send(head("Expect: 100-continue", f"Content-Length: {LIMIT + 1}"))

    answer = wire.answer()
    assert answer.status == 413
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("connection") == "close"
    assert b"--max-body" in answer.body
    assert_recorded_as_incomplete(server)


def test_what_is_too_large_in_chunks_is_413(wire, server):
    wire.send(head("Transfer-Encoding: chunked") + f"{LIMIT + 1:x}\r\n" + "a" * (LIMIT + 1) + "\r\n0\r\n\r\n")

    assert wire.answer().status == 413
    assert_recorded_as_incomplete(server)


def assert_recorded_as_incomplete(server):
    call = server.closed_call()
    assert (call["request"]["complete"], call["outcome"]) == (False, "incomplete")
    assert (call["route"], call["step"], call["matched"]) == (None, None, False)
    assert call["reply"]["status"] == 413
    counts = server.admin.get("/counts")
    assert (counts["total"], counts["incomplete"], counts["unmatched"], counts["routes"]) == (1, 1, 0, {})
    assert server.admin.post("/count", {"request": "POST /echo"})["count"] == 0


def test_a_client_that_sends_a_too_large_body_whole_still_sees_the_413(server):
    body = b"a" * 3_000_000
    with Wire(server.address) as wire:
        wire.send(head(f"Content-Length: {len(body)}"))
        wire.send(body)
        assert wire.answer().status == 413


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_body_up_to_the_limit_is_taken(wire, size):
    wire.send(head(f"Content-Length: {size}", target="/seen") + "a" * size)

    assert wire.answer().body == b'{"length":%d}' % size


def test_a_client_that_leaves_in_the_middle_of_its_body_is_recorded_as_such(server):
    with Wire(server.address) as wire:
        wire.send(head("Content-Length: 10") + "abc")

    call = server.closed_call()
    assert (call["request"]["complete"], call["outcome"], call["route"]) == (False, "client_left", None)
    assert call["reply"] is None
    assert call["times"]["left_ms"] is not None
    assert server.admin.get("/counts")["incomplete"] == 1


def test_a_client_that_resets_in_the_middle_of_its_body_is_recorded_as_such(server):
    wire = Wire(server.address)
    wire.send(head("Transfer-Encoding: chunked") + "3\r\nab")
    wire.reset()

    call = server.closed_call()
    assert (call["request"]["complete"], call["outcome"]) == (False, "client_left")


def test_a_client_that_leaves_while_its_answer_is_delayed_has_called_the_route(serving):
    server = serving("routes: [{name: slow, request: POST /slow, reply: {delay: 60s}}]")
    with Wire(server.address) as wire:
        wire.send(head("Content-Length: 2", target="/slow") + "hi")
        server.admin.post("/verify", {"route": "slow", "within": "5s"})

    call = server.closed_call()
    assert (call["outcome"], call["route"], call["request"]["complete"]) == ("client_left", "shop/slow", True)
    assert server.admin.get("/counts")["routes"]["shop/slow"]["in_flight"] == 0


def test_a_call_stands_in_the_record_before_its_answer_is_sent(serving):
    server = serving("routes: [{name: slow, request: POST /slow, reply: {delay: 60s}}]")
    with Wire(server.address) as wire:
        wire.send(head("Content-Length: 2", target="/slow") + "hi")
        server.admin.post("/verify", {"route": "slow", "within": "5s"})

        call = server.calls()[0]
        assert (call["outcome"], call["times"]["first_byte_ms"]) == ("open", None)
        assert server.admin.get("/counts")["routes"]["shop/slow"]["in_flight"] == 1


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Transfer-Encoding: chunked"], "zz\r\nabc\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "3\r\nabcdef\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "-1\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "ffffffffffffffffffff\r\n"),
    ],
)
def test_a_malformed_chunk_is_400_and_ends_the_connection(server, lines, body):
    """Also where it comes after the head has been read, so that somebody waits for the body already."""
    with Wire(server.address) as together, Wire(server.address) as apart:
        together.send(head(*lines) + body)
        apart.send(head("Expect: 100-continue", *lines))
        assert apart.answer().status == 100
        apart.send(body)

        for wire in (together, apart):
            answer = wire.answer()
            assert (answer.status, answer.header("connection")) == (400, "close")
            assert answer.header("content-type") == "application/problem+json"
            wire.rest()
    assert all(not call["request"]["complete"] for call in server.calls())


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Content-Length: -1"],
        ["Content-Length: two"],
        ["Content-Length: +2"],
        ["Content-Length: 99999999999999999999999"],
        ["Transfer-Encoding: gzip"],
        ["Transfer-Encoding: chunked, chunked"],
    ],
)
def test_framing_that_can_be_read_in_two_ways_is_refused(server, lines):
    with Wire(server.address) as wire:
        wire.send(head(*lines) + "2\r\nhi\r\n0\r\n\r\n")
        answer = wire.answer()

    assert answer.status in (400, 413)
    assert server.admin.get("/health")["status"] == "ok"


def test_a_compressed_body_is_recorded_as_sent_and_matched_decoded(wire, server):
    packed = gzip.compress(b"hello")
    wire.send(head("Content-Encoding: gzip", f"Content-Length: {len(packed)}"))
    wire.send(packed)

    assert wire.answer().body == b"hello"
    body = server.calls()[0]["request"]["body"]
    assert (body["length"], body["sha256"]) == (len(packed), hashlib.sha256(packed).hexdigest())


def test_a_body_that_is_no_text_is_recorded_in_base64(wire, server):
    wire.send(head("Content-Length: 3", target="/none"))
    wire.send(b"\xff\x00a")
    wire.answer()

    body = server.calls()[0]["request"]["body"]
    assert (body["text"], body["base64"]) == (None, "/wBh")


def test_a_get_may_have_a_body(wire, server):
    wire.send("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" * 2)

    assert [wire.answer().body, wire.answer().body] == [b"hello", b"hello"]
    assert [call["request"]["body"]["text"] for call in server.calls()] == ["hi", "hi"]


def test_a_long_body_keeps_its_head_length_and_sum(serving):
    server = serving(SCENARIO)
    body = b"ab" * 50_000
    server.ask("POST", "/seen", body)

    call = server.closed_call()
    kept = call["request"]["body"]
    assert (len(kept["text"]), kept["length"], kept["truncated"]) == (65536, 100_000, True)
    assert kept["sha256"] == hashlib.sha256(body).hexdigest()
