"""Requests of protocols and codings that are not supported are answered by a message that names them."""

import json

import pytest
from support.wire import Wire

SCENARIO = """
routes:
  - {request: GET /data, reply: {text: fine}}
  - {request: GET /closed, reply: 403}
"""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HANDSHAKE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
)


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


def answered(server, data):
    """The answer, after which the connection is closed."""
    with Wire(server.address) as wire:
        wire.send(data)
        answer = wire.answer()
        wire.rest()
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"\r\n" + PREFACE, ("PRI", "*")),
        (b"GET /data HTTP/2.0\r\nHost: x\r\n\r\n", ("GET", "/data")),
        (b"GET /data HTTP/2\r\nHost: x\r\n\r\n", None),
    ],
    ids=["the preface after something else", "a request line", "a request line of no version"],
)
def test_http_2_is_named_and_recorded(server, data, line):
    status, document = answered(server, data)
    calls = server.calls()
    if line is None:
        assert (status, calls) == (400, [])
        return
    assert status == document["status"] == 505
    assert "HTTP/2" in document["title"]
    assert "HTTP/1.1" in document["detail"]
    assert [(call["request"]["method"], call["request"]["target"]) for call in calls] == [line]
    assert (calls[0]["outcome"], calls[0]["reply"]["status"], calls[0]["matched"]) == ("done", 505, False)
    assert "HTTP/2" in calls[0]["error"]["title"]
    assert server.admin.get("/counts")["unmatched"] == 1
    assert len(server.admin.get("/unmatched")["items"]) == 1


@pytest.mark.parametrize("rest", ["", " HTTP/0.9"])
def test_http_0_9_is_named(server, rest):
    status, document = answered(server, f"GET /data{rest}\r\n\r\n".encode())
    assert (status, document["type"]) == (400, "urn:mockserver:bad-request")
    assert "HTTP/0.9" in document["title"]


@pytest.mark.parametrize("codings", ["gzip, chunked", "GZIP , Chunked", "deflate,chunked"])
@pytest.mark.parametrize("target", ["/data", "/__admin/reset"])
def test_transfer_codings_beside_chunked_are_not_implemented(server, codings, target):
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {codings}\r\n\r\n"
    status, document = answered(server, head.encode() + b"0\r\n\r\n")
    assert status == document["status"] == 501
    assert codings in document["detail"]
    assert server.calls() == []


def test_a_websocket_handshake_that_no_route_takes_is_named_and_recorded(server):
    with Wire(server.address) as wire:
        wire.send(f"GET /chat HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}\r\n")
        answer = wire.answer()
    assert answer.status == 404
    assert "WebSocket" in json.loads(answer.body)["detail"]
    assert server.calls()[0]["request"]["target"] == "/chat"


@pytest.mark.parametrize(("target", "status"), [("/data", 200), ("/closed", 403)])
def test_one_that_a_route_takes_is_answered_by_it_and_told_in_a_header(server, target, status):
    with Wire(server.address) as wire:
        wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}\r\n")
        answer = wire.answer()
        assert answer.status == status
        assert "WebSocket" in answer.header("x-mockserver-upgrade")
        wire.send("GET /data HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().header("x-mockserver-upgrade") is None
