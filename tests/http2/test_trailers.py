"""Trailers of a response, on each protocol."""

import pytest
from support.http2 import Http2Client
from support.in_memory import connected, listener

from mockserver.http.http1_wire import Http1Wire
from mockserver.model.http import Response
from mockserver.model.plan import Send

RESPONSE = Response(200, [("X-Own", "1"), ("Date", "now")], b"abc", trailers=[("X-Sum", "6"), ("X-Sum", "7")])
SCENARIO = "routes:\n  - {request: GET /plain, reply: {text: plain}}\n"


@pytest.mark.parametrize(
    ("version", "head_only", "sent"),
    [
        (
            (1, 1),
            False,
            (
                b"HTTP/1.1 200 OK\r\nX-Own: 1\r\nDate: now\r\nTrailer: X-Sum, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n0\r\nX-Sum: 6\r\nX-Sum: 7\r\n\r\n"
            ),
        ),
        (
            (1, 1),
            True,
            b"HTTP/1.1 200 OK\r\nX-Own: 1\r\nDate: now\r\nTrailer: X-Sum, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        ((1, 0), False, b"HTTP/1.1 200 OK\r\nX-Own: 1\r\nDate: now\r\nConnection: close\r\n\r\nabc"),
    ],
    ids=["1.1", "HEAD", "1.0, which has none"],
)
async def test_on_http_1(version, head_only, sent):
    server = listener(SCENARIO)
    transport = connected(server.connection())
    flow = transport.protocol
    wire = Http1Wire(transport, flow, server.engine, version=version, keep_alive=True, head_only=head_only)

    await server.performer.perform((Send(RESPONSE),), wire)

    assert bytes(transport.sent) == sent
    assert wire.keep_alive == (version == (1, 1))


@pytest.mark.in_memory
def test_on_http_2(serving):
    server = serving(SCENARIO)
    (of_server,) = server.app._listeners

    async def answer(body, wire):
        await of_server.performer.perform((Send(RESPONSE),), wire)

    of_server.stream_handler = lambda request, ns: answer if request.path == "/sum" else None
    with Http2Client(server.address) as client:
        answer_ = client.ask("GET", "/sum")
        assert (answer_.body, answer_.ended) == (b"abc", True)
        assert answer_.trailers == [("x-sum", "6"), ("x-sum", "7")]
        assert "content-length" not in dict(answer_.headers)
        assert client.ask("HEAD", "/sum").trailers == []
