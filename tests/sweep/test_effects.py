"""Effects compared: what is drawn, what belongs together, what was taken back."""

from collections import Counter

import pytest

from mockserver.sweep.effects import (
    find_random_fields,
    group_effects,
    ids_of,
    kind_of_signature,
    signature,
    without_undone,
)

CHARGE = {"kind": "charge", "id": "ch_aaaaaa", "order": "42", "amount": 500}


def test_what_differs_between_two_runs_is_drawn():
    again = {**CHARGE, "id": "ch_bbbbbb"}
    assert find_random_fields([CHARGE], [again]) == {"charge": {"id"}}


def test_nothing_is_drawn_where_nothing_differs():
    assert find_random_fields([CHARGE, CHARGE], [CHARGE, CHARGE]) == {"charge": frozenset()}


def test_what_differs_deep_inside_is_drawn_alone():
    first = {"kind": "charge", "card": {"token": "tok_aaaaaa", "last4": "4242"}, "items": [{"id": "one111"}]}
    second = {"kind": "charge", "card": {"token": "tok_bbbbbb", "last4": "4242"}, "items": [{"id": "two222"}]}
    assert find_random_fields([first], [second]) == {"charge": {"card.token", "items[0].id"}}


def test_a_field_that_one_run_has_not_is_drawn():
    assert find_random_fields([CHARGE], [{**CHARGE, "note": "late"}]) == {"charge": {"note"}}


def test_effects_are_paired_with_the_one_that_is_nearest():
    one, two = {"kind": "charge", "id": "aaaaaa", "order": 1}, {"kind": "charge", "id": "bbbbbb", "order": 2}
    other = [{**two, "id": "cccccc"}, {**one, "id": "dddddd"}]
    assert find_random_fields([one, two], other) == {"charge": {"id"}}


@pytest.mark.parametrize(
    ("first", "second"),
    [([CHARGE], []), ([], [CHARGE]), ([CHARGE], [CHARGE, CHARGE]), ([CHARGE], [{"kind": "refund"}])],
)
def test_two_runs_that_did_other_things_say_nothing(first, second):
    assert find_random_fields(first, second) is None


def test_a_signature_leaves_out_what_is_drawn_and_keeps_types_apart():
    random_fields = {"charge": frozenset({"id"})}
    assert signature(CHARGE, random_fields) == 'charge amount=500 order="42"'
    assert signature({**CHARGE, "order": 42}, random_fields) != signature(CHARGE, random_fields)
    assert signature({"kind": "a b", "x": True}, {}) == "a_b x=true"
    assert signature({"id": 1}, {}) == "unnamed id=1"
    assert kind_of_signature(signature(CHARGE, random_fields)) == "charge"


def test_one_is_not_true():
    assert find_random_fields([{"kind": "x", "on": 1}], [{"kind": "x", "on": True}]) == {"x": {"on"}}


# What belongs together

DRAWN = {
    "authorization": frozenset({"id", "customer"}),
    "capture": frozenset({"authorization", "customer"}),
    "charge": frozenset({"id", "customer"}),
    "customer": frozenset({"id"}),
}


def together(*effects):
    return sorted(sorted(group.elements()) for group in group_effects(effects, DRAWN))


def test_effects_that_share_a_drawn_id_belong_together():
    authorized = {"kind": "authorization", "id": "auth_1111"}
    captured = {"kind": "capture", "authorization": "auth_1111"}
    other = {"kind": "authorization", "id": "auth_2222"}
    assert together(authorized, captured, other) == [["authorization"], ["authorization", "capture"]]


def test_they_may_be_bound_through_others():
    assert together(
        {"kind": "customer", "id": "cus_1111"},
        {"kind": "authorization", "id": "auth_1111", "customer": "cus_1111"},
        {"kind": "capture", "authorization": "auth_1111"},
    ) == [["authorization", "capture", "customer"]]


def test_an_id_that_several_of_one_kind_have_binds_nothing():
    charges = [{"kind": "charge", "id": f"ch_{n}{n}{n}{n}", "customer": "cus_1111"} for n in (1, 2)]
    assert together({"kind": "customer", "id": "cus_1111"}, *charges) == [
        ["charge"],
        ["charge"],
        ["customer"],
    ]


def test_what_is_not_drawn_binds_nothing():
    one, two = {"kind": "authorization", "order": "order-42"}, {"kind": "capture", "order": "order-42"}
    assert len(group_effects([one, two], {"authorization": frozenset(), "capture": frozenset()})) == 2


def test_short_texts_and_numbers_are_no_ids():
    random_fields = {"charge": frozenset({"id", "at", "n"})}
    assert ids_of({"kind": "charge", "id": "abc", "at": 1764000000, "n": True}, random_fields) == frozenset()


def test_any_text_of_an_unknown_kind_may_be_an_id():
    assert ids_of({"kind": "refund", "charge": "ch_aaaaaa", "n": 1}, DRAWN) == {"ch_aaaaaa"}


# What was taken back

REFUND = {"kind": "refund", "charge": "ch_bbbbbb"}
TWO = [CHARGE, {**CHARGE, "id": "ch_bbbbbb"}, REFUND]
ID = {"charge": frozenset({"id"})}


def test_what_was_taken_back_counts_for_nothing():
    expected = Counter([signature(CHARGE, ID)])
    assert without_undone(TWO, expected, ID, {"charge": ["refund"]}) == [CHARGE]


def test_what_takes_back_something_else_stays():
    expected = Counter([signature(CHARGE, ID)])
    assert without_undone(TWO, expected, ID, {"charge": ["void"]}) == TWO
    assert without_undone([CHARGE, REFUND], expected, ID, {"charge": ["refund"]}) == [CHARGE, REFUND]


def test_a_taking_back_of_the_clean_run_is_no_mending():
    refund = {"kind": "refund", "charge": "ch_aaaaaa"}
    expected = Counter([signature(CHARGE, ID), signature(refund, ID)])
    assert without_undone([CHARGE, refund], expected, ID, {"charge": ["refund"]}) == [CHARGE, refund]
