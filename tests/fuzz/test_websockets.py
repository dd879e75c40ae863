"""Floods of frames neither hold the event loop nor fill memory, and connections that vanish leave nothing behind."""

import asyncio
import gc
import socket
import threading

import pytest
from support.holding import is_never_held
from support.server import InProcess, until
from support.websocket import BINARY, CONT, PING, PONG, TEXT, Socket, close_frame, frame

from mockserver.http.websocket import conversation
from mockserver.http.websocket.conversation import MOST_WAITING
from mockserver.server.running import tune_collector
from mockserver.settings import Settings

pytestmark = pytest.mark.in_memory  # replicas refuse handshakes
BOUND_S = 0.1
"""Of processor time, on the machine of `slowness`: a callback takes 5 ms, and a message of 15 MB some 20 ms."""
SCENARIO = """
routes:
  - {name: open, request: WS /open, reply: {websocket: []}}
  - name: rules
    request: WS /rules
    reply: {websocket: [{on: [{receive: {json: {a: 1}}, steps: {send: {text: a}}}, {receive: {text: {contains: b}}, steps: {send: {text: b}}}]}, {receive: {text: x}}]}
  - {name: slow, request: WS /slow, reply: {websocket: [{on: [{receive: {}, steps: [{delay: 1h}]}]}]}}
  - {name: waits, request: WS /waits, reply: {websocket: [{receive: {text: x}}, {delay: 1h}, {receive: {}}]}}
  - {name: echo, request: WS /echo, reply: {websocket: [{repeat: forever, steps: [{receive: {}}, {send: {text: "{{ message.text }}"}}]}]}}
  - {name: deaf, request: WS /deaf, reply: {websocket: [{receive: {}}, {delay: 1h}, {send: {text: x}}]}}
  - {name: ticks, request: WS /ticks, reply: {websocket: [{repeat: forever, steps: [{send: {text: "{{ 'x' * 0 }}tick"}}, {delay: 0.001ms}]}]}}
"""
LARGE = 15_000_000
FLOODS = {
    "30,000 empty messages": ("/rules", frame(TEXT) * 30_000),
    "30,000 pings": ("/open", frame(PING, b"x") * 30_000),
    "30,000 pongs": ("/open", frame(10, b"x") * 30_000),
    "fragments without an end": ("/open", frame(TEXT, fin=False) + frame(CONT, fin=False) * 30_000),
    "fragments of a byte": ("/open", frame(TEXT, b"x", fin=False) + frame(CONT, b"x", fin=False) * 30_000),
    "10,000 messages that rules compare": ("/rules", frame(TEXT, b'{"a": 2}') * 50_000),
    "a text of 15 MB": ("/rules", frame(TEXT, b"y" * 100) + b"\x81\xff" + LARGE.to_bytes(8, "big") + b"\0\0\0\0" + b"y" * LARGE),
    "15 MB that are no UTF-8 at their end": ("/open", b"\x81\xff" + LARGE.to_bytes(8, "big") + b"\0\0\0\0" + b"y" * (LARGE - 1) + b"\xff"),
    "a JSON of 15 MB": ("/rules", b"\x81\xff" + (LARGE + 1).to_bytes(8, "big") + b"\0\0\0\0" + b"[" + b"1," * ((LARGE - 2) // 2) + b"1]"),
    "a length of 2^63": ("/open", b"\x82\xff" + (2**63).to_bytes(8, "big") + b"\0\0\0\0" + b"y" * 1_000_000),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    threshold = gc.get_threshold()
    gc.collect()
    tune_collector()
    folder = tmp_path_factory.mktemp("sockets")
    (folder / "shop.yaml").write_text(SCENARIO)
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    yield server
    server.stop()
    gc.set_threshold(*threshold)
    gc.unfreeze()
    gc.freeze()


def none_is_open(server):
    return not server.app.engine.default.websockets


def flooded(server, target, data):
    """Sends it all while what is answered is read, then closes; returns once the server has closed."""
    with Socket(server.address, target, timeout_s=60) as client:
        ended = threading.Thread(target=client.ending)
        ended.start()
        try:
            client.send(data + close_frame(1000))
        except OSError:
            pass  # it was closed because of what it sent
        finally:
            ended.join(60)
            assert not ended.is_alive()
    until(lambda: none_is_open(server))


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOODS)
def test_no_flood_holds_the_loop(server, monkeypatch, name):
    target, data = FLOODS[name]
    assert is_never_held(server, monkeypatch, lambda: flooded(server, target, data), BOUND_S)


def test_a_client_that_sends_pings_and_reads_nothing_is_not_read_any_more(server):
    with Socket(server.address, "/open", receive_buffer=4096) as client:
        client._socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.send(frame(PING, b"x" * 125) * 300_000)
        (one,) = server.app.engine.default.websockets.values()
        assert len(one._unread) < 1_000_000
        assert one._transport.get_write_buffer_size() < 1_000_000
    until(lambda: none_is_open(server))


def test_messages_that_wait_for_an_answer_are_bounded(server):
    with Socket(server.address, "/slow") as client:
        client.send(frame(TEXT, b"x") * 20_000 + close_frame(1000))
        (one,) = server.app.engine.default.websockets.values()
        until(lambda: one._is_behind)
        server.admin.post("/verify", {"route": "slow", "received": {}, "times": {"min": MOST_WAITING}})
        assert len(one._matched) < 2 * MOST_WAITING
        server.admin.post("/websockets/close", {"route": "slow", "code": 1001})
        assert client.frame().close == (1001, "")
        assert client.is_closed()
    until(lambda: none_is_open(server))


def test_messages_after_the_last_receive_are_counted_and_dropped(server):
    with Socket(server.address, "/deaf") as client:
        client.send(frame(TEXT, b"x") * 5_000 + frame(PING))
        assert client.frame().opcode == PONG
        (one,) = server.app.engine.default.websockets.values()
        assert (one.record.received, len(one._inbox), one._waiting_bytes) == (5_000, 0, 0)
    until(lambda: none_is_open(server))


@pytest.mark.parametrize("target", ["/rules", "/echo"])
def test_a_burst_of_messages_is_answered_whole(server, target):
    with Socket(server.address, target, timeout_s=60) as client:
        sender = threading.Thread(target=client.send, args=(frame(TEXT, b'{"a": 1}') * 5_000,))
        sender.start()
        assert [client.text() for _ in range(5_000)] == ["a" if target == "/rules" else '{"a": 1}'] * 5_000
        sender.join()
    until(lambda: none_is_open(server))


def test_messages_that_wait_for_a_receive_are_bounded(server, monkeypatch):
    monkeypatch.setattr(conversation, "_MOST_BEHIND_S", 0.5)
    with Socket(server.address, "/waits") as client:
        client.send(frame(TEXT, b"x") + frame(BINARY, b"y" * 1000) * 5_000)
        (one,) = server.app.engine.default.websockets.values()
        until(lambda: one._is_behind)
        assert MOST_WAITING <= len(one._inbox) < 2 * MOST_WAITING
        assert len(one._unread) < 1_000_000
    # The client is gone, which can't be noticed without reading.
    until(lambda: none_is_open(server))


def test_connections_that_vanish_leave_nothing_behind(server):
    async def tasks():
        return len(asyncio.all_tasks())

    before = server.loop.run(tasks())
    for how in ("resets", "ends", "closes") * 20:
        client = Socket(server.address, "/ticks")
        client.send(frame(TEXT, b"x", fin=False))
        if how == "resets":
            client.reset()
        elif how == "ends":
            client._socket.shutdown(socket.SHUT_RDWR)
            client.close()
        else:
            client.send(close_frame(1000))
            client.ending()
            client.close()
    until(lambda: none_is_open(server))
    until(lambda: server.loop.run(tasks()) <= before)
    counts = server.admin.get("/counts")["routes"]["shop/ticks"]
    assert (counts["calls"], counts["in_flight"]) == (60, 0)
