"""Which calls are attempts of one operation: `by`, ids and counters, where they join and where they part."""

import pytest

from mockserver.attempts import By, Grouping, RouteRules, operations


def grouped(call, by=None, **options):
    """The numbers of the calls of each operation."""
    grouping = Grouping(By(by) if by else None, **options)
    return [
        [attempt.call.number for attempt in operation.attempts]
        for operation in operations(call.made, grouping)
    ]


# 1: `by`


def test_equal_values_of_by_join_and_unequal_ones_part(call):
    for at_s, (key, order) in enumerate([("a", "1"), ("a", "2"), ("b", "1")]):
        call(at_s, status=503, json={"order": order}, headers={"Idempotency-Key": key})

    assert grouped(call, "json.order") == [[1, 3], [2]]
    assert [operation.key for operation in operations(call.made, Grouping(By("json.order")))] == ["1", "2"]


def test_by_is_stronger_than_ids_counters_and_keys(call):
    headers = {"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=2", "Idempotency-Key": "k"}
    call(0, status=503, headers={**headers, "X-Order": "1", "amz-sdk-request": "attempt=1"})
    call(1, headers={**headers, "X-Order": "2"})

    assert grouped(call) == [[1, 2]]
    assert grouped(call, "headers.x-order") == [[1], [2]]


def test_by_keeps_routes_apart(call):
    call(0, headers={"X-Order": "1"})
    call(1, headers={"X-Order": "1"}, route="pay/refund")

    assert grouped(call, "headers.x-order") == [[1], [2]]


def test_calls_without_the_value_are_not_together_by_lacking_it(call):
    call(0, headers={"X-Order": "1"}, json={"n": 1})
    call(1, json={"n": 2})
    call(2, json={"n": 3})
    call(3, status=503, json={"n": 4})
    call(4, json={"n": 4})

    assert grouped(call, "headers.x-order") == [[1], [2], [3], [4, 5]]


def test_by_route_makes_one_operation_of_a_route(call):
    for at_s, route in enumerate(["pay/a", "pay/b", "pay/a"]):
        call(at_s, status=201, json={"n": at_s}, route=route)

    assert grouped(call, "route") == [[1, 3], [2]]


def test_a_route_may_say_by_what_its_calls_are_grouped(call):
    for at_s, order in enumerate("121"):
        call(at_s, json={"order": order, "n": at_s})
    rules = {"pay/create-charge": RouteRules(By("json.order"))}

    assert grouped(call, rules_of=lambda route: rules.get(route, RouteRules())) == [[1, 3], [2]]


def test_the_selector_of_a_scenario_s_idempotency_counts_as_a_key(call):
    for at_s, order in enumerate("121"):
        call(at_s, json={"order": order, "n": at_s})
    keyed = RouteRules(key_of=lambda request: request.json["order"], key_selector="json.order")

    listed = operations(call.made, Grouping(rules_of=lambda _: keyed))
    assert [operation.size for operation in listed] == [2, 1]
    assert listed[0].by == "json.order"


# 2: invocation ids


def test_equal_invocation_ids_join_and_unequal_ones_part(call):
    for at_s, (status, number) in enumerate([(503, "a"), (503, "b"), (200, "a"), (200, "b")]):
        call(at_s, status=status, headers={"amz-sdk-invocation-id": number})

    assert grouped(call) == [[1, 3], [2, 4]]


def test_an_invocation_id_joins_after_any_answer_and_with_another_body(call):
    call(0, status=200, json={"n": 1}, headers={"amz-sdk-invocation-id": "a"})
    call(1, status=200, json={"n": 2}, headers={"amz-sdk-invocation-id": "a"})

    assert grouped(call) == [[1, 2]]


@pytest.mark.parametrize("line", ["PUT /v1/charges", "POST /v1/refunds"])
def test_an_invocation_id_on_another_method_or_path_does_not_join(call, line):
    call(0, status=503, headers={"amz-sdk-invocation-id": "a"})
    call(1, line=line, headers={"amz-sdk-invocation-id": "a"})

    assert grouped(call) == [[1], [2]]


@pytest.mark.parametrize(
    "name", ["x-ms-client-request-id", "gccl-invocation-id", "x-request-id", "traceparent", "baggage"]
)
def test_ids_that_are_used_in_more_than_one_way_neither_join_nor_part(call, name):
    call(0, status=503, json={"n": 1}, headers={name: "a"})
    call(1, json={"n": 2}, headers={name: "a"})
    call(2, json={"n": 1}, headers={name: "b"})

    assert grouped(call) == [[1, 3], [2]]


# 3: counters


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "amz-sdk-request",
            ["attempt=1; max=3", "attempt=2; max=3", "ttl=20260101T000000Z; attempt=3; max=3"],
        ),
        ("x-stainless-retry-count", ["0", "1", "2"]),
        ("grpc-previous-rpc-attempts", ["0", "1", "2"]),
        ("grpc-previous-rpc-attempts", [None, "1", "2"]),
    ],
)
def test_a_counter_joins_after_any_answer_and_its_first_value_parts(call, name, values):
    for at_s, value in enumerate([*values, *values]):
        call(at_s, status=200, headers={} if value is None else {name: value})

    assert grouped(call) == [[1, 2, 3], [4, 5, 6]]


def test_a_counter_joins_what_ended_before_and_has_no_successor(call):
    for at_s, until_s, count in [(0.0, 5.0, "0"), (0.1, 0.2, "0"), (0.3, 0.4, "1"), (6.0, 6.1, "1")]:
        call(at_s, until_s, 503, headers={"x-stainless-retry-count": count})

    assert grouped(call) == [[1, 4], [2, 3]]


def test_a_counter_of_another_request_does_not_join(call):
    call(0, status=503, json={"n": 1}, headers={"x-stainless-retry-count": "0"})
    call(1, json={"n": 2}, headers={"x-stainless-retry-count": "1"})

    assert grouped(call) == [[1], [2]]


@pytest.mark.parametrize("value", ["", "one", "-1", "99999", "attempt=1"])
def test_an_unreadable_counter_says_nothing(call, value):
    call(0, status=503, headers={"x-stainless-retry-count": value})
    call(1, headers={"x-stainless-retry-count": value})

    assert grouped(call) == [[1, 2]]


def test_a_counter_that_does_not_go_up_parts(call):
    for at_s, count in enumerate(["1", "2", "1"]):
        call(at_s, status=503, headers={"x-stainless-retry-count": count})

    assert grouped(call) == [[1, 2], [3]]
