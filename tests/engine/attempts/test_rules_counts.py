"""The rules `operations`, `max` and `min`: kept, broken, pending, and without anything to judge."""

import pytest

from mockserver.verification.verdict import Standing

APART = " (operations 1 and 2: they have different keys in headers.idempotency-key)"


def test_max_bounds_the_tries_of_each_operation(judged, retried):
    retried((0, 0), (1, 1), (2, 2))

    assert judged({"max": 3}) == []
    assert judged({"max": 2}) == ["create-charge: operation 1 (key=4f1c-aaa): 3 attempts, at most 2 allowed"]


def test_max_is_no_bound_on_the_calls_of_several_operations(world, judged):
    for at_s, key in enumerate("abab"):
        world(at_s, headers={"Idempotency-Key": key})

    assert judged({"max": 2}) == []
    assert judged({"max": 1}) == [
        "create-charge: operation 1 (key=a): 2 attempts, at most 1 allowed",
        "create-charge: operation 2 (key=b): 2 attempts, at most 1 allowed",
    ]


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        (2, None),
        ({"min": 1}, None),
        ({"max": 2}, None),
        (1, "expected 1 operation, saw 2" + APART),
        (3, "expected 3 operations, saw 2"),
        ({"min": 3}, "expected at least 3 operations, saw 2"),
        ({"max": 1}, "expected at most 1 operation, saw 2" + APART),
        ({"min": 3, "max": 4}, "expected 3 to 4 operations, saw 2"),
    ],
)
def test_operations_counts_what_the_client_meant(world, judged, operations, said):
    world(0, headers={"Idempotency-Key": "a"})
    world(1, headers={"Idempotency-Key": "b"})

    assert judged({"operations": operations}) == ([] if said is None else [f"create-charge: {said}"])


def test_too_few_operations_may_still_come_true_and_too_many_can_not(world):
    world(0)
    check = {"route": "create-charge", "attempts": {"operations": 2}}

    assert world.verdict(check).standing is Standing.SHORT
    world(1)
    assert world.verdict(check).standing is Standing.OK
    world(2)
    assert world.verdict(check).standing is Standing.FAILED


def test_min_asks_for_so_many_attempts_of_each_operation(world, judged, retried):
    retried((0, 0), (1, 1))

    assert judged({"min": 2}) == []
    assert judged({"min": 3}) == [
        "create-charge: operation 1 (key=4f1c-aaa): 2 attempts, at least 3 expected"
    ]
    assert world.verdict({"route": "create-charge", "attempts": {"min": 3}}).standing is Standing.SHORT
    assert world.verdict({"route": "create-charge", "attempts": {"max": 1}}).standing is Standing.FAILED


def test_an_operation_that_gave_up_early_names_the_one_that_repeats_it(world, judged):
    for at_s, key in enumerate("aabb"):
        world(at_s, status=503, headers={"Idempotency-Key": key})

    assert judged({"min": 3})[0].endswith(
        "operation 2 repeats operation 1 under a new key: a retry around the SDK?"
    )


def test_a_401_is_not_counted_as_an_attempt(world, judged):
    for at_s, (status, token) in enumerate([(503, "a"), (401, "a"), (503, "b"), (201, "b")]):
        world(at_s, status=status, headers={"Authorization": token})

    assert judged({"max": 3, "min": 3, "operations": 1}) == []


@pytest.mark.parametrize("rules", [{"operations": 1}, {"operations": {"max": 2}}, {"max": 1}, {"min": 1}])
def test_without_a_call_there_is_nothing_to_judge(world, judged, rules):
    assert judged(rules, times=0) == ["create-charge: nothing to judge: there is no call"]
    assert judged({**rules, "optional": True}, times=0) == []


def test_no_operation_may_be_asked_for(judged):
    assert judged({"operations": 0}, times=0) == []


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"json": {"n": 1}}, {"json": {"n": 2}}, "they differ in json.n"),
        ({"line": "GET /a"}, {"line": "PUT /b"}, "they differ in method, path"),
        (
            {"headers": {"Range": "bytes=0-1"}},
            {"headers": {"Range": "bytes=2-3"}},
            "they differ in headers.range",
        ),
        ({"status": 201}, {}, "201 is not a retryable answer"),
        ({"until_s": 5.0}, {}, "they were under way at once"),
        ({}, {"headers": {"x-stainless-retry-count": "0"}}, "headers.x-stainless-retry-count starts again"),
        (
            {"headers": {"amz-sdk-invocation-id": "a"}},
            {"headers": {"amz-sdk-invocation-id": "b"}},
            "they differ in headers.amz-sdk-invocation-id",
        ),
    ],
)
def test_too_many_operations_are_told_with_what_parted_them(world, judged, first, second, reason):
    world(0, **{"status": 503, **first})
    world(1, **second)

    assert judged({"operations": 1}) == [
        f"create-charge: expected 1 operation, saw 2 (operations 1 and 2: {reason})"
    ]


def test_keys_that_are_used_again_are_named_as_what_parted(world, judged):
    for at_s, key in enumerate("abab"):
        world(at_s, status=503, headers={"Idempotency-Key": key})

    assert judged({"operations": 1}) == [
        "create-charge: expected 1 operation, saw 2 (operations 1 and 2: they have different keys in headers.idempotency-key)"
    ]


def test_where_two_readings_differ_the_calls_do_not_tell(world, judged):
    world(0, status=503, headers={"Idempotency-Key": "a"})
    world(1, headers={"Idempotency-Key": "b"})

    said = (
        "create-charge: can't tell whether calls 1 and 2 are one operation: each has its own headers.idempotency-key, used once: "
        "a new key for each attempt, or an operation that was repeated. Say `by: headers.idempotency-key` if each value is an "
        "operation of its own, or `by: route` if all calls are one"
    )
    assert judged({"operations": 1}) == judged({"operations": 2}) == judged({"max": 1}) == [said]
    assert judged({"operations": {"max": 2}}) == judged({"max": 2}) == []
    check = {"route": "create-charge", "attempts": {"operations": 1}}
    assert world.verdict(check).standing is Standing.SHORT
    assert world.verdict({**check, "attempts": {"operations": 3}}).standing is Standing.SHORT
    assert judged({"by": "headers.idempotency-key", "operations": 2, "max": 1}) == []
    assert judged({"by": "route", "operations": 1}) == []
