"""Bytes that are no HTTP get a 400 that says so, or a closed connection; the server goes on."""

import json

import pytest
from support.wire import Wire

from mockserver.http.connection import Connection


@pytest.mark.parametrize(
    "data",
    [
        b"this is no HTTP\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET  /data HTTP/1.1\r\n\r\n",
        b"GET /da ta HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /data HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /data HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /data HTTP/1.1\r\nbad name: x\r\n\r\n",
        b"GET /data HTTP/1.1\r\nHost: x\x00y\r\n\r\n",
        b"GET /data HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET /data HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET /data\r\n\r\n",
        b"GET /data HTTP/0.9\r\n\r\n",
        b"GET http://gr\xc3\xbcn/data HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"\x00\x00\x00\x00",
        b"{}\r\n\r\n",
    ],
)
def test_what_is_no_request_is_400_and_closed(serving, data):
    server = serving()
    with Wire(server.address) as wire:
        wire.send(data)
        answer = wire.answer()
        wire.rest()

    assert answer.status == 400
    assert answer.header("connection") == "close"
    assert answer.header("content-type") == "application/problem+json"
    assert json.loads(answer.body)["type"] == "urn:mockserver:bad-request"
    assert answer.header("server") is None
    assert server.admin.get("/counts")["total"] == 0


def test_what_is_no_request_is_answered_once_whatever_follows(serving, monkeypatch):
    """The parser says the same again each time it is asked to go on."""
    taken = []
    refuse = Connection._refuse
    monkeypatch.setattr(Connection, "_refuse", lambda self, error: (taken.append(error), refuse(self, error)))
    server = serving()
    with Wire(server.address) as wire:
        wire.send(b"this is no HTTP\r\n\r\n" * 5)
        assert wire.answer().status == 400
        assert wire.rest() == b""

    assert len(taken) == 1


def test_a_head_that_never_ends_does_no_harm(serving):
    server = serving()
    with Wire(server.address) as wire:
        wire.send("GET /data HTTP/1.1\r\nHost: x\r\n")
        assert server.ask("POST", "/data").status == 503

    assert server.admin.get("/counts")["total"] == 1
