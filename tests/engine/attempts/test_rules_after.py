"""The rule `after: retryable` where each equal request has a key, an id or a counter of its own."""

import pytest

from mockserver.attempts.evidence import INVOCATION_HEADER

AFTER = {"after": "retryable"}
NEW_EACH_TIME = [
    ("idempotency-key", "k1", "k2"),
    (INVOCATION_HEADER, "11aa", "22bb"),
    ("x-stainless-retry-count", "0", "0"),
]


@pytest.fixture(params=NEW_EACH_TIME, ids=lambda param: param[0])
def twice(request, world):
    """Sends an equal request twice, as a loop around an SDK does it; returns the name of the header."""
    name, *values = request.param

    def sent(status):
        for at_s, value in enumerate(values):
            world(at_s, status=status, json={"amount": 5}, headers={name: value})
        return name

    return sent


@pytest.mark.parametrize("status", [400, 402, 404, 422])
def test_after_an_error_the_calls_do_not_tell(judged, twice, status):
    name = twice(status)

    (line,) = judged(AFTER)
    assert "can't tell whether operation 2" in line
    assert f"is a retry after {status}, which is not retryable: " in line
    assert f"it sends an equal request with another headers.{name}. Say `by: " in line
    assert judged({**AFTER, "optional": True}) == [line]


@pytest.mark.parametrize("status", [200, 201, 503])
def test_after_a_success_or_a_retryable_answer_it_is_another_operation(judged, twice, status):
    twice(status)

    assert judged(AFTER) == []


def test_where_all_calls_are_one_operation_it_is_a_retry(judged, twice):
    twice(422)

    (line,) = judged({**AFTER, "by": "route"})
    assert "attempt 2 sends an equal request again" in line
    assert line.endswith("after 422, which is not retryable")


def test_by_settles_that_each_key_is_an_operation(world, judged):
    for at_s, key in enumerate(("k1", "k2")):
        world(at_s, status=422, json={"amount": 5}, headers={"Idempotency-Key": key})

    assert judged({**AFTER, "by": "headers.idempotency-key"}) == []


def test_a_request_that_is_still_open_does_not_hide_the_answer_before_it(world, judged):
    world(0.0, 0.2, status=422, json={"amount": 5})
    world(0.1, 5.0, status=201, json={"amount": 5})
    world(0.3, status=201, json={"amount": 5})

    assert judged(AFTER) == [
        "create-charge: operation 3 sends an equal request again after 422, which is not retryable"
    ]
