"""Batches: several operations in one request, which is one call."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.attempts.retryable import retryable
from mockserver.graphql.operations import MOST_BATCHED
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome, Wait
from tests.support.engine import effects
from tests.support.graphql import GraphQLInMemory, answer_of

USER = {"query": "{ user(id: 1) { name } }"}
SHOP = {"query": "{ shop { name } }"}
ENDPOINT = "shop/POST,GET /graphql"
PAY = "mutation Pay($order: ID!) { pay(order: $order, amount: 5) { id } }"


def batch(shop: GraphQLInMemory, *operations: Any, **headers: str) -> Call:
    return shop.ask("POST /graphql", json=list(operations), **headers)


def test_a_batch_is_answered_in_order_and_is_one_call() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, name: user, reply: [{json: {name: Ann}}, {json: {name: Bob}}]}
  - {request: GRAPHQL Query.shop, name: shop, reply: {json: {name: Open}, headers: {x-shop: "1"}, delay: 2s}}
""")

    accept = "application/graphql-response+json, application/json"
    call = shop.begin("POST /graphql", json=[USER, SHOP, USER], accept=accept)

    ann, there = {"data": {"user": {"name": "Ann"}}}, {"data": {"shop": {"name": "Open"}}}
    assert call.plan[0] == Wait(2.0)
    shop.engine.finish(call, Outcome.DONE)
    response = call.response
    assert response is not None
    assert json.loads(response.body) == [ann, there, ann]
    assert response.header("content-type") == "application/json"
    assert response.header("x-shop") == "1"
    assert call.route_ids == ["shop/user", "shop/shop"]
    assert shop.default.counts.total == shop.default.counts.calls_of("shop/user") == 1
    assert answer_of(batch(shop, USER)) == [{"data": {"user": {"name": "Bob"}}}]


def test_conditions_templates_and_effects_are_those_of_each_operation() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Mutation.pay
    match: {graphql: {operation: Pay, variables: {order: {$matches: "a.*"}}}}
    effect: {kind: payment, order: "{{ request.json.variables.order }}"}
    reply: {json: {id: "{{ request.arguments.order }}-{{ random_string(8) }}"}}
""")

    call = batch(shop, *({"query": PAY, "variables": {"order": order}} for order in ("a1", "b", "a2")))

    first, other, second = (answer["data"]["pay"]["id"] for answer in answer_of(call))
    assert (first[:3], second[:3]) == ("a1-", "a2-")
    assert first[3:] != second[3:]
    assert "-" not in other
    assert [effect["order"] for effect in effects(shop.default)] == ["a1", "a2"]


def test_an_operation_that_is_not_executed_has_errors_in_its_place() -> None:
    shop = GraphQLInMemory("routes: [{request: GRAPHQL Query.shop, reply: {json: {name: Open}}}]")

    call = batch(
        shop,
        SHOP,
        {"query": "{ nope }"},
        {"query": "query Q($id: ID!) { user(id: $id) { id } }"},
        {"query": "subscription { paid(order: 1) { id } }"},
        7,
        [SHOP],
        SHOP,
    )

    answers = answer_of(call)
    assert answers[0] == answers[6] == {"data": {"shop": {"name": "Open"}}}
    assert all(answer.keys() == {"errors"} for answer in answers[1:6])
    said = [answer["errors"][0]["message"] for answer in answers[1:6]]
    assert "'nope'" in said[0]
    assert "'$id'" in said[1]
    assert said[2] == "A subscription can't be in a batch"
    assert call.status == 200
    assert call.route_ids == ["shop/GRAPHQL Query.shop"]


def test_a_status_of_a_route_is_that_of_the_whole_batch() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, reply: [{status: 503, text: Busy}, {json: {name: Ann}}]}
""")

    calls = [batch(shop, SHOP, USER) for _ in range(2)]

    assert [call.status for call in calls] == [503, 200]
    assert calls[0].response is not None
    assert calls[0].response.body == b"Busy"


MANY = {"query": f"{{ {' '.join(f's{i}: shop {{ name }}' for i in range(150))} }}"}
LONG = {"query": f"{{ shop {{ name }} }} #{'x' * 40_000}"}


@pytest.mark.parametrize(
    ("operations", "headers", "status", "said"),
    [
        ([], {}, 400, "The batch is empty"),
        ([SHOP] * (MOST_BATCHED + 1), {}, 400, "The batch has 11 operations; the limit is 10"),
        ([LONG, LONG], {}, 400, "longer than 65536 characters together"),
        ([MANY] * 8, {}, 400, "The batch is too large"),
        ([SHOP], {"accept": "text/event-stream"}, 406, "A batch is answered with application/json"),
    ],
)
def test_a_batch_that_is_refused_changes_nothing(
    operations: list[Any], headers: dict[str, str], status: int, said: str
) -> None:
    shop = GraphQLInMemory(
        "routes: [{request: GRAPHQL Query.shop, name: shop, effect: {kind: seen}, reply: 200}]"
    )

    call = batch(shop, *operations, **headers)

    assert call.status == status
    assert said in answer_of(call)["errors"][0]["message"]
    assert call.route_ids == [ENDPOINT]
    assert effects(shop.default) == []


def test_a_batch_may_be_as_large_as_the_limit() -> None:
    shop = GraphQLInMemory()

    assert (
        answer_of(batch(shop, *[SHOP] * MOST_BATCHED))
        == [answer_of(shop.ask("POST /graphql", json=SHOP))] * MOST_BATCHED
    )
    assert len(answer_of(batch(shop, MANY, MANY))) == 2


@pytest.mark.parametrize(("code", "retried"), [("SERVICE_UNAVAILABLE", True), ("BAD_USER_INPUT", False)])
@pytest.mark.parametrize("operations", [[USER], [SHOP, USER], [USER, SHOP]])
def test_a_batch_may_be_retried_if_an_operation_says_so(
    operations: list[Any], code: str, retried: bool
) -> None:
    shop = GraphQLInMemory(f"""
routes:
  - {{request: GRAPHQL Query.user, reply: {{errors: {{message: No, extensions: {{code: {code}}}}}}}}}
  - {{request: GRAPHQL Query.shop, reply: {{json: {{name: SERVICE_UNAVAILABLE}}}}}}
""")

    assert retryable(batch(shop, *operations)) is retried


def test_what_is_not_supported_is_named() -> None:
    shop = GraphQLInMemory("routes: [{request: GRAPHQL Query.shop, reply: 200}]")
    upload = b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n%s\r\n--x--\r\n'

    for document in (b'{"query":"{ shop { name } }"}', b'[{"query":"{ shop { name } }"}]'):
        form = [("content-type", "multipart/form-data; boundary=x")]
        call = shop.engine.begin(Request("POST", "/graphql", form, upload % document), shop.default)
        said = "Uploads (multipart/form-data) are not supported; a route POST /graphql can answer them"
        assert (call.status, answer_of(call)["errors"][0]["message"]) == (400, said)
    for query in ("{ shop { ... @defer { name } } }", "{ users @stream(initialCount: 1) { name } }"):
        (error,) = shop.answer(query)["errors"]
        assert error["message"].endswith("Incremental delivery is not supported")
        assert error["locations"]
    assert "not supported" not in shop.answer("{ shop { name @foo } }")["errors"][0]["message"]


@pytest.mark.parametrize("depth", [190, 900])
def test_a_batch_with_a_content_coding_or_deep_values_is_read(depth: int) -> None:
    shop = GraphQLInMemory("routes: [{request: GRAPHQL Query.shop, reply: {json: {name: Open}}}]")
    deep = b'[{"query":"{ shop { name } }","variables":{"a":' + b"[" * depth + b"]" * depth + b"}}]"
    headers = [("content-type", "application/json; charset=utf-8"), ("content-encoding", "gzip")]

    call = shop.engine.begin(Request("POST", "/graphql", headers, gzip.compress(deep)), shop.default)

    if depth < 200:
        assert answer_of(call) == [{"data": {"shop": {"name": "Open"}}}]
    else:
        assert "more than 200 deep" in answer_of(call)["errors"][0]["message"]


ANY = GraphQLInMemory("routes: [{request: GRAPHQL Query.shop, reply: {json: {name: Open}}}]")
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
queries = st.sampled_from([SHOP["query"], USER["query"], PAY, "{", "{ nope }", "{ __typename }", ""]) | values
requests = st.fixed_dictionaries(
    {}, optional={"query": queries, "operationName": values, "variables": values, "extensions": values}
)


@given(st.lists(requests | values, min_size=1, max_size=MOST_BATCHED))
def test_every_item_of_a_batch_has_a_response(operations: list[Any]) -> None:
    call = batch(ANY, *operations)

    answers = answer_of(call)
    assert call.status == 200
    assert len(answers) == len(operations)
    assert all(answer.keys() & {"data", "errors"} for answer in answers)
