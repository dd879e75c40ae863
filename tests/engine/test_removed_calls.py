"""A call that is deleted is in no count and in no list, whatever it was; metrics and followers have it once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.calls import World

from mockserver.engine.call_stream import Follower
from mockserver.engine.monitoring import Watch
from mockserver.engine.namespace import CallInProgressError
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.verify import CountSpec
from mockserver.store.call_log import CallLogLimits
from mockserver.verification.counting import Subject

SHOP = """
routes:
  - {name: pay, request: POST /pay, reply: [503, {status: 201, json: {}}, {fault: reset}, {status: 201, delay: 5s}]}
  - {name: read, request: GET /read, reply: 200}
"""
KINDS = ["POST /pay", "GET /read", "GET /nowhere", "OPTIONS /pay", "incomplete", "left"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenarios")
    (folder / "shop.yaml").write_text(SHOP)
    return folder


def made(engine, kind):
    """A call that is over."""
    if kind == "incomplete":
        call = engine.begin_incomplete(Request("POST", "/pay", complete=False), engine.default, None)
    else:
        line = "POST /pay" if kind == "left" else kind
        call = engine.begin(Request(*line.split(), body=b"x" * 70_000), engine.default)
    if call.status is None and kind not in ("left", "incomplete") and call.fault is None:
        engine.answered(call, 201)
    engine.finish(call, Outcome.CLIENT_LEFT if kind == "left" else Outcome.DONE)
    return call


def counted(ns):
    """All counts, without routes and lines that count nothing."""
    routes = {
        name: (route.calls, dict(route.statuses), route.in_flight)
        for name, route in ns.counts.routes.items()
        if route.calls
    }
    totals = ns.counts.total, ns.counts.unmatched, ns.counts.incomplete, ns.counts.automatic
    return totals, routes, dict(ns.counts.lines)


def series(engine):
    *_, reading = Watch(engine).read()
    totals = reading.totals
    return dict(totals.calls), totals.unmatched, totals.incomplete, totals.automatic


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=8), st.data())
def test_the_counts_are_those_of_the_calls_that_are_left(folder, kinds, data):
    world = World(folder)
    calls = [made(world.engine, kind) for kind in kinds]
    before, exported = counted(world.ns), series(world.engine)
    gone = data.draw(st.lists(st.sampled_from(calls), unique=True)) if calls else []
    for call in gone:
        world.ns.forget_call(call)

    left = [call for call in calls if call not in gone]
    assert list(world.ns.call_log) == left == world.ns.call_log.after(0)
    assert [world.ns.call_log.get(call.number) for call in calls] == [
        call if call in left else None for call in calls
    ]
    assert series(world.engine) == exported
    assert (world.ns.call_log.cut, world.ns.call_log.dropped) == (sum(call.truncated for call in left), 0)
    for call in left:
        world.ns.forget_call(call)
    assert counted(world.ns) == ((0, 0, 0, 0), {}, {})
    assert world.ns.call_log.size_bytes == 0
    assert before[0][0] == len(calls)


def test_a_call_in_progress_stays(folder):
    world = World(folder)
    call = world.engine.begin(Request("GET", "/read"), world.ns)

    with pytest.raises(CallInProgressError):
        world.ns.forget_call(call)
    assert list(world.ns.call_log) == [call]


def test_a_count_with_conditions_forgets_what_was_deleted_or_dropped(folder):
    world = World(folder, limits=CallLogLimits(calls=3))
    subject = Subject(
        world.ns, parse_spec(CountSpec, {"route": "read", "match": {"text": {"contains": "x"}}})
    )
    calls = [made(world.engine, "GET /read") for _ in range(3)]
    assert subject.count(world.ns).count == 3

    world.ns.forget_call(calls[1])
    assert (subject.count(world.ns).count, subject.count(world.ns).exact) == (2, False)  # bodies are cut
    made(world.engine, "GET /nowhere")
    made(world.engine, "GET /nowhere")
    assert subject.count(world.ns).count == 1


def test_a_follower_has_each_call_once_although_some_are_deleted(folder):
    world = World(folder)
    follower = Follower(world.ns, None, most=10, sample=3, calm=4)
    first, second, third = (made(world.engine, "GET /read") for _ in range(3))
    world.ns.forget_call(second)
    last = made(world.engine, "GET /read")
    world.ns.forget_call(third)

    assert follower.take(10) == ([first, second, third, last], 0)
    follower.leave()
