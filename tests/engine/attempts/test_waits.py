"""What an answer asks to wait for, in every spelling, and whether it was kept; how gaps are measured."""

import pytest
from support.calls import WALL_S, Calls

from mockserver.attempts import operations
from mockserver.attempts.retryable import requested_wait
from mockserver.model.plan import Outcome


def the_attempts(call):
    (operation,) = operations(call.made)
    return operation.attempts


# How long the client waited


def test_a_gap_runs_from_the_end_of_an_attempt_to_the_arrival_of_the_next(call):
    call(1.0, 1.5, 503)
    call(2.25, 3.25, 503)
    call(5.25, 5.5, 200)

    assert [attempt.gap_s for attempt in the_attempts(call)] == [None, 0.75, 2.0]
    assert not operations(call.made)[0].overlap


def test_the_end_of_an_attempt_may_be_the_client_leaving(call):
    call(0.0, 2.0, 200, outcome=Outcome.CLIENT_LEFT)
    call(2.5)

    assert the_attempts(call)[1].gap_s == 0.5


@pytest.mark.parametrize(("seen_s", "together"), [(0.0, True), (0.02, True), (0.05, True), (0.051, False)])
def test_a_client_may_be_seen_to_leave_50_ms_after_its_next_attempt(call, seen_s, together):
    call(0.0, 1.0 + seen_s, 200, outcome=Outcome.CLIENT_LEFT)
    call(1.0, 2.0)

    listed = operations(call.made)
    assert len(listed) == (1 if together else 2)
    if together:
        assert listed[0].attempts[1].gap_s == 0.0
        assert not listed[0].overlap


def test_an_answer_that_ends_after_the_next_call_came_has_no_such_margin(call):
    call(0.0, 1.01, 503)
    call(1.0, 2.0)

    assert len(operations(call.made)) == 2


KEY = {"Idempotency-Key": "a"}


def test_a_negative_gap_is_an_overlap(call):
    call(0.0, 1.0, 503, headers=KEY)
    call(0.75, 2.0, headers=KEY)

    assert the_attempts(call)[1].gap_s == -0.25
    assert the_attempts(call)[1].overlaps


def test_an_attempt_that_comes_at_the_very_end_of_the_one_before_does_not_overlap(call):
    call(0.0, 1.0, 503)
    call(1.0)

    assert the_attempts(call)[1].gap_s == 0.0
    assert not the_attempts(call)[1].overlaps


def test_an_attempt_beside_one_still_open_overlaps_without_a_gap(call):
    call(0.0, None, 200, headers=KEY)
    call(1.0, headers=KEY)

    assert the_attempts(call)[1].gap_s is None
    assert the_attempts(call)[1].overlaps


# Retry-After


@pytest.mark.parametrize(
    ("answer", "gap_s", "said"),
    [
        ({"Retry-After": "1"}, 1.0, "kept"),
        ({"Retry-After": "1"}, 0.951, "kept"),
        ({"Retry-After": "1"}, 0.949, "broken"),
        ({"Retry-After": "0"}, 0.0, "kept"),
        ({"Retry-After": "1.5"}, 1.44, "broken"),
        ({"retry-after-ms": "500"}, 0.451, "kept"),
        ({"retry-after-ms": "500"}, 0.449, "broken"),
        ({"retry-after-ms": "100", "Retry-After": "9"}, 0.1, "kept"),
        ({"retry-after-ms": "soon", "Retry-After": "1"}, 0.1, "broken"),
        ({"Retry-After": " 1 "}, 0.1, "broken"),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 8.0, "kept"),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 7.9, "broken"),
        ({"Retry-After": "Thursday, 01-Jan-26 00:00:10 GMT"}, 7.9, "broken"),
        ({"Retry-After": "Thu Jan  1 00:00:10 2026"}, 7.9, "broken"),
        ({"Retry-After": "Thu Jan  1 00:00:10 2026"}, 8.0, "kept"),
        ({"Retry-After": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0, "kept"),
        ({"Retry-After": "soon"}, 0.0, "none"),
        ({"Retry-After": "nan"}, 0.0, "none"),
        ({"Retry-After": "inf"}, 0.0, "none"),
        ({"Retry-After": "-5"}, 0.0, "none"),
        ({"Retry-After": ""}, 0.0, "none"),
        ({"retry-after-ms": "nan"}, 0.0, "none"),
        ({}, 0.0, "none"),
    ],
)
def test_retry_after_is_kept_or_broken_with_its_tolerance(call, answer, gap_s, said):
    call(0.0, 1.0, 503, answer=answer)
    call(1.0 + gap_s)

    (operation,) = operations(call.made)
    assert operation.retry_after == said


@pytest.mark.parametrize(
    ("status", "answer", "seconds"),
    [
        (429, {"x-ratelimit-reset": "30"}, 30.0),
        (429, {"ratelimit-reset": "30"}, 30.0),
        (503, {"x-ratelimit-reset": str(int(WALL_S) + 30)}, 30.0),
        (403, {"x-ratelimit-reset": str((int(WALL_S) + 30) * 1000), "x-ratelimit-remaining": "0"}, 30.0),
        (429, {"x-ratelimit-reset": "1000000000"}, 1e9),
        (429, {"x-ratelimit-reset": str(int(WALL_S) - 30)}, 0.0),
        (429, {"x-ratelimit-reset": "30", "Retry-After": "2"}, 2.0),
        (429, {"x-ratelimit-reset": "30", "x-ratelimit-remaining": "7"}, None),
        (200, {"x-ratelimit-reset": "30"}, None),
        (500, {"x-ratelimit-reset": "30"}, None),
    ],
)
def test_a_reset_time_is_read_by_its_size(status, answer, seconds):
    wait = requested_wait(Calls()(0.0, 0.0, status, answer=answer))

    assert (wait and wait.seconds) == seconds


def test_a_date_is_counted_from_the_end_of_the_attempt_not_from_its_start(call):
    call(0.0, 6.0, 503, answer={"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"})
    call(9.5)

    assert the_attempts(call)[1].requested_wait_s == 4.0
    assert the_attempts(call)[1].retry_after == "kept"


def test_one_broken_wait_among_kept_ones_breaks_the_operation(call):
    call(0.0, 0.0, 503, answer={"Retry-After": "1"})
    call(0.1, 0.1, 503, answer={"Retry-After": "1"})
    call(1.5)

    assert [attempt.retry_after for attempt in the_attempts(call)] == [None, "broken", "kept"]
    assert operations(call.made)[0].retry_after == "broken"


def test_an_attempt_beside_one_that_asked_to_wait_broke_it(call):
    call(0.0, None, 503, answer={"Retry-After": "1"}, headers=KEY)
    call(5.0, headers=KEY)

    assert the_attempts(call)[1].retry_after == "broken"


def test_what_the_last_answer_asks_is_nobody_s_duty(call):
    call(0.0, 0.0, 503, answer={"Retry-After": "60"})

    assert operations(call.made)[0].retry_after == "none"


def test_what_was_never_sent_asks_for_nothing(call):
    call(0.0, 0.0, 503, answer={"Retry-After": "60"}, outcome=Outcome.RESET)
    call(0.1)

    assert operations(call.made)[0].retry_after == "none"
