"""Pairs: two troubles in one run, at a call and its retry, or at two calls."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sweeps import baseline, ran, seen, sweep_of

from mockserver.sweep.cells import Cell, Plan, PossiblePairs, all_cells
from mockserver.sweep.junit import junit
from mockserver.sweep.kinds import load_kinds
from mockserver.sweep.results import Trial
from mockserver.sweep.table import budget, table

KINDS = load_kinds()
CALLS = (seen("shop/pay", webhooks=1), seen("shop/read", has_body=False), seen("shop/pay"))


def cells(*calls: Any, test: str = "t.py::test_pay") -> list[Cell]:
    return all_cells([baseline(ran(*(calls or CALLS)), test=test)], KINDS)


def named(*names: str) -> list[Cell]:
    return Plan.create(cells(), KINDS, names, None, 0, "").planned  # type: ignore[return-value]


def struck(cell: Cell) -> list[tuple[str, int]]:
    return [(data["name"], data["call"]) for data in cell.troubles]


# Which there are


def test_the_second_trouble_strikes_the_retry_of_the_first():
    (pair,) = named("pay#1/reset-before-effect,pay#1/reset-after-effect")
    assert struck(pair) == [("reset-before-effect", 1), ("reset-after-effect", 2)]
    (pair,) = named("pay#1/503-twice,pay#1/time-out")
    assert struck(pair) == [("503-twice", 1), ("time-out", 3)]


def test_a_later_call_of_the_route_is_moved_by_the_retries_of_the_first():
    (pair,) = named("pay#1/500,pay#2/time-out")
    assert struck(pair) == [("500", 1), ("time-out", 3)]
    (pair,) = named("pay#1/slow-body,pay#2/time-out")
    assert struck(pair) == [("slow-body", 1), ("time-out", 2)]
    (pair,) = named("pay#1/500,read#1/time-out")
    assert struck(pair) == [("500", 1), ("time-out", 1)]


@pytest.mark.parametrize(
    "name",
    [
        "pay#1/503-for-good,pay#1/500",
        "pay#1/503-for-good,read#1/500",
        "pay#1/slow-body,pay#1/500",
        "pay#1/webhook-twice,pay#1/500",
        "read#1/500,pay#1/500",
    ],
)
def test_what_cannot_follow_the_first_makes_no_pair(name):
    assert named(name) == []


def test_a_pair_has_one_test():
    both = [*cells(test="t.py::test_a"), *cells(test="t.py::test_b")]
    pairs = PossiblePairs(both, KINDS)
    assert len(pairs) == 2 * len(PossiblePairs(cells(), KINDS))
    sampled = pairs.sample(200, "")
    assert {pair.test for pair in sampled} == {"t.py::test_a", "t.py::test_b"}
    assert all(pair.then is not None and pair.then.test == pair.test for pair in sampled)


def test_all_are_as_many_as_they_say_and_each_can_be_named():
    pairs = PossiblePairs(cells(), KINDS)
    every = pairs.sample(len(pairs) + 10, "")
    assert len({pair.id for pair in every}) == len(every) == len(pairs)
    again = pairs.select(["*,*"])
    assert {pair.id: pair.troubles for pair in again} == {pair.id: pair.troubles for pair in every}


# Which are chosen


@given(limit=st.integers(1, 60), seed=st.text(max_size=5))
def test_the_seed_chooses_as_many_as_are_asked_for_half_of_them_at_retries(limit, seed):
    pairs = PossiblePairs(cells(), KINDS)
    sample = pairs.sample(limit, seed)
    assert [pair.id for pair in sample] == [
        pair.id for pair in PossiblePairs(cells(), KINDS).sample(limit, seed)
    ]
    assert len({pair.id for pair in sample}) == limit
    retried = [pair for pair in sample if pair.then is not None and pair.then.call == pair.call]
    assert len(retried) == limit - limit // 2


def test_another_seed_chooses_others():
    pairs = PossiblePairs(cells(), KINDS)
    assert {pair.id for pair in pairs.sample(20, "a")} != {pair.id for pair in pairs.sample(20, "b")}


def test_one_call_has_pairs_at_its_retry_only():
    pairs = PossiblePairs(cells(seen()), KINDS).sample(30, "")
    assert len(pairs) == 30
    assert all(pair.then is not None and pair.then.call == "pay#1" for pair in pairs)


def test_a_long_test_has_too_many_to_list_and_they_are_chosen_all_the_same():
    many = cells(*[seen(f"shop/r{i}") for i in range(1000)])
    pairs = PossiblePairs(many, KINDS)
    assert len(pairs) > 10**7
    assert len(pairs.sample(5, "")) == 5


def test_a_plan_has_pairs_of_the_cells_that_are_meant():
    plan = Plan.create(cells(), KINDS, ["read#1/*"], 2, 10, "")
    singles = [cell for cell in plan.planned if cell.then is None]
    pairs = [cell for cell in plan.planned if cell.then is not None]
    assert (len(singles), len(pairs)) == (2, 10)
    assert {cell.call for cell in pairs} == {"read#1"}
    assert Plan.create(cells(), KINDS, [], None, 0, "").planned == cells()


# What is told


PAIR = "pay#1/reset-before-effect,pay#1/reset-after-effect"
CHARGE = {"kind": "charge", "order": 7}


def swept(*pairs: str, missed: int = 0) -> Any:
    taught = baseline(ran(seen("shop/pay", CHARGE)))
    singles = all_cells([taught], KINDS)
    found = PossiblePairs(singles, KINDS).select(pairs)
    sweep = sweep_of(taught, possible=singles, planned=[*singles, *found])
    for cell in singles:
        sweep.add(
            Trial(cell=cell, passed=True, duration_s=0.1, evidence=ran(seen("shop/pay", CHARGE), hits=(1,)))
        )
    for cell in found:
        evidence = ran(seen("shop/pay"), seen("shop/pay", CHARGE), seen("shop/pay", CHARGE), hits=(1, 2))
        evidence.missed = missed
        sweep.add(Trial(cell=cell, passed=True, duration_s=0.1, evidence=evidence))
    return sweep


def test_a_pair_is_reported_as_cells_are():
    sweep = swept(PAIR)
    document = sweep.document()
    (pair,) = document["pairs"]
    assert (pair["id"], pair["verdict"]) == (f"test_pay/{PAIR}", "harmed")
    assert (pair["call"], pair["trouble"]) == ("pay#1", "reset-before-effect")
    assert pair["then"] == {"call": "pay#1", "trouble": "reset-after-effect"}
    assert pair["command"] == f"pytest --mock-server-sweep-only 'test_pay/{PAIR}'"
    assert all("then" not in cell and cell["verdict"] == "survived" for cell in document["cells"])
    assert (document["verdicts"]["harmed"], document["failed"], document["budget"]["pairs"]) == (1, True, 1)
    printed = "\n".join([*budget(sweep, 1), *table(sweep)])
    assert "1 of 1 pair of troubles run, selected by the seed" in printed
    assert "1 pair: 1 harmed" in printed
    assert f"HARMED test_pay/{PAIR}" in printed
    (case,) = ET.fromstring(junit(document)).findall(".//testcase[failure]")
    assert case.get("name") == PAIR


def test_a_pair_whose_second_trouble_struck_no_call_is_not_reached():
    sweep = swept(PAIR, missed=1)
    (missed,) = sweep.document()["unreached"]
    assert missed["id"] == f"test_pay/{PAIR}"
    assert missed["why"] == "the call of its second trouble was not made this time"
    assert sweep.document()["pairs"] == []
    assert "1 pair: 1 not reached" in list(table(sweep))
    names = [
        case.get("name") for case in ET.fromstring(junit(sweep.document())).findall(".//testcase[skipped]")
    ]
    assert names == [PAIR]


def test_a_pair_survives_being_sent_as_json():
    (pair,) = named(PAIR)
    assert Cell.of_json(pair.as_json()) == pair
