"""The real Stripe SDK against the shipped payment scenario: it retries by itself, under one key."""

from pathlib import Path

import pytest
import stripe

pytestmark = pytest.mark.slow  # Stripe waits half a second and more between tries

SCENARIO = Path(__file__).parents[2] / "scenarios" / "payments.yaml"


@pytest.fixture(params=["", "/mock", "/@default"], ids=["root", "mock", "namespace"])
def server(serving, request, monkeypatch):
    server = serving(SCENARIO)
    client = stripe.RequestsClient()
    monkeypatch.setattr(stripe, "api_key", "sk_test_1234567890abcdef")
    monkeypatch.setattr(stripe, "api_base", server.url + request.param)
    monkeypatch.setattr(stripe, "max_network_retries", 3)
    monkeypatch.setattr(stripe, "default_http_client", client)
    yield server
    client.close()


def test_creating_a_charge_survives_two_failures_under_one_key(server):
    charge = stripe.Charge.create(amount=2000, currency="eur", source="tok_visa", metadata={"order": "42"})

    assert charge.id.startswith("ch_")
    assert (charge.object, charge.amount, charge.currency, charge.status) == (
        "charge",
        2000,
        "eur",
        "succeeded",
    )
    assert charge.paid is True

    calls = server.calls()
    assert [call["reply"]["status"] for call in calls] == [503, 503, 201]
    assert [call["step"] for call in calls] == [1, 1, 2]
    assert {call["request"]["path"] for call in calls} == {"/v1/charges"}
    assert {call["request"]["body"]["text"] for call in calls} == {
        "amount=2000&currency=eur&source=tok_visa&metadata[order]=42"
    }
    keys = [
        value for call in calls for name, value in call["request"]["headers"] if name == "Idempotency-Key"
    ]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert server.admin.post("/count", {"route": "create-charge"}) == {"count": 3, "exact": True}
    assert server.admin.post("/verify", {"route": "create-charge", "times": 3, "within": "5s"})["ok"] is True
    assert len(server.admin.get("/effects?kind=charge")["items"]) == 1


def test_without_enough_retries_it_fails_and_nothing_was_charged(server, monkeypatch):
    monkeypatch.setattr(stripe, "max_network_retries", 1)

    with pytest.raises(stripe.APIError) as failed:
        stripe.Charge.create(amount=2000, currency="eur", source="tok_visa")

    assert failed.value.http_status == 503
    assert server.admin.get("/counts")["routes"]["payments/create-charge"]["statuses"] == {"503": 2}
    assert server.admin.get("/effects?kind=charge")["items"] == []


def test_the_key_and_the_card_are_masked_in_what_the_api_shows(server, monkeypatch):
    monkeypatch.setattr(stripe, "max_network_retries", 0)
    with pytest.raises(stripe.APIError):
        stripe.Charge.create(
            amount=1, currency="eur", source={"object": "card", "number": "4242424242424242"}
        )

    shown = server.admin.call("GET", "/calls").text
    assert "sk_test_1234567890abcdef" not in shown
    assert "4242424242424242" not in shown
    assert "****cdef" in shown
