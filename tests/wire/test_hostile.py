"""What the fuzzer of the wire found once: clients that leave, break off or write what no URL is, and no defect is logged."""

import contextlib
import gc
import logging

import pytest
from support.server import until
from support.wire import Wire

from mockserver.http.connection import Connection

SCENARIO = "routes: [{request: POST /echo, reply: {text: '{{ request.body }}'}}, {request: GET /plain, reply: {text: plain}}]"
PLAIN = "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADES = ["h2c", "websocket"]


@pytest.fixture
def server(serving, caplog):
    with caplog.at_level(logging.WARNING):
        one = serving(SCENARIO)
        yield one
        assert (
            one.ask("GET", "/plain").body == b"plain"
        )  # by then the server has done with what was before it
    logged = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert [one.message for one in logged] == []


@pytest.mark.parametrize(
    "target", ["http://[::1]@/", "http://[::1]@/plain", "http://@[/", "http://[", "ws://[::1]@"]
)
def test_a_target_that_is_no_url_is_400(server, target):
    with Wire(server.address) as wire:
        wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().status == 400
        assert wire.is_closed()


def test_a_target_that_is_no_url_takes_nothing_along_that_came_before_it(server):
    with Wire(server.address) as wire:
        wire.send(PLAIN * 3 + "GET http://[::1]@/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [wire.answer().status for _ in range(4)] == [200, 200, 200, 400]
        assert wire.is_closed()


@pytest.mark.parametrize("path", ["/echo", "/nowhere", "/__admin/count"])
def test_a_malformed_chunk_is_the_clients_fault_and_no_defect(server, path):
    with Wire(server.address) as wire:
        wire.send(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        )
        assert wire.answer().status == 100  # so that the chunks come in a read of their own
        wire.send("5\r\nhello\r\nzz\r\n")
        assert wire.answer().status == 400
        assert wire.is_closed()


@pytest.mark.parametrize("path", ["/echo", "/__admin/count"])
def test_a_client_that_leaves_before_it_is_told_to_go_on_is_no_defect(server, path):
    with Wire(server.address) as wire:
        wire.send(f"POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        wire.reset()
    until(lambda: not server.app._listeners[0].connections)

    if path == "/echo":
        assert server.closed_call()["outcome"] == "client_left"


@pytest.mark.parametrize("chunks", ["zz\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\nzz\r\n\r\n"])
def test_a_malformed_chunk_is_told_the_same_however_it_came(server, chunks):
    head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = []
    for pieces in ([head + chunks], [head, chunks]):
        with Wire(server.address) as wire:
            for sent, piece in enumerate(pieces):
                if sent:
                    until(lambda: any(one.body for one in server.app._listeners[0].connections))
                wire.send(piece)
            answer = wire.answer()
            said.append((answer.status, answer.body))

    assert said[0] == said[1]
    until(lambda: server.admin.get("/counts")["incomplete"] == 2)


@pytest.mark.parametrize("protocol", UPGRADES)
@pytest.mark.parametrize("count", [1, 3])
def test_requests_behind_an_offer_to_upgrade_are_answered(server, protocol, count):
    offer = f"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    with Wire(server.address, timeout_s=2) as wire:
        wire.send(offer + PLAIN * count)
        assert [wire.answer().body for _ in range(count + 1)] == [b"plain"] * (count + 1)


@pytest.mark.parametrize("reply", ["echo", "reset"])
def test_a_connection_that_is_over_is_freed_without_the_collector(serving, reply):
    """Which runs rarely, so that it doesn't stand in the way: circles would pile up until then."""
    server = serving("routes: [{request: POST /echo, reply: {text: '{{ request.body }}'}}, {request: POST /reset, reply: {text: x, fault: reset}}]")  # fmt: skip
    gc.collect()
    gc.disable()
    others = {id(one) for one in connections()}  # of servers that other tests share
    try:
        for _ in range(5):
            with Wire(server.address) as wire:
                wire.send(
                    f"POST /{reply} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
                )
                assert wire.answer().status == 100
                wire.send("hello")
                with contextlib.suppress(OSError):  # an RST may have come already
                    wire.ends_sending()
                wire.ending()
        server.ask("POST", "/echo", "x")
        # A look goes through all that a whole suite has made: on a busy machine there is time for few.
        until(lambda: len({id(one) for one in connections()} - others) <= 1, within_s=30)
    finally:
        gc.enable()


def connections():
    return [one for one in gc.get_objects() if isinstance(one, Connection)]
