"""What is kept of a run, however many calls it makes."""

from support.judging_cases import Played
from support.sweeps import clean, ran, seen, tries

from mockserver.admin.views import call_view
from mockserver.attempts import operation_view, operations
from mockserver.model.instants import instant
from mockserver.sweep.baseline import learn_baseline
from mockserver.sweep.evidence import FIRST_CALLS, LAST_CALLS, BoundedCalls, SweepEvidence, collect_evidence
from mockserver.sweep.results import MAX_TIMELINE_CALLS, timeline
from mockserver.sweep.retries import retry_summary
from mockserver.verification.operations import grouping_of


def kept(count, effects_at=()):
    calls = BoundedCalls(lambda call: "shop/pay" if call % 2 else None, lambda call: call in effects_at)
    for number in range(1, count + 1):
        calls.add(number)
    return calls


def test_the_first_and_the_last_are_kept_and_the_others_counted_by_route():
    many = kept(FIRST_CALLS + LAST_CALLS + 10)
    assert many.calls[:FIRST_CALLS] == list(range(1, FIRST_CALLS + 1))
    assert many.calls[-LAST_CALLS:] == list(range(FIRST_CALLS + 11, FIRST_CALLS + LAST_CALLS + 11))
    assert many.dropped == {"shop/pay": 5, "": 5}


def test_one_with_an_effect_is_kept_wherever_it_stands():
    at = FIRST_CALLS + 5
    many = kept(FIRST_CALLS + LAST_CALLS + 50, effects_at={at})
    assert at in many.calls
    assert sum(many.dropped.values()) == 49


def test_few_are_kept_as_they_are():
    assert (kept(3).calls, kept(3).dropped) == ([1, 2, 3], {})


def test_what_is_not_kept_counts_as_tries():
    run = ran(seen(), seen(), hits=(1,), operations=[tries((1, None, []), (2, 1.0, []))])
    run.dropped = {"shop/pay": 998, "shop/other": 5}
    found = retry_summary(run)
    assert (found["tries"], found["amplification"]) == (1000, 1000.0)


def test_a_timeline_is_cut_and_says_so():
    run = ran(*(seen() for _ in range(MAX_TIMELINE_CALLS + 7)))
    run.dropped = {"shop/pay": 3}
    document = timeline(run)
    assert (len(document["calls"]), document["more"]) == (MAX_TIMELINE_CALLS, 10)


def test_of_very_many_calls_only_the_first_are_swept():
    run = ran(*(seen() for _ in range(FIRST_CALLS + 20)))
    run.dropped = {"shop/pay": 1}
    found = learn_baseline(clean(run), clean(run))
    assert len(found.calls) == FIRST_CALLS
    assert found.notes == (f"it makes more than {FIRST_CALLS} calls: only the first are swept",)


def test_it_survives_being_sent_as_json():
    run = ran(seen("shop/pay", {"kind": "charge"}), hits=(1,), operations=[tries((1, None, []))])
    run.dropped = {"shop/pay": 1}
    assert SweepEvidence.of_json(run.as_json()) == run


def test_a_call_has_the_key_that_the_scenario_declares():
    pay = "routes: [{name: pay, request: POST /pay, idempotency: {header: x-order}, reply: 201}]"
    calls = [{"at": at, "request": "POST /pay", "headers": {"x-order": "order-7"}} for at in range(2)]
    played = Played({"scenario": pay, "calls": calls})
    grouped = operations(played.calls, grouping_of(played.ns))

    views = [call_view(call, reveal=True) for call in played.calls]
    evidence = collect_evidence(views, [operation_view(grouped[0], instant)], (), (), {})

    assert [call.key for call in evidence.calls] == ["order-7", "order-7"]
