"""Checks of the client on what was sent and on what the service did, blocking and awaited."""

import asyncio
import inspect
import time
from datetime import timedelta
from unittest.mock import ANY

import pytest

from mockserver.client import (
    AsyncNamespace,
    AsyncRoute,
    Client,
    Namespace,
    Refused,
    Route,
    VerificationFailed,
)


@pytest.fixture
def charges(mock):
    return mock.post("/charges").reply(
        status=201, effect={"kind": "charge", "order": "{{ request.json.order }}"}
    )


def test_a_call_with_such_a_request_is_asserted(charges, call):
    call("POST /charges?page=2", '{"order": "42", "amount": 50}', x_tenant="a", authorization="Bearer t")

    charges.assert_called_with(
        json={"order": "42"}, headers={"authorization": ANY}, query={"page": 2}, times=1
    )
    charges.assert_called_with(json={"amount": {"$gte": 50}})
    charges.assert_called_with(json={"amount": 51}, times=0)
    charges.assert_called_with(text={"contains": "42"})


def test_a_form_is_compared_by_its_fields(mock, call):
    route = mock.post("/form").reply(200)
    call("POST /form", "a=1&b=2", content_type="application/x-www-form-urlencoded")

    route.assert_called_with(form={"a": 1})
    with pytest.raises(VerificationFailed, match=r"form\.a: expected '2', got '1'"):
        route.assert_called_with(form={"a": 2})


def test_what_differs_is_in_the_message(charges, call):
    call("POST /charges", '{"order": 42, "amount": 50}')

    with pytest.raises(VerificationFailed) as caught:
        charges.assert_called_with(json={"order": "42", "amount": 5000})

    lines = str(caught.value).splitlines()
    assert lines[0] == "runtime/POST /charges with its match: expected at least 1 call, saw 0"
    assert '    json.order: expected the text "42", got the number 42' in lines
    assert any(line.startswith("    json.amount: expected 5000, got 50") for line in lines)


def test_it_waits_as_other_checks_do(charges, call):
    started_s = time.monotonic()
    with pytest.raises(VerificationFailed):
        charges.assert_called_with(json={"order": "42"}, within=0.1)
    assert time.monotonic() - started_s >= 0.1
    call("POST /charges", '{"order": "42"}')
    charges.assert_called_with(json={"order": "42"}, within=5, quiet=0.01)


def test_comparing_nothing_and_unknown_words_are_type_errors(charges):
    with pytest.raises(TypeError, match="compares nothing"):
        charges.assert_called_with(within="1s")
    with pytest.raises(TypeError, match="Did you mean 'json'"):
        charges.assert_called_with(jsn={})


def test_effects_are_asserted_by_kind_and_fields(mock, charges, call):
    call("POST /charges", '{"order": "42"}')

    mock.assert_effects("charge", 1, order="42")
    mock.assert_effects("charge", times=0, order="43")
    mock.assert_effects(within=timedelta(seconds=1))
    with pytest.raises(VerificationFailed, match="order: expected '43', got '42'"):
        mock.assert_effects("charge", order="43")
    with pytest.raises(Refused, match="no effect of kind 'charge' has a field 'ordr'"):
        mock.assert_effects("charge", 0, ordr="42")
    with pytest.raises(Refused, match="Did you mean 'charge'") as caught:
        mock.assert_effects("chrge", 0)
    assert caught.value.errors[0]["pointer"] == "/effects/kind"
    assert not isinstance(caught.value, AssertionError)


def test_a_refused_webhook_is_waited_for(serving, call):
    mock = Client(serving(allow_egress=("127.0.0.1",)).url)
    mock.post("/hook").reply(status=400, text="no signature")
    pay = mock.post("/pay").reply(status=200, webhook={"url": f"{mock.url}/hook", "json": {}, "delay": 0.01})
    call("POST /pay", url=mock.url)

    mock.assert_webhooks(pay, 1, outcome="refused", within=5)
    started_s = time.monotonic()
    with pytest.raises(VerificationFailed, match="attempt 1: the receiver answered 400: no signature"):
        mock.assert_webhooks(outcome="delivered", within=30)
    assert time.monotonic() - started_s < 10, "it is settled otherwise"


async def test_the_same_is_awaited(async_mock, call):
    pay = await async_mock.post("/pay").reply(status=201, effect={"kind": "paid"})
    await asyncio.to_thread(call, "POST /pay", '{"amount": 5}')

    await pay.assert_called_with(json={"amount": 5}, within=5)
    await async_mock.assert_effects("paid", 1)
    with pytest.raises(VerificationFailed, match=r"json\.amount: expected 6, got 5"):
        await pay.assert_called_with(json={"amount": 6})
    with pytest.raises(Refused, match="no scenario has a webhook"):
        await async_mock.assert_webhooks(times=0)


def test_both_faces_have_the_same_checks():
    for blocking, awaited in ((Route, AsyncRoute), (Namespace, AsyncNamespace)):
        names = [name for name in dir(blocking) if name.startswith("assert_")]
        assert len(names) >= 2
        for name in names:
            assert inspect.getdoc(getattr(blocking, name)) == inspect.getdoc(getattr(awaited, name))
