"""When outages and injected failures were in effect: begin and end by real time and by the virtual clock."""

from __future__ import annotations

from typing import Any

import pytest
from support.engine import InMemory

from mockserver.compiler.editing import reset
from mockserver.engine.fault_injection import InjectedFault
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec
from mockserver.store.fault_periods import MOST_KEPT

SCENARIO = """
routes:
  - {name: a, request: GET /a, reply: 200}
  - {name: b, request: GET /b, reply: 200}
"""
START_S = 1_900_000_000.0


@pytest.fixture
def world() -> InMemory:
    return InMemory(SCENARIO)


def down(world: InMemory, **data: Any) -> None:
    ns = world.default
    data = {"reply": 503, **data}
    ns.set_outage(Outage(parse_spec(OutageSpec, data), data, None, ns.clock.now_s()))


def trouble(world: InMemory, **data: Any) -> None:
    ns = world.default
    data = {"route": "shop/a", "before": 503, **data}
    ns.set_troubles([InjectedFault(parse_spec(PlacedTroubleSpec, data), data, "shop/a", ns.clock.now_s())])


def at(world: InMemory, after_s: float, line: str = "GET /a") -> int | None:
    """A call that arrives so long after the start."""
    world.now_s = START_S + after_s
    return world.ask(line).status


def periods(world: InMemory) -> list[tuple[str, float, float | None]]:
    """What was in effect, from when to when, in seconds after the start, once it was looked."""
    world.default.follow_faults()
    return [
        (
            each.subject,
            each.began.real_s - START_S,
            None if each.ended is None else each.ended.real_s - START_S,
        )
        for each in world.default.fault_periods
    ]


def test_a_namespace_without_faults_has_no_periods(world):
    assert at(world, 1) == 200
    world.default.follow_faults()

    assert world.default.made("fault_periods") is None


def test_an_outage_lasts_until_it_is_ended_or_replaced(world):
    world.now_s += 1
    down(world)
    assert periods(world) == [("outage 503", 1, None)]

    world.now_s += 2
    down(world, reply=500)
    world.now_s += 3
    world.default.set_outage(None)
    world.now_s += 4

    assert periods(world) == [("outage 503", 1, 3), ("outage 500", 3, 6)]


FAULTS = pytest.mark.parametrize("fault", [down, trouble])


@FAULTS
def test_one_for_a_time_has_ended_when_that_was_over_whenever_it_is_noticed(world, fault):
    fault(world, **{"for": "30s"})
    assert at(world, 100) == 200

    assert [each[1:] for each in periods(world)] == [(0, 30)]


@FAULTS
def test_its_time_is_that_of_the_virtual_clock(world, fault):
    clock = world.default.clock
    fault(world, **{"for": "30s"})
    world.now_s += 5
    clock.freeze()
    world.now_s += 1000
    assert [each[1:] for each in periods(world)] == [(0, None)]

    clock.move_to(START_S + 3600)
    world.now_s += 7

    assert [each[1:] for each in periods(world)] == [(0, 1005)]
    (period,) = world.default.fault_periods
    assert period.began.clock_s == START_S
    assert period.ended.clock_s == START_S + 30
    assert (period.began.at_s, period.ended.at_s) == (START_S, START_S + 1005)


def test_an_outage_of_so_many_calls_begins_after_the_skipped_ones_and_ends_with_the_last(world):
    down(world, skip=2, times=2)
    assert [at(world, after) for after in (1, 2, 4, 8, 16)] == [200, 200, 503, 503, 200]

    assert periods(world) == [("outage 503 (skip: 2)", 2, 8)]


def test_a_trouble_begins_once_the_next_call_of_its_route_is_affected_and_ends_with_the_last(world):
    trouble(world, call=2, times=2)
    came = [(1, "GET /b"), (2, "GET /a"), (3, "GET /a"), (4, "GET /b"), (5, "GET /a"), (6, "GET /a")]
    assert [at(world, *each) for each in came] == [200, 200, 503, 200, 503, 200]

    assert [each[1:] for each in periods(world)] == [(2, 5)]
    assert [each.routes for each in world.default.fault_periods] == [{"shop/a"}]


def test_an_outage_goes_on_beside_a_trouble(world):
    down(world)
    world.now_s += 1
    trouble(world)
    world.now_s += 1
    world.default.set_troubles(())

    assert [each[1:] for each in periods(world)] == [(0, None), (1, 2)]


def test_a_reset_of_the_calls_forgets_what_has_ended(world):
    down(world)
    world.now_s += 1
    down(world, reply=500)
    world.now_s += 1

    reset(world.engine, world.default, ["calls"])
    assert periods(world) == [("outage 500", 1, None)]

    reset(world.engine, world.default, ["calls", "routes"])
    assert periods(world) == []


def test_a_restored_snapshot_begins_its_outage_again(world):
    down(world)
    world.default.take_snapshot()
    world.now_s += 1
    world.default.set_outage(None)
    world.now_s += 1
    world.default.put_back(world.default.snapshots[-1][1])

    assert [each[1:] for each in periods(world)] == [(0, 1), (2, None)]


def test_the_newest_are_kept(world):
    for number in range(MOST_KEPT + 5):
        down(world, reply=400 + number % 100)
    world.default.set_outage(None)

    assert len(periods(world)) == MOST_KEPT
    assert periods(world)[-1][0] == f"outage {400 + (MOST_KEPT + 4) % 100}"
    assert not world.default.fault_periods.open
