"""A handler that reads the body of a request while it comes, as bidirectional streams need it."""

import asyncio

import pytest
from support.http2 import Http2Client

from mockserver.http.h2.stream import WINDOW_BYTES
from mockserver.model.http import Response
from mockserver.model.http2_codes import Http2Code

pytestmark = pytest.mark.in_memory  # a server with a store refuses HTTP/2
SCENARIO = "routes:\n  - {request: POST /plain, reply: {text: plain}}\n"
HEAD = Response(200, [("Content-Type", "application/x-echo")])


async def echo(body, wire):
    """Answer each piece at once, and end with a trailer."""
    await wire.respond(HEAD, None, b"", None)
    while piece := await body.read():
        await wire.send(piece, None)
    await wire.end((("X-Status", "0"),))


@pytest.fixture
def server(serving):
    server = serving(SCENARIO)
    server.left = []

    async def reading(body, wire):
        await wire.respond(HEAD, None, b"", None)
        try:
            while await body.read():
                pass
        except asyncio.CancelledError:
            server.left.append(True)
            raise

    async def first_only(body, wire):
        await body.read()
        await wire.respond(Response(200), 0)

    handlers = {"/echo": echo, "/read": reading, "/first": first_only}
    (listener,) = server.app._listeners
    listener.stream_handler = lambda request, ns: handlers.get(request.path)
    return server


@pytest.fixture
def client(server):
    with Http2Client(server.address) as client:
        yield client


def test_each_piece_is_answered_before_the_next_is_sent(client):
    stream = client.request("POST", "/echo", ends=False)
    answer = client.answers[stream]
    for number in range(1, 4):
        client.upload(stream, b"%d" % number, ends=False)
        client.until(lambda end=number: len(answer.body) == end)
    client.upload(stream, b"")

    assert client.answer(stream).body == b"123"
    assert answer.trailers == [("x-status", "0")]
    assert client.ask("POST", "/plain", b"").body == b"plain"


def test_a_body_of_any_size_is_read_as_it_comes(client):
    stream = client.request("POST", "/echo", bytes(4 * WINDOW_BYTES))
    assert client.answer(stream).body == bytes(4 * WINDOW_BYTES)


def test_a_reply_before_the_end_of_the_body_ends_the_stream(client):
    stream = client.request("POST", "/first", b"1", ends=False)
    answer = client.answer(stream)
    client.ping()
    assert (answer.status, answer.ended, answer.reset) == (200, True, Http2Code.NO_ERROR)


def test_a_handler_is_cancelled_when_the_client_has_left(client, server):
    stream = client.request("POST", "/read", b"1", ends=False)
    client.until(lambda: client.answers[stream].headers)  # the handler has begun
    client.reset(stream)
    client.ask("POST", "/plain", b"")
    server.loop.run(asyncio.sleep(0))  # what the reset has scheduled comes before that
    assert server.left == [True]
    (listener,) = server.app._listeners
    assert listener._busy == 0
