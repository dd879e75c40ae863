"""What is counted over all namespaces: it only grows, whatever is reset or removed, and names no series without end."""

import pytest
from support.calls import World

from mockserver.compiler import editing
from mockserver.engine.latencies import BOUNDS_S
from mockserver.engine.monitoring import Watch
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.store.bounds import Bounds
from mockserver.store.call_log import CallLogLimits
from mockserver.store.counts import Counts
from mockserver.store.delivery import Delivery
from mockserver.store.totals import MOST_ROUTES, MOST_RUNTIME_ROUTES, OTHER, Totals

PAY = """
base: /v1
routes:
  - {name: charge, request: POST /charges, reply: [503, 201]}
  - {name: read, request: GET /charges, reply: 200}
"""


@pytest.fixture
def engine(write):
    return World(write({"pay.yaml": PAY}), limits=CallLogLimits(calls=3)).engine


def called(engine, ns, line="POST /v1/charges", *, ends=True, complete=True):
    method, _, target = line.partition(" ")
    request = Request(method, target, complete=complete)
    call = engine.begin(request, ns) if complete else engine.begin_incomplete(request, ns, None)
    if ends:
        engine.finish(call, Outcome.DONE)
    return call


def read(engine, watch=None):
    *_, reading = (watch or Watch(engine)).read()
    return reading


def test_calls_are_added_up_over_namespaces(engine):
    mine = engine.make_namespace("mine")
    for ns in (engine.default, mine, mine):
        called(engine, ns)
    called(engine, mine, "GET /v1/charges", ends=False)
    called(engine, mine, "GET /nowhere")
    called(engine, mine, "OPTIONS /v1/charges")
    called(engine, mine, complete=False)

    reading = read(engine)

    assert reading.totals.calls == {("pay/charge", 503): 2, ("pay/charge", 201): 1, ("pay/read", 200): 1}
    assert (reading.totals.unmatched, reading.totals.automatic, reading.totals.incomplete) == (1, 1, 1)
    assert (reading.namespaces, reading.scenarios, reading.routes, reading.in_flight) == (2, 1, 2, 1)
    assert (reading.kept_calls, reading.totals.dropped) == (1 + 3, 3)
    assert reading.kept_bytes == engine.default.call_log.size_bytes + mine.call_log.size_bytes


@pytest.mark.parametrize("end", ["remove", "reset", "forget"])
def test_nothing_is_lost_where_a_namespace_forgets_or_goes(engine, end):
    mine = engine.make_namespace("mine")
    for _ in range(5):
        called(engine, mine)
    called(engine, mine, "GET /nowhere")
    before = read(engine).totals

    if end == "remove":
        engine.remove_namespace(mine)
    elif end == "reset":
        editing.reset(engine, mine, ["calls"])
    else:
        mine.forget_calls()
    after = read(engine)

    assert after.totals.calls == before.calls == {("pay/charge", 503): 1, ("pay/charge", 201): 4}
    assert (after.totals.unmatched, after.totals.dropped) == (before.unmatched, before.dropped) == (1, 3)
    assert after.kept_calls == 0


def test_who_goes_while_it_is_read_is_counted_once(engine):
    mine = engine.make_namespace("mine")
    called(engine, mine)
    for n in range(500):
        engine.make_namespace(f"ns-{n}")
    late = engine.make_namespace("late")
    called(engine, late)
    steps = Watch(engine).read()
    assert next(steps) is None
    for ns in (mine, late):
        engine.remove_namespace(ns)
    *_, reading = steps

    assert reading.totals.calls == read(engine).totals.calls == {("pay/charge", 503): 2}


def test_what_is_called_after_a_reset_in_the_middle_is_for_the_next_reading(engine):
    for n in range(500):
        engine.make_namespace(f"ns-{n}")
    late = engine.make_namespace("late")
    called(engine, late, "GET /v1/charges")
    watch = Watch(engine)
    steps = watch.read()
    next(steps)
    late.forget_calls()
    called(engine, late, "GET /v1/charges")
    late.forget_calls()
    *_, reading = steps

    assert reading.totals.calls == {("pay/read", 200): 1}
    assert read(engine, watch).totals.calls == {("pay/read", 200): 2}
    assert (sum(watch.latencies.counts), watch.latencies.unobserved) == (2, 0)


def test_reading_makes_nothing_that_was_not_there(engine):
    idle = engine.make_namespace("idle")

    read(engine)

    assert [idle.made(name) for name in ("deliveries", "violations")] == [None] * 2
    assert idle.used_memory is None


def test_reading_lets_others_have_their_turn(engine):
    for n in range(1200):
        engine.make_namespace(f"ns-{n}")

    assert [reading is None for reading in Watch(engine).read()] == [True, True, False]


def test_webhooks_are_counted_by_their_state(engine):
    for number in (1, 2):
        engine.default.deliveries.add(
            Delivery(number, namespace="default", call="c-000001", route="pay/charge", url="http://a/", body=b"", message_id="m", created_s=0, due_s=0)
        )  # fmt: skip

    assert read(engine).webhooks == {"waiting": 2}


def counted(*route_ids):
    counts = Counts(Bounds())
    for route_id in route_ids:
        call = Call(1, "default", Request("GET", "/"))
        call.route_id, call.status = route_id, 200
        counts.begun(call)
    return counts


def test_so_many_routes_are_named_and_the_rest_is_one(engine):
    totals = Totals()
    files = [f"pay/{n}" for n in range(MOST_ROUTES + 5)]
    tests = [f"runtime/{n}" for n in range(MOST_RUNTIME_ROUTES + 7)]

    totals.add(counted(*tests, *files), None)

    assert totals.calls[OTHER, 200] == 5 + 7
    assert totals.calls["pay/0", 200] == totals.calls["runtime/0", 200] == 1
    assert len(totals.calls) == MOST_ROUTES + MOST_RUNTIME_ROUTES + 1


def test_who_was_not_named_never_is_and_who_was_always(engine):
    totals = Totals()
    totals.add(counted(*(f"pay/{n}" for n in range(MOST_ROUTES))), None)
    twin = totals.twin()
    twin.add(counted("pay/late", "pay/0"), None)
    totals.add(counted("pay/late", "pay/0"), None)

    assert twin.calls == totals.calls
    assert (totals.calls[OTHER, 200], totals.calls["pay/0", 200]) == (1, 2)


# Latencies


@pytest.fixture
def timed(engine):
    """Makes a call whose decision took so long."""
    now = [0.0]
    engine.shared.mono = lambda: now[0]

    def call(seconds, ns=None, **options):
        now[0] += 1
        request = Request("GET", "/v1/charges", arrived_at_s=now[0], **options)
        now[0] += seconds
        ns = ns or engine.default
        if request.complete:
            engine.finish(engine.begin(request, ns), Outcome.DONE)
        else:
            engine.finish(engine.begin_incomplete(request, ns, None), Outcome.CLIENT_LEFT)

    return call


def test_each_call_is_in_its_bucket_once(engine, timed):
    watch = Watch(engine)
    latencies = watch.latencies
    timed(0.000_02)
    timed(BOUNDS_S[1] / 2 + BOUNDS_S[0] / 2)
    read(engine, watch)
    timed(2.0)
    read(engine, watch)
    read(engine, watch)

    assert (latencies.counts[0], latencies.counts[1], latencies.counts[-1]) == (1, 1, 1)
    assert sum(latencies.counts) == 3
    assert latencies.sum_s == pytest.approx(2.000_057_5)
    assert latencies.unobserved == 0


def test_a_call_that_was_dropped_before_it_was_read_is_counted_as_unobserved(engine, timed):
    watch = Watch(engine)
    latencies = watch.latencies
    for _ in range(8):
        timed(0.1)
    read(engine, watch)

    assert (sum(latencies.counts), latencies.unobserved) == (3, 5)


def test_a_request_that_never_came_whole_took_the_clients_time(engine, timed):
    watch = Watch(engine)
    latencies = watch.latencies
    timed(5.0, complete=False)
    read(engine, watch)

    assert (sum(latencies.counts), latencies.unobserved) == (0, 0)


def test_a_name_that_is_used_again_begins_anew(engine, timed):
    watch = Watch(engine)
    latencies = watch.latencies
    for _ in range(2):
        ns = engine.make_namespace("mine")
        timed(0.1, ns)
        timed(0.1, ns)
        read(engine, watch)
        engine.remove_namespace(ns)

    assert (sum(latencies.counts), latencies.unobserved) == (4, 0)
    assert ns not in latencies._seen
