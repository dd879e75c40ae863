"""JSON trees: subset and exact, lists, what is absent, what an index may use, what is said of a difference."""

import pytest
from support.matching import a_matcher, a_request, texts_of

from mockserver.matching.values import scalar_key
from mockserver.model.http import ABSENT

CHARGE = {"currency": "usd", "amount": 250, "card": {"type": "visa", "exp": None}, "items": [{"sku": "A1", "n": 1}, {"sku": "B2"}]}  # fmt: skip

HOLDS = [
    {},
    {"currency": "usd"},
    {"amount": {"$gte": 100}, "card": {"type": "visa"}, "note": "$absent"},
    {"card": {"exp": None}},
    {"card": {"exp": "$present"}},
    {"card": {"cvc": "$absent"}},
    {"card": {"$not": {"type": "amex"}}},
    {"note": {"$not": 5}},
    {"items": [{"sku": "A1"}, {"sku": "B2"}]},
    {"items": [{}, {"n": "$absent"}]},
    {"items": {"$contains": {"sku": "B2"}}},
    {"items": {"$unordered": [{"sku": "B2"}, {"n": 1}]}},
    {"items": {"$length": 2}},
    {"$any_of": [{"currency": "eur"}, {"amount": {"$lt": 300}}]},
]
FAILS = [
    {"currency": "USD"},
    {"note": "$present"},
    {"note": None},
    {"card": {"exp": "$absent"}},
    {"card": "$absent"},
    {"card": []},
    {"items": [{"sku": "A1"}]},
    {"items": [{"sku": "B2"}, {"sku": "A1"}]},
    {"items": {"$contains": {"sku": "C3"}}},
    {"items": {"0": {}}},
    [],
    None,
    "usd",
]


@pytest.mark.parametrize("tree", HOLDS, ids=repr)
def test_a_tree_asks_for_a_part_of_the_body(tree):
    assert a_matcher(json=tree).holds(a_request(json=CHARGE))


@pytest.mark.parametrize("tree", FAILS, ids=repr)
def test_a_tree_that_asks_for_anything_else_fails(tree):
    assert not a_matcher(json=tree).holds(a_request(json=CHARGE))


def test_exact_allows_nothing_more_at_any_depth():
    exact = {"a": {"b": 1}, "c": [{"d": 2}]}

    assert a_matcher(json_exact=exact).holds(a_request(json=exact))
    assert not a_matcher(json_exact=exact).holds(a_request(json=exact | {"x": 1}))
    assert not a_matcher(json_exact=exact).holds(a_request(json={"a": {"b": 1, "x": 1}, "c": [{"d": 2}]}))
    assert not a_matcher(json_exact=exact).holds(a_request(json={"a": {"b": 1}, "c": [{"d": 2, "x": 1}]}))
    assert not a_matcher(json_exact={}).holds(a_request(json={"x": None}))
    assert a_matcher(json_exact={}).holds(a_request(json={}))


def test_exact_knows_the_operators():
    matcher = a_matcher(json_exact={"id": {"$matches": "ch_.*"}, "note": {"$any_of": ["$absent", "x"]}})

    assert matcher.holds(a_request(json={"id": "ch_1"}))
    assert matcher.holds(a_request(json={"id": "ch_1", "note": "x"}))
    assert not matcher.holds(a_request(json={"id": "ch_1", "note": "y"}))


@pytest.mark.parametrize("body", [5, "usd", None, True, [1]])
def test_any_json_value_may_be_the_whole_body(body):
    assert a_matcher(json=body).holds(a_request(json=body))
    assert a_matcher(json_exact=body).holds(a_request(json=body))
    assert not a_matcher(json={"a": 1}).holds(a_request(json=body))


def test_a_json_condition_needs_a_body_that_parses():
    for tree in ({}, {"$not": {"a": 1}}, "$present"):
        assert not a_matcher(json=tree).holds(a_request(body=b"{"))
        assert not a_matcher(json=tree).holds(a_request())


def test_the_content_type_of_json_counts_for_nothing():
    assert a_matcher(json={"a": 1}).holds(
        a_request("POST /", ("content-type", "text/plain"), body=b'{"a": 1}')
    )
    assert a_matcher(json={"a": 1}).holds(a_request("PUT /", body=b'{"a": 1}'))


def test_equalities_are_the_scalars_that_must_be_there():
    matcher = a_matcher(
        headers={"X-Amz-Target": "SQS.Send", "accept": {"contains": "json"}},
        query={"page": 1, "tag": ["a", "b"]},
        cookies={"sid": {"equals": "7"}},
        json={
            "order": {"id": 42, "n": {"$gte": 1}, "e": {"$equals": 5}},
            "l": [{"x": None}],
            "o": {"$any_of": [1]},
        },
    )

    assert matcher.equalities == {
        ("headers", ("x-amz-target",)): "SQS.Send",
        ("query", ("page",)): "1",
        ("cookies", ("sid",)): "7",
        ("json", ("order", "id")): 42,
        ("json", ("order", "e")): 5,
        ("json", ("l", 0, "x")): None,
    }
    assert a_matcher(form={"a": 1}).equalities == {("form", ("a",)): "1"}


def test_scalar_keys_are_shared_by_equal_scalars_only():
    assert scalar_key(1) == scalar_key(1.0)
    assert len({scalar_key(value) for value in (1, True, "1", "true", None, 0, False)}) == 7


def test_conditions_are_counted():
    assert a_matcher().conditions == 0
    assert a_matcher(json={}).conditions == 1
    assert (
        a_matcher(headers={"a": 1}, json={"a": 1, "b": {"c": {"$gt": 1, "$lt": 5}}, "l": [1, 2]}).conditions
        == 6
    )


SAID = [
    ({"amount": "250"}, "json.amount: expected '250', got 250, a number; send a text"),
    ({"amount": 2.5}, "json.amount: expected 2.5, got 250; 100 times too large: the main unit of the currency was wanted?"),
    ({"amount": 25000}, "json.amount: expected 25000, got 250; 100 times too small: the smallest unit of the currency was wanted?"),
    ({"amount": {"$gt": 1000}}, "json.amount: expected more than 1000, got 250"),
    ({"currency": "USD"}, "json.currency: expected 'USD', got 'usd'; only the case differs"),
    ({"currency": {"$matches": "u"}}, "json.currency: expected to match 'u', got 'usd'; a part of it matches, but the pattern must match the complete value"),
    ({"currency": {"$one_of": ["eur", "USD"]}}, "json.currency: expected one of 'eur', 'USD', got 'usd'; only the case differs"),
    ({"currency": {"$not": "usd"}}, "json.currency: expected not 'usd', got 'usd'"),
    ({"currency": {"$length": 2}}, "json.currency: expected a length of 2, got 'usd'; its length is 3"),
    ({"note": "x"}, "json.note is missing: expected 'x'"),
    ({"note": "$present"}, "json.note is missing"),
    ({"Currency": "usd"}, "json.Currency is missing: expected 'usd'; 'currency' came instead"),
    ({"card": "$absent"}, "json.card: expected to be absent, got {type: 'visa', exp: null}"),
    ({"card": {"exp": 5}}, "json.card.exp: expected 5, got null; send a number"),
    ({"card": 5}, "json.card: expected 5, got {type: 'visa', exp: null}, an object; send a number"),
    ({"amount": {"x": 1}}, "json.amount: expected {x: 1}, got 250, a number; send an object"),
    ({"amount": [1]}, "json.amount: expected [1], got 250, a number; send a list"),
    ({"items": [{}]}, "json.items: expected 1 item, got 2: [{sku: 'A1', n: 1}, {sku: 'B2'}]"),
    ({"items": [{"sku": "B2"}, {"sku": "A1"}]}, "json.items: expected [{sku: 'B2'}, {sku: 'A1'}], got [{sku: 'A1', n: 1}, {sku: 'B2'}]; the same items in another order"),
    ({"items": {"$unordered": [{"sku": "B2"}, {"sku": "C3"}]}}, "json.items: expected [{sku: 'B2'}, {sku: 'C3'}] in any order, got [{sku: 'A1', n: 1}, {sku: 'B2'}]; no item is {sku: 'C3'}; {sku: 'A1', n: 1} is one too many"),
    ({"$any_of": [{"currency": "eur"}, {"card": {"type": "amex"}, "amount": 1}]}, "json.currency: expected 'eur', got 'usd'; the nearest of 2 alternatives"),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "said"), SAID, ids=lambda value: repr(value)[:40])
def test_a_difference_says_what_was_wanted_and_what_came(tree, said):
    assert texts_of({"json": tree}, a_request(json=CHARGE)) == [said]


def test_a_difference_points_into_the_body():
    request = a_request(json={"a/b": [{"c~d": 1}]})
    (difference,) = a_matcher(json={"a/b": [{"c~d": 2}]}).differences(request)

    assert (difference.where, difference.pointer) == ("json['a/b'][0]['c~d']", "/a~1b/0/c~0d")
    assert (difference.expected, difference.actual) == (2, 1)


def test_a_missing_field_has_no_actual_value():
    (difference,) = a_matcher(json={"a": None}).differences(a_request(json={}))

    assert difference.actual is ABSENT


def test_json_inside_a_text_is_recognised():
    said = texts_of({"json": {"order": {"id": 1}}}, a_request(json={"order": '{"id": 1}'}))

    assert said == ["json.order: expected {id: 1}, got '{\"id\": 1}', a text; it is JSON inside a text; send the object itself"]  # fmt: skip


def test_exact_names_every_field_that_was_not_expected():
    said = texts_of({"json_exact": {"a": 1}}, a_request(json={"a": 1, "b": 2, "c": {"d": 3}}))

    assert said == ["json.b: not expected, got 2", "json.c: not expected, got {d: 3}"]


def test_what_is_long_is_cut():
    (difference,) = a_matcher(json={"a": 1}).differences(a_request(json={"a": ["x" * 50] * 10_000}))

    assert len(difference.text) < 200
    assert len(str(difference.actual)) < 200
