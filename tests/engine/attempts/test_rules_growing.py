"""The rule `growing`: each gap is longer than the one before."""

import pytest


@pytest.mark.parametrize(
    ("arrivals", "said"),
    [
        ((0, 0.25, 0.75, 1.75), None),
        ((0, 0.5, 1.11), None),
        ((0, 0.05, 0.121), None),
        ((0, 0.05, 0.119), "attempt 3 came after 69 ms, attempt 2 after 50 ms; expected at least 70 ms"),
        ((0, 0.5, 1.09), "attempt 3 came after 590 ms, attempt 2 after 500 ms; expected at least 600 ms"),
        ((0, 0.5, 1.0), "attempt 3 came after 500 ms, attempt 2 after 500 ms; expected at least 600 ms"),
        ((0, 0.5, 0.75), "attempt 3 came after 250 ms, attempt 2 after 500 ms; expected at least 600 ms"),
        (
            (0, 0.25, 0.75, 1.0),
            "attempt 4 came after 250 ms, attempt 3 after 500 ms; expected at least 600 ms",
        ),
    ],
)
def test_growing_asks_that_each_gap_is_longer_than_the_one_before(judged, arrivals, said, retried):
    retried(*((at_s, at_s) for at_s in arrivals))

    expected = f"create-charge: operation 1 (key=4f1c-aaa): the gaps don't grow: {said}. With random back-off ask `backoff`"
    assert judged({"growing": True}) == ([] if said is None else [expected])


def test_growing_false_asks_nothing(judged, retried):
    retried((0, 0), (1, 1), (1.5, 1.5))

    assert judged({"growing": False}) == []


@pytest.mark.parametrize("arrivals", [(0,), (0, 0.25)])
def test_growing_needs_two_gaps(judged, retried, arrivals):
    retried(*((at_s, at_s) for at_s in arrivals))

    (line,) = judged({"growing": True})
    assert line.startswith("create-charge: nothing to judge: 1 operation of ")
    assert judged({"growing": True, "optional": True}) == []


@pytest.mark.parametrize(
    ("growing", "arrivals", "holds"),
    [
        ({"factor": 2}, (0, 0.1, 0.301), True),
        ({"factor": 2}, (0, 0.1, 0.29), False),
        ({"margin": "200ms"}, (0, 0.1, 0.401), True),
        ({"margin": "200ms"}, (0, 0.1, 0.39), False),
        ({"factor": 1, "margin": "0s"}, (0, 0.1, 0.2), True),
        ({"cap": "400ms"}, (0, 0.4, 0.8, 1.2), True),
        ({"cap": "400ms"}, (0, 0.4, 0.7), True),
        ({"cap": "400ms"}, (0, 0.2, 0.4), False),
        ({"cap": "100ms"}, (0, 0.4, 0.8, 1.2), False),
        ({}, (0, 0.4, 0.8), False),
    ],
)
def test_growing_takes_a_factor_a_margin_and_a_cap(judged, retried, growing, arrivals, holds):
    retried(*((at_s, at_s) for at_s in arrivals))

    assert (judged({"growing": growing}) == []) == holds


def test_a_gap_that_an_answer_asked_for_is_not_compared(world, judged):
    world(0.0, status=503)
    world(0.1, status=503)
    world(0.3, status=429, answer={"Retry-After": "2"})
    world(2.3, status=503)
    world(2.7)

    assert judged({"growing": True}) == []


def test_attempts_that_overlap_do_not_grow(judged, retried):
    retried((0, 1.0), (0.7, 2.0), (1.8, 2.5))

    assert "create-charge: operation 1 (key=4f1c-aaa): the gaps don't grow: attempts overlap" in judged(
        {"growing": True}
    )
