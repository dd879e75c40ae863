"""Rules on load against what they mean, over random calls."""

from hypothesis import given
from hypothesis import strategies as st
from support.calls import Calls

from mockserver.attempts import operations
from mockserver.attempts.findings import FindingState
from mockserver.load.breaker import breaker_findings
from mockserver.load.pressure import in_flight_findings, rate_findings
from mockserver.load.ratios import amplification_findings, budget_findings
from mockserver.schema.load import LoadSpec

SPANS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200)), min_size=1, max_size=25)
STATUSES = st.lists(st.tuples(st.integers(1, 400), st.sampled_from([200, 503])), min_size=1, max_size=25)


def spec_of(**rules):
    return LoadSpec.model_validate(rules)


def state(findings):
    (finding,) = findings
    return finding.state


def judged_spans(spans):
    calls = Calls()
    for at, takes in sorted(spans):
        calls(at / 100, (at + takes) / 100, json={"n": len(calls.made)})
    return operations(calls.made)


@given(SPANS, st.integers(1, 8))
def test_in_flight_is_the_most_calls_at_any_arrival(spans, limit):
    peak = max(sum(a <= at < a + takes for a, takes in spans) for at, _ in spans)

    found = state(in_flight_findings(spec_of(in_flight={"max": limit}).in_flight, judged_spans(spans)))

    assert (found is FindingState.BROKEN) == (peak > limit)
    assert (found is FindingState.NOTHING) == (
        peak < limit / 2 or (len(spans) <= limit and (peak < limit or limit == 1))
    )


@given(SPANS, st.integers(1, 8))
def test_a_rate_is_broken_where_more_calls_come_within_the_tolerated_time(spans, limit):
    peak = max(sum(at - 95 < a <= at for a, _ in spans) for at, _ in spans)

    found = state(rate_findings(spec_of(rate={"max": f"{limit}/s"}).rate, judged_spans(spans)))

    assert (found is FindingState.BROKEN) == (peak > limit)


@given(STATUSES, st.integers(1, 4))
def test_a_breaker_is_broken_only_by_a_call_after_so_many_failures_in_a_row(steps, opens_after):
    """Calls one after the other, some hundredths of a second apart; each takes one."""
    calls, now_s = Calls(), 0.0
    for pause, status in steps:
        now_s += pause / 100 + 0.063  # never at a bound
        calls(now_s, now_s + 0.01, status, json={"n": len(calls.made)})
        now_s += 0.01
    rule = spec_of(breaker={"opens_after": opens_after, "stays_open": "500ms"}).breaker

    (finding,) = breaker_findings(rule, operations(calls.made))

    row, first = 0, None
    for i, call in enumerate(calls.made[:-1]):
        row = row + 1 if call.status == 503 else 0
        wait_s = calls.made[i + 1].request.arrived_at_s - call.ended_at_s
        if row >= opens_after and wait_s < 0.45 - 1e-9:
            first = calls.made[i + 1]
            break
        row = min(row, opens_after)  # a failed probe opens it again
    assert (finding.state is FindingState.BROKEN) == (first is not None)
    assert first is None or finding.window[-1] is first


@given(st.lists(st.integers(101, 149), min_size=5, max_size=8))
def test_failures_beside_a_success_may_have_come_before_it(ends_ms):
    calls = Calls()
    calls(0.0, 0.1, 200, json=0)
    for end_ms in ends_ms:
        calls(0.0, end_ms / 1000, 503, json={"n": len(calls.made)})
    calls(0.3, 0.31, 503, json={"n": len(calls.made)})
    rule = spec_of(breaker={"opens_after": 5, "stays_open": "1s"}).breaker

    (finding,) = breaker_findings(rule, operations(calls.made))

    assert finding.state is FindingState.NOTHING
    assert "at most 1 failure in a row" in finding.text


@given(SPANS)
def test_without_a_failure_no_retry_rule_has_anything_to_judge(spans):
    found = judged_spans(spans)

    assert (
        state(amplification_findings(spec_of(amplification={"max": 1}).amplification, found))
        is FindingState.NOTHING
    )
    assert (
        state(budget_findings(spec_of(budget={"retries": 0, "min": 0}).budget, found)) is FindingState.NOTHING
    )
