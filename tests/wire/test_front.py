"""
The front, which reads requests and writes answers, beside aiohttp's own server with the same engine behind it.

Both are fed the same bytes, cut at the same places. They answer the same, and leave the same behind in record and
counts, but for what `DIFFERENCES` lists.
"""

import asyncio
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.in_memory import connected, converse, left_behind, listener
from support.reference_server import ReferenceServer
from support.server import until
from support.wire import Wire

from mockserver.engine.engine import Engine
from mockserver.http import connection as front
from mockserver.model.plan import Outcome

SCENARIO = """
cors: true
routes:
  - {request: GET /plain, reply: {text: hello}}
  - {request: GET /empty, reply: 204}
  - {request: GET /not-modified, reply: 304}
  - {request: GET /bye, reply: {status: 200, headers: {Connection: close}, text: bye}}
  - {request: "GET /by-id/{id}", reply: {json: {id: "{{ path.id }}", n: "{{ call.number }}"}}}
  - {request: GET /steps, reply: [{status: 503, text: a}, {status: 429, headers: {Retry-After: "1"}, text: b}, {text: done}]}
  - {request: GET /slow, reply: {status: 200, delay: 1ms, text: slow}}
  - {request: GET /stream, reply: {events: [{data: one}, {data: two}]}}
  - {request: POST /plain, reply: {status: 201, json: {ok: true}}}
  - {request: POST /echo, reply: {text: "{{ request.text }}"}}
  - {request: POST /told, match: {json: {kind: a}}, reply: {text: a}}
  - {request: POST /told, match: {json: {kind: b}}, reply: {text: b}}
  - {request: POST /once, idempotency: {header: Idempotency-Key}, reply: {status: 201, json: {id: "{{ call.number }}"}}}
  - {request: GET /toggle, when: {lamp: "on"}, set: {lamp: "off"}, reply: {text: "off"}}
  - {request: GET /toggle, set: {lamp: "on"}, reply: {text: "on"}}
  - {request: POST /count, set: {n: "{{ state.n | default(0) + 1 }}"}, reply: {json: {n: "{{ state.n }}", id: "{{ uuid() }}"}}}
"""
DIFFERENCES = {
    "status line": "The front says HTTP/1.1 also to HTTP/1.0: it is the version of the server (RFC 9110 2.5).",
    "Connection: close to HTTP/1.0": "The front says what it does; aiohttp says nothing, which means the same.",
    "Transfer-Encoding to HEAD": "The front sends the head that a GET would get (RFC 9110 9.3.2); aiohttp leaves this line out.",
    "Server, Date": "A mock says no Server, and its Date is a scenario's to set.",
    "Content-Type": "aiohttp calls a body without one application/octet-stream. The front sends what the scenario says.",
    "an answer to HTTP/1.0 in pieces": "The end of the connection is that of the body; aiohttp would keep it, if it is asked to.",
    "HTTP/1.0 in chunks": "Its framing is faulty (RFC 9112 6.1): the front ends the connection after the answer.",
    "Host": "aiohttp refuses a request without one, or with two. A mock takes it, so that a test can see what was sent.",
    "a second Content-Type": "aiohttp refuses two lines of some names. A mock takes them, so that a test can see what was sent.",
    "Expect: 100-continue": "The front asks for the body. aiohttp leaves that to its router, which is not used here.",
    "Upgrade": "The front answers and goes on; aiohttp reads no request behind one that offers an upgrade.",
    "Content-Length of a 204 and a 304": "The front sends none; aiohttp sends that of a 304 where the scenario has one.",
    "what is no HTTP": "The front answers the good requests before it, and says what is wrong as a problem; aiohttp answers none of those in the same read.",
    "raw UTF-8 in a target": "The front takes it as percent-encoded; aiohttp decodes it.",
    "a target that is no URL": "aiohttp raises for http://[::1]@/; the front says 400.",
    "what follows a request that closes": "The front drops it; aiohttp says 400 to it, and loses what it asked for before in the same read.",
    "admin API": "The reference has none.",
    "faults": "aiohttp can't perform them; tests/wire/test_faults.py has them.",
}
"""Where the two differ, and why. What stands here is left out of the requests that are compared, or of the comparison."""


# What both are asked

PATHS = [
    "/plain", "/empty", "/not-modified", "/bye", "/by-id/1", "/by-id/a%20b", "/steps", "/slow", "/stream", "/echo", "/told",
    "/once", "/toggle", "/count", "/", "/nothing", "/Plain", "/plain/", "//plain", "/mock/plain", "/@default/plain",
    "/mock/@default/steps", "/@other/plain", "/@other/echo", "/@nobody/plain", "/mock", "/plain?x=1&y=%zz", "/%",
    "/plain?" + "q" * 300, "/by-id/%ff", "http://other.example/plain",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"]
LINES = [
    "X-A: 1", "x-a: 2", "X-Empty:", "X-Bytes: caf\xe9", "Accept: application/json", "Accept: text/plain", "Accept: text/html",
    "Origin: http://shop.example", "Access-Control-Request-Method: POST", "Content-Type: application/json",
    "Content-Type: text/plain; charset=latin-1", "Content-Type: application/x-www-form-urlencoded", "Connection: close",
    "Connection: keep-alive", "Connection: TE", "Idempotency-Key: one", "Idempotency-Key: two", "Content-Encoding: gzip",
    "Range: bytes=0-1", "X-Mockserver-Namespace: other", "X-Mockserver-Namespace: nobody",
    "baggage: a=b,mockserver.namespace=other", "baggage: mockserver.namespace=no%20body;p=1", "baggage: =;,", "baggage: x=1",
    "Cookie: a=b; c=d", "If-None-Match: *", "TE: trailers",
]  # fmt: skip
BODIES = [
    b"", b"{}", b'{"kind": "a"}', b'{"kind": "b"}', b"a=1&b=2", b"\x00\xff", b"x" * 1000, b"GET / HTTP/1.1\r\n\r\n",
]  # fmt: skip


def framed(head, framing, body, size):
    match framing:
        case "length":
            return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        case "chunked":
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    return head + b"\r\n\r\n"


def name_of(line):
    return line.partition(":")[0]


@st.composite
def requests(draw):
    """The method, and the bytes."""
    method = draw(st.one_of(st.sampled_from(["GET", "POST"]), st.sampled_from(METHODS)))
    path = draw(st.sampled_from(PATHS))
    version = draw(st.sampled_from(["1.1"] * 9 + ["1.0"])) if path != "/stream" else "1.1"
    lines = ["Host: x", *draw(st.lists(st.sampled_from(LINES), max_size=5, unique_by=name_of))]
    head = "\r\n".join([f"{method} {path} HTTP/{version}", *lines]).encode("latin-1")
    framing = draw(st.sampled_from(["none", "length", "chunked"] if version == "1.1" else ["none", "length"]))
    return method, framed(head, framing, draw(st.sampled_from(BODIES)), draw(st.sampled_from([1, 7, 100])))


LAST = ("GET", b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


def answers(data, methods):
    """What came back: status, header lines but those that differ, body."""
    found = []
    for method in methods:
        while data.startswith(b"HTTP/1.1 100"):
            data = data.partition(b"\r\n\r\n")[2]
        if not data:
            break
        head, _, data = data.partition(b"\r\n\r\n")
        start, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        status = int(start.split()[1])
        named = {line.partition(":")[0].lower(): line.partition(": ")[2] for line in lines}
        body = b""
        if method != "HEAD" and status not in (204, 304):
            if "transfer-encoding" in named:
                while size := int(data.partition(b"\r\n")[0], 16):
                    data = data.partition(b"\r\n")[2]
                    body, data = body + data[:size], data[size + 2 :]
                data = data[5:]
            elif "content-length" in named:
                size = int(named["content-length"])
                body, data = data[:size], data[size:]
            else:
                body, data = data, b""
        found.append((status, [line for line in lines if not differs(method, line)], body))
    assert not data, "nothing comes that was not asked"
    return found


def differs(method, line):
    name, _, value = line.partition(": ")
    return (
        name in ("Server", "Date")
        or line == "Content-Type: application/octet-stream"
        or (method == "HEAD" and line == "Transfer-Encoding: chunked")
        or (name == "Connection" and value == "close")  # to HTTP/1.0; else the connection's end shows it
    )


def closes(one):
    """Whether it asks for the end of the connection."""
    head = one.partition(b"\r\n\r\n")[0].lower()
    words = b",".join(re.findall(rb"\nconnection: ([^\r]*)", head)).split(b",")
    return b"close" in words or (b" http/1.0\r" in head and b"keep-alive" not in words)


def compared(asked, cuts=(), turns=0):
    """The answers of both, after they were found the same, with what they left behind."""
    asked = [*asked, LAST]
    last = next(number for number, (_, one) in enumerate(asked) if closes(one))
    asked = asked[: last + 1]
    data = b"".join(one for _, one in asked)
    places = sorted({cut % len(data) for cut in cuts} | {0, len(data)})
    pieces = [data[start:end] for start, end in pairwise(places)]

    async def one(server, connection):
        said = await converse(connection(server), pieces, turns=turns)
        return answers(said, [method for method, _ in asked]), left_behind(server.engine)

    async def both():
        ours = await one(listener(SCENARIO, "other"), lambda server: server.connection())
        theirs = await one(listener(SCENARIO, "other"), lambda server: ReferenceServer(server).connection())
        return ours, theirs

    (said, left), (said_there, left_there) = asyncio.run(both())
    assert said == said_there
    assert left == left_there
    return said


def asking(path, *lines, method="GET", body=b"", framing="length"):
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines]).encode("latin-1")
    return method, framed(head, framing if method == "POST" else "none", body, 5)


@settings(max_examples=200, deadline=None)
@given(
    asked=st.lists(requests(), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 4000), max_size=6),
    turns=st.sampled_from([0, 1, 3]),
)
def test_whatever_is_asked_both_answer_and_record_the_same(asked, cuts, turns):
    compared(asked, cuts, turns)


@pytest.mark.parametrize("path", PATHS)
def test_each_target_is_answered_the_same_alone_and_behind_another(path):
    one = asking(path)

    compared([one])
    compared([asking("/plain"), one, one])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_each_method_is_answered_the_same(method, version):
    for path in ("/plain", "/by-id/1", "/nothing"):
        for line in ("X: y", "Connection: keep-alive"):
            compared([(method, f"{method} {path} HTTP/{version}\r\nHost: x\r\n{line}\r\n\r\n".encode())])


@pytest.mark.parametrize("line", LINES)
def test_each_header_is_answered_the_same(line):
    compared([asking("/plain", line, method="POST", body=b"{}"), asking("/plain", line)])


CONVERSATION = [
    asking("/plain"), asking("/echo", method="POST", body=b"hello, hello"),
    asking("/@other/echo", method="POST", body=b"other"), asking("/slow"),
    asking("/echo", method="POST", body=b"in chunks", framing="chunked"), asking("/steps"),
    asking("/echo", "X-Mockserver-Namespace: other", method="POST", body=b"other, in chunks", framing="chunked"),
    asking("/stream"), asking("/steps"),
]  # fmt: skip


@pytest.mark.parametrize("turns", [0, 2])
def test_requests_that_are_cut_at_any_place_are_answered_the_same(turns):
    whole = compared(CONVERSATION)
    size = sum(len(one) for _, one in CONVERSATION)

    async def cut_at_each_place():
        data = b"".join(one for _, one in [*CONVERSATION, LAST])
        for at in range(size):
            server = listener(SCENARIO, "other")
            said = await converse(server.connection(), [data[:at], data[at:]], turns=turns)
            assert answers(said, [method for method, _ in [*CONVERSATION, LAST]]) == whole, at
            assert not server.connections

    asyncio.run(cut_at_each_place())


@pytest.mark.parametrize("turns", [0, 2])
def test_requests_that_come_byte_by_byte_are_answered_the_same(turns):
    size = sum(len(one) for _, one in [*CONVERSATION, LAST])

    compared(CONVERSATION, range(size), turns)


def test_requests_from_which_a_body_is_missing_are_answered_by_the_namespace_they_name():
    """Their prefix is taken off once, though the body comes later."""
    asked = [
        asking(path, *lines, method="POST", body=b"abc")
        for path, *lines in (
            ["/@other/echo"], ["/mock/@other/echo"], ["/mock/echo"], ["/echo", "X-Mockserver-Namespace: other"], ["/@other/@other/echo"],
        )
    ]  # fmt: skip

    for one in asked:
        whole = compared([one])
        assert compared([one], [len(one[1]) - 1]) == whole


# Many in one read


@pytest.mark.parametrize(
    "one",
    [
        asking("/by-id/7"),
        asking("/plain"),
        asking("/plain", method="HEAD"),
        asking("/plain", method="POST", body=b'{"kind": "a"}'),
        asking("/echo", method="POST", body=b"hello", framing="chunked"),
        asking("/@other/echo", method="POST", body=b"hello", framing="chunked"),
        asking("/once", "Idempotency-Key: k", method="POST", body=b"{}"),
        asking("/steps"),
    ],
    ids=[
        "templated",
        "ready",
        "head",
        "ready post",
        "chunked",
        "chunked elsewhere",
        "idempotent",
        "sequence",
    ],
)
@pytest.mark.parametrize("count", [100, 1500])
def test_many_pipelined_requests_are_all_answered_in_order(one, count):
    assert len(compared([one] * count)) == count + 1


def test_fast_slow_fast_on_one_connection_come_in_order():
    said = compared([asking(path) for path in ("/plain", "/slow", "/plain", "/stream", "/plain")])

    assert [body[:5] for _, _, body in said] == [b"hello", b"slow", b"hello", b"data:", b"hello", b"hello"]


def test_namespaces_in_turn_on_one_connection():
    names = [f"n{n}" for n in range(20)]
    asked = [
        one
        for name in names
        for one in (asking(f"/@{name}/steps"), asking("/steps", f"X-Mockserver-Namespace: {name}"))
    ]
    data = b"".join(one for _, one in [*asked, LAST])

    async def run():
        server = listener(SCENARIO, *names)
        said = await converse(server.connection(), [data])
        return answers(said, ["GET"] * 41), left_behind(server.engine)

    said, left = asyncio.run(run())
    assert [status for status, _, _ in said] == [503, 429] * 20 + [200]
    assert [left[name][1]["total"] for name in names] == [2] * 20


def test_others_have_their_turn_between_pipelined_requests():
    """Thousands of requests in one read hold nobody up for longer than some of them take."""
    one = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"

    async def run():
        server = listener(SCENARIO)
        transport, other = connected(server.connection()), connected(server.connection())
        transport.protocol.data_received(one * 8000)
        at_first = server.engine.default.counts.total
        other.protocol.data_received(one)
        assert other.sent
        transport.protocol.data_received(LAST[1])
        async with asyncio.timeout(20):
            await transport.closed.wait()
        return at_first, bytes(transport.sent)

    at_first, said = asyncio.run(run())
    assert at_first * len(one) <= 2 * front.MOST_BYTES_AT_ONCE
    assert said.count(b"HTTP/1.1 200 OK") == 8001


def test_counts_stay_exact_past_the_most_request_lines_that_are_counted(serving, monkeypatch):
    """Past LINES_KEPT a request line is counted by the record."""
    monkeypatch.setattr("mockserver.store.counts.Counts.LINES_KEPT", 3)
    server = serving('routes: [{request: GET /plain, reply: {text: hello}}, {request: "GET /by-id/{id}", reply: {text: "{{ path.id }}"}}]')  # fmt: skip
    with Wire(server.address) as wire:
        for _ in range(3):
            for number in range(6):
                for path in (f"/by-id/{number}", "/plain"):
                    wire.send(asking(path)[1])
                    assert wire.answer().status == 200
    counts = server.admin.get("/counts")

    assert counts["total"] == 36
    assert [counts["routes"][route]["calls"] for route in sorted(counts["routes"])] == [18, 18]
    for line, times in [*((f"GET /by-id/{number}", 3) for number in range(6)), ("GET /plain", 18)]:
        assert server.admin.post("/count", {"request": line}) == {"count": times, "exact": True}


# What is no request


@pytest.mark.parametrize(
    "broken",
    [
        b"GET /plain\r\n\r\n",
        b"GET /plain HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET /plain HTTP/9.9\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
    ],
)
def test_good_requests_before_what_is_none_are_answered_and_none_behind_it(broken):
    good = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
    data = good * 2 + broken + good

    async def run(pieces):
        server = listener(SCENARIO)
        said = await converse(server.connection(), pieces)
        assert not server.connections
        return re.findall(rb"HTTP/1.1 (\d+)", said), [call.status for call in server.engine.default.call_log]

    for at in range(len(data)):
        said, recorded = asyncio.run(run([data[:at], data[at:]]))
        assert said == [b"200", b"200", b"400"]
        assert recorded[:2] == [200, 200]
        assert recorded[2:] in ([], [400])  # of a bad chunk the head was read


def test_a_defect_is_a_500_that_is_logged(serving, monkeypatch, caplog):
    server = serving("routes: [{request: GET /fast, reply: 200}, {request: POST /fast, reply: 200}]")

    def begin(*_):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Engine, "begin", begin)
    for one in (asking("/fast"), asking("/fast", method="POST", body=b"abc", framing="chunked")):
        with Wire(server.address) as wire:
            wire.send(one[1])
            answer = wire.answer()

            assert (answer.status, answer.header("connection")) == (500, "close")
            assert b"bug in mockserver" in answer.body
            assert wire.is_closed()
    assert "broken on purpose" in caplog.text


def test_a_defect_in_what_is_sent_leaves_no_call_open(monkeypatch, caplog):
    def encode(*_):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(front, "encode", encode)

    async def run():
        server = listener(SCENARIO)
        said = await converse(server.connection(), [asking("/plain")[1] * 3])
        return said, list(server.engine.default.call_log)

    said, calls = asyncio.run(run())
    assert said.startswith(b"HTTP/1.1 500 ")
    assert said.count(b"HTTP/1.1") == 1
    assert [call.outcome for call in calls] == [Outcome.CLOSE]


# Clients that don't read

BIG = "routes: [{request: GET /big, reply: {text: %s}}]" % ("x" * 200_000)
BIG_ONE = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_client_that_never_reads_costs_bounded_memory_and_its_call_stays_open(serving):
    server = serving(BIG)
    asked = 400
    with Wire(server.address, receive_buffer=4096) as wire:
        wire.send(BIG_ONE * asked)
        until(lambda: any(call["outcome"] == "open" for call in server.calls("?limit=1000")))
        (connection,) = [
            one for one in server.app._listeners[0].connections if one.transport.get_write_buffer_size()
        ]
        waiting_bytes = connection.transport.get_write_buffer_size()
        outcomes = [call["outcome"] for call in server.calls("?limit=1000")]

        assert waiting_bytes <= 2 * 200_000
        assert outcomes.count("open") == 1
        assert outcomes[-1] == "open"
        assert len(outcomes) < asked
        assert server.ask("GET", "/big").status == 200
    until(lambda: not [call for call in server.calls("?limit=1000") if call["outcome"] == "open"])

    assert "client_left" in [call["outcome"] for call in server.calls("?limit=1000")]


def test_what_a_client_sends_that_never_reads_is_bounded(serving):
    server = serving(BIG)
    with Wire(server.address, receive_buffer=4096, timeout_s=0.5) as wire:
        with pytest.raises(TimeoutError):
            wire.send(BIG_ONE * 1_000_000)
        (connection,) = [
            one for one in server.app._listeners[0].connections if one.wire is not None and one.paused
        ]

        assert len(connection._held) <= front.MOST_HELD_BYTES + 256 * 1024


def test_a_slow_reader_gets_everything_and_its_call_ends_well(serving):
    server = serving(BIG)
    with Wire(server.address, receive_buffer=4096, timeout_s=30) as wire:
        wire.send(BIG_ONE * 20)
        assert all(len(wire.answer().body) == 200_000 for _ in range(20))

    until(lambda: [call["outcome"] for call in server.calls()] == ["done"] * 20)
