"""Which cells there are, which are chosen, and what names them."""

from collections import Counter

import pytest
from support.sweeps import baseline, ran, seen

from mockserver.sweep.cells import Cell, all_cells, placed_trouble, sample, select, short_names
from mockserver.sweep.kinds import load_kinds

KINDS = load_kinds()
NO_HOOKS = 12
"""Kinds that apply to a call with a body and without webhooks."""


def cells(*calls, test="t.py::test_pay"):
    return all_cells([baseline(ran(*calls), test=test)], KINDS)


def test_each_call_meets_each_trouble_that_can_change_anything():
    with_hooks = cells(seen(webhooks=1))
    assert [cell.trouble for cell in with_hooks] == [kind.name for kind in KINDS]
    assert {cell.trouble for cell in with_hooks} - {cell.trouble for cell in cells(seen())} == {
        "webhook-twice",
        "webhook-late",
    }
    bodiless = {cell.trouble for cell in cells(seen(has_body=False))}
    assert {cell.trouble for cell in cells(seen())} - bodiless == {"truncated-body", "slow-body"}


def test_rows_stand_in_the_order_of_the_calls():
    create = cells(seen("shop/a"), seen("shop/b"), seen("shop/a"))
    assert list(dict.fromkeys(cell.call for cell in create)) == ["a#1", "b#1", "a#2"]


def test_what_is_set_at_the_server_waits_for_its_route_and_outlives_a_reset():
    (place,) = baseline(ran(seen("runtime/POST /x"))).calls
    assert placed_trouble(KINDS.named("503-twice"), place) == {
        "name": "503-twice", "route": "runtime/POST /x", "call": 1, "times": 2, "later": True, "lasting": True,
        "optional": True,
        "before": KINDS.named("503-once").data["before"],
    }  # fmt: skip


def test_a_test_that_is_not_swept_has_none():
    assert all_cells([baseline(ran(seen(None)))], KINDS) == []


# Names


def test_a_test_goes_by_its_own_name_where_no_other_has_it():
    names = short_names(["a/t.py::test_x", "b/t.py::test_x", "a/t.py::T::test_y[a::b]", "a/t.py::test_y"])
    assert list(names.values()) == ["a/t.py::test_x", "b/t.py::test_x", "test_y[a::b]", "test_y"]


CELL = Cell("tests/t.py::test_pay[a*b]", "test_pay[a*b]", "POST /v1/pay#2", "500", {})


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("test_pay[a*b]/POST /v1/pay#2/500", True),
        ("tests/t.py::test_pay[a*b]/POST /v1/pay#2/500", True),
        ("POST /v1/pay#2/500", True),
        ("*/500", True),
        ("test_pay*", True),
        ("test_pay[ab]/POST /v1/pay#2/500", False),
        ("est_pay[a*b]/POST /v1/pay#2/500", False),
        ("test_pay[a*b]/POST /v1/pay#2/50", False),
        ("test_pay[a*b]", False),
    ],
)
def test_a_pattern_names_a_cell_as_a_whole_or_by_its_end(pattern, is_meant):
    assert CELL.matches(pattern) is is_meant
    assert select([CELL], [pattern, "nothing"]) == ([CELL] if is_meant else [])


def test_without_patterns_all_are_meant():
    assert select([CELL], []) == [CELL]


def test_a_cell_survives_being_sent_as_json():
    assert Cell.of_json(CELL.as_json()) == CELL


# A capped sweep


def many(rows=30):
    baselines = [
        baseline(ran(seen("shop/a"), seen("shop/b")), test=f"t.py::test_{i}") for i in range(rows // 2)
    ]
    return all_cells(baselines, KINDS)


@pytest.mark.parametrize("limit", [1, 7, 30, 100, 359])
def test_a_sample_is_spread_evenly_over_calls_and_troubles(limit):
    everything = many()
    sampled = sample(everything, limit, "")
    assert len(sampled) == limit
    assert [cell for cell in everything if cell in sampled] == sampled, "in their old order"
    rows = Counter((cell.test, cell.call) for cell in sampled)
    columns = Counter(cell.trouble for cell in sampled)
    assert max(rows.values()) - min(rows[row] for row in {(cell.test, cell.call) for cell in everything}) <= 1
    assert max(columns.values()) - min(columns[kind] for kind in {cell.trouble for cell in everything}) <= 2


def test_a_seed_chooses_the_same_again_and_another_seed_others():
    assert sample(many(), 50, "a") == sample(many(), 50, "a")
    assert sample(many(), 50, "a") != sample(many(), 50, "b")


@pytest.mark.parametrize("limit", [None, 30 * NO_HOOKS, 10_000])
def test_where_all_fit_all_are_chosen(limit):
    assert sample(many(), limit, "") == many()
