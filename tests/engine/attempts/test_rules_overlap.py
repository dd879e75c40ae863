"""The rules `overlap` and `after`."""

import pytest
from support.calls import KEY

ORDERS = "4a7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d11", "9b7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d22"


def test_overlap_false_forbids_two_tries_at_once(world, judged, retried):
    retried((0, 1), (1, 2))
    assert judged({"overlap": False}) == []

    world(1.75, 3, headers=KEY)
    assert judged({"overlap": False}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 3 overlaps: attempt 2 ended 250 ms after it came"
    ]


def test_a_try_beside_one_that_is_still_open_is_told_so(world, judged):
    world(0, None, headers=KEY)
    world(1, headers=KEY)

    assert judged({"overlap": False}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 2 overlaps: attempt 1 was still open when it came"
    ]


def test_overlap_true_asks_for_a_hedge(world, judged):
    world(0, 5, headers=KEY)
    assert judged({"overlap": True}) == ["create-charge: nothing to judge: 1 operation of 1 attempt"]
    world(6, 7, headers=KEY)
    assert judged({"overlap": True}) == [
        "create-charge: operation 1 (key=4f1c-aaa): no two attempts overlap, and they were to"
    ]
    world(6.5, headers=KEY)
    assert judged({"overlap": True}) == []


def test_overlap_needs_a_call(judged):
    assert judged({"overlap": False}, times=0) == ["create-charge: nothing to judge: there is no call"]


def test_equal_requests_without_a_key_that_were_open_together_are_a_doubt(world, judged):
    world(0, 5)
    world(1, 6)

    (line,) = judged({"overlap": False})
    assert line.startswith("create-charge: can't tell whether operations 1 and 2 are one that overlaps")
    (line,) = judged({"by": "route", "overlap": False})
    assert line == "create-charge: operation 1: attempt 2 overlaps: attempt 1 ended 4000 ms after it came"


@pytest.mark.parametrize(
    "mark",
    [
        lambda i: {"headers": {"Idempotency-Key": f"k{i}"}},
        lambda i: {"headers": {"x-stainless-retry-count": "0", "x-i": str(i)}},
        lambda i: {"headers": {"amz-sdk-invocation-id": str(i)}},
        lambda i: {"headers": {"Range": f"bytes={i}-{i}"}},
        lambda i: {"json": {"n": i}},
    ],
)
def test_requests_that_are_known_apart_may_be_open_together(world, judged, mark):
    for i in range(3):
        world(i * 0.1, 5, **mark(i))

    assert judged({"overlap": False}) == []


def test_a_value_that_is_sent_again_shows_that_the_requests_of_another_value_are_another_operation(
    world, judged
):
    world(0, 5, 503, json={"order": ORDERS[0]})
    world(1, 6, json={"order": ORDERS[1]})
    (line,) = judged({"overlap": False})
    assert "their requests differ only in json.order, which may be new on each attempt" in line
    assert "Say `by: json.order` if each value is an operation of its own" in line

    world(7, 8, json={"order": ORDERS[0]})
    assert judged({"overlap": False}) == []


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("x-stainless-retry-count", "0", "1"),
        ("amz-sdk-request", "attempt=1", "attempt=2; max=3"),
        ("grpc-previous-rpc-attempts", None, "1"),
    ],
)
def test_a_counted_retry_beside_an_open_request_with_the_count_before_is_a_doubt(
    world, judged, name, first, second
):
    world(0, 5, headers={} if first is None else {name: first})
    assert judged({"overlap": False}) == []

    world(1, 6, headers={name: second})
    (line,) = judged({"overlap": False})
    assert line.startswith("create-charge: can't tell whether operations 1 and 2 are one that overlaps")


def test_another_value_in_between_does_not_hide_an_equal_request_that_is_open(world, judged):
    for at_s, order in ((0, ORDERS[0]), (1, ORDERS[1]), (2, ORDERS[0]), (9, ORDERS[1])):
        world(at_s, at_s + 3, json={"order": order})

    (line,) = judged({"overlap": False})
    assert "whether operations 1 and 3 are one that overlaps: their requests are equal" in line


# after


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 403, 404, 409, 422])
def test_an_equal_request_after_what_is_not_retryable_is_told(world, judged, status):
    world(0, status=status, json={"amount": 5})
    world(1, json={"amount": 5})

    assert judged({"after": "retryable"}) == [
        f"create-charge: operation 2 sends an equal request again after {status}, which is not retryable"
    ]


def test_another_body_under_the_same_key_is_a_retry_too(world, judged):
    world(0, status=422, json={"amount": 5}, headers=KEY)
    world(1, json={"amount": 6}, headers=KEY)

    (line,) = judged({"after": "retryable"})
    assert line.endswith(
        "attempt 2 sends a request with other contents under the key headers.idempotency-key after 422, which is not retryable"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status": 503}, {}),
        ({"status": 400}, {"json": {"amount": 6}}),
        ({"status": 201, "headers": KEY}, {"headers": {"Idempotency-Key": "another"}}),
        ({"status": 200, "line": "GET /v1/charges", "json": ...}, {"line": "GET /v1/charges", "json": ...}),
        ({"status": 409, "headers": KEY}, {"headers": KEY}),
        ({"status": 401, "headers": {"Authorization": "a"}}, {"headers": {"Authorization": "b"}}),
        ({"status": 201, "until_s": 5.0}, {}),
    ],
)
def test_what_is_no_retry_of_it_may_follow(world, judged, first, second):
    world(0, **{"json": {"amount": 5}, **first})
    world(1, **{"json": {"amount": 5}, **second})

    assert judged({"after": "retryable"}) == []


def test_after_needs_a_call(judged):
    assert judged({"after": "retryable"}, times=0) == ["create-charge: nothing to judge: there is no call"]
