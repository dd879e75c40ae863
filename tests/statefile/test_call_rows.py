"""The row of a call has everything that the call log keeps of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine import InMemory

from mockserver.admin.views import call_view
from mockserver.model.attribute import Attribute
from mockserver.model.call import Call
from mockserver.model.client_cert import ClientCert
from mockserver.model.grpc import GrpcRequest
from mockserver.model.headers import Headers
from mockserver.model.http import ABSENT, Request, Response
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Outcome
from mockserver.model.websocket import Closed, FrameKind, RecordedFrame, WebSocketRecord
from mockserver.model.written import written_float
from mockserver.persistence.call_rows import _CALL, _FEW, _TIMES, call_of, call_row
from mockserver.persistence.encoding import json_bytes
from tests.support.grpc import HEAD, InMemoryGrpc

NS = InMemory(
    "routes: [{name: a, request: GET /a, reply: 200}, {name: b, request: GET /b, reply: 200}]"
).default
ROUTES = list(NS.routes())

texts = st.text(max_size=20)
words = st.text("abcXYZ-09", min_size=1, max_size=8)
datas = st.binary(max_size=50)
pairs = st.lists(st.tuples(words, st.text(max_size=10)), max_size=4).map(tuple)
offsets = st.none() | st.floats(0, 100, allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(texts, values, max_size=3)
raw_heads = st.lists(st.tuples(words, st.binary(max_size=10)), max_size=4).map(
    lambda lines: b"\n" + b"".join(b"%s: %s\r\n" % (name.encode(), _plain(value)) for name, value in lines)
)
differences = st.builds(
    Difference, words, values, st.just(ABSENT) | values, texts, texts, st.floats(0, 9), texts
)
certs = st.builds(ClientCert, texts, texts, st.lists(texts, max_size=2).map(tuple), texts, texts)
FEW = {
    "_body_length": st.integers(0, 10**6), "automatic": st.booleans(), "body_sha256": texts, "effects": st.lists(documents, max_size=2),
    "error": documents, "fault": words, "fields": st.lists(st.lists(words, min_size=2, max_size=2), max_size=2), "forwarded": texts, "let": documents, "replayed": st.booleans(), "reply_length": st.integers(0, 10**6),
    "reply_sha256": texts, "truncated": st.booleans(), "webhooks": st.lists(words, max_size=2),
}  # fmt: skip


def _plain(value: bytes) -> bytes:
    return value.replace(b"\r", b"").replace(b"\n", b"")


@st.composite
def records(draw: st.DrawFn, arrived_at_s: float) -> WebSocketRecord:
    frames = draw(
        st.lists(
            st.builds(
                RecordedFrame, st.booleans(), st.floats(0, 9).map(lambda s: arrived_at_s + s), st.sampled_from(FrameKind), datas, st.integers(0, 99)
            ),
            max_size=3,
        )
    )  # fmt: skip
    counts = [draw(st.integers(0, 9)) for _ in range(3)]
    closed = draw(st.none() | st.builds(Closed, words, st.integers(1000, 4999), texts))
    return WebSocketRecord(
        draw(st.none() | words), *counts, frames, closed, sum(len(frame.data) for frame in frames)
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    arrived_at_s = draw(st.floats(0, 1e6))
    request: Request = Request(
        draw(st.sampled_from(["GET", "POST", "WS"])),
        "/" + draw(words) + "?q=" + draw(words),
        draw(raw_heads.map(Headers.of_head) | pairs),
        draw(datas),
        path="/" + draw(words),
        prefix=draw(st.sampled_from(["", "/@x"])),
        namespace=NS.name,
        complete=draw(st.booleans()),
        client=draw(words),
        scheme=draw(st.sampled_from(["http", "https"])),
        client_cert=draw(st.none() | certs),
        arrived_s=draw(st.floats(1.7e9, 1.9e9)),
        arrived_at_s=arrived_at_s,
        version=draw(st.sampled_from([(1, 0), (1, 1), (2, 0)])),
        max_json_members=draw(st.integers(1, 99)),
    )
    if draw(st.booleans()):
        request = GrpcRequest.of(request)
    call = Call(draw(st.integers(1, 10**9)), NS.name, request)
    call.route_id = draw(st.none() | words)
    call.scenario = draw(st.none() | words)
    call.step = draw(st.none() | st.integers(1, 9))
    call.tags = draw(st.lists(words, max_size=2).map(tuple))
    call.outcome = draw(st.sampled_from(Outcome))
    call.status = draw(st.none() | st.integers(200, 599))
    call.response = draw(
        st.none() | st.builds(Response, st.integers(200, 599), pairs, datas, st.none() | words, pairs)
    )
    for name, strategy in FEW.items():
        if draw(st.booleans()):
            setattr(call, name, draw(strategy))
    for name in _TIMES:
        offset_s = draw(offsets)
        if offset_s is not None:
            setattr(call, name, arrived_at_s + offset_s)
    if draw(st.booleans()):
        listed = st.lists(differences, max_size=2)
        call.nearest = draw(st.lists(st.tuples(st.sampled_from(ROUTES), listed), max_size=2))
    if draw(st.booleans()):
        call.websocket = draw(records(arrived_at_s))
    return call


def facts(call: Call) -> dict[str, Any]:
    """Everything that a call has, but its times."""
    request, response, websocket = call.request, call.response, call.websocket
    told = {name: getattr(call, name) for name in (*_CALL, *_FEW)}
    told |= {
        "outcome": call.outcome,
        "namespace": call.namespace,
        "nearest": call.nearest,
        "set": set(call.rare or ()) - {"nearest"},
    }
    told["request"] = [
        type(request), request.method, request.target, request.headers.pairs, request.headers.raw, request.body, request.path,
        request.prefix, request.namespace, request.complete, request.client, request.scheme, request.client_cert, request.arrived_s,
        request.version, request.max_json_members,
    ]  # fmt: skip
    if response is not None:
        told["response"] = [
            response.status,
            response.headers,
            response.body,
            response.reason,
            response.trailers,
        ]
    if websocket is not None:
        told["websocket"] = replace(
            websocket, frames=[replace(frame, at_s=0.0) for frame in websocket.frames]
        )
    return told


def times(call: Call) -> list[float | None]:
    frames = call.websocket.frames if call.websocket is not None else []
    return [
        call.request.arrived_at_s,
        *(getattr(call, name) for name in _TIMES),
        *(frame.at_s for frame in frames),
    ]


@given(calls(), st.floats(-1e6, 1e6))
def test_a_call_of_its_row_is_as_it_was(call, later_s):
    before = facts(call), times(call)
    row = json.loads(json_bytes(call_row(call, 5.0)), parse_float=written_float)

    made = call_of(row, NS, 5.0 + later_s)

    assert facts(made) == before[0]
    assert times(made) == [
        None if at_s is None else pytest.approx(at_s + later_s, abs=1e-8) for at_s in before[1]
    ]
    assert made.home is None


def test_the_lines_of_a_logged_request_are_not_read_for_its_row():
    """Their text would stay in memory beside their bytes."""
    call = Call(1, NS.name, Request("GET", "/", Headers.of_head(b"\nA: b\r\n")))

    call_row(call, 0.0)

    assert call.request.headers.split is None


def test_a_route_that_is_gone_is_not_among_the_nearest():
    call = Call(1, NS.name, Request("GET", "/c"))
    other = next(iter(InMemory("routes: [{name: gone, request: GET /a, reply: 200}]").default.routes()))
    call.nearest = [(ROUTES[0], []), (other, [])]

    assert call_of(call_row(call, 0.0), NS, 0.0).nearest == [(ROUTES[0], [])]


def test_the_messages_of_a_grpc_call_are_read_again():
    memory = InMemoryGrpc(
        HEAD
        + "routes: [{name: charge, request: GRPC payments.v1.Payments/Charge, reply: {message: {id: c1}}}]"
    )
    call = memory.call("Charge", {"amount": 5}, grpc_timeout="2S")

    made = call_of(call_row(call, 0.0), memory.default, 0.0)

    assert call_view(made, reveal=True) == call_view(call, reveal=True)
    assert call_view(made)["grpc"]["messages"]
    assert call_view(made)["grpc"]["replies"]


def test_nothing_of_what_a_call_has_is_left_out():
    """Who adds something to calls adds it to their rows too, or says here why not."""
    few = {name for name, value in vars(Call).items() if isinstance(value, Attribute)}
    assert set(Call.__slots__) - {*_CALL, *_TIMES} == {
        "cost",  # of the call log
        "rare",  # the others
        "home", "plan",  # of a call in progress
        "namespace", "outcome", "request", "response",
    }  # fmt: skip
    assert few - {*_FEW, *_TIMES} == {
        "consult", "due", "limit_headers",  # of a call in progress
        "nearest", "websocket",
    }  # fmt: skip
