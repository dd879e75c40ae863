"""For each rule: generated calls that lack what the rule needs never pass it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import Calls
from support.clients_in_memory import judged

from mockserver.schema.attempts import AttemptsSpec

RULES = [
    {"operations": 1}, {"operations": {"max": 9}}, {"operations": {"min": 1}}, {"max": 9}, {"min": 1}, {"same": ["body"]},
    {"same": ["headers.x?"]}, {"gaps": "0s"}, {"gaps": {"lte": "9h"}}, {"gaps": ["0s", "0s"]}, {"growing": True},
    {"growing": {"factor": 1, "margin": "0s", "cap": "1ms"}}, {"backoff": {"first": "1s", "jitter": [0, 100]}},
    {"backoff": {"first": "1s", "jitter": "decorrelated"}}, {"honours": True}, {"honours": "retry-after"},
    {"overlap": False}, {"overlap": True}, {"after": "retryable"},
]  # fmt: skip
RETRIES_NEEDED = [
    rule for rule in RULES if next(iter(rule)) in ("same", "gaps", "growing", "backoff", "honours") or rule == {"overlap": True}
]  # fmt: skip

STATUSES = st.sampled_from([200, 201, 202, 301, 400, 401, 404, 409, 422, 429, 500, 503])
MOMENTS = st.integers(0, 5000).map(lambda ms: ms / 1000)
KEYS = st.none() | st.sampled_from(["a", "b"])


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_no_rule_passes_without_a_call(rule):
    assert judged([], **rule)
    assert judged([], **rule, optional=True) == []


@given(
    calls=st.lists(st.tuples(MOMENTS, MOMENTS, STATUSES), max_size=6), rule=st.sampled_from(RETRIES_NEEDED)
)
def test_operations_of_one_attempt_pass_no_rule_on_retries(calls, rule):
    call = Calls()
    for i, (at_s, lasts_s, status) in enumerate(calls):
        call(at_s, at_s + lasts_s, status, json={"n": i}, headers={"Idempotency-Key": f"k{i}", "X": "1"})

    assert judged(call.made, **rule)
    assert judged(call.made, **rule, optional=True) == []


@given(
    gaps_s=st.lists(MOMENTS, max_size=1),
    rule=st.sampled_from([rule for rule in RULES if "growing" in rule or rule == {"gaps": ["0s", "0s"]}]),
)
def test_one_gap_does_not_grow(gaps_s, rule):
    assert judged(retried(gaps_s), **rule)


def retried(gaps_s, **options):
    """One operation with these gaps, the last attempt of which succeeded."""
    call, at_s = Calls(), 0.0
    for gap_s in gaps_s:
        call(at_s, status=503, headers={"Idempotency-Key": "k"}, **options)
        at_s += gap_s
    call(at_s, status=201, headers={"Idempotency-Key": "k"}, **options)
    return call.made


@given(gaps_s=st.lists(MOMENTS, max_size=2))
def test_two_gaps_prove_no_back_off_with_full_jitter(gaps_s):
    assert judged(retried(gaps_s), backoff={"first": "1s", "jitter": [0, 100]})


@given(gaps_s=st.lists(st.floats(0, 0.02), min_size=2, max_size=8))
def test_a_little_work_between_attempts_is_no_growth(gaps_s):
    assert judged(retried(gaps_s), growing=True)


@given(
    gaps_s=st.lists(MOMENTS, max_size=5),
    answer=st.sampled_from(
        [{}, {"Retry-After": "soon"}, {"x-ratelimit-reset": "1", "x-ratelimit-remaining": "3"}]
    ),
)
def test_nothing_is_honoured_where_nothing_was_asked(gaps_s, answer):
    assert judged(retried(gaps_s, answer=answer), honours=True)


@given(gaps_s=st.lists(MOMENTS, max_size=5), optional=st.booleans())
def test_what_no_attempt_has_is_not_the_same(gaps_s, optional):
    texts = judged(retried(gaps_s), same=["headers.x-order"], optional=optional)

    assert bool(texts) != optional


@given(
    present=st.lists(st.booleans(), min_size=2, max_size=5).filter(
        lambda flags: any(flags) and not all(flags)
    )
)
def test_what_only_some_attempts_have_is_not_the_same(present):
    call = Calls()
    for at_s, has in enumerate(present):
        call(at_s, status=503, headers={"Idempotency-Key": "k", **({"X-Order": "1"} if has else {})})

    for text in ("headers.x-order", "headers.x-order?"):
        assert judged(call.made, same=[text])
        assert judged(call.made, same=[text], optional=True)


def test_more_attempts_at_least_than_at_most_are_refused():
    with pytest.raises(ValueError, match="`min` is above `max`"):
        AttemptsSpec.model_validate({"min": 3, "max": 2})


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_selector_of_by_that_no_call_has_is_nothing_to_judge(rule):
    calls = retried([1.0, 2.0], answer={"Retry-After": "0"}, json={"amount": 5})
    texts = judged(calls, by="headers.idempotncy-key", **rule)

    assert (
        "nothing to judge: no call has headers.idempotncy-key. Did you mean 'headers.idempotency-key'?"
        in texts
    )


@given(starts=st.lists(st.floats(0, 0.9), min_size=2, max_size=5))
def test_equal_requests_without_a_key_that_were_open_together_do_not_pass_as_apart(starts):
    call = Calls()
    for at_s in sorted(starts):
        call(at_s, at_s + 1.0)

    assert judged(call.made, overlap=False)


@given(count=st.integers(2, 6), wanted=st.integers(1, 6))
def test_a_count_passes_only_where_both_readings_agree(count, wanted):
    call = Calls()
    for i in range(count):
        call(i, status=503, json={"amount": 5}, headers={"Idempotency-Key": f"k{i}"})

    assert judged(call.made, operations=wanted)
    assert bool(judged(call.made, max=wanted)) == (wanted < count)
    assert bool(judged(call.made, min=wanted)) == (wanted > 1)


@given(calls=st.lists(st.tuples(MOMENTS, MOMENTS, STATUSES, KEYS, st.integers(0, 1)), min_size=1, max_size=8))
def test_every_call_is_in_one_operation_and_each_attempt_in_the_order_of_arrival(calls):
    from mockserver.attempts import operations

    call = Calls()
    for at_s, lasts_s, status, key, amount in calls:
        call(
            at_s,
            at_s + lasts_s,
            status,
            json={"amount": amount},
            headers={"Idempotency-Key": key} if key else {},
        )
    listed = operations(call.made)

    numbers = [attempt.call.number for operation in listed for attempt in operation.attempts]
    assert sorted(numbers) == [made.number for made in call.made]
    for operation in listed:
        arrivals = [attempt.call.request.arrived_at_s for attempt in operation.attempts]
        assert arrivals == sorted(arrivals)
        keys = [attempt.key for attempt in operation.attempts if attempt.key]
        assert len(set(keys)) < 2 or not operation.certain
