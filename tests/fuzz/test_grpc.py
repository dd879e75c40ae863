"""
Whatever a client sends as gRPC: wrong messages, lengths and compressions, half a stream, huge messages. The server answers
with a status or waits, records the call, leaves nothing behind, and holds the loop in no turn.
"""

import gzip
import logging
import os
import struct
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cost import allowed_s
from support.grpc import PROTO
from support.http2 import Http2Client
from support.server import InProcess, until

from mockserver.engine.engine import Engine
from mockserver.grpc.framing import MAX_MESSAGE_BYTES, framed
from mockserver.grpc.pools import MessageType
from mockserver.settings import Settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize="FUZZ_EXAMPLES" not in os.environ, print_blob=True)  # fmt: skip
LONGEST_S = 0.05
"""Processor time of the decision of one call, without that of the protobuf library, which grows with a message's fields."""
SERVICE = "/payments.v1.Payments"
SCENARIO = """
grpc: {proto: payments.proto}
routes:
  - request: GRPC payments.v1.Payments/Charge
    match: {message: {amount: 1, tags: {$contains: a}}}
    reply: {message: {id: "{{ request.message.order_id }}"}}
  - request: GRPC payments.v1.Payments/Charge
    reply: {message: {id: any}}
  - {request: GRPC payments.v1.Payments/Watch, reply: {messages: [{message: {id: a}}, {delay: 1ms, message: {}}]}}
  - request: GRPC payments.v1.Payments/Upload
    match: {messages: {$length: {$gt: 1}}}
    reply: {message: {count: "{{ request.messages | length }}"}}
  - request: GRPC payments.v1.Payments/Chat
    reply: {messages: [{receive: {}, message: {text: "{{ request.message.text }}"}, repeat: true}]}
"""


def varint(value):
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def compressed(data, coding="gzip"):
    packed = gzip.compress(data) if coding == "gzip" else zlib.compress(data)
    return struct.pack(">BI", 1, len(packed)) + packed


def nested(depth):
    """A Struct with lists in lists."""
    value = b""
    for _ in range(depth):
        value = field(6, field(1, value))
    return field(16, field(1, field(1, b"a") + field(2, value)))


FIELDS = st.one_of(
    st.builds(field, st.integers(1, 20), st.binary(max_size=30)),
    st.builds(lambda number, value: varint(number << 3) + varint(value), st.integers(1, 20), st.integers(0, 2**64 - 1)),
    st.binary(max_size=20),
)  # fmt: skip
MESSAGES = st.lists(FIELDS, max_size=6).map(b"".join)
PIECES = st.one_of(
    MESSAGES.map(framed),
    MESSAGES.map(compressed),
    st.builds(lambda flag, length, data: struct.pack(">BI", flag, length) + data, st.integers(0, 3), st.sampled_from([0, 1, 5, 4 << 20, (4 << 20) + 1, 2**32 - 1]), st.binary(max_size=10)),
    st.binary(max_size=12),
)  # fmt: skip
METHODS = st.sampled_from(
    [
        *[f"{SERVICE}/{name}" for name in ("Charge", "Watch", "Upload", "Chat", "Nothing")],
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/",
        "//",
        "/a",
    ]
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["grpc-encoding", "grpc-timeout", "grpc-previous-rpc-attempts", "content-length"]),
        st.sampled_from(["gzip", "deflate", "snappy", "", "1S", "99999999H", "-1", "5", "\xff"]),
    ),
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@pytest.fixture(scope="module")
def starting(server_loop, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("fuzz")
    (folder / "payments.proto").write_bytes(PROTO.read_bytes())
    (folder / "fuzz.yaml").write_text(SCENARIO)
    started = []

    def start(**settings):
        started.append(InProcess(server_loop, Settings(paths=(str(folder),), port=0, **settings), folder))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="module")
def server(starting):
    return starting()


@pytest.fixture
def longest(monkeypatch):
    """The longest decision of a call, in CPU time, without what the protobuf library takes to parse its messages."""
    found = [0.0]
    parsing_s = [0.0]
    begin, parse = Engine.begin, MessageType.parse

    def timed(self, request, ns):
        parsing_s[0] = 0.0
        began_s = time.thread_time()
        call = begin(self, request, ns)
        found[0] = max(found[0], time.thread_time() - began_s - parsing_s[0])
        return call

    def timed_parse(self, data):
        began_s = time.thread_time()
        try:
            return parse(self, data)
        finally:
            parsing_s[0] += time.thread_time() - began_s

    monkeypatch.setattr(Engine, "begin", timed)
    monkeypatch.setattr(MessageType, "parse", timed_parse)
    return found


def lines(*more):
    return [("content-type", "application/grpc"), ("te", "trailers"), *more]


def is_left_clean(server, caplog):
    (listener,) = server.app._listeners
    until(lambda: not listener.connections and not listener._busy)
    calls = server.admin.get("/calls?limit=10000")["items"]
    assert "open" not in {call["outcome"] for call in calls}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    with Http2Client(server.address) as client:
        answer = client.ask("POST", f"{SERVICE}/Charge", framed(b""), lines())
        assert dict(answer.trailers)["grpc-status"] == "0"
    server.admin.post("/reset")


@pytest.mark.slow
@quick
@given(
    METHODS,
    HEADERS,
    st.lists(PIECES, max_size=5).map(b"".join),
    st.integers(1, 60),
    st.sampled_from(["ends", "leaves", "resets"]),
)
def test_any_messages(server, longest, caplog, path, headers, body, size, ending):
    with Http2Client(server.address) as client:
        stream = client.request("POST", path, headers=lines(*headers), ends=False)
        for at in range(0, len(body), size):
            if not client.answers[stream].is_over:
                client.upload(stream, body[at : at + size], ends=False)
        if ending == "resets":
            client.reset(stream)
        elif ending == "ends":
            client.upload(stream, b"")
            answer = client.answer(stream)
            if answer.ended and answer.status == 200:
                assert any(name == "grpc-status" for name, _ in (*answer.headers, *answer.trailers))
    is_left_clean(server, caplog)
    assert longest[0] < allowed_s(LONGEST_S, longest[0])


HOSTILE = {
    "empty messages inside": ("Charge", lambda: framed(field(18, b"") * 1_300_000), "8"),
    "empty texts inside": ("Charge", lambda: framed(field(5, b"") * 2_000_000), "8"),
    "just below the limit of values": ("Charge", lambda: framed(field(5, b"") * 49_000), "0"),
    "a deep value": ("Charge", lambda: framed(nested(2_000)), "13"),
    "a large map": (
        "Charge",
        lambda: framed(b"".join(field(19, b"\x08" + varint(i)) for i in range(90_000))),
        "8",
    ),
    "a message beyond the limit": ("Charge", lambda: framed(b"a" * (MAX_MESSAGE_BYTES + 1)), "8"),
    "many empty messages": ("Upload", lambda: framed(b"") * 200_000, "8"),
    "a bomb": ("Charge", lambda: compressed(b"\0" * (200 << 20)), "8"),
    "many small bombs": ("Upload", lambda: compressed(field(9, b"a" * (4_000_000))) * 50, "8"),
    "many tiny bombs": ("Upload", lambda: compressed(b"") * 60_000, "8"),
    "a length without data": ("Charge", lambda: struct.pack(">BI", 0, 100), "13"),
}
"""Method, body and expected status. A body is made when it is sent: together they are large."""


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_messages_are_refused_quickly(server, longest, caplog, case):
    method, body, status = HOSTILE[case]
    with Http2Client(server.address, timeout_s=30) as client:
        answer = client.ask("POST", f"{SERVICE}/{method}", body(), lines(("grpc-encoding", "gzip")))
    assert dict([*answer.headers, *answer.trailers])["grpc-status"] == status
    is_left_clean(server, caplog)
    assert longest[0] < allowed_s(LONGEST_S, longest[0])


def test_a_stream_that_never_goes_on_ends(starting, caplog):
    server = starting(read_timeout_s=0.3)
    with Http2Client(server.address) as client:
        streams = [
            client.request("POST", f"{SERVICE}/{name}", b"\0\0\0", lines(), ends=False)
            for name in ("Charge", "Upload", "Chat")
        ]
        statuses = [dict(client.answer(stream).headers)["grpc-status"] for stream in streams]
    assert statuses == ["4", "4", "4"]  # DEADLINE_EXCEEDED
    is_left_clean(server, caplog)


@pytest.mark.slow
def test_a_flood_of_messages_in_a_conversation_lets_others_answer(server, caplog):
    with Http2Client(server.address, timeout_s=30) as client, Http2Client(server.address) as other:
        stream = client.request("POST", f"{SERVICE}/Chat", headers=lines(), ends=False)
        client.upload(stream, framed(b"") * 3_000, ends=False)
        assert (
            dict(other.ask("POST", f"{SERVICE}/Charge", framed(b""), lines()).trailers)["grpc-status"] == "0"
        )
        client.upload(stream, b"")
        answer = client.answer(stream)
    assert answer.body == framed(b"") * 3_000
    is_left_clean(server, caplog)
