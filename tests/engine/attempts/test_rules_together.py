"""Several rules at once, and how they go with the rest of a check."""

import pytest
from support.calls import KEY

from mockserver.errors import InvalidInputError
from mockserver.verification.verdict import Standing


def test_every_broken_rule_is_told_and_then_the_timeline(world):
    world(0, 0.01, 503, json={"amount": 5}, headers={"Idempotency-Key": "key-1"}, answer={"Retry-After": "1"})
    world(0.3, 0.31, 503, json={"amount": 5}, headers={"Idempotency-Key": "key-2"})
    world(0.32, 0.33, 201, json={"amount": 5}, headers={"Idempotency-Key": "key-3"})

    verdict = world.verdict(
        {
            "route": "create-charge",
            "times": 2,
            "attempts": {"by": "route", "max": 2, "operations": 2, "growing": True, "gaps": {"gte": "50ms"},
                         "same": ["headers.idempotency-key"], "honours": "retry-after", "overlap": False},
        }
    )  # fmt: skip

    assert verdict.text == (
        "create-charge: expected 2 calls, saw 3\n"
        "create-charge: expected 2 operations, saw 1\n"
        "create-charge: operation 1 (key=key-1): 3 attempts, at most 2 allowed\n"
        "create-charge: operation 1 (key=key-1): attempt 3 came 10 ms after attempt 2 ended, expected at least 50ms\n"
        "create-charge: operation 1 (key=key-1): attempt 2 changed headers.idempotency-key: "
        'expected "key-1", got "key-2"\n'
        "create-charge: operation 1 (key=key-1): attempt 2 ignored Retry-After: 1: "
        "the answer before asked to wait 1 s, it came after 0.290 s\n"
        "create-charge: nothing to judge: 1 operation of 3 attempts, and a gap that an answer asked for is not compared\n"
        "  operation 1 (key=key-1)\n"
        "    1  t+0.000  POST /v1/charges  503\n"
        "    2  t+0.300  POST /v1/charges  503   ignored Retry-After: 1; changed headers.idempotency-key\n"
        "    3  t+0.320  POST /v1/charges  201   changed headers.idempotency-key"
    )
    assert verdict.standing is Standing.FAILED
    assert verdict.expected == "2 calls, retried by the rules"


def test_rules_that_hold_leave_what_the_count_says(world):
    world(0)
    check = {"route": "create-charge", "attempts": {"max": 3}}

    assert world.verdict(check).text == "create-charge: expected at least 1 call, saw 1"
    assert world.verdict({**check, "times": 2}).standing is Standing.SHORT
    assert world.verdict({**check, "times": 0}).standing is Standing.FAILED


def test_too_many_calls_of_too_few_operations_can_not_come_true(world):
    for at_s in range(3):
        world(at_s, headers=KEY)
    check = {"route": "create-charge", "attempts": {"operations": 2}}

    assert world.verdict({**check, "times": {"max": 3}}).standing is Standing.SHORT
    assert world.verdict({**check, "times": {"max": 2}}).standing is Standing.FAILED


def test_rules_have_nothing_to_judge_without_a_call_unless_they_are_optional(world):
    rules = {"max": 1, "gaps": {"gte": "1s"}, "growing": True, "overlap": False, "honours": "retry-after"}

    verdict = world.verdict({"route": "create-charge", "times": 0, "attempts": rules})
    assert verdict.standing is Standing.SHORT
    assert set(verdict.text.splitlines()) == {"create-charge: nothing to judge: there is no call"}
    assert world.verdict({"route": "create-charge", "times": 0, "attempts": {**rules, "optional": True}}).ok


def test_rules_go_with_a_request_line_too(world, retried):
    retried((0, 0), (0.1, 0.1))

    verdict = world.verdict({"request": "POST /v1/charges", "attempts": {"max": 1}})

    assert verdict.text.splitlines()[0] == (
        "POST /v1/charges: operation 1 (key=4f1c-aaa): 2 attempts, at most 1 allowed"
    )


def test_other_routes_are_no_tries(world, judged):
    world(0, status=503, headers=KEY)
    world(0.001, headers=KEY, route="pay/refund", line="POST /v1/refunds")

    assert judged({"max": 1}) == []


@pytest.mark.parametrize(
    ("rules", "place"), [({"by": "headers.x?"}, "by"), ({"same": ["headers.x??"]}, "same")]
)
def test_a_question_mark_has_a_meaning_in_same_alone(judged, rules, place):
    with pytest.raises(
        InvalidInputError, match=rf"attempts\.{place}.*a question mark has a meaning in `same` alone"
    ):
        judged(rules)
