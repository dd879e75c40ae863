"""Which routes a miss names, of all that a namespace has."""

import json
from pathlib import Path

import pytest

from mockserver.compiler import editing
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.model.http import Request
from mockserver.scenarios.loader import from_text, load

SHIPPED = Path(__file__).parents[2] / "scenarios"


def engine_of(*sources):
    return Engine(build_scenario_set(sources), wall=lambda: 1.8e9, mono=lambda: 0.0)


def an_engine(*lines, **scenario):
    routes = [{"request": line, "reply": 200} for line in lines]
    return engine_of(from_text(json.dumps({"routes": routes, **scenario}), "shop", "json"))


def missed(engine, line):
    """The call, and the request lines of the routes that it names."""
    call = engine.begin(Request(*line.split(" ", 1)), engine.default)
    return call, [route.line for route, _ in call.nearest]


@pytest.mark.parametrize(
    ("lines", "sent", "named"),
    [
        (["POST /pay", "GET /orders/{id}"], "POST /pays", ["POST /pay"]),
        ([f"POST /r{i}" for i in range(1, 40)], "POST /r9x", ["POST /r9"]),
        ([f"GET /v1/thing{i}/{{id}}" for i in range(2_000)], "GET /v1/thing1718/7/x", ["GET /v1/thing1718/{id}"]),
        (["GET /v1/charges", "GET /v1/refunds", "GET /v1/payouts"], "GET /healthz", []),
        ([], "GET /healthz", []),
    ],
)  # fmt: skip
def test_the_nearest_route_is_the_one_that_a_person_would_name(lines, sent, named):
    assert missed(an_engine(*lines), sent)[1][: max(1, len(named))] == named


def test_where_no_route_is_similar_the_answer_says_so_and_keeps_its_key():
    call, _ = missed(an_engine("GET /v1/charges"), "GET /healthz")
    document = json.loads(call.response.body)

    assert document["nearest"] == []
    assert document["detail"] == "No route matches GET /healthz\nNo route is similar.\n"
    assert "There are no routes." in json.loads(missed(an_engine(), "GET /x")[0].response.body)["detail"]


def test_the_routes_of_a_resource_fill_one_place():
    engine = an_engine("GET /item", resources=[{"path": "/items"}, {"path": "/itemsets"}])

    assert missed(engine, "GET /itemss")[1] == ["GET /items", "GET /itemsets", "GET /item"]
    assert missed(engine, "PATCH /itemz/7")[1][0] == "PATCH /items/{id}"


def test_of_the_shipped_providers_the_one_whose_prefix_is_missing_is_named():
    engine = engine_of(*load([SHIPPED, SHIPPED / "providers"]))

    call, named = missed(engine, "GET /v1/customers/cus_1")

    assert named[0] == "GET /stripe/v1/customers/{id}"
    assert "the prefix '/stripe' is missing" in call.nearest[0][1][0].text


def test_what_a_namespace_adds_is_named_and_what_it_switches_off_is_not():
    engine = an_engine("GET /orders", "GET /orderings")
    editing.add_route(engine.default, {"request": "GET /ordering", "reply": 200})

    assert missed(engine, "GET /orderin")[1] == ["GET /ordering", "GET /orders", "GET /orderings"]
    editing.switch(engine.default, "shop", active=False)
    assert missed(engine, "GET /orderin")[1] == ["GET /ordering"]
    editing.remove_runtime_routes(engine.default)
    assert missed(engine, "GET /orderin")[1] == []


def test_a_wrong_method_is_answered_with_the_methods_of_its_path_however_many_routes_are_there():
    engine = an_engine(*["POST /rpc"] * 300, "PUT /rpc", "GET /rpcs")

    call, named = missed(engine, "GET /rpc")

    assert call.status == 405
    assert call.response.header("Allow") == "OPTIONS, POST, PUT"
    assert named == ["POST /rpc"] * 3
