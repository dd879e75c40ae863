"""`load` in a check and in `expect`: whose calls are judged, and what is refused."""

import pytest
from support.calls import World

from mockserver.errors import InvalidInputError
from mockserver.store.call_log import CallLogLimits
from mockserver.verification.verdict import Standing
from mockserver.verification.verify import expectations

SHOP = """
scenario: shop
expect: {load: {in_flight: {max: 2}}}
routes:
  - {name: charge, request: POST /charges, expect: {max: 9, load: {rate: {max: 4/s}}}, reply: 201}
  - {name: refund, request: POST /refunds, expect: {load: {rate: {max: 1/s}, optional: true}}, reply: 201}
"""
OTHER = """
scenario: other
routes: [{name: ping, request: GET /ping, reply: 200}]
"""
AT_ONCE = {"in_flight": {"max": 2}}


@pytest.fixture
def world(write):
    return World(write({"shop.yaml": SHOP, "other.yaml": OTHER}))


def call(world, at_s, until_s, route="shop/charge", line="POST /charges", **facts):
    return world(at_s, until_s, 201, route=route, line=line, scenario=route.partition("/")[0], **facts)


def test_a_check_without_a_subject_judges_all_matched_calls(world):
    call(world, 0.0, 1.0)
    call(world, 0.1, 0.2, "shop/refund", "POST /refunds")
    call(world, 0.2, 1.0, "shop/refund", "POST /refunds")
    world(0.2, 1.0, 404, route=None, line="GET /nothing")
    assert world.verdict({"load": AT_ONCE}).ok

    call(world, 0.3, 1.0, "other/ping", "GET /ping")

    verdict = world.verdict({"load": AT_ONCE})
    assert verdict.text.splitlines()[0] == "all calls: in_flight: 3 calls at the same time, at most 2 allowed"
    assert "c-000004" not in verdict.text
    call(world, 1.0, 2.0)
    call(world, 1.0, 2.0, "other/ping", "GET /ping")
    assert world.verdict({"route": "charge", "load": {"in_flight": {"max": 1}}}).ok
    assert world.verdict({"request": "GET /ping", "load": {"in_flight": {"max": 1}}}).ok


def test_a_call_that_is_open_is_in_progress(world):
    for _ in range(3):
        call(world, 0.0, None)
    check = {"route": "charge", "load": AT_ONCE}
    assert world.verdict(check).standing is Standing.SHORT, "the client may have left one"

    call(world, 0.06, 0.07)

    assert world.verdict(check).standing is Standing.FAILED


def test_nothing_to_judge_may_still_come(world):
    assert world.verdict({"load": AT_ONCE}).standing is Standing.SHORT
    call(world, 0.0, 1.0)
    assert world.verdict({"route": "charge", "load": {"in_flight": {"max": 3}}}).standing is Standing.SHORT


def test_what_the_log_has_dropped_is_not_judged(write):
    world = World(write({"shop.yaml": SHOP}), limits=CallLogLimits(calls=2))
    for at_s in range(4):
        call(world, float(at_s), at_s + 0.5)

    assert "only the newest 2 are in the call log" in world.verdict({"load": {"rate": {"max": "1/s"}}}).text


def test_expect_of_a_route_and_a_scenario_is_judged_at_the_end(world):
    call(world, 0.0, 1.0)
    call(world, 0.1, 1.0)
    call(world, 0.2, 1.0, "other/ping", "GET /ping")
    for at_s in (1.1, 1.2, 1.3):
        call(world, at_s, at_s)
    assert [verdict.text for verdict in expectations(world.ns, "shop") if not verdict.ok] == []

    call(world, 0.3, 1.0, "shop/refund", "POST /refunds")
    call(world, 0.4, 1.0, "shop/refund", "POST /refunds")

    failed = [verdict.text.splitlines()[0] for verdict in expectations(world.ns, "shop") if not verdict.ok]
    assert failed == [
        "shop: in_flight: 4 calls at the same time, at most 2 allowed",
        "shop/refund: rate: 2 calls within 1s, at most 1 allowed",
    ]
    assert all(verdict.ok for verdict in expectations(world.ns, "other"))


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({"load": {}}, "`load` has no rule. Write one of amplification, budget"),
        ({"route": "charge", "attempts": {"max": 1}, "load": AT_ONCE}, "not both. Write two checks"),
        ({"effects": {"kind": "x"}, "load": AT_ONCE}, "`load` does not apply to effects"),
        ({"unmatched": 0, "load": AT_ONCE}, "`load` does not apply to unmatched"),
        ({"load": {"budget": {"retries": "120%"}}}, "load.budget.retries: '120%' is not a share between"),
        ({"load": {"budget": {"retries": "many"}}}, "load.budget.retries: 'many' is not a valid share"),
        ({"load": {"rate": {"max": 5}}}, "load.rate.max: 5 is not a valid rate"),
        ({"load": {"breaker": {"opens_after": 1, "stays_open": "50ms"}}}, "`stays_open` is below 100ms"),
        ({"load": {"by": "jsno.x", "rate": {"max": "1/s"}}}, "load.by: "),
        (
            {"load": {"spread": {"window": "99ms"}}},
            "load.spread: `window` is below 100ms. Write at least 100ms",
        ),
    ],
)
def test_what_can_not_be_judged_is_refused_with_its_place(world, check, said):
    with pytest.raises(InvalidInputError) as refused:
        world.verdict(check)

    assert said in str(refused.value)


def test_a_selector_that_no_call_has_is_named_with_the_one_that_was_meant(world):
    call(world, 0.0, 1.0, json={"order": 7})

    verdict = world.verdict({"route": "charge", "load": {"by": "json.oder", **AT_ONCE}})

    assert "nothing to judge: no call has json.oder. Did you mean 'json.order'?" in verdict.text
