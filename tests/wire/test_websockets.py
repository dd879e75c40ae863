"""WebSocket connections on a raw socket: the handshake, each step of a script, and what breaks a connection."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.events import following
from support.server import InProcess, until
from support.websocket import (
    ACCEPT,
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Frame,
    Socket,
    close_frame,
    frame,
    handshake,
)
from support.wire import Wire

from mockserver.settings import Settings

pytestmark = pytest.mark.in_memory  # replicas refuse handshakes
SCENARIO = """
vars: {name: shop}
state: {seen: 0}
routes:
  - {request: WS /feed, reply: {websocket: []}}
  - {request: WS /hello, reply: {headers: {X-Own: "1", Upgrade: h2c}, websocket: [{send: {text: hello}}]}}
  - {request: WS /kinds, reply: {websocket: [{send: {text: 5}}, {send: {json: {a: 1.50}}}, {send: {base64: "AAH/"}}, {ping: hi}]}}
  - {request: WS /chosen, reply: {subprotocol: [v2, v1], websocket: []}}
  - {request: WS /delayed, reply: {delay: 1ms, websocket: [{delay: 1ms}, {send: {text: late}}]}}
  - {request: WS /waits, reply: {websocket: [{receive: {json: {type: go}}}, {send: {text: "{{ message.json.to }} {{ vars.name }}"}}]}}
  - {request: WS /texts, reply: {websocket: [{receive: {text: {starts_with: b}}}, {send: {text: "{{ message.text }}"}}]}}
  - {request: WS /bytes, reply: {websocket: [{receive: {base64: "AAE="}}, {send: {base64: "{{ message.base64 }}"}}]}}
  - {request: WS /slow, reply: {websocket: [{receive: {text: x, timeout: 1ms}}, {send: {text: never}}]}}
  - {request: WS /closes, reply: {websocket: [{close: {code: 4001, reason: "bye {{ request.query.n }}"}}]}}
  - {request: WS /repeats, reply: {websocket: [{repeat: 2, steps: [{receive: {}}, {send: {text: "got {{ message.text }}"}}]}, {close: 1000}]}}
  - {request: WS /fails, reply: {websocket: [{receive: {}}, {send: {text: "{{ message.json.x }}"}}]}}
  - request: WS /rules
    reply:
      websocket:
        - on:
            - {receive: {text: ping}, steps: {send: {text: pong}}}
            - {receive: {json: {n: {$gte: 1}}}, steps: [{send: {text: "{{ message.json.n }}"}}, {send: {text: and}}]}
            - {receive: {text: end}, steps: {close: 1000}}
        - {receive: {text: ready}}
        - {send: {text: go}}
  - {request: WS /reset, reply: {websocket: [{send: {text: x}}, {fault: reset}]}}
  - {request: WS /close, reply: {websocket: [{send: {text: x}}, {fault: close}]}}
  - {request: WS /hang, reply: {websocket: [{send: {text: x}}, {fault: hang}]}}
  - {request: WS /invalid, reply: {websocket: [{send: {text: x}}, {fault: invalid_frame}]}}
  - {request: WS /refused, reply: {status: 403, json: {error: no}}}
  - {request: GET /both, reply: {text: page}}
  - {request: WS /both, reply: {websocket: []}}
  - {request: GET /page, reply: {text: page}}
  - {request: WS /matched, match: {query: {token: t1}}, reply: {websocket: []}}
  - {request: WS /echo, reply: {websocket: [{on: [{receive: {text: present}, steps: {send: {text: "{{ message.text }}"}}}, {receive: {}, steps: {send: {base64: "{{ message.base64 }}"}}}]}]}}
  - {request: WS /raw, reply: {raw: true, websocket: [{send: {text: "{{ x }}"}}]}}
"""


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("websockets")
    (folder / "shop.yaml").write_text(SCENARIO)
    server = InProcess(
        server_loop, Settings(paths=(str(folder),), port=0, hang_limit_s=0.02, max_body_bytes=100_000), folder
    )
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _no_calls(server):
    server.admin.call("DELETE", "/calls")


def ended(server):
    """The record of the last connection, once it has ended."""
    number = server.admin.get("/calls")["items"][-1]["number"]
    with following(server.admin.url, "?reveal=true", after=f"c-{number - 1:06d}") as events:
        while (call := events.call())["number"] != number:
            pass
    return call


def opened(server, target="/feed", *lines, **options):
    return Socket(server.address, target, *lines, **options)


# The handshake


def test_the_handshake_is_answered_as_the_rfc_says(server):
    with opened(server) as socket:
        answer = socket.accepted
        assert answer.start == "HTTP/1.1 101 Switching Protocols"
        assert answer.names == ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Date"]
        assert answer.header("sec-websocket-accept") == ACCEPT
        assert (answer.header("upgrade"), answer.header("connection")) == ("websocket", "Upgrade")


def test_own_headers_are_sent_apart_from_those_of_the_handshake(server):
    with opened(server, "/hello") as socket:
        assert socket.accepted.header("x-own") == "1"
        assert socket.accepted.all("upgrade") == ["websocket"]


@pytest.mark.parametrize(
    ("target", "offered", "chosen"),
    [
        ("/chosen", "v1, v2", "v2"),
        ("/chosen", "v3, v1", "v1"),
        ("/chosen", "v3", None),
        ("/feed", "a, b", "a"),
        ("/feed", None, None),
    ],
)
def test_the_subprotocol_is_the_first_that_both_support(server, target, offered, chosen):
    lines = [f"Sec-WebSocket-Protocol: {offered}"] if offered else []
    with opened(server, target, *lines) as socket:
        assert socket.accepted.header("sec-websocket-protocol") == chosen
        assert server.calls()[-1]["websocket"]["subprotocol"] == chosen


@pytest.mark.parametrize(
    ("head", "status", "said"),
    [
        (handshake(version="8"), 426, "Send version 13"),
        (handshake(version=None), 426, "Send version 13"),
        (handshake(key=None), 400, "Sec-WebSocket-Key is missing"),
        (handshake(key="eA=="), 400, "16 random bytes in Base64"),
        (handshake(key="é"), 400, "16 random bytes in Base64"),
        (handshake().replace("Connection: Upgrade\r\n", ""), 400, "Connection: Upgrade"),
        (handshake().replace("HTTP/1.1", "HTTP/1.0"), 400, "HTTP/1.1"),
    ],
    ids=["version 8", "no version", "no key", "a short key", "no Base64", "no Connection", "HTTP/1.0"],
)
def test_a_handshake_that_is_not_valid_is_refused_with_the_fix(server, head, status, said):
    with Wire(server.address) as wire:
        wire.send(head)
        answer = wire.answer()
    assert answer.status == status
    assert said in json.loads(answer.body)["detail"]
    if status == 426:
        assert (answer.header("upgrade"), answer.header("sec-websocket-version")) == ("websocket", "13")
    (call,) = server.calls()
    assert (call["matched"], call["request"]["method"]) == (False, "GET")
    assert said in call["error"]["detail"]


def test_a_reply_without_a_script_refuses_the_handshake_and_keeps_the_connection(server):
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(handshake("/refused"))
            answer = wire.answer()
            assert (answer.status, answer.body) == (403, b'{"error":"no"}')
            assert answer.header("x-mockserver-upgrade") is None
    assert server.admin.post("/count", {"request": "WS /refused"})["count"] == 2


def test_a_plain_request_to_a_route_for_connections_is_unmatched(server):
    answer = server.ask("GET", "/feed")
    assert (answer.status, answer.header("upgrade")) == (426, "websocket")
    assert "shop/WS /feed" in json.loads(answer.body)["detail"]
    (call,) = server.admin.get("/unmatched")["items"]
    assert "WebSocket handshake" in call["nearest"][0]["differences"][0]["text"]
    answer = server.ask("POST", "/feed")
    assert (answer.status, answer.header("allow")) == (405, "GET, OPTIONS")


def test_requests_and_handshakes_of_one_path_have_routes_of_their_own(server):
    assert server.ask("GET", "/both").body == b"page"
    with opened(server, "/both"):
        pass
    assert [call["route"] for call in server.calls()] == ["shop/GET /both", "shop/WS /both"]


def test_a_handshake_with_a_typo_is_compared_with_the_routes_for_handshakes(server):
    with Wire(server.address) as wire:
        wire.send(handshake("/fed"))
        assert wire.answer().status == 404
    (call,) = server.admin.get("/unmatched")["items"]
    nearest = call["nearest"][0]
    assert nearest["route"] == "shop/WS /feed"
    assert [difference["where"] for difference in nearest["differences"]] == ["path"]
    assert call["suggestion"] == "- request: WS /fed\n  reply: {websocket: []}\n"


def test_conditions_choose_the_route_of_a_handshake(server):
    with opened(server, "/matched?token=t1"):
        pass
    with Wire(server.address) as wire:
        wire.send(handshake("/matched?token=t2"))
        answer = wire.answer()
    assert answer.status == 404
    assert "query.token" in json.loads(answer.body)["detail"]


# The steps


def test_messages_of_each_kind_are_sent(server):
    with opened(server, "/kinds") as socket:
        frames = [socket.frame() for _ in range(4)]
    assert frames == [
        Frame(128 | TEXT, b"5"),
        Frame(128 | TEXT, b'{"a":1.50}'),
        Frame(128 | BINARY, b"\0\1\xff"),
        Frame(128 | PING, b"hi"),
    ]


def test_a_delay_is_waited_for(server):
    with opened(server, "/delayed") as socket:
        assert socket.text() == "late"


def test_a_script_waits_for_a_message_that_matches_and_records_all(server):
    with opened(server, "/waits") as socket:
        for text in ("x", '{"type": "stop"}', '{"type": "go", "to": "all"}'):
            socket.say(text)
        assert socket.text() == "all shop"
        frames = server.calls()[-1]["websocket"]
    assert (frames["received"], frames["sent"], frames["closed"]) == (3, 1, None)
    assert [(one["direction"], one["type"], one["body"]["text"]) for one in frames["frames"]] == [
        ("received", "text", "x"),
        ("received", "text", '{"type": "stop"}'),
        ("received", "text", '{"type": "go", "to": "all"}'),
        ("sent", "text", "all shop"),
    ]


def test_text_and_base64_compare_messages_of_their_kind(server):
    with opened(server, "/texts") as socket:
        socket.send(frame(BINARY, b"bytes"))
        socket.say("beta")
        assert socket.text() == "beta"
    with opened(server, "/bytes") as socket:
        socket.say("\0\1")
        socket.send(frame(BINARY, b"\0\1"))
        assert socket.frame() == Frame(128 | BINARY, b"\0\1")


def test_frames_that_come_with_the_handshake_are_not_lost(server):
    with opened(server, "/waits", early=frame(TEXT, b'{"type": "go", "to": "a"}')) as socket:
        assert socket.text() == "a shop"


def test_a_message_that_does_not_come_in_time_closes_the_connection(server):
    with opened(server, "/slow") as socket:
        assert socket.frame().close == (1008, "no such message within 0.001 s")


def test_a_close_has_code_and_reason_and_ends_the_call(server):
    with opened(server, "/closes?n=7") as socket:
        assert socket.frame().close == (4001, "bye 7")
        socket.send(close_frame(4001))
        assert socket.is_closed()
    call = ended(server)
    assert call["outcome"] == "done"
    assert call["websocket"]["closed"] == {"by": "server", "code": 4001, "reason": "bye 7"}
    assert call["times"]["last_byte_ms"] is not None


def test_a_connection_stays_open_after_the_script_until_the_client_closes_it(server):
    with opened(server, "/hello") as socket:
        assert socket.text() == "hello"
        socket.say("more")
        socket.send(frame(PING, b"p") + close_frame(3000, "done"))
        assert socket.frame() == Frame(128 | PONG, b"p")
        assert socket.frame().close == (3000, "done")
        assert socket.is_closed()
    call = ended(server)
    assert (call["outcome"], call["websocket"]["received"]) == ("done", 1)
    assert call["websocket"]["closed"] == {"by": "client", "code": 3000, "reason": "done"}
    assert [one["type"] for one in call["websocket"]["frames"]] == ["text", "text", "ping", "close"]


def test_steps_are_repeated(server):
    with opened(server, "/repeats") as socket:
        socket.say("a")
        socket.say("b")
        assert [socket.text(), socket.text()] == ["got a", "got b"]
        assert socket.frame().close[0] == 1000


def test_rules_answer_their_messages_beside_the_script(server):
    with opened(server, "/rules") as socket:
        for text in ("ping", '{"n": 3}', "other", "ready", "ping"):
            socket.say(text)
        came = [socket.text() for _ in range(5)]
        assert [text for text in came if text != "go"] == ["pong", "3", "and", "pong"]
        socket.say("end")
        assert socket.frame().close[0] == 1000


def test_a_template_that_fails_closes_the_connection_and_is_explained(server):
    with opened(server, "/fails") as socket:
        socket.say("no JSON")
        assert socket.frame().close == (1011, "a template of the scenario failed")
        socket.send(close_frame(1011))
    call = ended(server)
    assert "message.json" in call["error"]["detail"]
    assert call["error"]["route"] == "shop/WS /fails"


def test_raw_texts_are_no_templates(server):
    with opened(server, "/raw") as socket:
        assert socket.text() == "{{ x }}"


# Broken by the service


@pytest.mark.parametrize(
    ("kind", "data", "end", "outcome"),
    [
        ("reset", b"\x81\x01x", "RST", "reset"),
        ("close", b"\x81\x01x", "FIN", "close"),
        ("hang", b"\x81\x01x", "FIN", "close"),
    ],
)
def test_a_fault_breaks_the_connection(server, kind, data, end, outcome):
    counted = server.app._faults().get(kind, 0)
    with opened(server, f"/{kind}") as socket:
        if kind == "hang":
            socket.send(frame(PING, b"p"))  # not even this is answered
        assert socket.ending() == (data, end)
    call = ended(server)
    assert (call["fault"], call["outcome"], call["reply"]["status"]) == (kind, outcome, 101)
    assert call["websocket"]["closed"] == {"by": "server", "code": 1006, "reason": ""}
    until(lambda: server.app._faults().get(kind, 0) == counted + 1)


def test_an_invalid_frame_has_all_reserved_bits(server):
    with opened(server, "/invalid") as socket:
        assert socket.text() == "x"
        assert socket.frame() == Frame(0xFF, b"invalid")
        socket.send(close_frame(1002))
        assert socket.frame().opcode == CLOSE
        assert socket.is_closed()
    call = ended(server)
    assert (call["fault"], call["outcome"]) == ("invalid_frame", "invalid_frame")
    assert call["websocket"]["closed"] == {"by": "client", "code": 1002, "reason": ""}


def test_a_client_that_leaves_at_an_invalid_frame_does_not_change_the_outcome(server):
    with opened(server, "/invalid") as socket:
        socket.text()
        socket.frame()
    call = ended(server)
    assert (call["fault"], call["outcome"]) == ("invalid_frame", "invalid_frame")
    assert call["websocket"]["closed"] == {"by": "client", "code": 1006, "reason": ""}


# Broken by the client


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"x", mask=False), 1002),
        (frame(3, b"x"), 1002),
        (frame(TEXT, b"x", flags=64), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(CONT, b"x"), 1002),
        (frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"), 1002),
        (frame(CLOSE, b"\3"), 1002),
        (close_frame(1005), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xc3", fin=False) + frame(CONT, b"\x28"), 1007),
        (frame(TEXT, b"x" * 100_001), 1009),
        (frame(BINARY, b"x" * 60_000, fin=False) + frame(CONT, b"x" * 60_000), 1009),
    ],
    ids=[
        "unmasked", "unknown opcode", "reserved bit", "long ping", "fragmented ping", "continuation first", "message in a message",
        "one byte of a code", "code that is not sent", "no UTF-8", "no UTF-8 in fragments", "too large", "too large in fragments",
    ],
)  # fmt: skip
def test_a_frame_that_is_not_valid_closes_the_connection_with_its_code(server, data, code):
    with opened(server) as socket:
        socket.send(data)
        came = socket.frame().close
        assert came[0] == code
        socket.ends_sending()
        assert socket.is_closed()
    call = ended(server)
    assert call["outcome"] == "done"
    assert call["websocket"]["closed"]["by"] == "server"
    assert call["websocket"]["closed"]["code"] == code


def test_a_fragmented_message_is_one_and_pings_may_come_between(server):
    with opened(server, "/texts") as socket:
        pieces = [
            frame(TEXT, b"b\xc3", fin=False),
            frame(PING),
            frame(CONT, b"\xa9", fin=False),
            frame(CONT, b"!"),
        ]
        for piece in pieces:
            socket.send(piece)
        assert socket.frame() == Frame(128 | PONG, b"")
        assert socket.text() == "bé!"
        assert server.calls()[-1]["websocket"]["received"] == 1


def _fragments(opcode, payload, cuts):
    """The frames of one message."""
    ends = sorted({cut % (len(payload) + 1) for cut in cuts})
    pieces = [payload[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]
    return b"".join(
        frame(CONT if i else opcode, piece, fin=i == len(pieces) - 1) + (frame(PONG) if i else b"")
        for i, piece in enumerate(pieces)
    )


@hypothesis_settings(max_examples=25)
@given(
    messages=st.lists(
        st.one_of(
            st.text(max_size=200).map(lambda text: (TEXT, text.encode("utf-8", "replace"))),
            st.binary(max_size=300).map(lambda data: (BINARY, data)),
        ),
        min_size=1,
        max_size=8,
    ),
    cuts=st.lists(st.integers(0, 300), max_size=4),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_messages_come_back_whole_however_they_are_cut(server, messages, cuts, sizes):
    data = b"".join(_fragments(opcode, payload, cuts) for opcode, payload in messages)
    with opened(server, "/echo") as socket:
        at, turn = 0, 0
        while at < len(data):
            socket.send(data[at : at + sizes[turn % len(sizes)]])
            at, turn = at + sizes[turn % len(sizes)], turn + 1
        came = [socket.frame() for _ in messages]
    # An empty text is a text too, which `present` does not match.
    assert [(one.opcode, one.payload) for one in came] == [
        (opcode if payload or opcode == BINARY else BINARY, payload) for opcode, payload in messages
    ]


@pytest.mark.parametrize("how", ["closes", "resets", "ends its half"])
def test_a_client_that_leaves_without_a_close_frame_has_left(server, how):
    socket = opened(server, "/hello")
    assert socket.text() == "hello"
    if how == "resets":
        socket.reset()
    elif how == "closes":
        socket.close()
    else:
        socket.ends_sending()
        assert socket.is_closed()
        socket.close()
    call = ended(server)
    assert call["outcome"] == "client_left"
    assert call["websocket"]["closed"] == {"by": "client", "code": 1006, "reason": ""}
    assert call["times"]["left_ms"] is not None
    assert server.admin.get("/websockets")["items"] == []


def test_messages_over_the_limits_are_counted_only(server):
    with opened(server) as socket:
        socket.send(b"".join(frame(TEXT, b"%d" % n) for n in range(1_100)) + frame(PING, b"end"))
        assert socket.frame() == Frame(128 | PONG, b"end")
        seen = server.calls()[-1]["websocket"]
    assert (seen["received"], len(seen["frames"]), seen["dropped"]) == (1_100, 1_000, 101)


def test_a_long_payload_is_kept_in_part(server):
    with opened(server) as socket:
        socket.send(frame(TEXT, b"x" * 70_000) + frame(PING))
        socket.frame()
        (seen, _) = server.calls()[-1]["websocket"]["frames"]
    assert (len(seen["body"]["text"]), seen["body"]["length"], seen["body"]["truncated"]) == (
        65_536,
        70_000,
        True,
    )


def test_a_server_that_stops_says_that_it_goes_away(serving):
    server = serving("routes: [{request: WS /feed, reply: {websocket: []}}]")
    socket = opened(server)
    server.stop()
    assert socket.frame().close == (1001, "the server stops")
    socket.close()


def test_a_removed_namespace_closes_its_connections(server):
    name = server.admin.post("/namespaces", {})["name"]
    with opened(server, f"/@{name}/feed") as socket:
        server.admin.call("DELETE", f"/namespaces/{name}")
        assert socket.frame().close == (1001, "the namespace was removed")
        socket.send(close_frame(1001))
        assert socket.is_closed()


@pytest.mark.parametrize("by", ["path", "header"])
def test_a_connection_belongs_to_one_namespace(server, by):
    name = server.admin.post("/namespaces", {})["name"]
    target, lines = (
        (f"/@{name}/waits", []) if by == "path" else ("/waits", [f"X-Mockserver-Namespace: {name}"])
    )
    with opened(server, target, *lines) as socket:
        socket.say('{"type": "go", "to": "x"}')
        assert socket.text() == "x shop"
    assert server.admin.get(f"/@{name}/counts")["total"] == 1
    assert server.admin.get("/counts")["total"] == 0
