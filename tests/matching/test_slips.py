"""What a colleague would guess: how far two texts are apart, and which name was meant."""

import pytest

from mockserver.matching.mismatch import hints as slips
from mockserver.matching.values import show

EDITS = [
    ("charges", "charges", 0), ("charges", "charge", 1), ("charge", "charges", 1), ("charges", "chagres", 1),
    ("charges", "chargse", 1), ("charges", "Charges", 1), ("charges", "cargse", 2), ("charges", "refunds", 3),
    ("", "ab", 2), ("", "abc", 3), ("abcd", "badc", 2), ("x" * 70, "x" * 70, 0), ("x" * 70, "y" + "x" * 69, 3),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "edits"), EDITS)
def test_letters_dropped_added_changed_and_swapped_are_counted(left, right, edits):
    assert slips.edits(left, right, 2) == slips.edits(right, left, 2) == edits


TYPOS = [
    ("charges", "chagres", 1), ("charges", "cargse", 2), ("charges", "CHARGE", 1), ("v1", "v2", 0), ("usd", "usa", 0),
    ("post", "posts", 1), ("users", "uesr", 0), ("same", "same", 0), ("charges", "x" * 100, 0),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "actual", "letters"), TYPOS)
def test_short_words_allow_fewer_typos(expected, actual, letters):
    assert slips.typos(expected, actual) == letters


NAMES = [
    ("customer_id", ["name", "customerId"], "customerId"),
    ("x-api-key", ["X-Apikey"], "X-Apikey"),
    ("api-key", ["x-api-key"], "x-api-key"),
    ("tag", ["tag[]"], "tag[]"),
    ("quantity", ["quantiy", "QUANTITY"], "QUANTITY"),
    ("id", ["valid"], None),
    ("name", ["price"], None),
    ("name", [], None),
]


@pytest.mark.parametrize(("wanted", "names", "near"), NAMES)
def test_the_name_that_was_probably_meant(wanted, names, near):
    assert slips.nearest_name(wanted, names) == near


BETWEEN = [
    ("usd", "USD", "only the case differs"),
    ("usd", " usd\n", "only white space differs"),
    ("a b", "a%20b", "it came percent-encoded once more than needed"),
    ("a b", "a+b%21", ""),
    ("text/csv", "text/csv; header", "'; header' came after it"),
    ("t0ken", "Bearer t0ken", "'Bearer ' came before it"),
    ("Bearer t0ken", "t0ken", "'Bearer ' is missing before it"),
    ("1.10", "1.1", "the same number, written differently"),
    ("charge", "chagre", "a typo?"),
    ("usd", "eur", ""),
    (5, "5", "send a number"),
    ("5", 5, "send a text"),
    (True, "true", "send a boolean"),
    (None, "null", "send null"),
    (1999, 19.99, "100 times too small: the smallest unit of the currency was wanted?"),
    (0, 0.0, ""),
    ([1], {"a": 1}, "send a list"),
    ({"a": 1}, '{"a": 1}', "it is JSON inside a text; send the object itself"),
    ([1], "[1", "send a list"),
]


@pytest.mark.parametrize(("expected", "actual", "hint"), BETWEEN)
def test_the_likely_slip_between_two_values(expected, actual, hint):
    slip = slips.between(expected, actual)

    assert slip.hint == hint
    assert 0 < slip.weight <= 1


SHOWN = [
    ("a'b", '"a\'b"'), (5, "5"), (5.0, "5.0"), (True, "true"), (None, "null"), ([], "[]"), ({}, "{}"),
    ({"a b": {"c": [1, "x"]}}, "{'a b': {c: [1, 'x']}}"), ([[[[[1]]]]], "[[[[[…]]]]]"), ("x" * 200, "'" + "x" * 78 + "…"),
    (10**100, "a very long number"), ("\ud800\n", "'\\ud800\\n'"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=lambda value: repr(value)[:20])
def test_a_value_is_shown_in_one_short_line(value, text):
    assert show(value) == text
