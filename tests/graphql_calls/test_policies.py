"""`auth` and `limit` of a route for a field: the field has an error, and the others are answered."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.attempts.retryable import requested_wait, retryable
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.scenarios.flaws import parse_spec
from mockserver.verification.explain import ExplainSpec, as_request, explain
from tests.support.engine import effects
from tests.support.graphql import GraphQLInMemory, answer_of

USER = "{ user(id: 1) { name } }"
BOTH = "{ user(id: 1) { name } quote }"


def codes(call: Call) -> list[Any]:
    """Return the codes of the errors of an answer."""
    return [error["extensions"]["code"] for error in answer_of(call).get("errors", ())]


def header(call: Call, name: str) -> str | None:
    assert call.response is not None
    return call.response.header(name)


def test_a_field_without_authentication_has_an_error_and_takes_no_step() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.user
    name: user
    auth: {bearer: [secret]}
    effect: {kind: seen}
    reply: [{json: {name: Ann}}, {json: {name: Bob}}]
  - {request: GRAPHQL Query.quote, name: quote, reply: {json: 1}}
""")

    refused = [shop.query(BOTH), shop.query(BOTH, authorization="Bearer wrong")]
    accepted = shop.query(BOTH, authorization="Bearer secret")

    for call, said in zip(refused, ("header Authorization is missing", "token is unknown"), strict=True):
        (error,) = answer_of(call)["errors"]
        assert said in error["message"]
        assert (error["path"], error["extensions"]) == (["user"], {"code": "UNAUTHENTICATED"})
        assert answer_of(call)["data"] == {"user": None, "quote": 1}
        assert (call.status, call.step) == (200, None)
        assert not retryable(call)
    assert answer_of(accepted) == {"data": {"user": {"name": "Ann"}, "quote": 1}}
    assert accepted.step == 1
    assert len(effects(shop.default)) == 1
    assert [shop.default.counts.calls_of(f"shop/{name}") for name in ("user", "quote")] == [3, 3]


def test_a_field_over_its_limit_may_be_retried_after_the_named_time() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, limit: {rate: 2/m}, reply: [{json: {name: Ann}}, {json: {name: Bob}}, {json: {name: Cy}}]}
  - {request: GRAPHQL Query.quote, reply: {json: 1}}
""")
    query = "{ a: user(id: 1) { name } b: user(id: 2) { name } }"

    calls = [shop.query(query) for _ in range(3)]
    assert [codes(call) for call in calls] == [[], [], ["RATE_LIMITED"] * 2]
    assert [retryable(call) for call in calls] == [False, False, True]
    assert [header(call, "retry-after") for call in calls] == [None, None, "30"]
    wait = requested_wait(calls[2])
    assert wait is not None
    assert wait.seconds == 30
    assert answer_of(shop.query(BOTH))["data"] == {"user": None, "quote": 1}

    shop.now_s += 30
    assert answer_of(shop.query(USER)) == {"data": {"user": {"name": "Cy"}}}


def test_values_of_by_have_their_own_limits() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, limit: {rate: 1/m, by: "{{ request.arguments.id }}"}, reply: {json: {name: Ann}}}
""")

    assert codes(shop.query("{ a: user(id: 1) { name } b: user(id: 2) { name } }")) == []
    assert codes(shop.query("{ b: user(id: 2) { name } c: user(id: 3) { name } }")) == ["RATE_LIMITED"]
    assert codes(shop.query("{ c: user(id: 3) { name } }")) == ["RATE_LIMITED"]


def test_fields_in_flight_are_limited_until_their_call_ends() -> None:
    shop = GraphQLInMemory(
        "routes: [{request: GRAPHQL Query.user, limit: {in_flight: 1}, reply: {json: {name: Ann}}}]"
    )

    first, second = (shop.begin("POST /graphql", json={"query": USER}) for _ in range(2))
    assert [codes(call) for call in (first, second)] == [[], ["RATE_LIMITED"]]

    shop.engine.finish(first, Outcome.DONE)
    assert codes(shop.query(USER)) == []


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (
            '{errors: {message: "Wait {{ limit.retry_after_s }} s"}, headers: {x-limit: "{{ limit.limit }}"}}',
            200,
            '"Wait 60 s"',
        ),
        ('{json: {name: Guest}, headers: {x-limit: "{{ limit.limit }}"}, status: 200}', 200, '"Guest"'),
        ('{text: "Busy", headers: {x-limit: "{{ limit.limit }}"}}', 429, "Busy"),
        ('{status: 503, text: "Busy", headers: {x-limit: "{{ limit.limit }}"}}', 503, "Busy"),
    ],
)
def test_the_reply_of_a_limit_is_one_of_the_field(reply: str, status: int, body: str) -> None:
    shop = GraphQLInMemory(
        "routes: [{request: GRAPHQL Query.user, limit: {rate: 1/m, headers: true, reply: "
        + reply
        + "}, reply: {json: {name: Ann}}}]"
    )

    first, second = shop.query(USER), shop.query(USER)

    assert header(first, "ratelimit") == '"default";r=0;t=60'
    assert second.status == status
    assert second.response is not None
    assert body in second.response.body.decode()
    assert (header(second, "x-limit"), header(second, "retry-after")) == ("1", "60")


def test_a_call_that_is_not_executed_takes_nothing_of_a_limit() -> None:
    shop = GraphQLInMemory("""
auth: {bearer: [secret]}
routes:
  - {request: GRAPHQL Query.user, name: user, limit: {rate: 2/m}, reply: {json: {name: "{{ request.json.variables.name }}"}}}
""")
    name = {"name": "Ann"}
    down = {"reply": 503}
    spec = ExplainSpec.model_validate(
        {"request": "POST /graphql", "json": {"query": USER, "variables": name}}
    )

    allowed = {"authorization": "Bearer secret"}
    assert codes(shop.query(USER, name, **allowed)) == []
    assert shop.query(USER, name).status == 401
    shop.default.set_outage(Outage(parse_spec(OutageSpec, down), down, None, shop.now_s))
    assert shop.query(USER, name, **allowed).status == 503
    shop.default.set_outage(None)
    assert shop.query(USER, **allowed).status == 500
    assert codes(shop.query(USER, name, **allowed)) == []
    assert codes(shop.query(USER, name, **allowed)) == ["RATE_LIMITED"]
    # A dry run shows the reply without policies.
    assert '"Ann"' in explain(shop.default, as_request(spec, shop.default))["reply"]["body"]


def test_policies_of_a_resource_apply_to_its_fields() -> None:
    shop = GraphQLInMemory("""
resources:
  - path: /users
    auth: {bearer: [secret]}
    limit: {rate: 2/m}
    seed: [{id: "1", name: Ann}]
    graphql: {read: Query.user}
""")

    assert codes(shop.query(USER)) == ["UNAUTHENTICATED"]
    assert answer_of(shop.query(USER, authorization="Bearer secret")) == {"data": {"user": {"name": "Ann"}}}
    assert shop.ask("GET /users/1", authorization="Bearer secret").status == 200
    assert codes(shop.query(USER, authorization="Bearer secret")) == ["RATE_LIMITED"]


def test_policies_of_the_scenario_are_not_those_of_each_field() -> None:
    shop = GraphQLInMemory("""
limit: {rate: 2/m}
resources: [{path: /users, seed: [{id: "1", name: Ann}], graphql: {read: Query.user}}]
routes: [{request: GRAPHQL Query.quote, reply: {json: 1}}]
""")

    assert [shop.query(BOTH).status for _ in range(3)] == [200, 200, 429]


def test_a_subscription_that_is_refused_has_one_event_with_the_error() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Subscription.paid
    auth: {bearer: [secret]}
    reply: {events: [{data: {amount: 1}}, {data: {amount: 2}}]}
""")
    paid = "subscription { paid(order: 1) { amount } }"

    refused, accepted = (
        shop.query(paid, accept="text/event-stream", authorization=f"Bearer {token}")
        for token in ("wrong", "secret")
    )

    for call, events in ((refused, 1), (accepted, 2)):
        assert call.response is not None
        assert call.response.body.count(b"event: next") == events
    assert refused.response is not None
    assert b'"code":"UNAUTHENTICATED"' in refused.response.body
    assert b'"data":null' in refused.response.body
