"""What one client may take: each limit has a clear answer when it is reached, and is counted."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from support.server import until
from support.wire import Wire

from mockserver.admin.endpoints import routes
from mockserver.http.connection import Connection

PLAIN = """
routes:
  - {request: GET /plain, reply: {text: hello}}
  - {request: POST /plain, reply: 201}
"""
ONE = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"


def refused(server):
    return server.admin.get("/health")["refused"]


def said(answer):
    return json.loads(answer.body)


@pytest.mark.parametrize(
    ("data", "status", "limit", "word"),
    [
        (b"GET /plain HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1100 + b"\r\n\r\n", 431, "head", "--max-head"),
        (
            b"GET /plain HTTP/1.1\r\nHost: x\r\n" + (b"X: " + b"a" * 60 + b"\r\n") * 20,
            431,
            "head",
            "--max-head",
        ),
        (b"GET /" + b"a" * 1100 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "head", "--max-head"),
        (
            b"GET /plain HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x%d: 1\r\n" % n for n in range(60)) + b"\r\n",
            431,
            "headers",
            "--max-headers",
        ),
    ],
    ids=["line", "head", "target", "count"],
)
def test_a_head_past_its_limit_is_told_which_and_the_connection_closed(serving, data, status, limit, word):
    server = serving(PLAIN, max_head_bytes=1024, max_headers=50)
    with Wire(server.address) as wire:
        wire.send(data)
        answer = wire.answer()
        wire.rest()

    assert answer.status == status
    assert answer.header("connection") == "close"
    assert word in said(answer)["detail"]
    assert refused(server) == {limit: 1}
    assert server.admin.get("/counts")["total"] == 0


def test_a_body_past_its_limit_is_413_and_counted(serving):
    server = serving(PLAIN, max_body_bytes=10)
    with Wire(server.address) as wire:
        wire.send("POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n12345678901")

        assert wire.answer().status == 413
    assert refused(server) == {"body": 1}
    assert server.admin.get("/counts")["incomplete"] == 1


def test_a_head_that_comes_too_slowly_is_408(serving):
    server = serving(PLAIN, read_timeout_s=0.05)
    with Wire(server.address) as wire:
        wire.send("GET /plain HTTP/1.1\r\nHost:")
        answer = wire.answer()
        wire.rest()

    assert answer.status == 408
    assert "--read-timeout" in said(answer)["detail"]
    assert refused(server) == {"read_timeout": 1}


def test_a_body_that_comes_too_slowly_is_408_and_recorded_as_incomplete(serving):
    server = serving(PLAIN, read_timeout_s=0.05)
    with Wire(server.address) as wire:
        wire.send("POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
        answer = wire.answer()
        wire.rest()

    assert answer.status == 408
    assert "0.05 s" in said(answer)["detail"]
    assert refused(server) == {"read_timeout": 1}
    (call,) = server.calls()
    assert (call["request"]["complete"], call["route"], call["outcome"]) == (False, None, "incomplete")


def test_an_admin_call_that_comes_too_slowly_is_408_too(serving):
    server = serving(PLAIN, read_timeout_s=0.05)
    with Wire(server.address) as wire:
        wire.send("POST /__admin/reset HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")

        assert wire.answer().status == 408


def test_requests_that_come_in_pieces_are_answered_and_leave_no_timer(serving, monkeypatch):
    timers = set()
    start, stop = Connection.start_timer, Connection.stop_timer
    monkeypatch.setattr(Connection, "start_timer", lambda self: (start(self), timers.add(self)))
    monkeypatch.setattr(Connection, "stop_timer", lambda self: (stop(self), timers.discard(self)))
    server = serving(PLAIN)
    with Wire(server.address) as wire:
        for data in (ONE, b"POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"):
            for n, byte in enumerate(data):
                wire.send(bytes([byte]))
                if n in (5, len(data) - 2):
                    until(lambda: timers)
            wire.answer()
            until(lambda: not timers)

    assert refused(server) == {}


def test_an_idle_connection_is_not_slow(serving):
    server = serving(PLAIN, read_timeout_s=0.02)
    with Wire(server.address) as idle, Wire(server.address) as slow:
        idle.send(ONE)
        idle.answer()
        slow.send("GET /pl")
        assert slow.answer().status == 408  # so the time has passed

        idle.send(ONE)
        assert idle.answer().body == b"hello"


def test_the_last_request_of_a_connection_is_answered_with_close(serving):
    server = serving(PLAIN, max_requests=3)
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(ONE)
            assert wire.answer().header("connection") is None
        wire.send(ONE)

        assert wire.answer().header("connection") == "close"
        assert wire.is_closed()
    assert refused(server) == {"requests": 1}


def test_a_connection_too_many_is_told_so_and_another_may_come_when_one_has_gone(serving):
    server = serving(PLAIN, max_connections=3)
    with ExitStack() as stack:
        for _ in range(3):
            wire = stack.enter_context(Wire(server.address))
            wire.send(ONE)
            wire.answer()
        with Wire(server.address) as one_more:
            answer = one_more.answer()

            assert answer.status == 503
            assert "--max-connections" in said(answer)["detail"]
            assert one_more.rest() == b""
        wire.send(ONE)
        assert wire.answer().status == 200  # the others don't notice

    until(lambda: server.ask("GET", "/plain").status == 200)
    assert refused(server)["connections"] >= 1


def test_runtime_routes_namespaces_and_streams_past_their_limits_are_429(serving):
    server = serving(PLAIN, max_routes=2, max_namespaces=2, max_streams=1)
    for n in range(2):
        server.admin.post("/routes", {"request": f"GET /r{n}", "reply": 200})
    server.admin.post("/namespaces", {"name": "one"})

    for limit, path, body in (
        ("routes", "/routes", {"request": "GET /r3", "reply": 200}),
        ("namespaces", "/namespaces", {"name": "two"}),
    ):
        problem = server.admin.refused(429, "POST", path, body)
        assert f"--max-{limit}" in problem["detail"]
    with socket.create_connection(server.address, timeout=5) as reader:
        reader.sendall(b"GET /__admin/calls/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _read_until(reader, b"calls as they happen")

        assert "--max-streams" in server.admin.refused(429, "GET", "/calls/stream")["detail"]

    assert refused(server) == {"routes": 1, "namespaces": 1, "streams": 1}
    assert server.ask("GET", "/r1").status == 200


def test_routes_that_are_added_at_the_same_time_keep_to_the_limit(serving, monkeypatch):
    server = serving(PLAIN, max_routes=1)
    compiling, compile_route = threading.Barrier(2), routes.compile_runtime_route

    def compiled_together(*arguments):
        compiling.wait(10)
        return compile_route(*arguments)

    monkeypatch.setattr(routes, "compile_runtime_route", compiled_together)
    large = [503] * 10_000  # compiled on a thread

    def add(n):
        return server.ask(
            "POST",
            "/__admin/routes",
            json.dumps({"request": f"GET /r{n}", "reply": large}),
            headers={"Content-Type": "application/json"},
        ).status

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(add, range(2))) == [201, 429]


def _read_until(sock, end):
    data = b""
    while end not in data:
        data += sock.recv(4096)
