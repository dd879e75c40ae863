"""Which route takes a request: order, method, what is used up, and what a namespace has of its own."""

import json

import pytest
from support.engine import InMemory

from mockserver.compiler import editing
from mockserver.engine import scenario_set

ROUTES = """
routes:
  - {name: exact, request: GET /a/b, reply: 201}
  - {name: parameter, request: "GET /a/{id}", reply: 202}
  - {name: matched, request: GET /m, match: {headers: {x: "1"}}, reply: 203}
  - {name: otherwise, request: GET /m, reply: 204}
  - {name: twice, request: POST /seq, reply: [{status: 503, times: 2}], then: stop}
  - {name: after, request: POST /seq, reply: 200}
  - {name: late, request: POST /first, reply: 201}
  - {name: early, request: POST /first, priority: 1, reply: 202}
"""


def route_of(memory, line, ns=None, **headers):
    call = memory.ask(line, ns, **headers)
    return call.route_id.removeprefix("shop/") if call.route_id is not None else call.status


@pytest.mark.parametrize(
    ("line", "headers", "route"),
    [
        ("GET /a/b", {}, "exact"),
        ("GET /a/c", {}, "parameter"),
        ("GET /a/c/d", {}, 404),
        ("GET /m", {"x": "1"}, "matched"),
        ("GET /m", {"x": "2"}, "otherwise"),
        ("GET /m?q=1", {"x": "1"}, "matched"),
        ("POST /first", {}, "early"),
        ("HEAD /a/b", {}, "exact"),
        ("DELETE /a/b", {}, 405),
        ("GET /A/b", {}, 404),
    ],
)
def test_the_first_route_that_fits_takes_a_request(line, headers, route):
    assert route_of(InMemory(ROUTES), line, **headers) == route


def test_the_methods_of_a_path_are_named_where_none_fits():
    response = InMemory(ROUTES).ask("DELETE /a/b").response

    assert set(response.header("allow").split(", ")) >= {"GET", "HEAD", "OPTIONS"}


def test_a_used_up_route_lets_the_next_one_answer():
    memory = InMemory(ROUTES)

    assert memory.statuses(*["POST /seq"] * 4) == [503, 503, 200, 200]


def test_a_route_added_at_run_time_comes_first_in_its_namespace_alone():
    memory = InMemory(ROUTES)
    mine = memory.engine.make_namespace("mine")
    editing.add_route(mine, {"name": "own", "request": "GET /a/b", "reply": 418})

    assert memory.ask("GET /a/b", mine).status == 418
    assert memory.ask("GET /a/b").status == 201


def test_a_scenario_that_is_off_takes_nothing_and_the_next_one_does():
    memory = InMemory({
        "one": "routes: [{request: GET /x, reply: 201}]", "two": "routes: [{request: GET /x, reply: 202}]",
    })  # fmt: skip
    editing.switch(memory.default, "one", active=False)
    assert memory.statuses("GET /x") == [202]

    editing.switch(memory.default, "one", active=True)
    assert memory.statuses("GET /x") == [201]


def test_a_state_chooses_the_route():
    memory = InMemory("""
routes:
  - {request: GET /order, when: {paid: true}, reply: {text: paid}}
  - {request: GET /order, reply: {text: open}}
  - {request: POST /pay, set: {paid: true}, reply: 204}
""")
    first, _, second = (memory.ask(line) for line in ("GET /order", "POST /pay", "GET /order"))

    assert [bytes(call.response.body) for call in (first, second)] == [b"open", b"paid"]


def test_the_indexes_of_a_path_with_many_routes_are_made_when_it_is_loaded(monkeypatch):
    """They take milliseconds, which the first request would wait for, and all others with it."""
    kinds = range(scenario_set._CROWDED)
    routes = [
        {"name": f"kind-{i}", "request": "POST /rpc", "match": {"json": {"kind": i}}, "reply": 200}
        for i in kinds
    ]
    one = InMemory(json.dumps({"routes": routes}))
    monkeypatch.setattr(scenario_set, "Narrowing", None)
    monkeypatch.setattr(scenario_set, "OnPath", None)

    found, missed = (one.ask("POST /rpc", json={"kind": kind}) for kind in (kinds[-1], "none"))

    assert found.route_id == f"shop/kind-{kinds[-1]}"
    assert (missed.status, len(missed.nearest)) == (404, 3)
