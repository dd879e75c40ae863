"""The calls over time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import Calls

from mockserver.attempts import operations
from mockserver.load.series import MOST_INTERVALS, series
from mockserver.load.windows import Window
from mockserver.model.plan import Outcome

TIMES = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000)), min_size=1, max_size=30)


@given(TIMES)
def test_every_call_is_in_one_interval_and_no_more_are_at_once_than_overlap(spans):
    calls = Calls()
    for at_ms, takes_ms in sorted(spans):
        calls(at_ms / 1000, (at_ms + takes_ms) / 1000, 200, json={"n": len(calls.made)})

    over_time = series(operations(calls.made))

    assert len(over_time.intervals) <= 41
    assert sum(each.calls for each in over_time.intervals) == over_time.calls == len(spans)
    assert sum(sum(each.answers.values()) for each in over_time.intervals) == len(spans)
    overlapping = [
        sum(a <= at_ms < a + takes or (a, takes) == (at_ms, 0) for a, takes in spans) for at_ms, _ in spans
    ]
    assert over_time.most_in_flight >= 1
    assert over_time.most_in_flight <= max(1, *overlapping)


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(1, 20))
def test_a_window_has_the_events_after_its_start_up_to_its_end(times, length):
    events = [(float(at), at) for at in sorted(times)]
    window = Window(float(length), events)

    for until, count in window.counts():
        inside = [at for _, at in events if until - length < at <= until]
        assert count == len(inside)
        assert window.events_until(until) == inside


def test_answers_are_named_by_status_fault_or_what_the_client_did():
    calls = Calls()
    calls(0.0, 0.1, 201, json=1)
    calls(0.2, 0.3, None, json=2, outcome=Outcome.RESET, fault="reset")
    calls(0.4, 0.5, None, json=3, outcome=Outcome.CLIENT_LEFT, fault="hang")
    calls(0.6, None, None, json=4)

    (interval,) = series(operations(calls.made), 1.0).intervals

    assert interval.answers == {"201": 1, "reset": 1, "client_left": 1, "open": 1}


def test_without_a_call_there_is_no_interval():
    assert series([]).intervals == []


def test_an_interval_is_not_too_short_for_the_calls():
    calls = Calls()
    calls(0.0, 0.1)
    calls(float(MOST_INTERVALS), None)

    assert len(series(operations(calls.made)).intervals) <= 41
    with pytest.raises(ValueError, match=r"1\.0"):
        series(operations(calls.made), 1.0)
