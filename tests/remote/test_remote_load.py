"""`mockserver load` and `GET /load`: what they say, and their exit codes."""

import json
import re
import time
from urllib.parse import urlencode

import pytest
from support.server import until
from support.shell import Shell


def test_the_calls_are_shown_by_their_answers(paid):
    lines = paid.says("load", "create-charge", "--interval", "1h").splitlines()

    assert lines[0].split() == ["time", "calls", "retries", "at", "once", "answers"]
    assert lines[1].split() == ["+0.000", "3", "2", "1", "1", "x", "201", "2", "x", "503", "#!!"]
    assert lines[2].startswith("3 calls for 1 operation, 3 for each; at most 1 at the same time")


def test_json_is_the_answer_of_the_api(paid):
    view = json.loads(paid.says("load", "--json"))

    assert view["calls"] == sum(each["calls"] for each in view["intervals"]) == 3
    assert view["amplification"] == 3.0
    assert view["since"].endswith("Z")


def test_without_a_call_it_says_so(shell):
    assert shell.says("load") == "no calls"
    assert json.loads(shell.says("load", "--json"))["since"] is None


def test_rules_are_verified(paid):
    assert paid.says("load", "create-charge", "--rules", "{amplification: {max: 3}}").startswith("ok: ")
    assert "3.00 for each" in paid.fails("load", "--rules", "{amplification: {max: 2}}", code=1)


def test_what_is_invalid_is_told_with_2(paid):
    assert "there is no route 'x'" in paid.fails("load", "x", code=2)
    assert "below 1ms" in paid.fails("load", "--interval", "1us", code=2)
    assert "has no rule" in paid.fails("load", "--rules", "{by: route}", code=2)
    assert "--interval is for the table" in paid.fails("load", "--interval", "1s", "--rules", "{}", code=2)


EXPECTING = """
routes:
  - name: pay
    request: POST /pay
    expect: {load: {in_flight: {max: 8}}}
    reply: 201
  - {name: look, request: GET /look, expect: {load: {rate: {max: 1/m}}}, reply: 200}
"""


def later():
    """Let more than a row of 1 ms pass."""
    now_s = time.monotonic()
    until(lambda: time.monotonic() > now_s + 0.002)


@pytest.fixture
def failing(serving):
    """A service with an outage between two calls, and a route that is called too often."""
    server = serving(EXPECTING)
    assert server.ask("POST", "/pay").status == 201
    later()
    server.admin.call("PUT", "/outage", {"reply": 503, "routes": ["pay"]})
    assert server.ask("POST", "/pay").status == 503
    server.admin.call("DELETE", "/outage")
    for _ in range(2):
        server.ask("GET", "/look")
    return Shell(server)


def test_outages_and_windows_of_broken_rules_are_beside_the_calls(failing):
    view = failing.server.admin.get("/load")

    (outage,) = view["outages"]
    assert (outage["what"], outage["routes"]) == ('outage 503 (routes: ["pay"])', ["shop/pay"])
    assert 0 < outage["began_ms"] < outage["ended_ms"]
    assert view["since"] < outage["began"] < outage["ended"]
    assert (outage["clock_began"], outage["clock_ended"]) == (outage["began"], outage["ended"])
    pay, look = view["rules"]
    assert (pay["ok"], pay["began_ms"]) == (False, None)
    assert pay["text"].startswith("shop/pay: nothing to judge: in_flight: ")
    assert look["text"] == "shop/look: rate: 2 calls within 60s, at most 1 allowed"
    assert outage["ended_ms"] < look["began_ms"] < look["ended_ms"]


def test_those_of_a_route_are_selected_with_its_calls(failing):
    def told(route):
        view = failing.server.admin.get(f"/load?route={route}")
        return len(view["outages"]), [each["text"].partition(":")[0] for each in view["rules"]]

    assert told("pay") == (1, ["shop/pay"])
    assert told("look") == (0, ["shop/look"])


def test_an_outage_that_ended_before_the_first_call_is_left_out(serving):
    server = serving(EXPECTING)
    assert server.admin.get("/load")["outages"] == []
    server.admin.call("PUT", "/outage", {"reply": 503})
    server.admin.call("DELETE", "/outage")
    server.admin.call("PUT", "/outage", {"reply": 500, "optional": True})
    server.ask("GET", "/look")

    (outage,) = server.admin.get("/load")["outages"]

    assert (outage["what"], outage["ended"], outage["ended_ms"]) == ("outage 500", None, None)
    assert outage["began_ms"] < 0


def test_the_clock_of_an_outage_is_the_virtual_one(serving):
    server = serving(EXPECTING)
    server.admin.post("/clock", {"freeze": "2026-01-01T00:00:00Z"})
    server.ask("GET", "/look")
    server.admin.call("PUT", "/outage", {"reply": 503, "for": "30s"})
    server.ask("GET", "/look")
    server.admin.post("/clock", {"advance": "1h"})

    (outage,) = server.admin.get("/load")["outages"]

    assert outage["clock_began"] == "2026-01-01T00:00:00.000000Z"
    assert outage["clock_ended"] == "2026-01-01T00:00:30.000000Z"
    assert outage["ended_ms"] - outage["began_ms"] < 30_000


def test_the_rules_of_a_query_replace_those_of_expect(failing):
    def told(rules, **query):
        return failing.server.admin.get("/load?" + urlencode({"rules": rules, **query}))["rules"]

    assert told("{amplification: {max: 4}, optional: true}", by="route") == told(
        '{"by": "route", "amplification": {"max": 4}, "optional": true}'
    )
    (broken,) = told("{amplification: {max: 1.5}}", by="route", route="pay")
    assert broken["text"].startswith("shop/pay: amplification: 2 calls for 1 operation")
    assert broken["began_ms"] == 0 < broken["ended_ms"]
    assert told("{rate: {max: 60/s}, optional: true}")[0] == {
        "ok": True, "text": "all calls: no rule is broken", "began_ms": None, "ended_ms": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "pointer", "said"),
    [
        ("{in_flght: {max: 1}}", "/rules/in_flght", "in_flight"),
        ("{in_flight: {max: 0}}", "/rules/in_flight/max", ""),
        ("{by: jsno.x, rate: {max: 1/s}}", "/rules/by", "jsno"),
        ("[1", "/rules", ""),
        ("5", "/rules", ""),
    ],
)
def test_what_is_wrong_in_the_rules_is_told_with_its_place(serving, rules, pointer, said):
    answer = serving(EXPECTING).admin.call("GET", "/load?" + urlencode({"rules": rules}))

    assert answer.status == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["message"] + error["hint"]


def test_the_table_marks_outages_and_windows(failing):
    lines = failing.says("load", "--interval", "1h").splitlines()

    assert lines[0].split()[-2:] == ["answers", "marks"]
    assert lines[1].split()[-3:] == ["O1", "R2", "###!"]
    outage, pay, look = lines[3:]
    assert re.fullmatch(r'O1: outage 503 \(routes: \["pay"\]\), from \+0\.\d{3} to \+0\.\d{3}', outage)
    assert re.fullmatch(r"R1: shop/pay: nothing to judge: in_flight: [^+]*", pay)
    assert re.fullmatch(r"R2: shop/look: rate: .* allowed, from \+0\.\d{3} to \+0\.\d{3}", look)


def test_only_the_rows_within_its_times_are_marked(failing):
    later()
    failing.server.admin.call("PUT", "/outage", {"reply": 500})
    failing.server.ask("POST", "/pay")
    lines = failing.says("load", "pay", "--interval", "1ms").splitlines()
    rows = [line for line in lines if line.startswith("+")]

    assert "O1" not in rows[0]
    assert "O1" not in rows[-1]
    assert "O2" in rows[-1]
    assert any("O1" in row and "503" in row for row in rows)
