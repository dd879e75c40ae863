"""Tests of an application against the shop, as its team would write them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest


def an_order(shop, lines=({"item": 3, "price": 300},)):
    """A new order, which is pending."""
    customer = shop.post("/customers", json={"name": "Zoë", "email": "zoe@example.org"}).json()
    cart = shop.post("/carts", json={"customer": customer["id"], "lines": list(lines)}).json()
    shop.post(f"/carts/{cart['id']}/checkout").raise_for_status()
    return shop.post("/orders", json={"cart": cart["id"]}).raise_for_status().json()


# Create and read back


def test_what_was_created_is_read_back(anybody):
    created = anybody.post("/items", json={"name": "Pen", "price": 120})

    assert created.status_code == 201
    read = anybody.get(created.headers["location"].removeprefix("/api"))
    assert read.status_code == 200
    assert read.json() == created.json()
    assert read.json()["name"] == "Pen"


# Who may


def test_without_a_token_it_is_401_and_with_one_200(anybody, shop):
    refused = anybody.get("/orders")

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert shop.get("/orders").status_code == 200


def test_a_token_is_good_for_an_hour(shop, admin):
    admin.post("/clock", json={"freeze": True})
    admin.post("/clock", json={"advance": "59m"})
    assert shop.get("/orders").status_code == 200
    admin.post("/clock", json={"advance": "1h"})

    expired = shop.get("/orders")

    assert expired.status_code == 401
    assert 'error="invalid_token"' in expired.headers["www-authenticate"]


def test_looking_around_needs_no_token(anybody):
    assert anybody.get("/items/7").json() == {"id": 7, "name": "Item 7", "price": 700}


# What is refused


def test_a_field_that_is_missing_or_wrong_is_named(anybody):
    answer = anybody.post("/customers", json={"name": "", "email": "nobody"})

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"email", "name"}
    assert anybody.post("/customers", json={"name": "Zoë"}).json() == {
        "errors": [{"field": "email", "message": "is required"}]
    }


# Pages


@pytest.mark.parametrize(
    ("page", "count", "more"), [(1, 10, True), (2, 10, True), (3, 5, False), (4, 0, False)]
)
def test_25_items_come_in_pages_of_10(anybody, page, count, more):
    answer = anybody.get("/items", params={"page": page}).json()

    assert len(answer["data"]) == count
    assert answer["has_next"] is more
    assert answer["total"] == 25


def test_a_client_that_follows_the_pages_sees_each_item_once(anybody):
    seen, page = [], 1
    while True:
        answer = anybody.get("/items", params={"page": page}).json()
        seen += [item["id"] for item in answer["data"]]
        if not answer["has_next"]:
            break
        page += 1

    assert seen == list(range(1, 26))


# The purchase journey


def test_from_registering_to_the_confirmed_order(anybody, mock, admin):
    customer = anybody.post("/customers", json={"name": "Zoë", "email": "zoe@example.org"}).json()
    token = anybody.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("shop-app", "s3cret")
    ).json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    anybody.headers["Authorization"] = f"Bearer {token['access_token']}"

    cart = anybody.post("/carts", json={"customer": customer["id"]}).json()
    assert (cart["status"], cart["lines"]) == ("open", [])
    price = anybody.get("/items/3").json()["price"]
    anybody.patch(f"/carts/{cart['id']}", json={"lines": [{"item": 3, "price": price}]}).raise_for_status()
    assert anybody.post(f"/carts/{cart['id']}/checkout").json()["status"] == "checked_out"
    order = anybody.post("/orders", json={"cart": cart["id"]}, headers={"Idempotency-Key": "k1"}).json()
    assert order["status"] == "pending"
    assert anybody.post(f"/orders/{order['id']}/approve").json()["status"] == "approved"

    effects = admin.get("/effects").json()["items"]
    assert [effect["kind"] for effect in effects] == ["order", "approval"]
    verified = admin.post(
        "/verify", json={"effects": {"kind": "order", "where": {"cart": cart["id"]}}, "times": 1}
    )
    assert verified.status_code == 200, verified.json()
    assert admin.get("/verify").status_code == 200, "nothing went unmatched"


def test_a_cart_that_is_not_checked_out_can_t_be_ordered(shop):
    cart = shop.post("/carts", json={"customer": "cus_1"}).json()

    refused = shop.post("/orders", json={"cart": cart["id"]})

    assert refused.status_code == 409
    assert refused.json()["errors"][0]["field"] == "cart"
    assert shop.post("/orders", json={}).status_code == 422


def test_a_cart_is_ordered_once(shop, admin):
    order = an_order(shop)

    assert shop.post("/orders", json={"cart": order["cart"]}).status_code == 409
    assert len(admin.get("/effects", params={"kind": "order"}).json()["items"]) == 1


def test_an_order_that_is_sent_again_under_its_key_is_the_same(shop, admin):
    cart = shop.post("/carts", json={"customer": "cus_1"}).json()
    shop.post(f"/carts/{cart['id']}/checkout")

    answers = [
        shop.post("/orders", json={"cart": cart["id"]}, headers={"Idempotency-Key": "order-1"})
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[2].headers["idempotent-replayed"] == "true"
    assert len(admin.get("/effects", params={"kind": "order"}).json()["items"]) == 1


# States


def test_an_order_goes_every_legal_way(shop):
    order = an_order(shop)

    seen = [order["status"]]
    for step in ("approve", "ship", "deliver"):
        answer = shop.post(f"/orders/{order['id']}/{step}")
        assert answer.status_code == 200
        seen.append(answer.json()["status"])

    assert seen == ["pending", "approved", "shipped", "delivered"]
    assert shop.get(f"/orders/{order['id']}").json()["status"] == "delivered"


@pytest.mark.parametrize(
    ("steps", "illegal", "allowed"),
    [
        ([], "ship", ["approve"]),
        ([], "deliver", ["approve"]),
        (["approve"], "approve", ["ship"]),
        (["approve"], "deliver", ["ship"]),
        (["approve", "ship"], "approve", ["deliver"]),
        (["approve", "ship", "deliver"], "ship", []),
    ],
)
def test_an_order_goes_no_illegal_way(shop, admin, steps, illegal, allowed):
    order = an_order(shop)
    for step in steps:
        order = shop.post(f"/orders/{order['id']}/{step}").raise_for_status().json()
    effects = admin.get("/effects").json()

    refused = shop.post(f"/orders/{order['id']}/{illegal}")

    assert refused.status_code == 409
    assert refused.json()["allowed"] == allowed
    assert shop.get(f"/orders/{order['id']}").json() == order
    assert admin.get("/effects").json() == effects


# Load


def test_a_hundred_read_at_once(anybody, mock, admin):
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda n: anybody.get(f"/items/{n % 25 + 1}"), range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["id"] for answer in answers] == [n % 25 + 1 for n in range(100)]
    assert admin.post("/count", json={"route": "GET /api/items/{id}"}).json() == {"count": 100, "exact": True}


# Between tests


def test_a_reset_rolls_back_what_a_test_did(shop, admin):
    before = shop.get("/items").json()
    order = an_order(shop)
    shop.post("/items", json={"name": "Pen", "price": 120})
    shop.delete("/items/3")
    assert shop.get("/items").json() != before

    assert admin.post("/reset").status_code == 204

    assert shop.get(f"/orders/{order['id']}").status_code == 401, "tokens are forgotten too"
    form = {"grant_type": "client_credentials", "client_id": "shop-app", "client_secret": "s3cret"}
    token = shop.post("/oauth/token", data=form).json()["access_token"]
    shop.headers["Authorization"] = f"Bearer {token}"
    assert shop.get("/items").json() == before
    assert shop.get(f"/orders/{order['id']}").status_code == 404
    assert an_order(shop)["id"] == "ord_1", "ids begin anew"
    assert len(admin.get("/effects").json()["items"]) == 1


def test_a_snapshot_rolls_back_to_the_middle_of_a_story(shop, admin):
    order = an_order(shop)
    admin.post("/snapshot")
    shop.post(f"/orders/{order['id']}/approve").raise_for_status()

    admin.post("/restore")

    assert shop.get(f"/orders/{order['id']}").json()["status"] == "pending"
