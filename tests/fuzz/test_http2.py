"""
Whatever frames a client of HTTP/2 sends, in whatever order and pieces: the server answers or says what is wrong, leaves no
stream, task or connection behind, holds the loop in no turn, and counts what it has answered.
"""

import gc
import logging
import os
import socket
import time

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.cost import allowed_s
from support.http2 import PREFACE, Http2Client
from support.server import InProcess, until

from mockserver.http.h2 import frames
from mockserver.http.h2.connection import Http2Connection
from mockserver.http.h2.frames import FrameType, frame
from mockserver.settings import Settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize="FUZZ_EXAMPLES" not in os.environ, print_blob=True)  # fmt: skip
LONGEST_S = 0.05
"""Processor time of one turn."""
SCENARIO = """
routes:
  - {request: GET /a, reply: {text: fine}}
  - {request: POST /a, reply: {text: "{{ request.body | length }}"}}
  - {request: GET /b, reply: {text: late, delay: 5ms}}
  - {request: GET /c, reply: [{fault: reset}, {fault: close}, {fault: truncate}, {fault: garbage}, 200]}
  - {request: GET /d, reply: {events: [one, {data: two, delay: 2ms}, three]}}
  - {request: GET /e, reply: {text: LARGE}}
""".replace("LARGE", "x" * 100_000)

STREAMS = st.sampled_from([0, 1, 2, 3, 5, 7, 9, 11, 101, 2**31 - 1])
BLOCKS = st.one_of(
    st.builds(lambda method, path: bytes((0x80 | method,)) + b"\x86\x44\x02/" + path, st.sampled_from([2, 3]), st.sampled_from([b"a", b"b", b"c", b"d", b"e"])),
    st.sampled_from([b"\x82\x86\x44\x02/a\x40\x01x\x03abc", b"\x82\x86\x44\x02/b\xbe", b"\x83\x86\x44\x02/a\x5c\x015"]),
    st.binary(max_size=40),
)  # fmt: skip
PAYLOADS = st.binary(max_size=60) | st.sampled_from(
    [bytes(8), bytes(4), b"\0\0\1\0", b"\x7f\xff\xff\xff", bytes(9000)]
)
FRAMES = st.one_of(
    st.builds(frame, st.just(FrameType.HEADERS), st.sampled_from([5, 5, 5, 4, 1, 0, 0x2D, 0x0C]), STREAMS, BLOCKS),
    st.builds(frame, st.sampled_from([FrameType.DATA, FrameType.CONTINUATION]), st.sampled_from([0, 1, 4, 8, 9]), STREAMS, PAYLOADS),
    st.builds(frame, st.integers(0, 12), st.integers(0, 255), STREAMS, PAYLOADS),
    st.builds(frames.rst_stream, STREAMS, st.integers(0, 14)),
    st.builds(frames.window_update, STREAMS, st.sampled_from([0, 1, 70_000, 2**31 - 1])),
    st.builds(lambda key, value: frames.settings({key: value}), st.integers(0, 9), st.sampled_from([0, 1, 100, 16_384, 2**31 - 1, 2**32 - 1])),
    st.binary(max_size=30),
)  # fmt: skip

VALID = st.one_of(
    st.tuples(
        st.sampled_from([b"\x82\x86\x44\x02/" + path for path in (b"a", b"b", b"c", b"d", b"e")]), st.none()
    ),
    st.tuples(st.just(b"\x83\x86\x44\x02/a"), st.binary(max_size=40) | st.just(bytes(9000))),
)
"""A request: its header block, and its body if it has one."""
INVALID = st.tuples(FRAMES)


def encoded(sent):
    """The bytes of requests, each on the next stream, and of other frames between them."""
    data, stream = b"", 1
    for one in sent:
        if len(one) == 1:
            data += one[0]
            continue
        block, body = one
        data += frame(FrameType.HEADERS, 5 if body is None else 4, stream, block)
        if body is not None:
            data += frame(FrameType.DATA, len(body) % 2, stream, body)
        stream += 2
    return data


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "fuzz.yaml").write_text(SCENARIO)
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0, hang_limit_s=0.01), folder)
    yield server
    server.stop()


@pytest.fixture
def longest(monkeypatch):
    """The longest turn of a connection, in CPU time."""
    found = [0.0]
    read = Http2Connection._read

    def timed(self, data):
        began_s = time.thread_time()
        read(self, data)
        found[0] = max(found[0], time.thread_time() - began_s)

    monkeypatch.setattr(Http2Connection, "_read", timed)
    gc.disable()  # a collection is as long as the objects of all tests make it
    yield found
    gc.enable()


def answered(server):
    route = server.admin.get("/counts")["routes"].get("fuzz/GET /a")
    return route["calls"] if route else 0


@pytest.mark.slow
@pytest.mark.in_memory  # a server with a store refuses HTTP/2
@quick
@given(
    st.lists(VALID | VALID | INVALID, max_size=25),
    st.integers(1, 400),
    st.sampled_from(["closes", "resets", "waits"]),
)
def test_any_frames(server, longest, caplog, sent, size, ending):
    data = PREFACE + frames.settings({}) + encoded(sent)
    with socket.create_connection(server.address, 5) as sock:
        try:
            for at in range(0, len(data), size * 40):
                sock.sendall(data[at : at + size * 40])
            if ending == "waits":
                sock.settimeout(0.02)
                while sock.recv(65536):
                    pass
        except (ConnectionError, TimeoutError) as error:
            event(type(error).__name__)
        if ending == "resets":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    (listener,) = server.app._listeners
    server.admin.get("/health")  # by now the connection is accepted
    until(lambda: not listener.connections and not listener._busy)
    calls = server.admin.get("/calls?limit=10000")["items"]
    assert "open" not in {call["outcome"] for call in calls}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert longest[0] < allowed_s(LONGEST_S, longest[0])
    before = answered(server)
    with Http2Client(server.address) as client:
        assert client.ask("GET", "/a").body == b"fine"
    assert answered(server) == before + 1
    server.admin.post("/reset")
