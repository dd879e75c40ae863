"""A proxied reply is completed when its last promised byte has left, whatever the client does then."""

import asyncio
import threading

import aiohttp
import pytest
from support.server import until
from support.upstreams import Upstream, chunks, reply
from support.wire import Wire

BODY = b"x" * 200
WHOLE = reply(BODY, "Content-Type: text/plain")
PIECES = [reply(b"", "Transfer-Encoding: chunked", length=False), *chunks(BODY[:100], BODY[100:])]
REQUESTS = {
    "HTTP/1.1, to be closed": "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "HTTP/1.0": "GET /a HTTP/1.0\r\nHost: x\r\n\r\n",
    "HTTP/1.1": "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
}
LEAVING = {"by closing": Wire.close, "by a reset": Wire.reset, "by ending its half": Wire.ends_sending}


@pytest.fixture
def proxied(serving):
    made = []

    def start(*pieces, route="", **options):
        real = Upstream(*pieces, **options)
        made.append(real)
        return serving(f"routes: [{{request: 'ANY /{{rest:.*}}', proxy: {real.url!r}{route}}}]")

    yield start
    for one in made:
        one.close()


def outcomes(server):
    """Of all calls, once none has anything more to do."""
    until(lambda: all(call.home is None for call in server.app.engine.default.call_log))
    return {(call["outcome"], call["reply"]["body"]["length"]) for call in server.calls()}


@pytest.mark.parametrize("way", LEAVING)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("pieces", [[WHOLE], PIECES], ids=["by length", "in chunks"])
def test_a_client_that_leaves_behind_the_last_byte_has_been_answered(proxied, pieces, request_, way):
    server = proxied(*pieces)
    for _ in range(20):
        with Wire(server.address) as wire:
            wire.send(request_)
            if request_ == REQUESTS["HTTP/1.0"] and pieces is PIECES:
                assert wire.rest().endswith(
                    BODY
                )  # nothing but the end of the connection says that this is all
            else:
                assert wire.answer().body == BODY
            LEAVING[way](wire)

    assert outcomes(server) == {("done", 200)}


@pytest.mark.parametrize("way", LEAVING)
def test_it_counts_the_bytes_that_were_promised_and_not_the_end_of_the_service(proxied, way):
    """The service keeps its connection for a while behind its reply."""
    go_on = threading.Event()
    server = proxied(WHOLE, then=lambda *_: go_on.wait(10))
    try:
        with Wire(server.address) as wire:
            wire.send(REQUESTS["HTTP/1.0"])
            assert wire.answer().body == BODY
            LEAVING[way](wire)
            assert outcomes(server) == {("done", 200)}
    finally:
        go_on.set()


@pytest.mark.parametrize("way", LEAVING)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_what_is_still_to_be_done_with_the_service_changes_nothing(proxied, monkeypatch, request_, way):
    """To close the connection to the service takes a while, and more where it speaks TLS."""
    server = proxied(WHOLE)
    left, close = asyncio.Event(), aiohttp.ClientSession.close

    async def closes_late(session):
        await left.wait()
        await close(session)

    monkeypatch.setattr(aiohttp.ClientSession, "close", closes_late)
    try:
        with Wire(server.address) as wire:
            wire.send(request_)
            assert wire.answer().body == BODY
            LEAVING[way](wire)
            assert server.closed_call()["outcome"] == "done"
    finally:
        server.loop._loop.call_soon_threadsafe(left.set)
    assert outcomes(server) == {("done", 200)}


def test_who_has_the_answer_finds_its_call_done(proxied):
    server = proxied(WHOLE)
    for number in range(20):
        with Wire(server.address) as wire:
            wire.send(REQUESTS["HTTP/1.1"])
            assert wire.answer().body == BODY
            assert server.calls()[number]["outcome"] == "done"


def test_a_client_that_ends_its_half_gets_the_reply_of_a_slow_service(proxied):
    go_on = threading.Event()

    def then(connection, _):
        assert go_on.wait(10)
        connection.sendall(BODY[100:])

    server = proxied(WHOLE[:-100], then=then)
    with Wire(server.address) as wire:
        wire.send(REQUESTS["HTTP/1.1"])
        wire.ends_sending()
        until(lambda: [call["outcome"] for call in server.calls()] == ["client_left"])
        go_on.set()
        assert wire.answer().body == BODY
    assert outcomes(server) == {("done", 200)}


def test_one_that_leaves_before_the_last_byte_has_left(proxied):
    go_on = threading.Event()
    server = proxied(WHOLE[:-1], then=lambda *_: go_on.wait(10))
    with Wire(server.address) as wire:
        wire.send(REQUESTS["HTTP/1.1"])
        wire.until(BODY[:199])
        wire.reset()
    assert outcomes(server) == {("client_left", 199)}
    go_on.set()


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_recording_has_every_call_that_was_answered_whole(proxied, request_):
    server = proxied(WHOLE)
    recording = server.admin.post("/recordings", {"name": "real"})
    for _ in range(30):
        with Wire(server.address) as wire:
            wire.send(request_)
            assert wire.answer().body == BODY
    stopped = server.admin.post(f"/recordings/{recording['id']}/stop", {})
    assert (stopped["calls"], stopped["left_out"]) == (30, {})
