"""Delays and throttles, told by what the calls say of their times: none is too short, and none holds up another."""

import contextlib

import pytest
from support.wire import Wire


def get(target, *lines, method="GET", version="1.1"):
    return "\r\n".join([f"{method} {target} HTTP/{version}", "Host: x", *lines, "", ""])


def test_each_reply_waits_for_its_own_delay(serving):
    server = serving("""
routes:
  - {request: GET /c, reply: {delay: 60s}}
  - {request: GET /b, reply: {delay: {min: 30ms, max: 30ms}}}
  - {request: GET /a, reply: {delay: "{{ request.query.ms }}ms"}}
""")
    with Wire(server.address) as wire:
        wire.send(get("/c"))
        server.admin.post("/verify", {"request": "GET /c", "within": "5s"})
        server.ask("GET", "/b")
        server.ask("GET", "/a?ms=5")
        waits, brief, short = server.calls()
    assert (waits["outcome"], waits["times"]["first_byte_ms"]) == ("open", None)
    assert brief["times"]["first_byte_ms"] >= 29
    assert short["times"]["first_byte_ms"] >= 4


def test_a_lognormal_delay_is_cut_at_its_max(serving):
    server = serving("routes: [{request: GET /x, reply: {delay: {median: 10m, sigma: 0.1, max: 30ms}}}]")
    server.ask("GET", "/x")
    assert server.calls()[0]["times"]["first_byte_ms"] >= 29


def test_a_delay_stands_before_the_first_byte(serving):
    server = serving("routes: [{request: GET /x, reply: {events: [1], delay: 60s}}]")
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        server.admin.post("/verify", {"request": "GET /x", "within": "5s"})
        call = server.calls()[0]
    assert (call["outcome"], call["times"]["first_byte_ms"]) == ("open", None)


def test_the_record_says_when_the_first_and_the_last_byte_left(serving):
    server = serving("routes: [{request: GET /x, reply: {chunks: [a, {text: b, delay: 60ms}], delay: 40ms}}]")
    server.ask("GET", "/x")

    times = server.closed_call()["times"]
    assert times["first_byte_ms"] >= 39
    assert times["last_byte_ms"] - times["first_byte_ms"] >= 59


def test_the_virtual_clock_moves_no_delay(serving):
    server = serving("routes: [{request: GET /x, reply: {delay: 60s}}]")
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        server.admin.post("/verify", {"request": "GET /x", "within": "5s"})
        server.admin.post("/clock", {"advance": "1d"})
        assert server.calls()[0]["outcome"] == "open"


def test_delays_are_waited_for_side_by_side(serving):
    """300 replies of 200 ms, one after the other, would take a minute."""
    server = serving("routes: [{request: GET /x, reply: {status: 204, delay: 200ms}}]")
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(server.address, timeout_s=30)) for _ in range(300)]
        for wire in wires:
            wire.send(get("/x"))
        assert {wire.answer().status for wire in wires} == {204}
    assert server.admin.get("/counts")["routes"]["shop/GET /x"]["most_in_flight"] > 1


def test_a_delay_holds_up_only_its_own_connection_and_in_order(serving):
    server = serving(
        "routes: [{request: GET /slow, reply: {text: slow, delay: 50ms}}, {request: GET /quick, reply: {text: quick}}]"
    )
    with Wire(server.address) as wire:
        wire.send(get("/slow") + get("/quick") + get("/slow"))
        assert [wire.answer().body for _ in range(3)] == [b"slow", b"quick", b"slow"]


# Throttles


def test_a_rate_sends_in_slices(serving):
    """At 2 KB/s about 100 bytes each twentieth of a second; the first at once."""
    server = serving("routes: [{request: GET /x, reply: {text: '%s', throttle: 2KB/s}}]" % ("a" * 400))
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        answer = wire.answer()

    times = server.closed_call()["times"]
    assert (answer.header("content-length"), answer.body) == ("400", b"a" * 400)
    assert times["last_byte_ms"] - times["first_byte_ms"] >= 149  # 3 waits of 50 ms
    assert times["first_byte_ms"] < times["last_byte_ms"]


def test_a_rate_holds_for_chunks_too(serving):
    server = serving(
        "routes: [{request: GET /x, reply: {chunks: ['%s', end], throttle: 2KB/s}}]" % ("a" * 300)
    )
    answer = server.ask("GET", "/x")

    times = server.closed_call()["times"]
    assert answer.body == b"a" * 300 + b"end"
    assert times["last_byte_ms"] - times["first_byte_ms"] >= 99


def test_chunks_over_a_time_come_apart(serving):
    server = serving(
        "routes: [{request: GET /x, reply: {text: '0123456789', throttle: {chunks: 5, over: 60s}}}]"
    )
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        assert wire.until(b"\r\n\r\n")
        assert wire.exactly(2) == b"01"
        assert server.calls()[0]["outcome"] == "open"


@pytest.mark.parametrize(
    "throttle", ["{chunks: 5, over: 40ms}", "{chunks: 500, over: 20ms}", "{chunks: 1, over: 1h}"]
)
def test_chunks_over_a_time_make_the_whole(serving, throttle):
    server = serving(f"routes: [{{request: GET /x, reply: {{text: '0123456789', throttle: {throttle}}}}}]")

    answer = server.ask("GET", "/x")
    assert (answer.header("content-length"), answer.body) == ("10", b"0123456789")


def test_the_last_of_the_chunks_leaves_when_the_time_is_over(serving):
    server = serving(
        "routes: [{request: GET /x, reply: {text: '0123456789', throttle: {chunks: 5, over: 100ms}}}]"
    )
    server.ask("GET", "/x")

    times = server.closed_call()["times"]
    assert times["last_byte_ms"] - times["first_byte_ms"] >= 99


def test_a_head_of_what_is_throttled_comes_at_once(serving):
    server = serving(
        "routes: [{request: GET /x, reply: {text: '0123456789', throttle: {chunks: 5, over: 60s}}}]"
    )
    with Wire(server.address) as wire:
        wire.send(get("/x", method="HEAD") * 2)
        assert [wire.answer(head=True).header("content-length") for _ in range(2)] == ["10", "10"]


# Defaults


DEFAULTS = """
defaults:
  headers: {X-Env: test, x-request-id: "{{ uuid() }}", Cache-Control: no-store}
  delay: 60s
  throttle: {chunks: 2, over: 60s}
routes:
  - {request: GET /slow, reply: {text: hi}}
  - {request: GET /own, reply: {text: hi, delay: 0, throttle: 1MB/s, headers: {x-env: mine}}}
  - {request: GET /list, reply: {delay: 0, headers: {cache-control: [a, b]}}}
  - {request: GET /events, reply: {delay: 0, events: [1, 2]}}
"""


def test_a_reply_takes_the_defaults_that_it_doesnt_say_otherwise(serving):
    server = serving(DEFAULTS)

    own = server.ask("GET", "/own")
    assert [pair for pair in own.headers if pair[0].lower() in ("x-env", "cache-control")] == [
        ("Cache-Control", "no-store"),
        ("x-env", "mine"),
    ]
    assert len(own.header("x-request-id")) == 36
    assert [v for n, v in server.ask("GET", "/list").headers if n.lower() == "cache-control"] == ["a", "b"]
    assert server.ask("GET", "/events").body == b"data: 1\n\ndata: 2\n\n"


def test_the_default_delay_holds_where_a_reply_has_none(serving):
    server = serving(DEFAULTS)
    with Wire(server.address) as wire:
        wire.send(get("/slow"))
        server.admin.post("/verify", {"request": "GET /slow", "within": "5s"})
        assert server.calls()[0]["times"]["first_byte_ms"] is None
