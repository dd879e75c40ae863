"""
What a hostile client of HTTP/2 can't do, with the numbers of the vulnerabilities that servers had.

Each flood ends with a GOAWAY, or stays without effect; then another client is served, nothing is left of the first, and no
turn of the loop was long.
"""

import gc
import itertools
import socket
import struct
import time

import pytest
from support.cost import allowed_s
from support.http2 import DATA, END, HEADERS, PREFACE, Http2Client
from support.server import until

from mockserver.http.h2.connection import MOST_HELD_BYTES, Http2Connection
from mockserver.http.h2.credit import CREDIT
from mockserver.http.h2.frames import FrameType, frame, rst_stream, settings, window_update
from mockserver.http.h2.requests import MOST_STREAMS
from mockserver.model.http2_codes import Http2Code

pytestmark = pytest.mark.in_memory  # a server with a store refuses HTTP/2
SCENARIO = """
routes:
  - {request: GET /fine, reply: {text: fine}}
  - {request: POST /fine, reply: {text: fine}}
  - {request: GET /slow, reply: {text: slow, delay: 10m}}
  - {request: GET /shut, reply: {fault: no_window}}
  - {request: GET /much, reply: {text: MUCH}}
""".replace("MUCH", "x" * 16_000)
GET_SHUT = b"\x82\x86\x44\x05/shut"
GET_MUCH = b"\x82\x86\x44\x05/much"
GET_SLOW = b"\x82\x86\x44\x05/slow"
GET_FINE = b"\x82\x86\x44\x05/fine"
POST_FINE = b"\x83\x86\x44\x05/fine"
"""Header blocks that use no table of the connection."""


@pytest.fixture
def server(serving):
    server = serving(SCENARIO, read_timeout_s=30.0)
    yield server
    with Http2Client(server.address) as client:
        assert client.ask("GET", "/fine").body == b"fine"
    until(lambda: not server.app._listeners[0].connections)


@pytest.fixture
def turns(monkeypatch):
    """The CPU seconds of each turn in which frames were read: wall-clock time says nothing on a busy machine."""
    taken = []
    read = Http2Connection._read

    def timed(self, data):
        began_s = time.thread_time()
        read(self, data)
        taken.append(time.thread_time() - began_s)

    monkeypatch.setattr(Http2Connection, "_read", timed)
    gc.disable()  # a collection is as long as the objects of all tests make it
    yield taken
    gc.enable()
    assert taken
    assert max(taken) < allowed_s(0.05, max(taken))


def speaking(server):
    sock = socket.create_connection(server.address, 10)
    sock.sendall(PREFACE + settings({}))
    return sock


def attack(server, data, *, reads=True):
    """Send it, as far as the server takes it. Return the frames that come, up to the end of the connection."""
    with speaking(server) as sock:
        received = bytearray()
        sock.setblocking(False)
        view, deadline_s = memoryview(data), time.monotonic() + 20
        while time.monotonic() < deadline_s:
            try:
                if view:
                    view = view[sock.send(view) :]
                    continue
            except BlockingIOError:
                pass
            except ConnectionError:
                view = view[:0]
            try:
                piece = sock.recv(65536) if reads else b""
            except BlockingIOError:
                time.sleep(0.001)
                continue
            except ConnectionError:
                break
            if not piece:
                break
            received += piece
        return frames(bytes(received))


def frames(data):
    found, at = [], 0
    while at + 9 <= len(data):
        length = int.from_bytes(data[at : at + 3])
        stream = int.from_bytes(data[at + 5 : at + 9])
        found.append((data[at + 3], stream, data[at + 9 : at + 9 + length]))
        at += 9 + length
    return found


def goaway(found):
    """The code of the GOAWAY that ends them."""
    kind, _, payload = found[-1]
    assert kind == FrameType.GOAWAY
    return int.from_bytes(payload[4:8])


def refused(server):
    return server.admin.get("/health")["refused"]


FLOODS = {
    "CVE-2019-9512 (pings)": frame(FrameType.PING, 0, 0, b"12345678"),
    "CVE-2019-9515 (settings)": settings({}),
    "CVE-2019-9515 (acknowledgements)": frame(FrameType.SETTINGS, 1, 0),
    "CVE-2019-9513 (priorities)": frame(FrameType.PRIORITY, 0, 1, struct.pack(">IB", 3, 1)),
    "unknown frames": frame(0xEE, 0, 0, b"x"),
    "CVE-2019-9511 (window updates of a byte)": window_update(0, 1),
}


@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_frames_without_progress_ends_the_connection(server, turns, piece):
    found = attack(server, piece * 3 * CREDIT)

    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert len(found) < 2 * CREDIT
    assert refused(server) == {"http2_flood": 1}


@pytest.mark.parametrize("padding", [b"", b"\x07" + bytes(7)], ids=["empty", "padding alone"])
def test_a_flood_of_empty_data_ends_the_connection_cve_2019_9518(server, turns, padding):
    opened = frame(HEADERS, 0x4, 1, POST_FINE)
    found = attack(server, opened + frame(DATA, 0x8 if padding else 0, 1, padding) * 3 * CREDIT)

    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert server.calls()[0]["outcome"] == "client_left"


@pytest.mark.parametrize("piece", [b"", b"\x00\x01a\x01b"], ids=["empty", "fields"])
def test_a_flood_of_continuations_ends_the_connection_cve_2024_27316(server, turns, piece):
    begun = frame(HEADERS, 0x1, 1, GET_FINE)
    found = attack(server, begun + frame(FrameType.CONTINUATION, 0, 1, piece * 3000) * 3 * CREDIT)

    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert server.calls() == []


def test_fields_without_names_are_refused_cve_2019_9516(server, turns):
    block = GET_FINE + b"\x00\x00\x00" * 5000
    found = attack(server, frame(HEADERS, END, 1, block))
    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert [kind for kind, stream, _ in found if stream == 1] == [HEADERS, DATA, FrameType.RST_STREAM]


def test_a_small_block_that_unpacks_to_megabytes_is_refused_cve_2016_1544(server, turns):
    filled = GET_FINE + b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000
    bomb = GET_FINE + b"\xbe" * 16_000
    found = attack(server, frame(HEADERS, END, 1, filled) + frame(HEADERS, END, 3, bomb))

    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert refused(server) == {"head": 1}
    assert [call["reply"]["status"] for call in server.calls()] == [200]


def test_rapid_resets_end_the_connection_cve_2023_44487(server, turns):
    pairs = (frame(HEADERS, END, n, GET_SLOW) + rst_stream(n, Http2Code.CANCEL) for n in range(1, 10_000, 2))
    found = attack(server, b"".join(pairs))

    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert len(server.admin.get("/calls?limit=10000")["items"]) < 2 * CREDIT


PROVOKING = {
    "a window update of 0": lambda n: frame(FrameType.WINDOW_UPDATE, 0, n, bytes(4)),
    "a window that is too large": lambda n: window_update(n, 0x7FFFFFFF),
    "a stream that depends on itself": lambda n: frame(FrameType.PRIORITY, 0, n, struct.pack(">IB", n, 1)),
    "a priority that is cut off": lambda n: frame(FrameType.PRIORITY, 0, n, b"x"),
    "data after the end": lambda n: frame(DATA, 0, n, b"x"),
    "trailers after the end": lambda n: frame(HEADERS, END, n, b""),
}


@pytest.mark.parametrize("provoked", PROVOKING.values(), ids=PROVOKING)
def test_resets_that_the_server_is_provoked_to_send_end_the_connection_cve_2025_8671(server, turns, provoked):
    pairs = (frame(HEADERS, END, n, GET_SLOW) + provoked(n) for n in range(1, 10_000, 2))
    found = attack(server, b"".join(pairs))

    assert goaway(found) == Http2Code.ENHANCE_YOUR_CALM
    assert sum(kind == FrameType.RST_STREAM for kind, _, _ in found) <= CREDIT // 10 + 1
    assert {call["outcome"] for call in server.admin.get("/calls?limit=10000")["items"]} == {"client_left"}


def test_streams_above_the_limit_are_refused(server):
    with Http2Client(server.address) as client:
        client.h2.remote_settings[3] = 1000
        streams = [client.request("GET", "/slow") for _ in range(MOST_STREAMS)]
        more = client.request("GET", "/fine")
        assert client.answer(more).reset == Http2Code.REFUSED_STREAM
        assert not any(client.answers[stream].is_over for stream in streams)
    assert refused(server) == {"http2_streams": 1}


def test_a_stream_that_the_client_resets_leaves_room_for_the_next_at_once(server):
    with speaking(server) as sock:
        ids = range(1, 2 * MOST_STREAMS, 2)
        sock.sendall(b"".join(frame(HEADERS, END, n, GET_SLOW) for n in ids))
        connections = server.app._listeners[0].connections
        until(lambda: sum(len(connection.requests.streams) for connection in connections) == MOST_STREAMS)
        last = ids[-1]
        pairs = (
            rst_stream(n, Http2Code.CANCEL) + frame(HEADERS, END, last + 1 + n, GET_SLOW) for n in ids[:100]
        )
        sock.sendall(b"".join(pairs) + frame(HEADERS, END, last + 1000, GET_FINE))
        received = b""
        while not any(stream == last + 1000 for _, stream, _ in frames(received)):
            received += (piece := sock.recv(65536))
            assert piece, frames(received)[-1]
    resets = [stream for kind, stream, _ in frames(received) if kind == FrameType.RST_STREAM]
    assert resets == [last + 1000]


def test_a_client_that_reads_nothing_makes_the_server_keep_little_cve_2019_9517(server):
    """Its windows are open, so that the server could write on."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(server.address)
        sock.settimeout(0.01)
        largest = 0x7FFFFFFF
        sock.sendall(PREFACE + settings({4: largest}) + window_update(0, largest - 65_535))
        connections = server.app._listeners[0].connections
        until(
            lambda: [isinstance(each, Http2Connection) for each in tuple(connections)] == [True]
        )  # it has read the preface
        (connection,) = connections
        data, ids = b"", itertools.count(1, 2)
        for _ in range(3000):  # 48 MB of requests
            data = data or b"".join(frame(HEADERS, END, next(ids), GET_MUCH) for _ in range(1000))
            try:
                data = data[sock.send(data) :]
            except TimeoutError:  # the server does not read, or is slow
                if connection._reading_paused:
                    break
        until(lambda: connection._reading_paused)
        assert len(connection._held) < 2 * MOST_HELD_BYTES
        assert connection.transport.get_write_buffer_size() < 65 * 16_100


def test_half_open_streams_end_by_the_read_timeout(serving):
    server = serving(SCENARIO, read_timeout_s=0.05)
    with Http2Client(server.address) as client:
        streams = [client.request("POST", "/fine", ends=False) for _ in range(3)]
        assert [client.answer(stream).status for stream in streams] == [408] * 3
        assert client.ask("GET", "/fine").status == 200
    assert [call["outcome"] for call in server.calls()] == ["incomplete"] * 3 + ["done"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PREFACE,
        PREFACE[:10],
        PREFACE + settings({}) + b"\0",
        PREFACE + settings({}) + frame(HEADERS, 0, 1, GET_FINE),
    ],
    ids=["nothing after the preface", "no settings", "half a preface", "half a frame", "half a block"],
)
def test_a_connection_that_stalls_in_a_frame_is_closed(serving, data):
    server = serving(SCENARIO, read_timeout_s=0.05)
    if not data:
        data = PREFACE
    with socket.create_connection(server.address, 5) as sock:
        sock.sendall(data)
        while sock.recv(65536):
            pass
    assert refused(server) == {"read_timeout": 1}


def test_a_client_that_sends_more_than_the_windows_allow_is_cut(server, turns):
    uploads = (
        frame(HEADERS, 0x4, n, POST_FINE) + frame(DATA, 0, n, bytes(16_384)) * 17 for n in range(3, 13, 2)
    )
    found = attack(server, frame(HEADERS, END, 1, GET_SHUT) + b"".join(uploads))

    assert (FrameType.RST_STREAM, 3, Http2Code.FLOW_CONTROL_ERROR.to_bytes(4)) in found
    assert goaway(found) == Http2Code.FLOW_CONTROL_ERROR


def test_incomplete_bodies_take_no_more_than_some_of_the_largest(serving):
    server = serving(SCENARIO, max_body_bytes=300_000)
    with Http2Client(server.address) as client:
        streams = [client.request("POST", "/fine", ends=False) for _ in range(15)]
        for stream in streams:
            client.upload(stream, bytes(290_000), ends=False)
        client.ping()
        assert client.answers[streams[-1]].reset == Http2Code.ENHANCE_YOUR_CALM
        client.upload(streams[0], b"")
        assert client.answer(streams[0]).status == 200


def test_a_connection_above_the_limit_is_told_so(serving):
    server = serving(SCENARIO, max_connections=1)
    with Http2Client(server.address) as first:
        assert first.ask("GET", "/fine").status == 200
        with Http2Client(server.address) as second:
            second.ending()
        assert first.ask("GET", "/fine").status == 200


VIOLATIONS = {
    "a first frame that is not SETTINGS": (frame(FrameType.PING, 0, 0, bytes(8)), 1),
    "a frame that is too large": (frame(DATA, 0, 1, bytes(16_385)), 6),
    "DATA on stream 0": (settings({}) + frame(DATA, 0, 0, b"x"), 1),
    "DATA on an idle stream": (settings({}) + frame(DATA, 0, 1, b"x"), 1),
    "HEADERS on an even stream": (settings({}) + frame(HEADERS, END, 2, GET_FINE), 1),
    "HEADERS on a stream that is closed": (
        settings({}) + frame(HEADERS, END, 3, GET_FINE) + frame(HEADERS, END, 1, GET_FINE), 5,
    ),
    "HEADERS in a header block": (settings({}) + frame(HEADERS, 1, 1, GET_FINE) + frame(HEADERS, END, 3, GET_FINE), 1),
    "CONTINUATION without a block": (settings({}) + frame(FrameType.CONTINUATION, 4, 1, b""), 1),
    "padding longer than its frame": (settings({}) + frame(HEADERS, END | 0x8, 1, b"\x09"), 1),
    "an invalid header block": (settings({}) + frame(HEADERS, END, 1, b"\x80"), 9),
    "a RST_STREAM on an idle stream": (settings({}) + rst_stream(1, 0), 1),
    "a RST_STREAM of 3 bytes": (settings({}) + frame(FrameType.RST_STREAM, 0, 1, b"abc"), 6),
    "a PING on a stream": (settings({}) + frame(FrameType.PING, 0, 1, bytes(8)), 1),
    "a PING of 7 bytes": (settings({}) + frame(FrameType.PING, 0, 0, bytes(7)), 6),
    "SETTINGS on a stream": (frame(FrameType.SETTINGS, 0, 1), 1),
    "SETTINGS of 5 bytes": (frame(FrameType.SETTINGS, 0, 0, bytes(5)), 6),
    "an acknowledgement with a payload": (settings({}) + frame(FrameType.SETTINGS, 1, 0, bytes(6)), 6),
    "a window above 2^31-1 in SETTINGS": (settings({4: 1 << 31}), 3),
    "a frame size below 16384": (settings({5: 1}), 1),
    "ENABLE_PUSH of 2": (settings({2: 2}), 1),
    "a WINDOW_UPDATE of 0": (settings({}) + window_update(0, 0), 1),
    "a window above 2^31-1": (settings({}) + window_update(0, 0x7FFFFFFF), 3),
    "a PUSH_PROMISE": (settings({}) + frame(FrameType.PUSH_PROMISE, 4, 1, bytes(4)), 1),
    "a GOAWAY on a stream": (settings({}) + frame(FrameType.GOAWAY, 0, 1, bytes(8)), 1),
    "no preface": (b"", 1),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_violation_ends_the_connection_with_its_code(server, data, code):
    start = PREFACE if data else PREFACE[:-4] + b"x\r\n\r\n"
    with socket.create_connection(server.address, 5) as sock:
        sock.sendall(start + data)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    assert goaway(frames(received)) == code
