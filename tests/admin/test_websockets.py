"""Open WebSocket connections at the admin API and in the Python client: listed, pushed to, closed, asserted."""

import pytest
from support.admin import pointers
from support.har import entries_of
from support.websocket import BINARY, TEXT, Frame, Socket, close_frame, frame, handshake
from support.wire import Wire

from mockserver.client import Client, Refused, VerificationFailed

pytestmark = pytest.mark.in_memory  # replicas refuse handshakes
SCENARIO = """
routes:
  - {name: feed, request: WS /feed, reply: {websocket: []}}
  - {name: other, request: WS /other, reply: {websocket: []}}
  - {name: page, request: GET /page, reply: 200}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def client(server):
    with Client(server.url) as client:
        yield client


def opened(server, target="/feed"):
    return Socket(server.address, target)


def test_open_connections_are_listed(server):
    assert server.admin.get("/websockets") == {"items": [], "next": None}
    with opened(server) as feed, opened(server, "/other"):
        feed.say("hello")
        server.admin.post("/verify", {"route": "feed", "received": {}, "within": 5})
        items = server.admin.get("/websockets")["items"]
        assert [(one["call"], one["route"], one["received"]) for one in items] == [
            ("c-000001", "shop/feed", 1),
            ("c-000002", "shop/other", 0),
        ]
        only = server.admin.get("/websockets?route=other")["items"]
        assert [one["call"] for one in only] == ["c-000002"]


@pytest.mark.parametrize(
    ("message", "came"),
    [
        ({"text": "a {{ b }}"}, Frame(128 | TEXT, b"a {{ b }}")),
        ({"json": {"price": 4.20}}, Frame(128 | TEXT, b'{"price":4.2}')),
        ({"base64": "AAE="}, Frame(128 | BINARY, b"\0\1")),
    ],
)
def test_a_message_is_sent_to_the_connections_of_a_route(server, message, came):
    with opened(server) as first, opened(server) as second, opened(server, "/other") as other:
        assert server.admin.post("/websockets/send", {"route": "feed", **message}) == {
            "calls": ["c-000001", "c-000002"]
        }
        assert [first.frame(), second.frame()] == [came, came]
        assert server.admin.post("/websockets/send", {"call": "c-000003", "text": "x"}) == {
            "calls": ["c-000003"]
        }
        assert other.text() == "x"
        assert len(server.admin.post("/websockets/send", {"text": "all"})["calls"]) == 3
    assert server.calls()[0]["websocket"]["sent"] == 2


def test_connections_are_closed_with_code_and_reason(server):
    with opened(server) as feed, opened(server, "/other") as other:
        server.admin.post("/websockets/close", {"route": "feed", "code": 4000, "reason": "enough"})
        assert feed.frame().close == (4000, "enough")
        # It is closing: a second close does not reach it.
        problem = server.admin.refused(409, "POST", "/websockets/close", {"route": "feed"})
        assert problem["type"] == "urn:mockserver:not-reached"
        feed.send(close_frame(4000))
        assert feed.is_closed()
        server.admin.post("/websockets/close", {})
        assert other.frame().close == (1000, "")


def test_without_an_open_connection_nothing_is_sent(server):
    problem = server.admin.refused(409, "POST", "/websockets/send", {"route": "feed", "text": "x"})
    assert problem["type"] == "urn:mockserver:no-connection"
    assert "A client must connect first" in problem["detail"]
    server.admin.refused(409, "POST", "/websockets/close", {"call": "c-000001"})
    server.admin.refused(422, "POST", "/websockets/send", {"route": "fed", "text": "x"})


@pytest.mark.parametrize(
    ("path", "document", "pointer"),
    [
        ("/websockets/send", {"text": "x", "json": 1}, ""),
        ("/websockets/send", {}, ""),
        ("/websockets/send", {"route": "feed", "call": "c-000001", "text": "x"}, ""),
        ("/websockets/send", {"base64": "!"}, "/base64"),
        ("/websockets/send", {"text": "x", "to": "feed"}, "/to"),
        ("/websockets/close", {"code": 1006}, "/code"),
        ("/websockets/close", {"reason": "x" * 124}, "/reason"),
    ],
)
def test_a_request_that_is_not_valid_is_an_error_with_its_place(server, path, document, pointer):
    assert pointers(server.admin.refused(422, "POST", path, document)) == [pointer]


def test_a_client_that_does_not_read_is_not_sent_more_than_the_limit(serving):
    server = serving(SCENARIO, max_body_bytes=200_000)
    with Socket(server.address, receive_buffer=1024):
        sent = 0
        while server.admin.call("POST", "/websockets/send", {"text": "x" * 150_000}).status == 200:
            sent += 1
            assert sent < 200
        problem = server.admin.refused(409, "POST", "/websockets/send", {"text": "x"})
        assert "do not read" in problem["detail"]


def test_a_check_waits_for_messages(server):
    with opened(server) as socket:
        socket.say("one")
        socket.say("two")
        server.admin.post("/verify", {"route": "feed", "received": {"text": "two"}, "times": 1, "within": 5})
        answer = server.admin.refused(
            409, "POST", "/verify", {"route": "feed", "received": {"text": "three"}}
        )
    assert "feed: expected at least 1 message, saw 0" in answer["detail"]
    assert "c-000001  two" in answer["detail"]


def test_secrets_in_messages_are_masked(server):
    with opened(server) as socket:
        socket.say('{"password": "hunter2"}')
        socket.send(frame(BINARY, b'{"password": "hunter2"}'))
        server.admin.post("/verify", {"route": "feed", "received": {}, "times": 2, "within": 5})
        shown = server.admin.call("GET", "/calls").text
        assert "hunter2" not in shown
        assert "****" in shown
        assert "hunter2" in server.admin.call("GET", "/calls?reveal=true").text
        failed = server.admin.call("POST", "/verify", {"route": "feed", "received": {"text": "x"}})
        assert "hunter2" not in failed.text


def test_an_archive_has_a_get_with_the_messages_as_browsers_write_them(server):
    with opened(server) as socket:
        socket.say("up")
        socket.send(frame(BINARY, b"hi"))
        server.admin.post("/verify", {"route": "feed", "received": {}, "times": 2, "within": 5})
        server.admin.post("/websockets/send", {"text": "down"})
    (entry,) = entries_of(server.admin.call("GET", "/calls.har").json())
    assert (entry["request"]["method"], entry["response"]["status"]) == ("GET", 101)
    assert entry["_resourceType"] == "websocket"
    assert [(one["type"], one["opcode"], one["data"]) for one in entry["_webSocketMessages"]] == [
        ("send", 1, "up"),
        ("send", 2, "aGk="),
        ("receive", 1, "down"),
    ]


@pytest.mark.parametrize("path", ["/outage", "/troubles"])
def test_an_outage_or_a_trouble_accepts_no_handshake(server, path):
    reply = {"websocket": []}
    document = {"reply": reply} if path == "/outage" else [{"route": "feed", "before": reply}]
    problem = server.admin.refused(422, "PUT", path, document)
    assert "only a reply of a route can accept a WebSocket" in problem["detail"]


def test_an_outage_refuses_handshakes(server):
    server.admin.call("PUT", "/outage", {"reply": 503})
    with Wire(server.address) as wire:
        wire.send(handshake())
        assert wire.answer().status == 503


def test_a_trouble_strikes_a_handshake(server):
    troubles = [
        {"route": "feed", "call": 1, "before": {"status": 500}},
        {"route": "feed", "call": 2, "after": {"fault": "reset"}},
        {"route": "feed", "call": 3, "after": {"headers": {"x-late": "1"}, "delay": "1ms"}},
    ]
    server.admin.call("PUT", "/troubles", troubles)
    with Wire(server.address) as wire:
        wire.send(handshake())
        assert wire.answer().status == 500
        wire.send(handshake())
        assert wire.ending() == (b"", "RST")
    with opened(server) as socket:
        assert socket.accepted.header("x-late") == "1"
        server.admin.post("/websockets/send", {"text": "hi"})
        assert socket.text() == "hi"


# The Python client


def test_a_test_drives_a_connection(server, client):
    rule = {"receive": {"json": {"type": "ping"}}, "steps": {"send": {"text": "pong"}}}
    feed = client.ws("/prices", name="prices").reply(503, {"websocket": [{"on": [rule]}]})
    with Wire(server.address) as wire:
        wire.send(handshake("/prices"))
        assert wire.answer().status == 503
    with Socket(server.address, "/prices") as socket:
        socket.say('{"type": "ping", "n": 1}')
        assert socket.text() == "pong"
        assert feed.send(json={"price": 42}) == 1
        assert socket.text() == '{"price":42}'
        assert feed.send(base64=b"\0") == 1
        assert socket.frame().payload == b"\0"
        feed.assert_received(1, json={"type": "ping"})
        feed.assert_received(within=5)
        client.verify(feed, received={"json": {"n": {"$gte": 1}}}, times=1)
        with pytest.raises(VerificationFailed, match="expected 2 messages, saw 1"):
            feed.assert_received(2)
        assert [message.json()["n"] for message in feed.messages] == [1]
        assert [one["route"] for one in client.websockets] == [feed.id]
        assert feed.close(1001, "restart") == 1
        assert socket.frame().close == (1001, "restart")
        socket.send(close_frame(1001))
        assert socket.is_closed()
    connection = feed.calls.last.websocket
    assert (connection.received, connection.sent) == (1, 3)
    assert connection.closed == {"by": "server", "code": 1001, "reason": "restart"}
    assert feed.calls.first.websocket is None
    assert feed.calls.statuses == [503, 101]


def test_the_client_names_what_is_wrong(client):
    feed = client.route("feed")
    with pytest.raises(TypeError, match="takes one of text=, json= and base64="):
        feed.send("x", json=1)
    with pytest.raises(TypeError, match="a message has no keyword 'jsn'"):
        feed.assert_received(jsn=1)
    with pytest.raises(Refused, match="no such open WebSocket connection"):
        feed.send("x")
