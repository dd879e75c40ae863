"""What a scenario may say about WebSocket connections, what a check counts, and how reconnects are judged: in memory."""

import builtins
import sys

import pytest
from support.engine import InMemory

from mockserver.attempts import operations
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.errors import InvalidInputError
from mockserver.model.http import Request
from mockserver.model.plan import Outcome, Upgrade
from mockserver.model.websocket import Closed, FrameKind, WebSocketRecord
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import from_text
from mockserver.scenarios.source import LoadError
from mockserver.schema.verify import CheckSpec
from mockserver.verification.explain import ExplainSpec, as_request, explain
from mockserver.verification.verdict import Standing
from mockserver.verification.verify import Check


def flaws(text):
    with pytest.raises(LoadError) as raised:
        build_scenario_set([from_text(text, "shop")])
    return raised.value.lines


def script(steps):
    return f"routes:\n  - request: WS /feed\n    reply:\n      websocket:\n        - {steps}\n"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{send: hello}", "expected a message, got 'hello'. Write {text: hello}, {json: {...}} or {base64: ...}"),
        ("{send: {}}", "a message has one of text, json and base64, this one has none"),
        ("{send: {text: a, json: 1}}", "this one has text and json"),
        ("{send: {txt: a}}", "unknown key. Did you mean 'text'?"),
        ("{send: {base64: '!'}}", "'!' is not valid Base64"),
        ("{send: {text: '{{ x }}'}}", "'x' is not known here"),
        ("{send: {text: '{{ message.jso }}'}}", "message has no 'jso'. Did you mean 'json'?"),
        ("{receive: {text: {matches: '('}}}", "not a valid regular expression"),
        ("{receive: {base64: '!'}}", "'!' is not valid Base64"),
        ("{receive: {jsn: 1}}", "unknown key. Did you mean 'json'?"),
        ("{receive: {timeout: soon}}", "'soon' is not a valid duration"),
        ("{close: 1005}", "1005 can't be sent as a close code. Use 1000 to 1003, 1007 to 1014 or 3000 to 4999"),
        ("{close: now}", "expected a close code, got 'now'"),
        ("{close: {code: 1000, reason: " + "x" * 124 + "}}", "a reason has at most 123 bytes"),
        ("{ping: " + "x" * 126 + "}", "it has more than 125 bytes"),
        ("{ping: }", "expected a text, got null"),
        ("{fault: truncate}", "'truncate' is not a fault of a WebSocket connection"),
        ("{fault: rest}", "Did you mean 'reset'?"),
        ("{delay: 1s, send: {text: a}}", "a step does one thing, this one has send and delay"),
        ("{}", "a step does one thing, this one has none"),
        ("{repeat: 0, steps: [{delay: 1s}]}", "0 is not a number of repetitions. Write 3, or forever"),
        ("{repeat: 3}", "`repeat` and `steps` belong together"),
        ("{steps: [{delay: 1s}], send: {text: a}}", "`repeat` and `steps` belong together"),
        ("{repeat: forever, steps: [{send: {text: a}}]}", "these steps would repeat without a pause"),
        ("{on: [{receive: {}, steps: {receive: {}}}]}", "`receive` is not allowed in the steps of a rule"),
        ("{on: [{receive: {}}]}", "the key 'steps' is missing"),
        ("hello", "expected a step, got 'hello'"),
    ],
)  # fmt: skip
def test_a_script_that_is_not_valid_is_an_error_with_its_line(step, said):
    (line,) = flaws(script(step))
    assert said in line
    assert line.startswith("shop:5:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{request: GET /a, reply: {websocket: []}}", "this route does not take WebSocket handshakes. Write its request as WS /path"),
        ("{request: 'GET,WS /a', reply: {websocket: []}}", "this route does not take WebSocket handshakes"),
        ("{request: GET /a, reply: {choose: [{websocket: []}]}}", "this route does not take WebSocket handshakes"),
        ("{request: WS /a, reply: {websocket: [], status: 200}}", "status is not allowed beside `websocket`"),
        ("{request: WS /a, reply: {websocket: [], json: {}}}", "json is not allowed beside `websocket`"),
        ("{request: WS /a, reply: {websocket: }}", "`websocket` has no value. Write websocket: []"),
        ("{request: WS /a, reply: {subprotocol: x}}", "`subprotocol` needs `websocket`"),
        ("{request: WS /a, proxy: 'https://api.example'}", "a WebSocket connection can't be forwarded"),
    ],
)  # fmt: skip
def test_a_reply_that_can_not_accept_a_handshake_is_an_error(text, said):
    (line,) = flaws(f"routes:\n  - {text}\n")
    assert said in line
    assert line.startswith("shop:2:")


def test_every_flaw_of_a_script_is_named_at_once():
    text = script(
        "{send: {text: '{{ x }}'}}\n        - {on: [{receive: {text: {gt: a}}, steps: {send: {text: '{{ y }}'}}}]}"
    )
    assert [line.split(": ")[0] for line in flaws(text)] == ["shop:5:25", "shop:6:39", "shop:6:65"]


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "websockets.server", raising=False)
    imported = builtins.__import__

    def missing(name, *args, **options):
        if name.startswith("websockets"):
            raise ImportError(name)
        return imported(name, *args, **options)

    monkeypatch.setitem(sys.modules, "websockets.server", None)
    monkeypatch.setattr(builtins, "__import__", missing)
    (line,) = flaws(script("{send: {text: a}}"))
    assert "A WebSocket connection needs a library that is not installed" in line
    assert "Install the extra mockserver[websocket]" in line
    build_scenario_set([from_text("routes: [{request: WS /feed, reply: 503}]", "shop")])  # needs none


FEED = """
routes:
  - name: feed
    request: WS /feed
    effect: {kind: opened}
    set: {last: "{{ call.id }}"}
    reply: [{status: 503, headers: {Retry-After: "1"}}, 503, {websocket: []}]
    then: cycle
"""


def test_a_handshake_takes_a_step_and_has_effects_as_any_request():
    engine = InMemory(FEED)
    calls = [engine.begin("WS /feed") for _ in range(3)]
    assert [call.status for call in calls] == [503, 503, 101]
    (step,) = calls[2].plan
    assert isinstance(step, Upgrade)
    assert [effect["call"] for effect in engine.default.effects] == [calls[2].id]
    assert engine.default.memory.state.read("last") == calls[2].id
    assert engine.default.counts.routes["shop/feed"].statuses == {503: 2, 101: 1}


def test_a_connection_is_not_kept_under_an_idempotency_key():
    engine = InMemory(
        "routes: [{request: WS /feed, idempotency: {header: k}, effect: {kind: a}, reply: {websocket: []}}]"
    )
    plans = [engine.ask("WS /feed", k="1").response for _ in range(2)]
    assert [response.status for response in plans] == [101, 101]


def test_a_limit_counts_open_connections():
    engine = InMemory("routes: [{request: WS /feed, limit: {in_flight: 1}, reply: {websocket: []}}]")
    first = engine.begin("WS /feed")
    assert engine.begin("WS /feed").status == 429
    engine.engine.finish(first, Outcome.DONE)
    assert engine.begin("WS /feed").status == 101


def test_cases_choose_the_script_of_a_connection():
    engine = InMemory(
        "routes: [{request: WS /feed, reply: {cases: [{match: {query: {v: '1'}}, status: 410}, {websocket: []}]}}]"
    )
    assert [engine.ask(f"WS /feed?v={n}").status for n in (1, 2)] == [410, 101]


def test_a_request_to_explain_shows_what_a_handshake_would_be_answered():
    engine = InMemory(FEED)
    request = as_request(parse_spec(ExplainSpec, {"request": "WS /feed"}), engine.default)
    assert explain(engine.default, request)["reply"]["status"] == 503


# Judging


def connected(engine, *, code=None, outcome=Outcome.DONE, frames=(), at_s=1.0, lasts_s=0.5):
    """A connection that has ended, with these frames of the client."""
    engine.now_s += at_s
    request = Request("WS", "/feed", arrived_s=engine.now_s, arrived_at_s=engine.now_s)
    call = engine.engine.begin(request, engine.default)
    if call.status == 101:
        record = call.websocket = WebSocketRecord()
        for text in frames:
            record.add(FrameKind.TEXT, text.encode(), engine.now_s, is_sent=False)
        engine.now_s += lasts_s
        record.closed = None if code is None else Closed("server", code, "")
    call.last_byte_at_s = engine.now_s
    engine.engine.finish(call, outcome)
    return call


@pytest.mark.parametrize(
    ("code", "outcome", "final", "retried"),
    [
        (1000, Outcome.DONE, "succeeded", False),
        (1001, Outcome.DONE, "succeeded", False),
        (1005, Outcome.DONE, "succeeded", False),
        (1011, Outcome.DONE, "failed", True),
        (1012, Outcome.DONE, "failed", True),
        (1013, Outcome.DONE, "failed", True),
        (1006, Outcome.CLOSE, "failed", True),
        (1006, Outcome.RESET, "failed", True),
        (1006, Outcome.CLIENT_LEFT, "failed", True),
        (1008, Outcome.DONE, "failed", False),
        (4401, Outcome.DONE, "failed", False),
    ],
)
def test_a_reconnect_is_the_next_attempt_of_a_connection_that_broke(code, outcome, final, retried):
    engine = InMemory("routes: [{request: WS /feed, reply: {websocket: []}}]")
    first = connected(engine, code=code, outcome=outcome)
    assert [operation.final for operation in operations([first])] == [final]
    second = connected(engine, code=1000)
    found = operations([first, second])
    assert [operation.size for operation in found] == ([2] if retried else [1, 1])
    if retried:
        assert found[0].attempts[1].gap_s == pytest.approx(1.0)
        assert found[0].final == "succeeded"


def verdict(engine, **check):
    return Check(engine.default, parse_spec(CheckSpec, check)).verdict(engine.default)


def test_refused_handshakes_are_judged_by_retry_after():
    engine = InMemory(FEED)
    for at_s, code in ((1.0, None), (1.2, None), (0.3, 1000)):
        connected(engine, code=code, at_s=at_s)
    assert verdict(engine, route="feed", times=3, attempts={"honours": "retry-after", "gaps": "200ms"}).ok
    engine = InMemory(FEED)
    for at_s, code in ((1.0, None), (0.2, None), (0.3, 1000)):
        connected(engine, code=code, at_s=at_s)
    seen = verdict(engine, route="feed", times=3, attempts={"honours": "retry-after"})
    assert not seen.ok
    assert "ignored Retry-After: 1" in seen.text


@pytest.mark.parametrize(("gaps_s", "ok"), [((0.2, 0.5), True), ((0.5, 0.2), False)])
def test_the_gaps_between_broken_connections_are_to_grow(gaps_s, ok):
    engine = InMemory("routes: [{name: feed, request: 'WS /feed', reply: {websocket: []}}]")
    connected(engine, code=1011)
    connected(engine, code=1006, outcome=Outcome.RESET, at_s=gaps_s[0])
    connected(engine, code=1000, at_s=gaps_s[1])
    assert verdict(engine, route="feed", times=3, attempts={"growing": True, "operations": 1}).ok is ok


def test_messages_of_a_route_are_counted():
    engine = InMemory("routes: [{name: feed, request: 'WS /feed', reply: {websocket: []}}]")
    connected(engine, code=1000, frames=('{"type": "ping", "n": 1}', "x"))
    connected(engine, code=1000, frames=('{"type": "ping", "n": 2}',))
    assert verdict(engine, route="feed", received={}, times=3).ok
    assert verdict(engine, route="feed", received={"json": {"type": "ping"}}, times=2).ok
    assert verdict(engine, request="WS /feed", received={"json": {"n": {"$gte": 2}}}, times=1).ok
    seen = verdict(engine, route="feed", received={"text": "y"}, times=1)
    assert (seen.standing, seen.expected, seen.saw) == (Standing.SHORT, "1 message", "0")
    assert '{"type": "ping", "n": 2}' in seen.text
    assert verdict(engine, route="feed", received={"text": "x"}, times=0).standing is Standing.FAILED


def test_messages_that_are_counted_only_make_a_count_with_conditions_inexact():
    engine = InMemory("routes: [{name: feed, request: 'WS /feed', reply: {websocket: []}}]")
    connected(engine, code=1000, frames=["x"] * 1_100)
    assert verdict(engine, route="feed", received={}, times=1_100).ok
    seen = verdict(engine, route="feed", received={"text": "x"}, times=1_000)
    assert (seen.ok, seen.exact) == (False, False)
    assert verdict(engine, route="feed", received={"text": "x"}, times={"min": 500}).ok


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({"unused": 0, "received": {}}, "`received` does not apply to unused"),
        ({"route": "feed", "received": {}, "attempts": {"max": 1}}, "`received` does not apply to attempts"),
        ({"route": "feed", "received": {"schema": "file.json"}}, "is a file, and a check has no folder"),
        ({"route": "feed", "received": {"text": {"gt": 1, "x": 2}}}, "'x'"),
    ],
)
def test_a_check_on_messages_that_is_not_valid_is_an_error(check, said):
    engine = InMemory("routes: [{name: feed, request: 'WS /feed', reply: {websocket: []}}]")
    with pytest.raises(InvalidInputError, match=said):
        verdict(engine, **check)
