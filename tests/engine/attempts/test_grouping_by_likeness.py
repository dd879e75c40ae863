"""Which calls are attempts of one operation: keys and likeness, where they join and where they part."""

import pytest
from support.calls import Calls

from mockserver.attempts import operations


def grouped(call):
    """The numbers of the calls of each operation."""
    return [[attempt.call.number for attempt in operation.attempts] for operation in operations(call.made)]


# 4: keys


def test_unequal_keys_part_where_one_is_used_again(call):
    for at_s, key in enumerate("aab"):
        call(at_s, status=503, headers={"Idempotency-Key": key})

    assert grouped(call) == [[1, 2], [3]]


def test_unequal_keys_part_where_the_requests_run_at_the_same_time(call):
    call(0, 2, status=503, headers={"Idempotency-Key": "a"})
    call(1, 3, headers={"Idempotency-Key": "b"})

    assert grouped(call) == [[1], [2]]


def test_unequal_keys_that_are_used_once_are_one_operation_with_a_doubt(call):
    for at_s, key in enumerate("abc"):
        call(at_s, status=503, headers={"Idempotency-Key": key})

    (operation,) = operations(call.made)
    assert not operation.certain
    assert operation.why.startswith("each has its own headers.idempotency-key, used once")
    assert operation.by == "headers.idempotency-key"


def test_unequal_keys_after_a_success_are_two_operations(call):
    for at_s, key in enumerate("ab"):
        call(at_s, status=201, headers={"Idempotency-Key": key})

    assert grouped(call) == [[1], [2]]


def test_a_changed_body_is_caught_through_the_key(call):
    call(0, status=503, json={"amount": 5}, headers={"Idempotency-Key": "a"})
    call(1, json={"amount": 6}, headers={"Idempotency-Key": "a"})

    (operation,) = operations(call.made)
    assert operation.certain
    assert operation.attempts[1].changed == ("body",)
    assert operation.attempts[1].fields == {"json.amount": ("5", "6")}


def test_a_key_that_is_left_out_at_the_retry_is_named(call):
    call(0, status=503, form={"a": "1"}, headers={"Idempotency-Key": "a"})
    call(1, form={"a": "1"})

    (operation,) = operations(call.made)
    assert operation.attempts[1].changed == ("headers.idempotency-key",)


# 5: likeness, and one successor


def test_an_honest_purchase_after_one_that_needed_a_retry_is_another(call):
    call(0, status=503, json={"amount": 5})
    call(1, json={"amount": 5})
    call(2, json={"amount": 5})

    assert grouped(call) == [[1, 2], [3]]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_of_several_equal_requests_each_has_one_successor_and_the_pairing_alone_is_uncertain(call, count):
    for i in range(count):
        call(0.01 * i, 0.5 + 0.01 * i, 503)
    for i in range(count):
        call(1 + 0.1 * i)

    listed = operations(call.made)
    assert [[attempt.call.number for attempt in operation.attempts] for operation in listed] == [
        [i + 1, count + i + 1] for i in range(count)
    ]
    assert [operation.certain for operation in listed] == [*[False] * (count - 1), True]
    assert (
        listed[0].why == "several equal requests had ended before it, and it may be the next attempt of each"
    )


def test_equal_requests_that_are_open_together_are_two(call):
    call(0, 2, 503)
    call(1, 3, 503)

    assert grouped(call) == [[1], [2]]


def test_another_account_makes_the_join_uncertain(call):
    call(0, status=503, headers={"Authorization": "Bearer a"})
    call(1, headers={"Authorization": "Bearer b"})

    (operation,) = operations(call.made)
    assert (operation.certain, operation.by) == (False, "headers.authorization")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("AWS4-HMAC-SHA256 Credential=AK/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=aa",
         "AWS4-HMAC-SHA256 Credential=AK/20260102/eu/s3/aws4_request, SignedHeaders=host, Signature=bb"),
        ("AWS AK:c2ln=", "AWS AK:b3RoZXI="),
        ("SharedKey acct:c2ln", "SharedKey acct:b3RoZXI="),
        ('Hawk id="a", ts="1", nonce="x", mac="y"', 'Hawk id="a", ts="2", nonce="z", mac="q"'),
    ],
)  # fmt: skip
def test_a_signature_that_is_made_anew_is_no_other_account(call, first, second):
    call(0, status=503, headers={"Authorization": first})
    call(1, headers={"Authorization": second})
    call(2, status=503, json={}, headers={"Authorization": first})
    call(
        3,
        json={},
        headers={
            "Authorization": second.replace("AK", "BK").replace("acct", "other").replace('id="a"', 'id="b"')
        },
    )

    assert [operation.certain for operation in operations(call.made)] == [True, False]


def test_automatic_and_incomplete_calls_are_no_attempts(call):
    call(0, status=503)
    call(1, status=503, automatic=True)
    call(2).request.complete = False
    call(3)

    assert grouped(call) == [[1, 4]]


def test_operations_stand_in_the_order_of_their_first_attempts(call):
    for at_s, key in enumerate("cabac"):
        call(at_s, headers={"Idempotency-Key": key}, json={"key": key})

    assert [operation.key for operation in operations(call.made)] == ["c", "a", "b"]


@pytest.mark.slow
def test_ten_thousand_calls_are_judged_in_no_time_to_speak_of():
    call = Calls()
    for n in range(10_000):
        call(n, status=503 if n % 3 else 200, headers={"Idempotency-Key": f"k{n // 3}"})

    assert sum(len(operation.attempts) for operation in operations(call.made)) == 10_000
