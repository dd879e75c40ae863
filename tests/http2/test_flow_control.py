"""Windows of the client: what is sent, what waits, and when a call is complete."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.http2 import Http2Client

pytestmark = pytest.mark.in_memory  # a server with a store refuses HTTP/2
SIZE = 100_000
SCENARIO = f"""
routes:
  - {{request: GET /fine, reply: {{text: fine}}}}
  - {{request: GET /large, reply: {{text: {"x" * SIZE}}}}}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


def test_no_more_is_sent_than_the_client_takes(server):
    with Http2Client(server.address, acks=False) as client:
        stream = client.request("GET", "/large")
        answer = client.answers[stream]
        client.until(lambda: len(answer.body) == 65_535)
        client.ping()
        assert (len(answer.body), answer.is_over) == (65_535, False)
        assert server.calls()[0]["outcome"] == "open"

        client.h2.increment_flow_control_window(10, stream)
        client.h2.increment_flow_control_window(20)
        client._flush()
        client.until(lambda: len(answer.body) == 65_545)
        client.h2.increment_flow_control_window(SIZE, stream)
        client.h2.increment_flow_control_window(SIZE)
        client._flush()
        assert client.answer(stream).body == b"x" * SIZE
    assert server.closed_call()["outcome"] == "done"


def test_an_initial_window_of_0_holds_bodies_and_no_heads(server):
    with Http2Client(server.address, settings={4: 0}) as client:
        stream = client.request("GET", "/fine")
        answer = client.answers[stream]
        client.ping()
        client.until(lambda: bool(answer.headers))
        assert answer.body == b""
        client.h2.update_settings({4: 100})
        client._flush()
        assert client.answer(stream).body == b"fine"


def test_who_leaves_while_its_window_is_closed_has_left(server):
    with Http2Client(server.address, acks=False) as client:
        stream = client.request("GET", "/large")
        client.until(lambda: len(client.answers[stream].body) == 65_535)
    call = server.closed_call()
    assert (call["outcome"], call["reply"]["status"]) == ("client_left", 200)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40_000)), max_size=12), st.integers(0, 70_000))
def test_whatever_the_windows_every_byte_comes_once(server, updates, window):
    with Http2Client(server.address, settings={4: window}, acks=False) as client:
        streams = [client.request("GET", "/large") for _ in range(3)]
        for target, size in updates:
            client.h2.increment_flow_control_window(size, streams[target - 1] if target else None)
            client._flush()
            client.ping()
        for stream in [None, *streams]:
            client.h2.increment_flow_control_window(4 * SIZE, stream)
        client._flush()
        assert [client.answer(stream).body for stream in streams] == [b"x" * SIZE] * 3


def test_a_body_above_the_limit_is_refused_while_it_comes(serving):
    server = serving(SCENARIO, max_body_bytes=1000)
    with Http2Client(server.address) as client:
        stream = client.request("POST", "/fine", ends=False)
        client.upload(stream, b"x" * 500_000)
        answer = client.answer(stream)
        assert answer.status == 413
        assert "--max-body" in json.loads(answer.body)["detail"]
        assert client.ask("GET", "/fine").status == 200
        stream = client.request("POST", "/fine", headers=[("content-length", "1001")], ends=False)
        assert client.answer(stream).status == 413
    assert [call["outcome"] for call in server.calls()] == ["incomplete", "done", "incomplete"]
