"""An outage or a trouble for a share of the calls: drawn by the seed, growing by the virtual clock, for a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine import InMemory

from mockserver.engine.fault_injection import InjectedFault
from mockserver.engine.namespace import Namespace
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec

SCENARIO = """
routes:
  - {name: a, request: GET /a, reply: {text: "{{ random_string(8) }}"}}
  - {name: b, request: GET /b, reply: {choose: [{status: 201}, {status: 202}]}}
"""


def down(world: InMemory, ns: Namespace | None = None, **data: Any) -> None:
    ns = ns or world.default
    data = {"reply": 503, **data}
    ns.set_outage(Outage(parse_spec(OutageSpec, data), data, None, ns.clock.now_s()))


def trouble(world: InMemory, *listed: dict[str, Any]) -> None:
    ns = world.default
    ns.set_troubles(
        InjectedFault(parse_spec(PlacedTroubleSpec, data), data, f"shop/{data['route']}", ns.clock.now_s())
        for data in listed
    )


def struck(world: InMemory, count: int, line: str = "GET /a") -> list[bool]:
    return [status == 503 for status in world.statuses(*[line] * count)]


FAULTS = [down, lambda world, **data: trouble(world, {"route": "a", "before": 503, **data})]
ANY_FAULT = pytest.mark.parametrize("fault", FAULTS, ids=["outage", "trouble"])


@ANY_FAULT
@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_it_affects_about_its_share_of_the_calls(fault, probability):
    world = InMemory(SCENARIO)
    fault(world, probability=probability)
    assert sum(struck(world, 1000)) == pytest.approx(1000 * probability, abs=60)


@ANY_FAULT
def test_the_same_calls_give_the_same_draws_and_another_seed_gives_others(fault):
    def drawn(**settings: Any) -> list[bool]:
        world = InMemory(SCENARIO, **settings)
        fault(world, probability=0.5)
        return struck(world, 64)

    assert drawn() == drawn()
    assert drawn() != drawn(seed="other")


@given(between=st.lists(st.integers(0, 3), min_size=20, max_size=20))
def test_calls_of_other_routes_do_not_change_the_draws(between):
    alone, mixed = InMemory(SCENARIO), InMemory(SCENARIO)
    for world in (alone, mixed):
        down(world, probability=0.5)
    expected = struck(alone, 20)
    got = []
    for count in between:
        struck(mixed, count, "GET /b")
        got += struck(mixed, 1)
    assert got == expected


def test_a_larger_probability_affects_the_same_calls_and_more():
    few, many = InMemory(SCENARIO), InMemory(SCENARIO)
    down(few, probability=0.3)
    down(many, probability=0.6)
    both = list(zip(struck(few, 200), struck(many, 200), strict=True))
    assert (True, False) not in both
    assert (False, True) in both


def test_ids_and_choices_are_those_of_a_service_without_outage():
    clean, disturbed = InMemory(SCENARIO), InMemory(SCENARIO)
    down(disturbed, probability=0.5)
    got = [status for status in disturbed.statuses(*["GET /b"] * 60) if status != 503]
    assert 10 < len(got) < 50
    assert got == clean.statuses(*["GET /b"] * len(got))


def test_troubles_of_one_route_are_drawn_independently():
    world = InMemory(SCENARIO)
    trouble(
        world,
        {"route": "a", "before": 503, "probability": 0.5},
        {"route": "a", "before": 500, "probability": 0.5},
    )
    statuses = world.statuses(*["GET /a"] * 400)
    assert statuses.count(503) == pytest.approx(200, abs=50)
    assert statuses.count(500) == pytest.approx(100, abs=50)


@ANY_FAULT
def test_a_ramp_grows_from_0_by_the_clock(fault):
    world = InMemory(SCENARIO)
    fault(world, ramp="60s", probability=0.8)
    counts = []
    for _ in range(3):
        counts.append(sum(struck(world, 400)))
        world.now_s += 30
    assert counts == [0, pytest.approx(160, abs=45), pytest.approx(320, abs=45)]
    assert sum(struck(world, 400)) == pytest.approx(320, abs=45)


@ANY_FAULT
def test_a_ramp_alone_ends_with_all_calls_and_for_with_none(fault):
    world = InMemory(SCENARIO)
    fault(world, **{"ramp": "1m", "for": "2m"})
    world.now_s += 60
    assert struck(world, 50) == [True] * 50
    world.now_s += 60
    assert struck(world, 5) == [False] * 5


def test_the_affected_calls_of_an_outage_count_for_times():
    world = InMemory(SCENARIO)
    down(world, probability=0.5, times=3)
    assert sum(struck(world, 100)) == 3


def test_times_of_a_trouble_is_the_number_of_calls_that_it_may_affect():
    world = InMemory(SCENARIO)
    trouble(world, {"route": "a", "before": 503, "call": 5, "times": 100, "probability": 0.5})
    drawn = struck(world, 200)
    assert not any(drawn[:4] + drawn[104:])
    assert 20 < sum(drawn) < 80


def test_a_snapshot_keeps_the_draws():
    world = InMemory(SCENARIO)
    ns = world.default
    down(world, probability=0.5)
    struck(world, 7)
    ns.take_snapshot()
    expected = struck(world, 40)
    for _ in range(2):
        ns.put_back(ns.snapshots[-1][1])
        assert struck(world, 40) == expected


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"probability": 0.25}, "outage 503 (probability: 0.25): it affected no call"),
        ({"ramp": "30s", "for": "1m"}, "outage 503 (ramp: 30s, for: 1m): it affected no call"),
    ],
)
def test_one_that_struck_no_call_says_what_limits_it(data, text):
    world = InMemory(SCENARIO)
    down(world, **data)
    ((strike, _),) = world.default.unused_faults()
    assert strike.text().startswith(text)


def test_a_trouble_whose_time_is_over_has_ended():
    world = InMemory(SCENARIO)
    trouble(world, {"route": "a", "before": 503, "for": "30s"})
    assert [why for _, why in world.default.unused_faults()] == ["no call yet"]
    world.now_s += 30
    assert [why for _, why in world.default.unused_faults()] == ["no call before it ended"]
