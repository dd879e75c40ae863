"""The fast lane answers what the general way answers, byte for byte, and leaves the same behind."""

import re
import socket
import threading
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.server import until
from support.wire import Wire

SCENARIO = """
cors: true
routes:
  - {request: GET /plain, reply: {text: hello}}
  - {request: GET /empty, reply: 204}
  - {request: GET /not-modified, reply: 304}
  - {request: GET /own-date, reply: {status: 200, headers: {Date: "Thu, 01 Jan 1970 00:00:00 GMT"}, text: old}}
  - {request: GET /own-length, reply: {status: 200, headers: {Content-Length: "5"}, text: hello}}
  - {request: GET /bye, reply: {status: 200, headers: {Connection: close}, text: bye}}
  - {request: "GET /by-id/{id}", reply: {json: {id: "{{ path.id }}", n: "{{ call.number }}"}}}
  - {request: GET /steps, reply: [503, {status: 429, headers: {Retry-After: "1"}}, {text: done}]}
  - {request: GET /slow, reply: {status: 200, delay: 20ms, text: slow}}
  - {request: GET /stream, reply: {events: [{data: one}, {data: two}]}}
  - {request: POST /plain, reply: {status: 201, json: {ok: true}}}
  - {request: POST /echo, reply: {text: "{{ request.text }}"}}
  - {request: POST /told, match: {json: {kind: a}}, reply: {text: a}}
  - {request: POST /told, match: {json: {kind: b}}, reply: {text: b}}
  - {request: POST /once, idempotency: {header: Idempotency-Key}, reply: {status: 201, json: {id: "{{ call.number }}"}}}
  - {request: GET /cut, reply: {status: 200, text: hello, fault: truncate}}
  - {request: GET /reset, reply: {status: 200, fault: close}}
"""


@pytest.fixture
def lane(serving):
    return serving(SCENARIO, seed="same")


@pytest.fixture
def pair(serving, lane):
    """The same scenarios with the lane and without."""
    return lane, serving(lane.folder, seed="same", lane=False)


def test_health_says_whether_the_lane_is_on(pair):
    assert [one.admin.get("/health")["lane"] for one in pair] == [True, False]


def test_the_lane_takes_what_it_is_made_for(lane, monkeypatch):
    from mockserver.net.listener import Listener

    async def handle(*_):
        raise AssertionError("it went the general way")

    monkeypatch.setattr(Listener, "handle", handle)
    with Wire(lane.address) as wire:
        wire.send("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().body == b"hello"
        wire.send("POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert wire.answer().status == 201


# Both ways, compared

PATHS = [
    "/plain", "/empty", "/not-modified", "/own-date", "/own-length", "/bye", "/by-id/1", "/by-id/a%20b", "/steps",
    "/slow", "/stream", "/echo", "/told", "/once", "/cut", "/reset", "/", "/nothing", "/Plain", "/plain/", "//plain",
    "/mock/plain", "/@default/plain", "/mock/@default/steps", "/@nobody/plain", "/mock", "/plain?x=1&y=%zz", "/%",
    "/plain?" + "q" * 300, "/by-id/%ff", "*", "/__admin/nothing", "/__adminx",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "QUERY", "get"]
KNOWN = [
    *((method, path) for method in ("GET", "HEAD") for path in PATHS[:11]),
    *(("POST", path) for path in ("/plain", "/echo", "/told", "/once") * 3),
]
ANY = st.tuples(st.sampled_from(METHODS), st.sampled_from(PATHS))
LINES = [
    "X-A: 1", "x-a: 2", "X-Empty:", "X-Bytes: caf\xe9", "X-Utf8: \u20ac",
    "Accept: application/json", "Accept: text/plain", "Accept: text/html", "Origin: http://shop.example",
    "Access-Control-Request-Method: POST", "Content-Type: application/json", "Content-Type: text/plain; charset=latin-1",
    "Content-Type: application/x-www-form-urlencoded", "Connection: close", "Connection: keep-alive", "Connection: TE",
    "Idempotency-Key: one", "Idempotency-Key: two", "Expect: 100-continue", "Content-Encoding: gzip", "Range: bytes=0-1",
    "X-Mockserver-Namespace: default", "X-Mockserver-Namespace: nobody", "baggage: a=b,mockserver.namespace=default",
    "baggage: mockserver.namespace=no%20body;p=1", "baggage: =;,", "baggage: x=1", "Cookie: a=b; c=d",
    "If-None-Match: *", "Upgrade: h2c", "TE: trailers",
]  # fmt: skip
BODIES = [
    b"",
    b"{}",
    b'{"kind": "a"}',
    b'{"kind": "b"}',
    b"a=1&b=2",
    b"\x00\xff",
    b"x" * 1000,
    b"GET / HTTP/1.1\r\n\r\n",
]
BROKEN = [
    b"GET /plain\r\n\r\n",
    b"GET /plain HTTP/1.1\r\nNo colon\r\n\r\n",
    b"GET /plain HTTP/9.9\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    b"\x16\x03\x01\x00\x00",
]


@st.composite
def requests(draw):
    method, path = draw(st.one_of(st.sampled_from(KNOWN), st.sampled_from(KNOWN), ANY))
    version = draw(st.sampled_from(["1.1"] * 9 + ["1.0"]))
    host = draw(
        st.sampled_from([["Host: x"]] * 10 + [["host: api.example.com:8080"], [], ["Host: a", "Host: b"]])
    )
    lines = host + draw(st.lists(st.sampled_from(LINES), max_size=5))
    head = "\r\n".join([f"{method} {path} HTTP/{version}", *lines])
    data = b"".join(char.encode("latin-1") if ord(char) < 256 else char.encode() for char in head)
    body = draw(st.sampled_from(BODIES))
    match draw(st.sampled_from(["none", "length", "chunked"])):
        case "length":
            return data + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        case "chunked" if version == "1.1":
            pieces = b"".join(
                b"%x\r\n%b\r\n" % (len(body[i : i + 7]), body[i : i + 7])
                for i in range(0, min(len(body), 70), 7)
            )
            return data + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
    return data + b"\r\n\r\n"


conversations = st.tuples(
    st.lists(requests(), min_size=1, max_size=6),
    st.one_of(st.just(b""), st.just(b""), st.sampled_from(BROKEN)),
    st.lists(st.integers(0, 600), max_size=4),
)


LAST = b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def converse(server, data, cuts):
    """
    Everything that comes back on one connection, until the server closes it: the last
    request asks for that. Where `data` is cut, it is written in pieces.
    """
    data += LAST
    with closing(socket.create_connection(server.address, timeout=20)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = []
        reader = threading.Thread(target=read_all, args=(sock, got))
        reader.start()
        places = sorted({cut for cut in cuts if cut < len(data)} | {0, len(data)})
        try:
            for start, end in pairwise(places):
                sock.sendall(data[start:end])
        except OSError:
            pass  # the server has closed already
        reader.join(20)
        assert not reader.is_alive()
    return without_date(b"".join(got))


def read_all(sock, got):
    try:
        while data := sock.recv(65536):
            got.append(data)
    except ConnectionError:
        return


def without_date(data):
    return re.sub(rb"\r\nDate: [^\r]*GMT", b"", data)


def left_behind(server):
    """What the record and the counts say, without what differs between any two runs."""
    calls = server.calls()
    for call in calls:
        call["times"] = sorted(name for name, value in call["times"].items() if value is not None)
        call["request"]["client"] = call["request"]["client"].partition(":")[0]
    for call in calls:
        if call["reply"] is None:
            continue
        call["reply"]["headers"] = [line for line in call["reply"]["headers"] if line[0] != "Date"]
    return calls, server.admin.get("/counts")


def converse_in_turn(server, asked):
    """The same, one request after the other, each once the one before is answered; a callable is done to the server in between."""
    got = []
    with Wire(server.address, timeout_s=20) as wire:
        for one in asked:
            if callable(one):
                one(server)
                continue
            wire.send(one)
            answer = wire.answer(head=one.startswith(b"HEAD "))
            lines = [line for line in answer.lines if not line.startswith("Date:") or "1970" in line]
            got.append((answer.start, lines, answer.body))
    return got


def both_in_turn(pair, asked):
    said, left = [], []
    for server in pair:
        server.admin.post("/reset", {})
        said.append(converse_in_turn(server, asked))
        quiet(server)
        left.append(left_behind(server))
    assert said[0] == said[1]
    assert left[0] == left[1]
    return said[0]


def quiet(server):
    """Returns once no call is open."""
    until(lambda: all(one["outcome"] != "open" for one in server.calls()))


def both_ways(pair, data, cuts=()):
    """The answer, after it was found the same on both."""
    said, left = [], []
    for server in pair:
        server.admin.post("/reset", {})
        said.append(converse(server, data, cuts))
        quiet(server)
        left.append(left_behind(server))
    assert said[0] == said[1]
    assert left[0] == left[1]
    return said[0]


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(conversation=conversations)
def test_whatever_is_asked_both_ways_answer_and_record_the_same(pair, conversation):
    asked, broken, cuts = conversation

    both_ways(pair, b"".join(asked) + broken, cuts)


@pytest.mark.parametrize("path", PATHS)
def test_each_target_is_answered_the_same_alone_and_behind_another(pair, path):
    one = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1")

    both_ways(pair, one)
    both_ways(pair, b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n" + one + one)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_each_method_is_answered_the_same(pair, method, version):
    for path in ("/plain", "/by-id/1"):
        both_ways(pair, f"{method} {path} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        both_ways(
            pair, f"{method} {path} HTTP/{version}\r\nHost: x\r\nConnection: keep-alive\r\n\r\n".encode()
        )


@pytest.mark.parametrize("line", LINES)
def test_each_header_is_answered_the_same_with_a_second_namespace_too(pair, line):
    for server in pair:
        server.admin.call("POST", "/namespaces", {"name": "other"})
    data = f"POST /plain HTTP/1.1\r\nHost: x\r\n{line}\r\nContent-Length: 2\r\n\r\n{{}}"

    both_ways(pair, b"".join(char.encode("latin-1") if ord(char) < 256 else char.encode() for char in data))


@pytest.mark.parametrize("broken", BROKEN)
def test_a_good_request_before_a_malformed_one_is_answered(pair, broken):
    said = both_ways(pair, b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n" + broken)

    assert said.startswith(b"HTTP/1.1 200 OK")
    assert said.count(b"HTTP/1.1 400 ") <= 1
    assert pair[0].calls()[0]["request"]["path"] == "/plain"


@pytest.mark.parametrize(
    "one",
    [
        b"GET /by-id/7 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + b'{"kind": "a"}',
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + b'{"kind": "a"}',
        b"POST /once HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /steps HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["templated", "ready", "ready-post", "echo", "idempotent", "sequence"],
)
def test_a_hundred_pipelined_requests_are_all_answered_in_order(pair, one):
    said = both_ways(pair, one * 100)

    assert said.count(b"HTTP/1.1 ") == 101
    assert pair[0].admin.get("/counts")["total"] == 101


def test_fast_slow_fast_on_one_connection_come_in_order(pair):
    def ask(path):
        return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    said = both_ways(pair, ask("/plain") + ask("/slow") + ask("/plain") + ask("/stream") + ask("/plain"))

    assert re.findall(rb"hello|slow|data: two", said) == [
        b"hello",
        b"slow",
        b"hello",
        b"data: two",
        b"hello",
        b"hello",
    ]


def test_namespaces_in_turn_on_one_connection(pair):
    for server in pair:
        for n in range(20):
            server.admin.post("/namespaces", {"name": f"n{n}"})
    data = b"".join(
        b"GET /@n%d/steps HTTP/1.1\r\nHost: x\r\n\r\nGET /steps HTTP/1.1\r\nHost: x\r\nX-Mockserver-Namespace: n%d\r\n\r\n"
        % (n, n)
        for n in range(20)
    )

    said = both_ways(pair, data)

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"503", b"429"] * 20 + [b"200"]


# Requests that came before, which the lane does not parse again


def asking(path, *lines, method="GET", body=b""):
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines])
    length = b"Content-Length: %d\r\n" % len(body) if method == "POST" else b""
    return head.encode() + b"\r\n" + length + b"\r\n" + body


def did(what):
    """A change to both servers, by the admin API; its name is what hypothesis shows."""
    method, path, body = what

    def do(server):
        server.admin.call(method, path, body)

    do.__name__ = do.__qualname__ = f"{method} {path} {body}"
    return do


ASKED = [
    asking("/plain"), asking("/steps"), asking("/by-id/7"), asking("/toggle"), asking("/cycle"), asking("/thrice"),
    asking("/slow"), asking("/for"), asking("/own-date"), asking("/nothing"), asking("/bye2"), asking("/mock/plain"),
    asking("/@default/steps"), asking("/@other/plain"), asking("/@other/steps"), asking("/steps", "X-Mockserver-Namespace: other"),
    asking("/plain", method="HEAD"), asking("/plain", method="POST", body=b"{}"), asking("/echo", method="POST", body=b"hi"),
    asking("/told", method="POST", body=b'{"kind": "a"}'), asking("/told", method="POST", body=b'{"kind": "b"}'),
    asking("/count", method="POST", body=b"{}"), asking("/iffy?x=1"), asking("/broken"),
    asking("/once", "Idempotency-Key: k", method="POST", body=b"{}"),
]  # fmt: skip
CHANGES = [
    ("POST", "/reset", {}), ("POST", "/reset", {"what": ["calls"]}), ("POST", "/reset", {"what": ["positions"]}),
    ("POST", "/reset", {"what": ["memory"]}), ("POST", "/reset", {"what": ["seed"]}), ("POST", "/@other/reset", {}), ("POST", "/reload", {}),
    ("POST", "/routes", {"name": "own", "request": "GET /plain", "reply": [503, 200]}),
    ("POST", "/routes", {"request": "GET /mock/plain", "reply": {"text": "mine"}}),
    ("POST", "/routes", {"request": "GET /@other/plain", "reply": {"text": "mine, too"}}), ("DELETE", "/routes", None),
    ("PUT", "/routes/shop%2FGET%20%2Fsteps", {"request": "GET /steps", "reply": [200, 500]}),
    ("POST", "/snapshot", {}), ("POST", "/restore", {}), ("PATCH", "/scenarios/shop", {"active": False}),
    ("PATCH", "/scenarios/shop", {"active": True}), ("PUT", "/outage", {"reply": 503, "times": 2}), ("DELETE", "/outage", None),
    ("DELETE", "/calls", None), ("PATCH", "/state", {"lamp": "on"}), ("POST", "/clock", {"advance": "40s"}),
    ("DELETE", "/namespaces/other", None), ("POST", "/namespaces", {"name": "other", "seed": "same"}),
    ("GET", "/calls", None), ("GET", "/counts", None), ("GET", "/routes", None),
]  # fmt: skip
MORE = """
  - {request: GET /toggle, when: {lamp: "on"}, set: {lamp: "off"}, reply: {text: "off"}}
  - {request: GET /toggle, set: {lamp: "on"}, reply: {text: "on"}}
  - {request: GET /cycle, reply: [503, 503, 200], then: cycle}
  - {request: GET /thrice, reply: [{status: 500, times: 3}], then: stop}
  - {request: GET /thrice, reply: {text: healthy}}
  - {request: GET /for, reply: [{status: 503, for: 30s}, 200]}
  - {request: GET /bye2, reply: {status: 200, headers: {x-n: "{{ call.number }}"}, json: {id: "{{ uuid() }}"}}}
  - {request: POST /count, set: {n: "{{ state.n | default(0) + 1 }}"}, reply: {json: {n: "{{ state.n }}"}}}
  - {request: GET /iffy, if: "{{ request.query.x == '1' and state.lamp == 'on' }}", reply: {text: lit}}
  - {request: GET /iffy, reply: {text: dark}}
  - {request: GET /broken, reply: {text: "{{ state.lamp.oops.deep }}"}}
"""


@pytest.fixture
def same_again(serving):
    """The scenarios of `pair` with more that has a memory, with the lane and without; both have a second namespace."""
    lane = serving(SCENARIO.replace("cors: true\n", "") + MORE, seed="same")
    pair = lane, serving(lane.folder, seed="same", lane=False)
    for server in pair:
        server.admin.post("/namespaces", {"name": "other", "seed": "same"})
    return pair


@pytest.mark.parametrize("one", ASKED, ids=lambda one: one.split(b"\r\n")[0].decode())
def test_the_same_request_again_and_again_is_answered_the_same_both_ways(same_again, one):
    both_in_turn(same_again, [one] * 7)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: " ".join(map(str, change)))
def test_what_is_known_of_a_request_does_not_outlive_a_change(same_again, change):
    asked = ASKED[:17]

    both_in_turn(same_again, [*asked * 3, did(change), *asked * 3])


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    asked=st.lists(
        st.one_of(st.sampled_from(ASKED), st.sampled_from(ASKED[:8]), st.sampled_from(CHANGES).map(did)),
        min_size=3,
        max_size=30,
    )
)
def test_whatever_comes_again_between_whatever_changes_both_ways_agree(same_again, asked):
    for server in same_again:
        server.admin.call("POST", "/namespaces", {"name": "other", "seed": "same"})
        server.admin.call("PATCH", "/scenarios/shop", {"active": True})

    both_in_turn(same_again, asked)


def test_a_request_that_came_before_is_not_parsed(lane, monkeypatch):
    one = asking("/plain", "X-Some: header")
    with Wire(lane.address) as wire:
        for _ in range(2):
            wire.send(one)
            wire.answer()
        monkeypatch.setattr("mockserver.net.lane.Lane.took", None)
        wire.send(one)

        assert wire.answer().body == b"hello"


def test_what_comes_only_once_is_not_kept(lane):
    with Wire(lane.address) as wire:
        for n in range(50):
            wire.send(asking("/plain", f"X-N: {n}"))
            wire.answer()

    assert not lane.app._listeners[0].server._lane._known._new


def test_known_requests_are_bounded(monkeypatch):
    from mockserver.net import known

    monkeypatch.setattr(known, "MOST", 10)
    requests = known.KnownRequests()
    for n in range(100):
        requests.add(b"%d" % n, object())
    kept = [n for n in range(100) if requests.get(b"%d" % n) or requests._old.get(b"%d" % n)]

    assert kept == list(range(kept[0], 100))
    assert len(kept) <= 20
    assert requests.find(b"99") is None or requests.get(b"99") is not None


def test_known_requests_hold_on_to_no_namespace_that_was_removed(lane):
    """Each test makes a namespace and removes it: what is known of its requests must not keep it, nor its calls."""
    requests = lane.app._listeners[0].server._lane._known
    namespaces = set()
    with Wire(lane.address) as wire:
        for n in range(200):
            lane.admin.post("/namespaces", {"name": f"n{n}"})
            for _ in range(3):
                wire.send(asking(f"/@n{n}/plain"))
                assert wire.answer().status == 200
            namespaces.add(lane.app.engine.namespaces[f"n{n}"])
            lane.admin.call("DELETE", f"/namespaces/n{n}")

    known = [*requests._new.values(), *requests._old.values()]
    assert len({one.ns for one in known} & namespaces) <= 64
    assert not any(len(one.record) for one in known if one.ns in namespaces)


def test_what_is_known_of_a_request_keeps_no_calls_that_were_forgotten(lane):
    one = asking("/plain")
    with Wire(lane.address) as wire:
        for _ in range(5):
            wire.send(one)
            wire.answer()
    (known,) = lane.app._listeners[0].server._lane._known._new.values()
    lane.admin.post("/reset", {"what": ["calls"]})

    assert not len(known.record)


def test_the_start_of_a_request_is_no_request_that_came_before(lane):
    """Half a request, then what would be a known one: it belongs to the half."""
    one = asking("/plain")
    with Wire(lane.address) as wire:
        for _ in range(3):
            wire.send(one)
            wire.answer()
        wire.send(f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {len(one)}\r\n\r\n")
        until(lambda: lane.admin.get("/counts")["total"] == 3)
        wire.send(one)

        assert wire.answer().body == one


# Where the lane alone could go wrong

BIG = """
routes:
  - {request: GET /big, reply: {text: TEXT}}
""".replace("TEXT", "x" * 200_000)


def test_a_client_that_never_reads_costs_bounded_memory_and_its_call_stays_open(serving):
    server = serving(BIG)
    asked = 400
    with Wire(server.address, receive_buffer=4096) as wire:
        wire.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * asked)
        until(lambda: any(call["outcome"] == "open" for call in server.calls("?limit=1000")))
        (connection,) = [
            one
            for one in server.app._listeners[0].server.connections
            if one.transport.get_write_buffer_size()
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


def test_a_slow_reader_gets_everything_and_its_call_ends_well(serving):
    server = serving(BIG)
    with Wire(server.address, receive_buffer=4096, timeout_s=30) as wire:
        wire.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        assert all(len(wire.answer().body) == 200_000 for _ in range(20))

    until(lambda: [call["outcome"] for call in server.calls()] == ["done"] * 20)


def connections_of(server):
    return list(server.app._listeners[0].server.connections)


async def _check_keepalive(connection):
    connection._next_keepalive_close_time = connection._loop.time() - 1
    connection._process_keepalive()


def test_an_idle_connection_is_closed_at_its_time_and_a_busy_one_is_not(serving):
    server = serving(
        "routes: [{request: GET /fast, reply: 200}, {name: hang, request: GET /hang, reply: {fault: hang}}]"
    )
    with Wire(server.address) as idle, Wire(server.address) as busy:
        for wire in (idle, busy):
            # the timer is started by the general way, which a HEAD takes
            wire.send("HEAD /fast HTTP/1.1\r\nHost: x\r\n\r\n")
            wire.answer(head=True)
            wire.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n")
            wire.answer()
        busy.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: server.admin.get("/counts")["routes"].get("shop/hang", {}).get("in_flight"))

        until(lambda: any(one._waiter for one in connections_of(server) if one._keepalive))
        for connection in connections_of(server):
            server.loop.run(_check_keepalive(connection))

        assert idle.is_closed()
        assert server.admin.get("/counts")["routes"]["shop/hang"]["in_flight"] == 1


def test_an_answer_of_the_lane_moves_the_keep_alive_time_on(serving):
    server = serving("routes: [{request: GET /fast, reply: 200}]")
    with Wire(server.address) as wire:
        until(lambda: any(one._waiter for one in connections_of(server)))
        (connection,) = connections_of(server)
        connection._next_keepalive_close_time = 0.0
        wire.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.answer()

        until(lambda: connection._next_keepalive_close_time > 0.0)


@pytest.mark.parametrize("with_lane", [True, False])
def test_a_defect_of_ours_is_a_500_on_both_ways(serving, monkeypatch, with_lane, caplog):
    from mockserver.engine.engine import Engine
    from mockserver.engine.known import Known

    server = serving("routes: [{request: GET /fast, reply: 200}]", lane=with_lane)

    def begin(*_):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Engine, "begin", begin)
    monkeypatch.setattr(Known, "look", begin)
    with Wire(server.address) as wire:
        wire.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = wire.answer()

        assert (answer.status, answer.header("connection")) == (500, "close")
        assert b"defect of mockserver" in answer.body
        assert wire.is_closed()
    assert "broken on purpose" in caplog.text


@pytest.mark.parametrize(
    ("version", "proved"),
    [
        ("3.14.0", True),
        ("3.14.5", True),
        ("3.13.9", False),
        ("3.15.0", False),
        ("4.0.0", False),
        ("4", False),
        ("x", False),
    ],
)
def test_the_lane_is_on_only_for_versions_of_aiohttp_that_it_was_proved_with(version, proved):
    from mockserver.net.lane import is_proved

    assert is_proved(version) is proved


def test_counts_stay_exact_past_the_most_request_lines_that_are_counted(serving, monkeypatch):
    """Past LINES_KEPT a request line is counted by the record, by the lane as on the general way."""
    monkeypatch.setattr("mockserver.store.counts.Counts.LINES_KEPT", 3)
    scenario = 'routes: [{request: GET /plain, reply: {text: hello}}, {request: "GET /by-id/{id}", reply: {text: "{{ path.id }}"}}]'
    for server in (serving(scenario), serving(scenario, lane=False)):
        with Wire(server.address) as wire:
            for _ in range(3):
                for number in range(6):
                    wire.send(asking(f"/by-id/{number}"))
                    assert wire.answer().status == 200
                    wire.send(asking("/plain"))
                    assert wire.answer().status == 200
        counts = server.admin.get("/counts")

        assert counts["total"] == 36
        assert [counts["routes"][route]["calls"] for route in sorted(counts["routes"])] == [18, 18]
        for line, times in [*((f"GET /by-id/{number}", 3) for number in range(6)), ("GET /plain", 18)]:
            assert server.admin.post("/count", {"request": line}) == {"count": times, "exact": True}
