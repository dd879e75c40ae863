"""Which answers a client may retry: an equal request after one of them is the next attempt, after any other it is not."""

import pytest
from support.calls import Calls

from mockserver.attempts import operations, retryable
from mockserver.model.plan import Outcome


def answered(status, headers=None, body=b"", **options):
    made = Calls()(0.0, 0.0, status, answer=headers, **options)
    if made.response is not None:
        made.response.body = body
    return made


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 505, 599])
def test_an_equal_request_after_a_retryable_status_is_its_next_attempt(call, status):
    call(0, status=status, json={"amount": 5})
    call(1, json={"amount": 5})

    assert [operation.size for operation in operations(call.made)] == [2]


@pytest.mark.parametrize("status", [200, 201, 302, 304, 400, 401, 403, 404, 409, 422])
def test_two_honest_purchases_stay_two(call, status):
    call(0, status=status, json={"amount": 5})
    call(1, json={"amount": 5})

    assert [operation.size for operation in operations(call.made)] == [1, 1]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (301, {"Retry-After": "1"}, True),
        (404, {"Retry-After": "1"}, True),
        (413, {"Retry-After": "soon"}, True),
        (200, {"Retry-After": "1"}, False),
        (202, {"Retry-After": "1"}, False),
        (403, {"x-ratelimit-remaining": "0"}, True),
        (403, {"x-ratelimit-remaining": "1"}, False),
        (404, {"x-ratelimit-remaining": "0"}, False),
        (400, {"Stripe-Should-Retry": "true"}, True),
        (400, {"Stripe-Should-Retry": "false"}, False),
        (409, {"x-should-retry": "TRUE"}, True),
        (409, {}, False),
    ],
)
def test_headers_make_an_answer_retryable(status, headers, expected):
    assert retryable(answered(status, headers)) == expected


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (400, {}, b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}', True),
        (400, {}, b'{"__type":"ProvisionedThroughputExceededException"}', True),
        (400, {}, b'{"code": "Throttling"}', True),
        (400, {}, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", True),
        (400, {"x-amzn-errortype": "TooManyRequestsException:http://x"}, b"{}", True),
        (400, {}, b'{"__type": "ValidationException"}', False),
        (400, {}, b'{"code": "invalid", "message": "Throttling"}', False),
        (404, {}, b'{"code": "Throttling"}', False),
        (400, {}, b"\xff\x00", False),
    ],
)
def test_a_400_of_aws_is_retryable_where_it_throttles(status, headers, body, expected):
    assert retryable(answered(status, headers, body)) == expected


FAULTS = [
    Outcome.RESET, Outcome.CLOSE, Outcome.TRUNCATE, Outcome.GARBAGE, Outcome.MALFORMED_CHUNK, Outcome.CLIENT_LEFT,
]  # fmt: skip


@pytest.mark.parametrize("outcome", FAULTS)
def test_what_broke_under_a_good_status_has_failed(call, outcome):
    call(0, status=200, outcome=outcome)
    call(1)

    assert [operation.size for operation in operations(call.made)] == [2]


def test_a_fault_is_a_failure_whatever_the_outcome_says(call):
    call(0, status=200, fault="hang")
    call(1)

    assert [operation.size for operation in operations(call.made)] == [2]


ERRORS_INSIDE = [
    b'{"errors": [{"message": "x"}]}', b'{"ok": false}', b'{"error": {"code": 1}}', b"<Error><Code>SlowDown</Code></Error>",
    b'<?xml version="1.0"?>\n<Error/>', b"<soap:Envelope><soap:Fault>x</soap:Fault></soap:Envelope>",
]  # fmt: skip


@pytest.mark.parametrize("body", ERRORS_INSIDE)
@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ({}, {}, False),
        ({"Idempotency-Key": "a"}, {"Idempotency-Key": "b"}, False),
        ({"x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"}, True),
        ({"amz-sdk-invocation-id": "a"}, {"amz-sdk-invocation-id": "a"}, True),
    ],
)
def test_a_200_with_an_error_inside_was_retried_where_an_id_or_a_counter_says_so(
    call, body, first, second, together
):
    call(0, status=200, headers=first).response.body = body
    call(1, headers=second)

    assert [operation.size for operation in operations(call.made)] == ([2] if together else [1, 1])
