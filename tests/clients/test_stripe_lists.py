"""The real Stripe SDK against the shipped scenario of the provider: lists page by page, expanded fields, errors."""

import pytest
import stripe
from support.server import PROJECT

SCENARIO = PROJECT / "scenarios" / "providers" / "stripe.yaml"


@pytest.fixture
def server(serving, monkeypatch):
    server = serving(SCENARIO)
    client = stripe.RequestsClient()
    monkeypatch.setattr(stripe, "api_key", "sk_test_1234567890abcdef")
    monkeypatch.setattr(stripe, "api_base", f"{server.url}/stripe")
    monkeypatch.setattr(stripe, "max_network_retries", 0)
    monkeypatch.setattr(stripe, "default_http_client", client)
    yield server
    client.close()


def customers(count):
    return [stripe.Customer.create(name=f"c{i}").id for i in range(count)]


def test_all_pages_are_read_newest_first(server):
    made = customers(7)
    page = stripe.Customer.list(limit=3)
    assert (page.object, page.url, page.has_more) == ("list", "/v1/customers", True)
    assert [one.id for one in page.auto_paging_iter()] == made[::-1]
    assert len(server.calls()) == 7 + 3

    last = stripe.Customer.list(limit=3, starting_after=made[2])
    assert ([one.id for one in last.data], last.has_more) == (made[1::-1], False)


def test_pages_are_read_backwards_from_an_item(server):
    made = customers(5)
    page = stripe.Customer.list(limit=2, ending_before=made[0])
    assert ([one.id for one in page.data], page.has_more) == ([made[2], made[1]], True)
    assert [one.id for one in page.auto_paging_iter()] == made[1:]
    with pytest.raises(stripe.InvalidRequestError, match="can't be used with starting_after") as refused:
        stripe.Customer.list(ending_before=made[0], starting_after=made[1])
    assert refused.value.param == "ending_before"


def test_a_customer_is_changed_and_deleted(server):
    (made,) = customers(1)
    changed = stripe.Customer.modify(made, email="a@example.com", metadata={"tier": "gold"})
    assert (changed.name, changed.email, changed.metadata["tier"]) == ("c0", "a@example.com", "gold")
    assert stripe.Customer.retrieve(made).email == "a@example.com"
    assert stripe.Customer.delete(made).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as missing:
        stripe.Customer.retrieve(made)
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_fields_are_expanded_where_they_are_asked_for(server):
    (customer,) = customers(1)
    charge = stripe.Charge.create(amount=500, currency="EUR", customer=customer, expand=["customer"])
    assert (charge.customer.name, charge.currency, "expand" in charge) == ("c0", "eur", False)
    assert stripe.Charge.retrieve(charge.id).customer == customer
    refund = stripe.Refund.create(charge=charge.id, expand=["charge.customer"])
    assert (refund.charge.customer.id, refund.amount) == (customer, 500)
    (listed,) = stripe.Charge.list(expand=["data.customer"]).data
    assert listed.customer.name == "c0"
    assert [one.charge for one in stripe.Refund.list().data] == [charge.id]
    with pytest.raises(stripe.InvalidRequestError, match="can't expand amount"):
        stripe.Charge.retrieve(charge.id, expand=["amount"])


def test_a_payment_intent_is_confirmed_once(server):
    intent = stripe.PaymentIntent.create(amount=700, currency="eur")
    assert intent.status == "requires_confirmation"
    assert stripe.PaymentIntent.confirm(intent.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as again:
        stripe.PaymentIntent.confirm(intent.id)
    assert again.value.code == "payment_intent_unexpected_state"
    other = stripe.PaymentIntent.create(amount=800, currency="eur")
    assert stripe.PaymentIntent.cancel(other.id).status == "canceled"
    effects = [(one["kind"], one["amount"]) for one in server.admin.get("/effects")["items"]]
    assert effects == [("charge", 700)]
    assert [one.id for one in stripe.PaymentIntent.list()] == [other.id, intent.id]


@pytest.mark.parametrize(
    ("words", "param"),
    [
        ({"currency": "eur"}, "amount"),
        ({"amount": 5}, "currency"),
        ({"amount": 0, "currency": "eur"}, "amount"),
    ],
)
def test_a_charge_without_amount_or_currency_is_refused(server, words, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.Charge.create(**words)
    assert (refused.value.http_status, refused.value.param) == (400, param)
