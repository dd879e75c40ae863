"""Answers of resources as an API has them: order, constants of envelopes, own replies, expanded fields, names."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine import InMemory, effects, text
from support.resources import World

from mockserver.errors import MockServerError

STRIPE = {
    "cursor": "starting_after",
    "before": "ending_before",
    "limit": "limit",
    "order": "newest",
    "envelope": {"object": {"value": "list"}, "data": "items", "has_more": "has_next", "url": {"value": "/v1/items"}},
}  # fmt: skip


def world(page, count=5, **more):
    return World({"seed": {"count": count, "each": {"id": "{{ n }}"}}, "page": page, **more})


def ids(answer):
    return [item["id"] for item in answer.json["data"]]


# Pages


def test_an_envelope_may_have_constants():
    answer = world(STRIPE, 2).ask("GET", "/items")
    assert answer.json == {
        "object": "list", "data": [{"id": 2}, {"id": 1}], "has_more": False, "url": "/v1/items",
    }  # fmt: skip
    assert list(answer.json) == ["object", "data", "has_more", "url"]


@pytest.mark.parametrize(
    ("page", "query", "expected"),
    [
        ({"order": "newest"}, "", [3, 2, 1]),
        ({"order": "newest", "number": "page", "default": 2}, "?page=2", [1]),
        ({"order": "newest", "offset": "offset", "limit": "limit"}, "?offset=1&limit=1", [2]),
        ({"order": "newest", "cursor": "after", "limit": "limit"}, "?after=3&limit=1", [2]),
        ({"order": "oldest", "cursor": "after", "limit": "limit"}, "?after=1&limit=1", [2]),
    ],
)
def test_the_order_applies_to_every_kind_of_page(page, query, expected):
    assert [item["id"] for item in world(page, 3).ask("GET", f"/items{query}").json] == expected


@given(
    order=st.sampled_from(["newest", "oldest"]),
    count=st.integers(0, 12),
    size=st.integers(1, 5),
    gone=st.sets(st.integers(1, 12)),
)
def test_walking_back_meets_what_walking_forth_meets(order, count, size, gone):
    made = world({**STRIPE, "order": order}, count)
    everything = ids(made.ask("GET", "/items?limit=100"))
    last = everything[-1] if everything else None
    for item in gone & set(everything) - {last}:
        made.ask("DELETE", f"/items/{item}")
    left = [item for item in everything if item not in gone or item == last]

    def walk(parameter, start, end_of):
        met, at, more = [], start, True
        while more:
            query = f"&{parameter}={at}" if at is not None else ""
            answer = made.ask("GET", f"/items?limit={size}{query}")
            page, more = ids(answer), answer.json["has_more"]
            met.append(page)
            at = page[end_of] if page else at
        return met

    assert list(chain.from_iterable(walk("starting_after", None, -1))) == left
    if last is not None:
        assert list(chain.from_iterable(walk("ending_before", last, 0)[::-1])) == left[:-1]


def test_before_and_after_exclude_each_other_and_take_known_items():
    made = world(STRIPE)
    for query, field in (
        ("starting_after=1&ending_before=3", "ending_before"),
        ("ending_before=x", "ending_before"),
    ):
        answer = made.ask("GET", f"/items?{query}")
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


# Replies


SHOP = """
resources:
  - path: /orders
    names: {create: make-order}
    new: {customer: null, total: 1}
    always: {total: "{{ item.total | int }}"}
    expand: {customer: /customers, parent: /orders}
    page: {cursor: after, envelope: {data: items}}
    created: {status: 200, json: {made: "{{ item }}"}}
    deleted: {json: {gone: "{{ item.id }}"}}
    missing: {json: {error: "no {{ path.id }}"}}
    on: {create: {effect: {kind: order, id: "{{ item.id }}"}}}
  - {path: /customers, seed: [{id: c1, name: Ada, home: 7}], expand: {}}
"""


def body(call):
    import json

    return json.loads(text(call))


def test_the_replies_are_ones_own_and_the_work_is_done():
    shop = InMemory(SHOP)
    made = shop.ask("POST /orders", json={"total": "5"})
    assert (made.status, body(made)) == (200, {"made": {"id": 1, "customer": None, "total": 5}})
    assert (made.route_id, len(effects(shop.default))) == ("shop/make-order", 1)
    gone = shop.ask("DELETE /orders/1")
    assert (gone.status, body(gone)) == (200, {"gone": 1})
    missing = shop.ask("GET /orders/1")
    assert (missing.status, body(missing)) == (404, {"error": "no 1"})


def test_fields_are_expanded_in_every_answer_and_kept_as_ids():
    shop = InMemory(SHOP)
    customer = {"id": "c1", "name": "Ada", "home": 7}
    made = body(shop.ask("POST /orders", json={"customer": "c1", "expand": ["customer"]}))["made"]
    assert made == {"id": 1, "customer": customer, "total": 1}
    shop.ask("POST /orders", json={"customer": "none", "parent": 1})
    assert body(shop.ask("GET /orders/1"))["customer"] == "c1"
    assert body(shop.ask("GET /orders/1?expand=customer"))["customer"] == customer
    assert body(shop.ask("GET /orders/2?expand[]=parent.customer&expand[]=customer")) == {
        "id": 2, "customer": "none", "total": 1,
        "parent": {"id": 1, "customer": customer, "total": 1},
    }  # fmt: skip
    listed = body(shop.ask("GET /orders?expand[0]=data.customer"))["data"]
    assert [order["customer"] for order in listed] == [customer, "none"]
    assert body(shop.ask("PATCH /orders/1", json={"total": 9, "expand": "customer"}))["customer"] == customer
    assert "expand" not in body(shop.ask("GET /orders/1"))
    assert body(shop.ask("GET /customers/c1?expand[]=home"))["home"] == 7, "where nothing is expanded"


@pytest.mark.parametrize("fields", ["total", "customer.name", "parent.parent.parent.parent.parent"])
def test_what_cannot_be_expanded_is_refused_and_nothing_is_made(fields):
    shop = InMemory(SHOP)
    shop.ask("POST /orders", json={"customer": "c1", "parent": 1})
    assert shop.ask(f"GET /orders/1?expand[]={fields}").status == 422
    assert shop.ask("POST /orders", json={"customer": "c1", "expand": [fields]}).status == 422
    assert len(body(shop.ask("GET /orders"))["data"]) == 1
    assert len(effects(shop.default)) == 1


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("page: {cursor: a, envelope: {data: items, object: list}}", "page.envelope.object"),
        ("page: {number: a, before: b}", "page"),
        ("page: {order: latest}", "page.order"),
        ("expand: {a: /nowhere}", "expand.a"),
        ("names: {craete: a}", "names.craete"),
        ("names: {create: a, list: a}", "names.create"),
        ("names: {create: taken}", "names.create"),
        ("missing: {times: 2}", "missing"),
        ("created: {json: '{{ nothing }}'}", "created.json"),
        ("always: {id: 5}", "always.id"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(written, place):
    routes = "routes: [{name: taken, request: GET /taken, reply: 200}]"
    with pytest.raises(MockServerError) as caught:
        InMemory(f"{routes}\nresources: [{{path: /items, {written}}}]")
    assert f"resources[0].{place}" in str(caught.value)
