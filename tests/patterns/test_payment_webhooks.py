"""An application that hears of its payments by webhook, with the real Stripe SDK on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import stripe
from support.receivers import Receiver
from support.server import PROJECT, InProcess, Loop

SECRET = "whsec_test"
"""As it stands in scenarios/payments.yaml."""


@pytest.fixture
def app(server_loop: Loop) -> Iterator[Receiver]:
    """The application's endpoint for webhooks: down at first, then up."""
    receiver = Receiver(503, 200)
    manager = receiver.open()
    server_loop.run(manager.__aenter__())
    yield receiver
    server_loop.run(manager.__aexit__(None, None, None))


@pytest.fixture
def mock(serving: Callable[..., InProcess], app: Receiver, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    monkeypatch.setenv("CALLBACK_URL", app.url)
    return serving(PROJECT / "scenarios/payments.yaml")


@pytest.fixture
def sdk(mock: InProcess) -> Any:
    return stripe.StripeClient("sk_test_123", base_addresses={"api": mock.url}, max_network_retries=2)


def events(app: Receiver) -> list[stripe.Event]:
    """What the application makes of what came: checked, as Stripe says to."""
    return [
        stripe.Webhook.construct_event(got.body, got.headers["stripe-signature"], SECRET) for got in app.got
    ]


def pay(sdk: Any, card: str = "pm_card_visa", **more: Any) -> Any:
    params = {"amount": 2000, "currency": "eur", "payment_method": card, "confirm": True, **more}
    return sdk.v1.payment_intents.create(params=params)


def test_a_payment_is_heard_of_though_the_application_was_down(sdk, app, admin) -> None:
    admin.post("/clock", json={"freeze": True})
    intent = pay(sdk, metadata={"order": "42"})
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)

    admin.post("/clock", json={"advance": "5s"})

    down, up = events(app)
    assert down.id == up.id, "the same event, tried again"
    assert up.type == "payment_intent.succeeded"
    assert up.data.object.id == intent.id
    assert up.data.object.metadata.order == "42"
    check = {"webhooks": {"route": "create-and-confirm-intent"}, "times": 1}
    assert admin.post("/verify", json=check).status_code == 200
    assert admin.get("/verify").status_code == 200


def test_a_refusal_is_raised_and_heard_of(sdk, app, admin) -> None:
    admin.post("/clock", json={"freeze": True})

    with pytest.raises(stripe.CardError) as caught:
        pay(sdk, "pm_card_visa_chargeDeclinedInsufficientFunds")
    admin.post("/clock", json={"advance": "1h"})

    assert caught.value.code == "card_declined"
    assert caught.value.error.decline_code == "insufficient_funds"
    assert events(app)[-1].type == "payment_intent.payment_failed"


def test_the_sdk_finds_a_lost_answer_again_by_itself(sdk, admin) -> None:
    """It keeps its key from try to try: one charge."""
    assert pay(sdk, "pm_card_answerLost", metadata={"order": "42"}).status == "succeeded"

    effects = admin.get("/effects", params={"kind": "charge"}).json()["items"]
    assert len(effects) == 1
    calls = admin.get("/calls").json()["items"]
    assert [(call["outcome"], call["replayed"]) for call in calls] == [("reset", False), ("done", True)]


def test_a_life_in_the_sdk_s_words(sdk, admin) -> None:
    held = pay(sdk, capture_method="manual")
    assert held.status == "requires_capture"
    assert sdk.v1.payment_intents.capture(held.id).status == "succeeded"
    paid = sdk.v1.payment_intents.retrieve(held.id)
    refund = sdk.v1.refunds.create(params={"payment_intent": paid.id, "amount": 500})
    assert (refund.status, refund.amount) == ("succeeded", 500)
    assert sdk.v1.charges.retrieve(paid.latest_charge).amount_refunded == 500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.cancel(paid.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_an_owner_who_agrees_is_heard_of(sdk, app, admin) -> None:
    admin.post("/clock", json={"freeze": True})
    intent = pay(sdk, "pm_card_authenticationRequired")
    assert intent.status == "requires_action"

    httpx.get(intent.next_action.redirect_to_url.url).raise_for_status()
    admin.post("/clock", json={"advance": "1h"})

    assert {event.type for event in events(app)} == {
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    }
