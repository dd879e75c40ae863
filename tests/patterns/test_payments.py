"""Tests of an application against the payment provider, as its team would write them."""

from __future__ import annotations

import re
import uuid

import httpx
import pytest

VISA = {"amount": "2000", "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def pay(payments, card="pm_card_visa", headers=None, **fields):
    form = {**VISA, "payment_method": card, **fields}
    return payments.post("/payment_intents", data=form, headers=headers or key())


def effects(admin, kind):
    return admin.get("/effects", params={"kind": kind, "reveal": "true"}).json()["items"]


# Retries


def test_a_charge_is_made_through_two_failures(payments, admin):
    headers, form = key(), {"amount": "2000", "currency": "eur", "source": "tok_visa"}

    answers = [payments.post("/charges", data=form, headers=headers) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 201, 201]
    assert answers[2].json()["id"] == answers[3].json()["id"]
    assert len(effects(admin, "charge")) == 1
    check = {
        "route": "create-charge",
        "times": 4,
        "attempts": {"operations": 1, "same": ["headers.idempotency-key", "body"]},
    }
    verified = admin.post("/verify", json=check)
    assert verified.status_code == 200, verified.json()


def test_a_charge_needs_nothing_in_particular(payments):
    """A first look with curl has no form, and no key."""
    statuses = [payments.post("/charges").status_code for _ in range(3)]

    assert statuses == [503, 503, 201]


# The contract of a charge

CHARGE = {
    "id": str, "object": str, "amount": int, "amount_refunded": int, "captured": bool, "created": int,
    "currency": str, "livemode": bool, "paid": bool, "payment_intent": (str, type(None)), "refunded": bool, "status": str,
}  # fmt: skip


def assert_is_a_charge(charge):
    assert set(charge) == set(CHARGE)
    for name, kind in CHARGE.items():
        assert isinstance(charge[name], kind), name
        assert kind is bool or not isinstance(charge[name], bool) or kind is not int, name
    assert re.fullmatch(r"ch_[A-Za-z0-9]{24}", charge["id"])
    assert charge["object"] == "charge"
    assert charge["status"] in {"succeeded", "pending", "failed"}
    assert charge["currency"] in {"eur", "usd"}
    assert 0 <= charge["amount_refunded"] <= charge["amount"]


def test_the_contract_of_a_charge(payments):
    for _ in range(2):
        payments.post("/charges")

    made = payments.post("/charges", data={"amount": "700", "currency": "EUR"}).json()

    assert_is_a_charge(made)
    assert (made["amount"], made["currency"]) == (700, "eur")
    assert payments.get(f"/charges/{made['id']}").json() == made
    assert_is_a_charge(payments.get(f"/charges/{pay(payments).json()['latest_charge']}").json())


def test_an_unknown_charge_is_404(payments):
    answer = payments.get("/charges/ch_none")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "resource_missing"


# Payment intents


def test_an_intent_is_created_and_read_back(payments):
    created = payments.post(
        "/payment_intents", data={"amount": "2000", "currency": "EUR", "metadata[order]": "42"}
    ).json()

    assert created["status"] == "requires_payment_method"
    assert (created["amount"], created["currency"], created["metadata"]) == (2000, "eur", {"order": "42"})
    assert payments.get(f"/payment_intents/{created['id']}").json() == created


def test_an_intent_goes_from_created_to_paid(payments, admin):
    intent = payments.post(
        "/payment_intents", data={"amount": "2000", "currency": "eur", "payment_method": "pm_card_visa"}
    ).json()
    assert intent["status"] == "requires_confirmation"

    paid = payments.post(f"/payment_intents/{intent['id']}/confirm").json()

    assert (paid["status"], paid["amount_received"]) == ("succeeded", 2000)
    assert paid == payments.get(f"/payment_intents/{intent['id']}").json()
    again = payments.post(f"/payment_intents/{intent['id']}/confirm")
    assert again.status_code == 400
    assert again.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert len(effects(admin, "charge")) == 1


def test_an_authorization_is_captured_later(payments, admin):
    held = pay(payments, capture_method="manual").json()
    assert held["status"] == "requires_capture"
    assert effects(admin, "charge") == []

    captured = payments.post(f"/payment_intents/{held['id']}/capture").json()

    assert captured["status"] == "succeeded"
    assert len(effects(admin, "charge")) == 1
    assert payments.post(f"/payment_intents/{held['id']}/capture").status_code == 400


def test_a_card_may_ask_its_owner_first(payments, admin):
    asked = pay(payments, "pm_card_authenticationRequired").json()
    assert asked["status"] == "requires_action"
    assert effects(admin, "charge") == []

    httpx.get(asked["next_action"]["redirect_to_url"]["url"]).raise_for_status()

    assert payments.get(f"/payment_intents/{asked['id']}").json()["status"] == "succeeded"
    assert len(effects(admin, "charge")) == 1


def test_what_is_paid_can_t_be_canceled(payments):
    paid = pay(payments).json()
    held = pay(payments, capture_method="manual").json()

    assert payments.post(f"/payment_intents/{paid['id']}/cancel").status_code == 400
    assert payments.post(f"/payment_intents/{held['id']}/cancel").json()["status"] == "canceled"
    assert payments.post(f"/payment_intents/{held['id']}/capture").status_code == 400


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ],
)
def test_the_card_says_how_it_is_declined(payments, admin, card, code, decline_code):
    form = {"amount": "2000", "currency": "eur", "payment_method_data[card][number]": card, "confirm": "true"}

    answer = payments.post("/payment_intents", data=form)

    assert answer.status_code == 402
    error = answer.json()["error"]
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", code, decline_code)
    assert effects(admin, "charge") == []
    intent = error["payment_intent"]
    assert payments.get(f"/payment_intents/{intent['id']}").json()["status"] == "requires_payment_method"
    confirmed = payments.post(
        f"/payment_intents/{intent['id']}/confirm", data={"payment_method": "pm_card_visa"}
    )
    assert confirmed.json()["status"] == "succeeded"


def test_a_refusal_stays_one_under_its_key(payments, admin):
    headers = key()

    answers = [pay(payments, "pm_card_visa_chargeDeclined", headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len(effects(admin, "decline")) == 1


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"currency": "eur"}, "amount"),
        ({"amount": "5"}, "currency"),
        ({"amount": "0", "currency": "eur"}, "amount"),
    ],
)
def test_a_field_that_is_missing_is_named(payments, form, param):
    answer = payments.post("/payment_intents", data=form)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_an_intent_without_a_card_is_not_confirmed(payments):
    intent = payments.post("/payment_intents", data={"amount": "5", "currency": "eur"}).json()

    assert (
        payments.post(f"/payment_intents/{intent['id']}/confirm").json()["error"]["param"] == "payment_method"
    )
    assert payments.post("/payment_intents/pi_none/confirm").status_code == 404


# One key, one payment


def test_the_same_request_is_answered_the_same_and_another_one_refused(payments, admin):
    headers = key()

    first, again = pay(payments, headers=headers), pay(payments, headers=headers)
    other = pay(payments, headers=headers, amount="1")

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 400
    assert other.json()["error"]["type"] == "idempotency_error"
    assert len(effects(admin, "charge")) == 1


def test_a_key_is_forgotten_after_a_day(payments, admin):
    headers = key()
    first = pay(payments, headers=headers).json()["id"]
    admin.post("/clock", json={"advance": "23h", "wait": False})
    assert pay(payments, headers=headers).json()["id"] == first

    admin.post("/clock", json={"advance": "1h", "wait": False})

    assert pay(payments, headers=headers).json()["id"] != first


# Lost answers


def test_a_lost_answer_is_found_again_under_the_same_key(payments, admin):
    headers = key()
    with pytest.raises(httpx.TransportError):
        pay(payments, "pm_card_answerLost", headers)
    assert len(effects(admin, "charge")) == 1

    again = pay(payments, "pm_card_answerLost", headers)

    assert again.status_code == 200
    assert again.json()["latest_charge"] == effects(admin, "charge")[0]["id"]
    assert len(effects(admin, "charge")) == 1


def test_a_new_key_after_a_lost_answer_charges_twice_and_is_caught(payments, admin):
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            pay(payments, "pm_card_answerLost", **{"metadata[order]": "42"})

    verified = admin.post(
        "/verify", json={"effects": {"kind": "charge", "where": {"order": "42"}}, "times": 1}
    )

    assert verified.status_code == 409
    assert "expected 1 effect, saw 2" in verified.json()["checks"][0]["text"]


def test_a_lost_request_has_done_nothing(payments, admin):
    headers = key()
    with pytest.raises(httpx.TransportError):
        pay(payments, "pm_card_requestLost", headers)
    assert effects(admin, "charge") == []

    assert pay(payments, "pm_card_requestLost", headers).json()["status"] == "succeeded"
    assert len(effects(admin, "charge")) == 1


# Refunds


def test_a_payment_is_refunded_in_parts_and_never_more_than_was_paid(payments, admin):
    paid = pay(payments).json()

    part = payments.post("/refunds", data={"payment_intent": paid["id"], "amount": "500"}).json()
    assert (part["object"], part["amount"], part["status"]) == ("refund", 500, "succeeded")
    assert payments.get(f"/refunds/{part['id']}").json() == part
    much = payments.post("/refunds", data={"charge": paid["latest_charge"], "amount": "1501"})
    assert (much.status_code, much.json()["error"]["param"]) == (400, "amount")
    rest = payments.post("/refunds", data={"charge": paid["latest_charge"]}).json()
    assert rest["amount"] == 1500

    charge = payments.get(f"/charges/{paid['latest_charge']}").json()
    assert_is_a_charge(charge)
    assert (charge["amount_refunded"], charge["refunded"]) == (2000, True)
    over = payments.post("/refunds", data={"charge": charge["id"]})
    assert over.json()["error"]["code"] == "charge_already_refunded"
    assert sum(effect["amount"] for effect in effects(admin, "refund")) == 2000


def test_an_unknown_charge_is_not_refunded(payments):
    assert payments.post("/refunds", data={"payment_intent": "pi_none"}).status_code == 404
