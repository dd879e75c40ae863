"""Connections: how long they live, and in which order they are answered."""

import pytest
from support.wire import Wire

SCENARIO = """
routes:
  - request: GET /count
    reply: {json: {number: "{{ call.number }}"}}
  - request: POST /echo
    reply: {text: "{{ request.text }}"}
  - request: GET /bye
    reply: {status: 200, headers: {connection: close}, text: bye}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def wire(server):
    with Wire(server.address) as wire:
        yield wire


def test_one_connection_serves_request_after_request(wire):
    for number in range(1, 4):
        wire.send("GET /count HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().body == b'{"number":%d}' % number


def test_pipelined_requests_are_answered_in_their_order_however_many(wire, server):
    wire.send(
        "".join(f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{n:03}" for n in range(200))
    )

    assert [wire.answer().body for _ in range(200)] == [b"%03d" % n for n in range(200)]
    assert server.admin.get("/counts")["total"] == 200


def test_a_request_may_come_byte_by_byte(wire):
    for byte in b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi":
        wire.send(bytes([byte]))

    assert wire.answer().body == b"hi"


def test_a_client_that_asks_to_close_is_told_so_and_closed(wire):
    wire.send("GET /count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert wire.answer().header("connection") == "close"
    assert wire.is_closed()


def test_a_reply_that_says_close_closes(wire):
    wire.send("GET /bye HTTP/1.1\r\nHost: x\r\n\r\n")

    answer = wire.answer()
    assert (answer.all("connection"), answer.body) == (["close"], b"bye")
    assert wire.is_closed()


def test_http_1_0_is_answered_and_closed(wire):
    wire.send("GET /count HTTP/1.0\r\n\r\n")

    answer = wire.answer()
    assert (answer.status, answer.body) == (200, b'{"number":1}')
    assert wire.is_closed()


def test_http_1_0_keeps_the_connection_where_it_asks_to(wire):
    for number in (1, 2):
        wire.send("GET /count HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = wire.answer()
        assert (answer.header("connection"), answer.body) == ("keep-alive", b'{"number":%d}' % number)


def test_http_1_0_gets_no_chunks(serving):
    server = serving("routes: [{request: GET /pieces, reply: {chunks: [ab, cd]}}]")
    with Wire(server.address) as wire:
        wire.send("GET /pieces HTTP/1.0\r\n\r\n")
        answer = wire.answer()

    assert (answer.header("transfer-encoding"), answer.body) == (None, b"abcd")


def test_an_offer_to_upgrade_is_declined_and_the_connection_goes_on(wire):
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    for number in (1, 2):
        wire.send(f"GET /count HTTP/1.1\r\nHost: x\r\n{offer}\r\n")
        assert wire.answer().body == b'{"number":%d}' % number


def test_a_websocket_handshake_is_answered_as_any_request(wire):
    handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    for number in (1, 2):
        wire.send(f"GET /count HTTP/1.1\r\nHost: x\r\n{handshake}\r\n")
        assert wire.answer().body == b'{"number":%d}' % number


def test_a_good_request_before_a_malformed_one_in_one_read_is_answered_and_recorded(wire, server):
    wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\ngoodthis is no HTTP\r\n\r\n")

    assert wire.answer().body == b"good"
    assert wire.answer().status == 400
    assert wire.is_closed()
    assert [call["request"]["body"]["text"] for call in server.calls()] == ["good"]


def test_pipelining_goes_on_after_many_bodies_that_came_apart_from_their_heads(wire):
    for _ in range(40):
        wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert wire.answer().status == 100
        wire.send("hi")
        assert wire.answer().body == b"hi"

    wire.send("GET /count HTTP/1.1\r\nHost: x\r\n\r\n" * 3)

    assert [wire.answer().body for _ in range(3)] == [b'{"number":%d}' % n for n in (1, 2, 3)]


def test_a_request_that_begins_behind_the_end_of_a_body_is_answered(wire):
    wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert wire.answer().status == 100
    wire.send("hiGET /count HTTP/1.1\r\nHost: x\r\n\r\nGET /count HTTP/1.1\r\nHost: x\r\n\r\n")

    assert [wire.answer().body for _ in range(3)] == [b"hi", b'{"number":1}', b'{"number":2}']


def test_a_request_that_begins_behind_the_last_chunk_is_answered(wire):
    wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert wire.answer().status == 100
    wire.send("0\r\n\r\nGET /count HTTP/1.1\r\nHost: x\r\n\r\nGET /count HTTP/1.1\r\nHost: x\r\n\r\n")

    assert [wire.answer().body for _ in range(3)] == [b"", b'{"number":1}', b'{"number":2}']


def test_empty_lines_before_a_request_are_skipped(wire):
    wire.send("\r\n\r\nGET /count HTTP/1.1\r\nHost: x\r\n\r\n")

    assert wire.answer().status == 200


def test_a_connection_that_says_nothing_does_no_harm(server):
    with Wire(server.address):
        assert server.ask("GET", "/count").status == 200
