"""The rule `gaps`: one bound for all gaps, or one for each."""

import pytest


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"gte": "500ms"}, None),
        ({"lte": "500ms"}, None),
        ({"gt": "499ms", "lt": "501ms"}, None),
        ({"gte": "501ms"}, "at least 501ms"),
        ({"gt": "500ms"}, "more than 500ms"),
        ({"lt": "500ms"}, "less than 500ms"),
        ({"lte": "0.499s"}, "at most 499ms"),
    ],
)
def test_gaps_bound_the_wait_before_each_try(judged, bounds, said, retried):
    retried((0, 0.25), (0.75, 1))

    expected = f"create-charge: operation 1 (key=4f1c-aaa): attempt 2 came 500 ms after attempt 1 ended, expected {said}"
    assert judged({"gaps": bounds}) == ([] if said is None else [expected])


def test_each_gap_that_breaks_its_bounds_is_told(judged, retried):
    retried((0, 0), (0.1, 0.1), (0.6, 0.6), (0.8, 0.8))

    assert judged({"gaps": {"gte": "400ms"}}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 2 came 100 ms after attempt 1 ended, expected at least 400ms",
        "create-charge: operation 1 (key=4f1c-aaa): attempt 4 came 200 ms after attempt 3 ended, expected at least 400ms",
    ]


def test_a_gap_below_zero_is_read_as_before(judged, retried):
    retried((0, 1), (0.75, 2))

    assert judged({"gaps": {"gte": "0s"}}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 2 came 250 ms before attempt 1 ended, expected at least 0s"
    ]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ("500ms", None), ("501ms", "at least 501ms"), ({"min": "501ms"}, "at least 501ms"),
        ({"max": "499ms"}, "at most 499ms"), ({"min": "400ms", "max": "600ms"}, None),
    ],
)  # fmt: skip
def test_a_duration_alone_means_at_least_and_min_and_max_are_bounds(judged, retried, bounds, said):
    retried((0, 0.25), (0.75, 1))

    assert [line.rpartition("expected ")[2] for line in judged({"gaps": bounds})] == ([said] if said else [])


def test_a_list_has_a_bound_for_each_gap(judged, retried):
    retried((0, 0), (0.1, 0.1), (0.3, 0.3))

    assert judged({"gaps": ["90ms", {"gte": "190ms", "lte": "250ms"}]}) == []
    (short,) = judged({"gaps": ["90ms", "250ms"]})
    assert short.endswith("attempt 3 came 200 ms after attempt 2 ended, expected at least 250ms")
    (more,) = judged({"gaps": ["90ms"]})
    assert more.endswith("attempt 3 is one more than the 1 gaps listed allow")
    (fewer,) = judged({"gaps": ["90ms", "90ms", "90ms"]})
    assert fewer == "create-charge: nothing to judge: 1 operation of 3 attempts"


def test_the_gap_after_a_401_is_not_judged(world, judged):
    for at_s, (status, token) in zip((0.0, 0.5, 0.501), [(503, "a"), (401, "a"), (201, "b")], strict=True):
        world(at_s, status=status, headers={"Authorization": token})

    assert judged({"gaps": ["400ms"]}) == []


@pytest.mark.parametrize("rule", [{"gaps": "1ms"}, {"growing": True}, {"backoff": {"first": "1ms"}}])
def test_operations_of_one_attempt_have_no_gap_to_judge(world, judged, rule):
    for at_s, line in enumerate("abc"):
        world(at_s, status=503, json={"amount": 5, "line": line})

    assert judged(rule) == [
        (
            "create-charge: nothing to judge: 3 operations of 1 attempt each; they differ in json.line. "
            "Say `ignore: [json.line]` if it is new on each attempt, or `by: route` if all calls are one operation"
        )
    ]
    assert judged({**rule, "optional": True}) == []


# backoff


@pytest.mark.parametrize(
    ("backoff", "gaps_s", "said"),
    [
        ({}, (0.1, 0.2, 0.4), None),
        ({}, (0.0951, 0.1951, 0.3951), None),
        ({}, (0.094, 0.2), "attempt 2 is not on the schedule: it came after 94 ms, expected 100ms"),
        ({}, (0.15, 0.25, 0.45), None),
        ({}, (0.151,), "attempt 2 is not on the schedule: it came after 151 ms, expected 100ms"),
        ({"factor": 10}, (0.1, 1.09), None),
        ({"factor": 10}, (0.1, 1.11), "attempt 3 is not on the schedule: it came after 1110 ms, expected 1s"),
        ({"jitter": 0.25}, (0.075, 0.25), None),
        ({"jitter": 0.25}, (0.06,), "expected 75 ms to 125 ms"),
        ({"jitter": [0.5, 1]}, (0.05, 0.1), None),
        ({"jitter": [0.5, 1]}, (0.04,), "expected 50 ms to 100 ms"),
        ({"jitter": "none"}, (0.09,), "expected 100ms"),
        ({"jitter": "full"}, (0.0, 0.2, 0.1), None),
        ({"jitter": "full"}, (0.1, 0.3), "expected 0 ms to 200 ms"),
        ({"jitter": "full"}, (0.01, 0.01, 0.01), "there is no back-off: 3 gaps of 30 ms in all, expected about 350 ms"),
        ({"jitter": "full"}, (0.1, 0.2), "with a jitter from 0 at least 3 gaps are needed, and there are 2"),
        ({"jitter": "decorrelated"}, (0.3, 0.9, 0.1), None),
        ({"jitter": "decorrelated"}, (0.09,), "expected 100 ms to 300 ms"),
        ({"jitter": "decorrelated"}, (0.1, 0.36), "expected 100 ms to 300 ms"),
        ({"jitter": "decorrelated", "cap": "200ms"}, (0.2, 0.36), "expected 100 ms to 200 ms"),
        ({"cap": "150ms"}, (0.1, 0.15, 0.15), None),
        ({"cap": "150ms"}, (0.1, 0.21), "expected 150ms"),
    ],
)  # fmt: skip
def test_backoff_asks_for_the_schedule(world, judged, backoff, gaps_s, said):
    at_s = 0.0
    for gap_s in (*gaps_s, 0.0):
        world(at_s, status=503)
        at_s = round(at_s + gap_s, 6)

    lines = judged({"backoff": {"first": "100ms", **backoff}})

    assert any(said in line for line in lines) if said else lines == [], lines


def test_a_gap_that_an_answer_asked_for_is_not_on_the_schedule_and_takes_its_place(world, judged):
    world(0.0, status=503)
    world(0.1, status=429, answer={"Retry-After": "3"})
    world(3.1, status=503)
    world(3.5)

    assert judged({"backoff": {"first": "100ms"}}) == []


def test_a_wait_that_was_asked_for_is_not_what_decorrelated_jitter_computes_from(world, judged):
    world(0.0, status=503)
    world(0.3, status=429, answer={"retry-after-ms": "10"})
    world(0.31, status=503)
    world(1.2)

    assert judged({"backoff": {"first": "100ms", "jitter": "decorrelated"}}) == []
