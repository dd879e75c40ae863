"""Subscriptions over server-sent events."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from mockserver.model.call import Call
from mockserver.model.plan import Break, Drip
from tests.support.graphql import GraphQLInMemory, answer_of

PAID = "subscription Paid($order: ID!) { paid(order: $order) { id amount order { id } } }"
EVENTS = "text/event-stream"
SCENARIO = """
routes:
  - request: GRAPHQL Subscription.paid
    match: {arguments: {order: "1"}}
    reply:
      events:
        - data: {id: a, amount: 1}
        - {delay: 2s, data: {id: b, amount: 2}}
        - {errors: [Gone]}
"""


def subscribed(shop: GraphQLInMemory, order: str) -> Call:
    """Return the call of a subscription that has begun."""
    body = {"query": PAID, "variables": {"order": order}}
    return shop.begin("POST /graphql", json=body, accept=EVENTS)


def events(call: Call) -> list[tuple[str, Any]]:
    """Return the events of a response."""
    assert call.response is not None
    made = []
    for block in call.response.body.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        text = data.removeprefix("data: ")
        made.append((name.removeprefix("event: "), json.loads(text) if text else None))
    return made


def test_events_are_sent_one_after_the_other_and_the_subscription_completes() -> None:
    shop = GraphQLInMemory(SCENARIO)

    call = subscribed(shop, "1")

    assert call.response is not None
    assert call.response.header("content-type") == EVENTS
    first, second, third, last = events(call)
    assert (first[0], first[1]["data"]["paid"]["amount"]) == ("next", 1)
    assert second[1]["data"]["paid"]["id"] == "b"
    assert third[1]["data"] is None
    assert third[1]["errors"][0]["message"] == "Gone"
    assert last == ("complete", None)
    (step,) = call.plan
    assert isinstance(step, Drip)
    assert [wait_s for wait_s, _ in step.pieces] == [0.0, 2.0, 0.0, 0.0]
    assert call.route_id == "shop/GRAPHQL Subscription.paid"


def test_a_subscription_without_a_route_has_one_sampled_event() -> None:
    shop = GraphQLInMemory(SCENARIO)

    call = shop.query(PAID, {"order": "2"}, accept=EVENTS)

    (name, document), last = events(call)
    assert name == "next"
    assert isinstance(document["data"]["paid"]["amount"], int)
    assert last == ("complete", None)


def test_a_fault_breaks_a_subscription_after_a_number_of_events() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Subscription.paid
    reply: {events: [{each: "{{ [1, 2, 3] }}", data: {amount: "{{ item }}"}}], fault: {kind: reset, after: 2 events}}
""")

    call = subscribed(shop, "1")

    drip = next(step for step in call.plan if isinstance(step, Drip))
    assert len(drip.pieces) == 2
    assert any(isinstance(step, Break) for step in call.plan)


def test_routes_of_nested_fields_take_part_in_events_but_not_twice() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Subscription.paid
    reply: {events: [{data: {amount: 1}}, {data: {amount: 2}}]}
  - request: GRAPHQL Payment.order
    effect: {kind: looked}
    reply: {json: {id: o}}
""")

    call = shop.query(PAID, {"order": "1"}, accept=EVENTS)

    assert [item[1]["data"]["paid"]["order"]["id"] for item in events(call)[:2]] == ["o", "o"]
    assert len(call.effects) == 2


def test_a_browser_subscribes_with_get() -> None:
    shop = GraphQLInMemory(SCENARIO)

    call = shop.ask(
        f"GET /graphql?query={quote('subscription { paid(order: 1) { amount } }')}", accept=EVENTS
    )

    assert [item[0] for item in events(call)] == ["next", "next", "next", "complete"]


def test_a_subscription_needs_a_stream() -> None:
    shop = GraphQLInMemory(SCENARIO)

    call = shop.query(PAID, {"order": "1"}, accept="application/json")

    assert call.status == 406
    assert EVENTS in answer_of(call)["errors"][0]["message"]


def test_a_query_can_be_answered_as_a_stream() -> None:
    shop = GraphQLInMemory()

    call = shop.query("{ user(id: 1) { id } }", accept=EVENTS)

    assert events(call) == [("next", {"data": {"user": {"id": "1"}}}), ("complete", None)]
    both = shop.query("{ user(id: 1) { id } }", accept=f"{EVENTS}, application/json")
    assert answer_of(both) == {"data": {"user": {"id": "1"}}}, "a client that accepts JSON gets it"


def test_an_invalid_subscription_is_refused_before_the_stream() -> None:
    shop = GraphQLInMemory()

    call = shop.query("subscription { paid { id } }", accept=EVENTS)

    assert call.status == 400
    assert "order" in answer_of(call)["errors"][0]["message"]
