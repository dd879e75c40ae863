"""`/calls/stream`: calls as they happen, to whoever listens, however slowly."""

import pytest
from support.events import following
from support.http import ask
from support.wire import Wire

from mockserver.admin.endpoints import stream
from mockserver.admin.endpoints.stream import Pace

SHOP = """
routes:
  - {name: a, request: POST /a, reply: 201, tags: [x]}
  - {name: b, request: POST /b, reply: 202}
  - {name: slow, request: POST /slow, reply: {delay: 60s}}
"""


@pytest.fixture
def server(serving):
    return serving(SHOP)


def test_every_call_is_told_once_it_is_over(server):
    with following(server.admin.url) as events:
        server.ask("POST", "/a", "hi")
        server.ask("POST", "/b")
        first, second = events.next(), events.next()

    assert events.media_type == "text/event-stream"
    assert (first.kind, second.kind) == ("call", "call")
    assert first.id != second.id
    assert [event.data["route"] for event in (first, second)] == ["shop/a", "shop/b"]
    assert [event.data["outcome"] for event in (first, second)] == ["done", "done"]
    assert first.data == server.admin.get("/calls/c-000001")


def test_a_stream_begins_with_what_comes_not_with_what_was(server):
    server.ask("POST", "/a")
    server.closed_call(1)
    with following(server.admin.url) as events:
        server.ask("POST", "/b")
        assert events.call()["route"] == "shop/b"


def test_a_stream_goes_on_behind_the_last_event(server):
    for _ in range(3):
        server.ask("POST", "/a")
    with following(server.admin.url, after="c-000000") as events:
        told = [events.next() for _ in range(3)]

    with following(server.admin.url, after=told[1].id) as events:
        assert events.call()["number"] == 3
        server.ask("POST", "/b")
        assert events.call()["number"] == 4


def test_a_call_that_ended_after_a_later_one_is_not_lost_on_resuming(server):
    with Wire(server.address) as slow:
        slow.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        server.admin.post("/verify", {"route": "slow", "within": "5s"})
        with following(server.admin.url) as events:
            server.ask("POST", "/a")
            last = events.next()
    assert last.data["number"] == 2
    with following(server.admin.url, after="c-000000") as events:
        assert [events.call()["number"] for _ in range(2)] == [2, 1], "in the order in which they ended"

    with following(server.admin.url, after=last.id) as events:
        assert events.call()["number"] == 1


@pytest.mark.parametrize(
    ("query", "routes"),
    [("?route=b", ["b"]), ("?tag=x", ["a", "a"]), ("?status=202", ["b"]), ("", ["a", "b", "a"])],
)
def test_a_stream_is_filtered_as_the_list_is(server, query, routes):
    with following(server.admin.url, query) as events:
        for name in ("a", "b", "a"):
            server.ask("POST", f"/{name}")

        assert [events.call()["route"] for _ in routes] == [f"shop/{name}" for name in routes]


def test_calls_in_brief_are_told_as_the_list_in_brief_has_them(server):
    with following(server.admin.url, "?brief=true") as events:
        server.ask("POST", "/a?key=sk_test_1234567890abcdef", "hi")
        server.ask("POST", "/b")
        told = [events.call(), events.call()]

    assert told == server.admin.get("/calls?brief=true")["items"]
    assert [(one["route"], one["status"], one["outcome"], one["step"]) for one in told] == [
        ("shop/a", 201, "done", 1),
        ("shop/b", 202, "done", 1),
    ]
    assert told[0]["target"] == "/a?key=****cdef"
    assert told[0]["duration_ms"] >= 0
    assert "request" not in told[0]


def test_of_many_calls_in_brief_none_is_lost_nor_told_twice(server):
    with following(server.admin.url, "?brief=true") as events:
        for _ in range(300):
            server.ask("POST", "/a")

        assert [events.call()["number"] for _ in range(300)] == list(range(1, 301))


def test_secrets_are_masked_in_the_stream_too(server):
    with following(server.admin.url) as masked, following(server.admin.url, "?reveal=true") as shown:
        server.ask("POST", "/a", headers={"Authorization": "Bearer tok_1234567890"})

        assert ["Authorization", "Bearer ****7890"] in masked.call()["request"]["headers"]
        assert ["Authorization", "Bearer tok_1234567890"] in shown.call()["request"]["headers"]


def test_an_event_of_a_server_that_began_anew_keeps_none_of_its_calls_back(server):
    """Its numbers begin again, so one that was not reached yet is from before."""
    for _ in range(2):
        server.ask("POST", "/a")
    server.closed_call(2)
    with following(server.admin.url, after="c-000500") as events:
        assert [events.call()["number"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("last", ["c-²", "c-" + "9" * 5000, "x", "", "c-"])
def test_a_last_event_that_is_none_begins_anew(server, last):
    with Wire(server.address) as wire:
        wire.send(f"GET /__admin/calls/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n")

        assert wire.until(b"\r\n").startswith(b"HTTP/1.1 200")


def test_a_wrong_filter_is_a_problem_and_no_stream(server):
    server.admin.refused(422, "GET", "/calls/stream?route=nothing")


def test_head_of_a_stream_ends(server):
    with Wire(server.address) as wire:
        wire.send("HEAD /__admin/calls/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.answer(head=True).header("content-type") == "text/event-stream"
        assert wire.is_closed()


def test_a_stream_ends_for_the_server_when_its_reader_leaves(server):
    with following(server.admin.url):
        assert len(server.app.engine.default.followers) == 1
    server.ask("POST", "/a")
    # The reader's leaving is seen by the loop; a stream that follows it tells when that has been handled.
    with following(server.admin.url) as events:
        server.ask("POST", "/a")
        events.call()
        assert len(server.app.engine.default.followers) == 1


def test_no_call_does_anything_for_a_follower(server):
    ns = server.app.engine.default
    with following(server.admin.url, "?brief=true") as events:
        server.ask("POST", "/a")
        events.call()

        assert not ns.listeners, "else each call would be handed to it"


@pytest.mark.in_memory
def test_too_many_calls_at_once_are_sampled_and_the_others_counted(server, monkeypatch):
    monkeypatch.setattr(stream, "IN_BRIEF", Pace(rest_s=0.0, most=50, queue=20, sample=5))
    with following(server.admin.url, "?brief=true") as events, Wire(server.address) as wire:
        # What one read of the server brings is answered before anybody else has a turn.
        wire.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" * 100)
        told, dropped = [], 0
        while len(told) + dropped < 100:
            event = events.next()
            if event.kind == "dropped":
                dropped += event.data["dropped"]
            else:
                told.append(event.data["number"])

    assert dropped > 0
    assert told == sorted(set(told))
    assert told[-1] == 100, "the newest are told"


def test_a_slow_reader_is_told_how_many_it_missed_and_slows_nobody(server, monkeypatch):
    monkeypatch.setattr(stream, "WHOLE", Pace(0.0, 50, 10, 10))
    body = b"x" * 60_000
    sent = 120
    with Wire(server.address, receive_buffer=4096, timeout_s=20) as reader:
        reader.send("GET /__admin/calls/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader.until(b": calls as they happen\n\n")
        for _ in range(sent):
            assert ask(server.url, "POST", "/a", body).status == 201

        told, dropped = 0, 0
        while told + dropped < sent:
            event = reader.until(b"\n\n")
            assert b"still here" not in event, "nothing more comes, and some were not told of"
            told += b"event: call" in event
            if b"event: dropped" in event:
                dropped += int(event.split(b'"dropped": ')[1].split(b"}")[0])

    assert told + dropped == sent
    assert dropped > 0


# Of all namespaces


def told(events, number):
    return [events.next().data for _ in range(number)]


def test_the_calls_of_all_namespaces_are_told_with_those_before_and_those_of_later_ones(server):
    server.admin.post("/namespaces", {"name": "early"})
    server.ask("POST", "/@early/a")
    with following(server.admin.url, path="/stream") as events:
        (before,) = told(events, 1)
        server.ask("POST", "/b")
        server.admin.post("/namespaces", {"name": "late"})
        server.ask("GET", "/@late/nothing")
        after = told(events, 2)
        server.admin.call("DELETE", "/namespaces/late")
        server.admin.post("/namespaces", {"name": "late"})
        server.ask("POST", "/@late/a")
        again = told(events, 1)

    assert (before["namespace"], before["id"], before["target"]) == ("early", "c-000001", "/@early/a")
    assert {(one["namespace"], one["target"]) for one in after} == {
        ("default", "/b"),
        ("late", "/@late/nothing"),
    }
    assert [(one["namespace"], one["id"]) for one in again] == [("late", "c-000001")]
    assert "headers" not in before
    assert before["size"] == 0


def test_all_namespaces_share_the_rate_of_one_stream_and_none_is_left_behind(server, monkeypatch):
    monkeypatch.setattr(stream, "IN_BRIEF", Pace(rest_s=0.01, most=3, queue=100, sample=2))
    for name in "abc":
        server.admin.post("/namespaces", {"name": name})
        for _ in range(5):
            server.ask("POST", f"/@{name}/a")
    with following(server.admin.url, path="/stream") as events:
        calls = told(events, 15)
    assert len({(one["namespace"], one["id"]) for one in calls}) == 15
    assert len({one["namespace"] for one in calls[:9]}) == 3


def test_a_stream_of_all_counts_as_a_reader_of_each_namespace(serving):
    server = serving(SHOP, max_streams=1)
    with following(server.admin.url, path="/stream") as events:
        server.ask("POST", "/a")
        events.next()
        assert ask(server.admin.url, "GET", "/stream").status == 429
