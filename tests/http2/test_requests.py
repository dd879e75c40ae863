"""Requests by HTTP/2: what routes see of them, what comes back, and what is recorded."""

import gc
import json
import socket

import pytest
from support.http2 import HEADERS, Http2Client
from support.server import until
from support.wire import Wire

from mockserver.http.h2.connection import Http2Connection
from mockserver.http.h2.frames import frame
from mockserver.model.http2_codes import Http2Code

pytestmark = pytest.mark.in_memory  # a server with a store refuses HTTP/2
SCENARIO = """
cors: true
routes:
  - {request: GET /fine, reply: {text: fine, headers: {X-Own: " a ", Connection: close, Set-Cookie: [a=1, b=2]}}}
  - {request: GET /empty, reply: 204}
  - {request: GET /late, reply: {text: late, delay: 1ms}}
  - {request: GET /events, reply: {events: [{data: 1}, {data: 2, delay: 1ms}]}}
  - {request: GET /paced, reply: {text: "0123456789", throttle: {chunks: 5, over: 4ms}}}
  - {request: GET /large, reply: {text: "LARGE"}}
  - {request: POST /length, reply: {text: "{{ request.body | length }}"}}
  - {request: GET /host, match: {headers: {host: mock.test}}, reply: {text: "{{ request.headers.host }} {{ request.cookies.b }}"}}
  - {request: ANY /pay, reply: [503, 503, {status: 201, json: {ok: true}}]}
""".replace("LARGE", "x" * 900_000)


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def client(server):
    with Http2Client(server.address) as client:
        yield client


def test_a_ready_reply(client, server):
    answer = client.ask("GET", "/fine")

    assert (answer.status, answer.body, answer.ended) == (200, b"fine", True)
    assert answer.header("content-length") == "4"
    assert answer.header("x-own") == "a"
    assert "connection" not in dict(answer.headers)
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert "date" in dict(answer.headers)
    call = server.closed_call()
    assert (call["outcome"], call["reply"]["status"]) == ("done", 200)
    assert (call["request"]["protocol"], call["request"]["target"]) == ("HTTP/2", "/fine")
    assert call["times"]["last_byte_ms"] is not None


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/empty", 204, b""),
        ("HEAD", "/fine", 200, b""),
        ("OPTIONS", "/fine", 204, b""),
        ("GET", "/late", 200, b"late"),
        ("GET", "/events", 200, b"data: 1\n\ndata: 2\n\n"),
        ("GET", "/paced", 200, b"0123456789"),
        ("GET", "/large", 200, b"x" * 900_000),
    ],
)
def test_replies(client, server, method, path, status, body):
    answer = client.ask(method, path)
    assert (answer.status, answer.body, answer.ended, answer.reset) == (status, body, True, None)
    assert server.closed_call()["outcome"] == "done"


def test_an_unmatched_request_is_explained(client):
    answer = client.ask("GET", "/fime")
    assert answer.status == 404
    assert "/fine" in json.loads(answer.body)["detail"]


def test_the_seed_case(client, server):
    assert [client.ask("POST", "/pay", b"{}").status for _ in range(3)] == [503, 503, 201]
    check = {"request": "POST /pay", "times": 3, "attempts": {"operations": 1}}
    assert server.admin.post("/verify", check)["ok"]


def test_the_authority_is_the_host_and_cookies_are_joined(client):
    answer = client.ask("GET", "/host", headers=[("cookie", "a=1"), ("cookie", "b=2")])
    assert answer.body == b"mock.test 2"


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_bodies_come_whole_whatever_the_windows(client, size):
    assert client.ask("POST", "/length", b"x" * size).body == b"%d" % size


def test_padding_is_left_out(client):
    stream = client.request("POST", "/length", ends=False)
    client.h2.send_data(stream, b"abc", end_stream=True, pad_length=200)
    client._flush()
    assert client.answer(stream).body == b"3"


def test_trailers_of_a_request_are_ignored(client):
    stream = client.request("POST", "/length", b"abc", ends=False)
    client.h2.send_headers(stream, [("x-sum", "1")], end_stream=True)
    client._flush()
    assert client.answer(stream).body == b"3"


def test_who_expects_to_be_asked_for_the_body_is(client):
    stream = client.request("POST", "/length", headers=[("expect", "100-continue")], ends=False)
    answer = client.answers[stream]
    client.until(lambda: answer.informational == [100])
    client.upload(stream, b"abc")
    assert client.answer(stream).body == b"3"


def test_a_hundred_requests_at_once_are_counted_exactly(client, server):
    streams = [client.request("GET", "/late" if n % 2 else "/fine") for n in range(100)]
    bodies = [client.answer(stream).body for stream in streams]
    assert bodies == [b"fine", b"late"] * 50
    counts = server.admin.get("/counts")["routes"]
    assert [counts[f"shop/GET {path}"]["calls"] for path in ("/fine", "/late")] == [50, 50]


def test_each_namespace_has_its_own_sequence(client, server):
    for name in "ab":
        server.admin.post("/namespaces", {"name": name})
    by_path = [client.ask("POST", "/@a/pay").status for _ in range(2)]
    by_header = [
        client.ask("POST", "/pay", headers=[("x-mockserver-namespace", "b")]).status for _ in range(3)
    ]
    assert (by_path, by_header) == ([503, 503], [503, 503, 201])
    assert client.ask("GET", "/@c/pay").status == 404


def test_the_admin_api_answers_with_its_streams(client, server):
    assert json.loads(client.ask("GET", "/__admin/health").body)["status"] == "ok"
    stream = client.request("GET", "/__admin/calls/stream", headers=[("accept", "text/event-stream")])
    answer = client.answers[stream]
    client.until(lambda: bool(answer.headers))
    client.ask("GET", "/fine")
    client.until(lambda: b"/fine" in answer.body)
    client.reset(stream)
    assert client.ask("GET", "/fine").status == 200


def test_a_connect_is_refused_and_recorded(client, server):
    stream = client.raw_request([(":method", "CONNECT"), (":authority", "api.test:443")], flags=0x4)
    assert client.answer(stream).status == 501
    assert server.closed_call()["reply"]["status"] == 501


def test_a_reset_request_is_recorded_as_left(client, server):
    stream = client.request("POST", "/length", b"abc", ends=False)
    client.reset(stream)
    client.ping()
    call = server.closed_call()
    assert (call["outcome"], call["request"]["complete"], call["reply"]) == ("client_left", False, None)


VALID = [(":method", "GET"), (":scheme", "http"), (":path", "/fine")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*VALID, ("X-Upper", "1")], "lower case"),
        ([*VALID, ("connection", "close")], "connection"),
        ([*VALID, ("te", "gzip")], "te"),
        ([*VALID, ("x-own", "a\nb")], "control"),
        ([*VALID, (":path", "/other")], ":path"),
        ([*VALID[:2], ("x-own", "1"), VALID[2]], ":path"),
        ([*VALID, (":status", "200")], ":status"),
        (VALID[1:], ":method"),
        (VALID[:2], ":path"),
        ([VALID[0], VALID[2]], ":scheme"),
        ([*VALID[:2], (":path", "fine")], ":path"),
        ([*VALID[:2], (":path", "/a b")], ":path"),
        ([*VALID, (":authority", "a b")], ":authority"),
        ([*VALID, (":authority", "a"), ("host", "b")], "differ"),
        ([*VALID, ("content-length", "1"), ("content-length", "2")], "content-length"),
        ([*VALID, ("content-length", "x")], "content-length"),
    ],
)
def test_a_malformed_request_gets_a_400_with_the_reason_and_a_reset(client, server, lines, said):
    answer = client.answer(client.raw_request(lines))
    assert answer.status == 400
    assert said in json.loads(answer.body)["detail"]
    assert server.calls() == []
    assert client.ask("GET", "/fine").status == 200


def test_a_length_that_is_wrong_is_refused(client, server):
    answer = client.answer(client.raw_request([*VALID, ("content-length", "7")]))
    assert answer.status == 400
    assert "7" in json.loads(answer.body)["detail"]
    assert server.closed_call()["outcome"] == "incomplete"


def test_a_block_in_parts_is_joined(client):
    stream = client.h2.get_next_available_stream_id()
    client.request("GET", "/fine")
    answer = client.answer(stream)
    block = client.h2.encoder.encode([*VALID, ("x-own", "1")])
    client.answers[3] = answer = type(answer)()
    client.h2.send_headers(3, VALID, end_stream=True)
    client.h2.data_to_send()
    client.send(frame(HEADERS, 0x1, 3, block[:3]) + frame(9, 0, 3, block[3:5]) + frame(9, 0x4, 3, block[5:]))
    assert client.answer(3).status == 200


def test_a_connection_that_began_with_http_1_gets_a_505(serving):
    server = serving(SCENARIO)
    with Wire(server.address) as wire:
        wire.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().status == 200
        wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert wire.answer().status == 505


def test_the_preface_may_come_in_pieces(server):
    with socket.create_connection(server.address, 5) as sock:
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            sock.sendall(bytes((byte,)))
        sock.sendall(frame(4, 0, 0))
        assert sock.recv(3) == b"\0\0\x12"


def test_the_server_ends_a_connection_after_its_last_request(serving):
    server = serving(SCENARIO, max_requests=2)
    with Http2Client(server.address) as client:
        assert [client.ask("GET", "/fine").status for _ in range(2)] == [200, 200]
        assert client.ending() == (Http2Code.NO_ERROR, 3, b"")
    assert server.admin.get("/health")["refused"] == {"requests": 1}


def test_requests_that_are_under_way_are_answered_before_the_server_stops(server):
    with Http2Client(server.address) as client:
        stream = client.request("GET", "/late")
        client.ping()
        server.stop()
        assert client.answers[stream].body == b"late" or client.answer(stream).body == b"late"


def test_a_closed_connection_is_freed_without_the_collector(server):
    """Its parts refer to each other while it is open."""

    def connections():
        return [thing for thing in gc.get_objects() if isinstance(thing, Http2Connection)]

    gc.collect()
    gc.disable()
    try:
        before = len(connections())
        with Http2Client(server.address) as client:
            assert client.ask("GET", "/late").body == b"late"
            client.request("POST", "/length", b"ab")
        until(lambda: len(connections()) == before)
    finally:
        gc.enable()
