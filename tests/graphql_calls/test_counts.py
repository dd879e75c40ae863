"""A call of several routes: counts, checks, attempts, faults and webhooks of each of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.admin.views import brief_view, call_view
from mockserver.compiler import editing
from mockserver.engine.fault_injection import InjectedFault
from mockserver.engine.namespace import Namespace
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.errors import InvalidInputError
from mockserver.model.plan import Outcome
from mockserver.persistence.call_rows import call_of, call_row
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec
from mockserver.schema.verify import CheckSpec, SubjectSpec
from mockserver.verification.counting import Subject
from mockserver.verification.explain import ExplainSpec, as_request, explain
from mockserver.verification.verify import Check
from tests.support.graphql import GraphQLInMemory, answer_of

BOTH = "{ user(id: 1) { id } shop { name } }"
ENDPOINT = "shop/POST,GET /graphql"


def verdict(shop: GraphQLInMemory, **check: Any) -> Any:
    return Check(shop.default, parse_spec(CheckSpec, check)).verdict(shop.default)


def count_of(shop: GraphQLInMemory, **subject: Any) -> int:
    return count_in(shop.default, **subject)


def count_in(ns: Namespace, **subject: Any) -> int:
    """Return the count of a subject; the calls in the log are as many."""
    asked = Subject(ns, SubjectSpec.model_validate(subject))
    count = asked.count(ns)
    assert count.exact
    assert len(list(asked.calls(ns))) == count.count
    return count.count


def test_the_call_is_one_of_each_route_that_takes_part() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL User.name, name: name, tags: [n, both], reply: {json: Ann}}
  - {request: GRAPHQL Query.shop, name: shop, tags: [s, both], reply: [200, {json: {name: Open}}]}
""")

    calls = [
        shop.query(text)
        for text in (
            "{ shop { owner { name } } }",
            "{ user(id: 1) { name } shop { name } }",
            "{ user(id: 1) { id } }",
        )
    ]

    assert [call.route_ids for call in calls] == [
        ["shop/shop", "shop/name"],
        ["shop/name", "shop/shop"],
        [ENDPOINT],
    ]
    assert [call.route_id for call in calls] == ["shop/shop", "shop/name", ENDPOINT]
    assert [call.step for call in calls] == [1, 1, 1]
    assert calls[0].tags == ("s", "both", "n")
    assert {call.scenario for call in calls} == {"shop"}
    assert answer_of(calls[1])["data"] == {"user": {"name": "Ann"}, "shop": {"name": "Open"}}
    assert call_view(calls[0])["routes"] == brief_view(calls[0])["routes"] == ["shop/shop", "shop/name"]
    assert [count_of(shop, route=name) for name in ("shop", "name", "POST,GET /graphql")] == [2, 2, 1]
    assert count_of(shop, request="POST /graphql") == count_of(shop, request="ANY /{path}") == 3


FIELDS = {
    "Query.user": "user(id: {}) {{ name friend {{ name }} }}",
    "Query.shop": "shop {{ name }}",
    "Query.quote": "quote",
    "Query.users": "users {{ id }}",
}
MANY = GraphQLInMemory("""
routes:
  - {name: one, request: GRAPHQL Query.user, match: {arguments: {id: "1"}}, reply: [200, 503]}
  - {name: two, request: GRAPHQL Query.user, match: {arguments: {id: "2"}}, reply: {json: {name: Ann}}}
  - {name: shop, request: GRAPHQL Query.shop, reply: 200}
  - {name: quote, request: GRAPHQL Query.quote, reply: {errors: [Closed]}}
""")
fields = st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), st.integers(1, 2)), min_size=1, max_size=5)
outcomes = st.sampled_from([Outcome.DONE, Outcome.CLIENT_LEFT])


@given(st.lists(st.tuples(fields, outcomes), max_size=8), st.sets(st.integers(1, 8)))
def test_counts_are_those_of_the_calls(
    operations: list[tuple[list[tuple[str, int]], Outcome]], deleted: set[int]
) -> None:
    ns = MANY.engine.renew("counted", seed=None, ttl_s=None)
    routes = {"Query.shop": "shop", "Query.quote": "quote"}
    met: dict[int, set[str]] = {}
    for number, (asked, outcome) in enumerate(operations, 1):
        text = " ".join(f"f{i}: {FIELDS[name].format(id_)}" for i, (name, id_) in enumerate(asked))
        MANY.ask("POST /graphql", ns, json={"query": f"{{ {text} }}"}, outcome=outcome)
        named = {("one", "two")[id_ - 1] if name == "Query.user" else routes.get(name) for name, id_ in asked}
        met[number] = {name for name in named if name is not None} or {"POST,GET /graphql"}
    for number in deleted & met.keys():
        call = ns.call_log.get(number)
        assert call is not None
        ns.forget_call(call)
        del met[number]

    assert ns.counts.total == len(met)
    for name in ("one", "two", "shop", "quote", "POST,GET /graphql"):
        assert count_in(ns, route=name) == sum(name in names for names in met.values())
    users = sum(bool(names & {"one", "two"}) for names in met.values())
    assert count_in(ns, request="GRAPHQL Query.user") == users
    for name, route in ns.counts.routes.items():
        answered = [call.status for call in ns.call_log if name in call.route_ids and call.status]
        assert {status: answered.count(status) for status in answered} == route.statuses
        assert route.in_flight == 0


def test_calls_in_flight_are_counted_for_each_route() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, name: user, reply: 200}
  - {request: GRAPHQL Query.shop, name: shop, reply: {delay: 1s}}
""")
    calls = [shop.begin("POST /graphql", json={"query": BOTH}) for _ in range(2)]

    routes = [shop.default.counts.routes[f"shop/{name}"] for name in ("user", "shop")]
    assert [(route.in_flight, route.statuses) for route in routes] == [(2, {}), (2, {})]

    for call in calls:
        shop.engine.answered(call, 200)
        shop.engine.finish(call, Outcome.DONE)
    assert [(route.in_flight, route.most_in_flight, route.statuses) for route in routes] == [
        (0, 2, {200: 2})
    ] * 2


def test_an_operation_that_is_not_executed_is_a_call_of_the_endpoint() -> None:
    shop = GraphQLInMemory("routes: [{request: GRAPHQL Query.users, name: users, reply: 200}]")
    many = " ".join(f"u{i}: users {{ ...s }}" for i in range(100))
    spread = " ".join(f"n{i}: name" for i in range(8))

    call = shop.query(f"{{ {many} }} fragment s on User {{ {spread} }}")

    assert "resolves too many fields" in answer_of(call)["errors"][0]["message"]
    assert call.route_ids == [ENDPOINT]
    assert count_of(shop, route="users") == 0


def test_a_failed_template_is_a_call_of_the_routes() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, name: user, reply: [{json: {name: Ann}}, 503]}
  - {request: GRAPHQL Query.shop, name: shop, reply: {json: {name: "{{ request.json.none.none }}"}}}
""")

    call = shop.query(BOTH)

    assert call.status == 500
    assert call.route_ids == ["shop/user", "shop/shop"]
    assert shop.query("{ user(id: 1) { id } }").status == 200


def test_routes_of_fields_are_counted_by_their_request_line() -> None:
    shop = GraphQLInMemory("routes: [{request: GRAPHQL Query.user, reply: 200}]")
    shop.query("{ user(id: 1) { name } }")
    shop.query("{ shop { name } }")
    mine = {"request": "GRAPHQL Query.user", "name": "mine", "match": {"arguments": {"id": 1}}, "reply": 200}
    made = editing.add_route(shop.default, mine)
    shop.query("{ a: user(id: 1) { name } b: user(id: 2) { name } }")

    assert count_of(shop, request="GRAPHQL Query.user") == 2
    editing.remove_route(shop.default, made)
    assert count_of(shop, request="GRAPHQL Query.user") == 2
    assert count_of(shop, request="GRAPHQL Query.user", match={"graphql": {"query": {"contains": "b:"}}}) == 1
    for wrong, said in (
        ({"request": "GRAPHQL Query.usr"}, "request: Query has no field 'usr'. Did you mean 'user'?"),
        ({"request": "GRAPHQL Query.shop"}, "only fields with a route are counted. Add a route"),
        ({"request": "GRAPHQL Query.user", "match": {"arguments": {"id": 1}}}, "those of one field"),
    ):
        with pytest.raises(InvalidInputError) as raised:
            Subject(shop.default, SubjectSpec.model_validate(wrong))
        assert said in str(raised.value)


def test_attempts_are_judged_for_each_route() -> None:
    shop = GraphQLInMemory("""
routes:
  - {name: first, request: GRAPHQL Query.user, reply: 503, then: stop}
  - {name: second, request: GRAPHQL Query.user, reply: {json: {name: Ann}}}
  - {name: shop, request: GRAPHQL Query.shop, attempts: {by: headers.x-run}, reply: [200, 503, 200]}
""")
    for run in ("a", "a", "b", "a"):
        shop.now_s += 1
        shop.query(BOTH, x_run=run)

    assert [call.route_id for call in shop.default.call_log] == ["shop/first", *["shop/second"] * 3]
    assert verdict(shop, route="shop", times=4, attempts={"operations": 2, "max": 3}).ok
    assert verdict(shop, request="GRAPHQL Query.shop", times=4, attempts={"operations": 2, "max": 3}).ok
    assert not verdict(shop, route="shop", attempts={"max": 2}).ok
    assert verdict(shop, route="first", times=1, attempts={"max": 1}).ok
    assert verdict(shop, unused=0).ok is False, "the endpoint has no call"
    assert verdict(shop, unused=2).ok, "it and that of WebSocket"


def test_outages_and_troubles_affect_the_calls_of_their_route() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.shop, name: shop, reply: 200}
  - {request: GRAPHQL Query.user, name: user, reply: {json: {name: Ann}}}
""")
    other = "{ user(id: 1) { name } }"
    lost = {"route": "shop", "call": 2, "after": {"fault": "reset"}}
    fault = InjectedFault(parse_spec(PlacedTroubleSpec, lost), lost, "shop/shop", shop.now_s)
    shop.default.set_troubles([fault])

    assert [shop.query(query).fault for query in (BOTH, other, BOTH, BOTH)] == [None, None, "reset", None]

    down: dict[str, Any] = {"reply": 503, "routes": ["shop"]}
    shop.default.set_outage(Outage(parse_spec(OutageSpec, down), down, frozenset({"shop/shop"}), shop.now_s))
    assert [shop.query(query).status for query in (other, BOTH)] == [200, 503]
    down = {"reply": 503}
    shop.default.set_outage(Outage(parse_spec(OutageSpec, down), down, None, shop.now_s))
    assert shop.query(other).status == 503


def test_webhooks_are_those_of_the_route_of_their_field() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, name: user, webhook: {url: "http://app.test/user"}, reply: 200}
  - {request: GRAPHQL Query.shop, name: shop, webhook: {url: "http://app.test/shop"}, reply: 200}
""")

    call = shop.begin("POST /graphql", json={"query": BOTH})

    sent = [(due.delivery.route, due.delivery.url) for due in call.due]
    assert sent == [("shop/user", "http://app.test/user"), ("shop/shop", "http://app.test/shop")]


def test_explain_names_the_routes_of_the_fields_and_changes_nothing() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, reply: [{json: {name: Ann}}, 503]}
  - {request: GRAPHQL Query.shop, name: shop, reply: 200}
""")
    spec = ExplainSpec.model_validate({"request": "POST /graphql", "json": {"query": BOTH}})

    views = [explain(shop.default, as_request(spec, shop.default)) for _ in range(2)]

    assert [view["routes"] for view in views] == [["shop/GRAPHQL Query.user", "shop/shop"]] * 2
    assert [view["step"] for view in views] == [1, 1]
    assert shop.default.counts.total == 0


def test_the_state_file_keeps_the_routes_of_a_call() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, name: user, reply: 200}
  - {request: GRAPHQL Query.shop, name: shop, reply: 200}
""")
    call = shop.query(BOTH)

    kept = call_of(json.loads(json.dumps(call_row(call, 0.0))), shop.default, 0.0)

    assert call_view(kept) == call_view(call)
    assert kept.route_ids == ["shop/user", "shop/shop"]
    assert Subject(shop.default, SubjectSpec.model_validate({"request": "GRAPHQL Query.shop"})).holds(kept)
