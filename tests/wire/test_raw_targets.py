"""A request target may hold raw bytes: they say the same as their percent-encoding."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.wire import Wire

SCENARIO = """
routes:
  - {request: GET /café, reply: {text: "café {{ request.query.q }}"}}
  - {request: "POST /{name}", reply: {text: "{{ path.name }} {{ request.text }}"}}
"""
GET = "GET /café?q=ä€ HTTP/1.1\r\nHost: x\r\n\r\n".encode()
POST = "POST /straße HTTP/1.1\r\nHost: x\r\nX-Name: ü\r\nContent-Length: 4\r\n\r\nüß".encode()


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


def test_raw_utf_8_is_taken_as_the_bytes_that_it_is(server):
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(GET)
            assert wire.answer().body == "café ä€".encode()
        wire.send(POST)
        assert wire.answer().body == "straße üß".encode()
    calls = server.calls()
    assert calls[0]["request"]["target"] == "/caf%C3%A9?q=%C3%A4%E2%82%AC"
    assert calls[2]["request"]["headers"][1] == ["X-Name", "ü"]


@pytest.mark.parametrize("data", [GET, POST], ids=["GET", "POST"])
def test_however_it_comes(server, data):
    for place in range(1, len(data)):
        with Wire(server.address) as wire:
            wire.send(data[:place])
            wire.send(data[place:])
            assert wire.answer().status == 200
    assert server.admin.get("/counts")["unmatched"] == 0


def test_what_follows_it_in_a_pipeline_is_answered(server):
    with Wire(server.address) as wire:
        wire.send(POST + b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\xc3\xbc" * 3)
        bodies = [wire.answer().body for _ in range(4)]
    assert bodies == ["straße üß".encode(), *["a ü".encode()] * 3]


def test_behind_a_body_that_came_with_its_head(server):
    with Wire(server.address) as wire:
        for data, body in ((POST, "straße üß"), (GET, "café ä€"), (POST, "straße üß")):
            wire.send(data)
            assert wire.answer().body == body.encode()


def test_other_bytes_than_utf_8_are_taken_too(server):
    with Wire(server.address) as wire:
        wire.send(b"GET /caf\xe9 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().status == 405
    assert server.calls()[0]["request"]["target"] == "/caf%E9"


def test_in_a_full_url(server):
    with Wire(server.address) as wire:
        wire.send("GET http://x/café?q=http://ä HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert wire.answer().body == "café http://ä".encode()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(min_codepoint=0xA1, exclude_categories=["Cs", "Co"]), min_size=1),
    cut=st.integers(1, 60),
)
def test_whatever_it_is(server, name, cut):
    data = f"POST /{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    with Wire(server.address) as wire:
        wire.send(data[:cut])
        wire.send(data[cut:])
        assert wire.answer().body == f"{name} ".encode()


def test_a_body_that_comes_after_its_head_keeps_its_bytes(serving):
    server = serving(SCENARIO)
    with Wire(server.address) as wire:
        wire.send(b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")  # the head has been read by itself
        wire.send("üß".encode())
        assert wire.answer().body == "a üß".encode()
