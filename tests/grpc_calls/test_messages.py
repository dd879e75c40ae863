"""Messages as JSON and back, and conditions on them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import InvalidInputError
from mockserver.grpc import writing
from mockserver.grpc.pools import MessageType
from mockserver.grpc.reading import FieldBudget, shortest
from mockserver.model.coding import UnreadableBodyError
from tests.support.grpc import HEAD, InMemoryGrpc

MEMORY = InMemoryGrpc(HEAD + "routes: [{request: GRPC payments.v1.Payments/Charge, reply: UNAVAILABLE}]")
KIND = MEMORY.method("Charge").input


def again(value: dict[str, Any], kind: MessageType = KIND) -> Any:
    return kind.json(writing.make(kind, value), FieldBudget())


def flaws(value: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as failed:
        writing.make(KIND, value)
    return [str(flaw) for flaw in failed.value.flaws]


WHOLE = {
    "order_id": "o-1",
    "amount": 1 << 62,
    "currency": "EUR",
    "card": {"number": "4242", "exp_year": 2030},
    "tags": ["a", "b"],
    "cards": {"x": {"number": "1", "exp_year": 0}},
    "signature": "aGVsbG8=",
    "created_at": "2026-01-31T12:00:00Z",
    "note": "",
    "iban": "DE1",
    "rate": 0.25,
    "share": 0.1,
    "capture": True,
    "serial": (1 << 64) - 1,
    "extra": {"a": [1, 2.5, None, True, {"b": "c"}]},
    "limit": 5,
    "more": [{"number": "2", "exp_year": 1}],
    "flags": {"5": True},
}


def test_a_message_with_every_kind_of_field_comes_back() -> None:
    assert again(WHOLE) == WHOLE


def test_fields_without_presence_have_their_defaults_and_others_are_absent() -> None:
    assert again({}) == {
        "order_id": "", "amount": 0, "currency": "CURRENCY_UNSPECIFIED", "tags": [], "cards": {}, "signature": "",
        "rate": 0.0, "share": 0.0, "capture": False, "serial": 0, "more": [], "flags": {},
    }  # fmt: skip


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "order_id": st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
            "amount": st.integers(-(1 << 63), (1 << 63) - 1),
            "serial": st.integers(0, (1 << 64) - 1),
            "rate": st.floats(allow_nan=False, allow_infinity=False),
            "share": st.floats(width=32, allow_nan=False, allow_infinity=False),
            "capture": st.booleans(),
            "tags": st.lists(st.text("ab", max_size=3), max_size=4),
            "currency": st.sampled_from(["USD", "EUR", "CURRENCY_UNSPECIFIED"]),
            "more": st.lists(
                st.fixed_dictionaries({"number": st.text("12"), "exp_year": st.integers(0, 9)}), max_size=3
            ),
            "flags": st.dictionaries(st.integers(-9, 9).map(str), st.booleans()),
        },
    )
)
def test_any_message_comes_back(value: dict[str, Any]) -> None:
    read = again(value)

    share = read.pop("share")
    assert math.isclose(share, value.pop("share", 0.0), rel_tol=1e-6, abs_tol=1e-44)
    assert {key: read[key] for key in value} == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_short_float_is_the_same_float(value: float) -> None:
    import struct

    assert struct.pack("<f", shortest(value)) == struct.pack("<f", value)
    assert len(f"{shortest(value):.9g}") <= len(f"{value:.9g}")


def test_json_names_and_texts_of_digits_are_accepted() -> None:
    assert again({"orderId": "a", "amount": "5", "createdAt": "2026-01-31T12:00:00Z"}) == again(
        {"order_id": "a", "amount": 5, "created_at": "2026-01-31T12:00:00Z"}
    )


def test_a_field_is_read_by_either_name() -> None:
    form = again({"order_id": "a", "card": {"exp_year": 5}})

    assert (form["orderId"], form.get("orderId"), "orderId" in form) == ("a", "a", True)
    assert form["card"]["expYear"] == 5
    assert form.get("createdAt", "none") == "none"
    assert "created_at" not in form
    with pytest.raises(KeyError):
        form["createdAt"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"amuont": 5}, "amuont: payments.v1.ChargeRequest has no field 'amuont'. Did you mean 'amount'?"),
        ({"card": {"year": 5}}, "card.year: payments.v1.Card has no field 'year'."),
        ({"amount": "five"}, "amount: expected an integer, got 'five'."),
        ({"amount": 1 << 63}, "is not between -9223372036854775808 and 9223372036854775807"),
        ({"amount": 1.5}, "amount: expected an integer, got 1.5."),
        ({"amount": True}, "amount: expected an integer, got true."),
        ({"serial": -1}, "serial: -1 is not between 0 and 18446744073709551615."),
        ({"order_id": 5}, "order_id: expected a text, got 5. Put quotes round it: '5'"),
        ({"capture": "yes"}, "capture: expected true or false, got 'yes'."),
        ({"rate": "much"}, "rate: expected a number, got 'much'."),
        ({"currency": "EURO"}, "currency: payments.v1.Currency has no value 'EURO'. Did you mean 'EUR'?"),
        ({"currency": 1.5}, "currency: expected a name of payments.v1.Currency, got 1.5. Write EUR"),
        ({"signature": "%"}, "signature: '%' is not valid Base64."),
        ({"created_at": "soon"}, "created_at: 'soon' is not a valid google.protobuf.Timestamp"),
        ({"created_at": 5}, "created_at: expected a text for google.protobuf.Timestamp, got 5."),
        ({"card": 5}, "card: expected a message of type payments.v1.Card, got 5."),
        ({"tags": "a"}, "tags: expected a list, got 'a'."),
        ({"cards": []}, "cards: expected a mapping, got []."),
        ({"flags": {"x": True}}, "flags.x: expected an integer, got 'x'."),
        ({"token": "a", "iban": "b"}, "iban: token and iban are alternatives of source. Keep one of them"),
        ([], "expected a message of type payments.v1.ChargeRequest, got []."),
    ],
)
def test_a_wrong_message_is_refused_with_its_place(value: Any, said: str) -> None:
    (flaw,) = flaws(value)

    assert said in flaw


def test_all_mistakes_of_a_message_are_named() -> None:
    assert len(flaws({"a": 1, "amount": "x", "more": [{"number": 1}, {"b": 2}]})) == 4


def test_a_message_of_many_values_is_not_decoded() -> None:
    data = writing.make(KIND, {"tags": ["a"] * 200})

    with pytest.raises(UnreadableBodyError, match="more than 100 fields and values"):
        KIND.json(data, FieldBudget(200))


def test_bytes_that_are_no_message_are_refused() -> None:
    with pytest.raises(UnreadableBodyError, match=r"not a valid payments.v1.ChargeRequest"):
        KIND.json(b"\xff\xff\xff", FieldBudget())


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("{amount: 5}", True),
        ("{amount: '5'}", True),
        ("{amount: 6}", False),
        ("{amount: {$gt: 4, $lt: 6}}", True),
        ("{amount: {$one_of: ['5', 7]}}", True),
        ("{orderId: {$starts_with: o-}}", True),
        ("{order_id: {$not: o-1}}", False),
        ("{currency: EUR}", True),
        ("{currency: 2}", True),
        ("{card: {exp_year: 2030}}", True),
        ("{card: {expYear: '2030'}}", True),
        ("{card: $absent}", False),
        ("{limit: $absent}", True),
        ("{note: $absent}", True),
        ("{capture: false}", True),
        ("{tags: [a, b]}", True),
        ("{tags: {$contains: b}}", True),
        ("{tags: {$unordered: [b, a]}}", True),
        ("{cards: {x: {exp_year: 1}}}", True),
        ("{created_at: '2026-01-31T12:00:00Z'}", True),
        ("{more: {$contains: {exp_year: '3'}}}", True),
        ("{$any_of: [{amount: 1}, {amount: '5'}]}", True),
        ("{share: 0.1}", True),
        ("{rate: '0.1'}", False),
    ],
)
def test_conditions_see_the_json_of_a_message(condition: str, matches: bool) -> None:
    memory = InMemoryGrpc(
        HEAD
        + f"routes: [{{request: GRPC payments.v1.Payments/Charge, match: {{message: {condition}}}, reply: UNAVAILABLE}}]"
    )

    call = memory.call(
        "Charge",
        {
            "order_id": "o-1", "amount": 5, "currency": "EUR", "card": {"exp_year": 2030}, "tags": ["a", "b"],
            "cards": {"x": {"exp_year": 1}}, "created_at": "2026-01-31T12:00:00Z", "more": [{"exp_year": 3}],
            "share": 0.1,
        },
    )  # fmt: skip

    assert call.matched is matches


def test_near_misses_name_the_field() -> None:
    memory = InMemoryGrpc(
        HEAD
        + "routes: [{name: big, request: GRPC payments.v1.Payments/Charge, match: {message: {amount: 50}}, reply: OK}]".replace(
            "reply: OK", "reply: {message: {}}"
        )
    )

    call = memory.call("Charge", {"amount": 5})

    assert call.grpc_status == "UNIMPLEMENTED"
    assert call.error is not None
    assert call.error["nearest"][0]["route"] == "shop/big"
    assert "message.amount: expected 50, got 5" in call.error["detail"]


def test_a_route_is_suggested_for_a_call_that_none_matches() -> None:
    from mockserver.matching.mismatch.suggestions import suggest, without_secrets

    memory = InMemoryGrpc(HEAD + "routes: []")
    call = memory.call("Charge", {"order_id": "o-1", "card": {"number": "4242424242424242"}})

    route = without_secrets(suggest(call.request))

    assert route["request"] == "GRPC payments.v1.Payments/Charge"
    assert route["match"]["message"]["order_id"] == "o-1"
    assert route["match"]["message"]["card"]["number"] == "$present"
    assert route["reply"] == {"message": {}}
