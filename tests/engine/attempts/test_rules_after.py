"""The rule `after: retryable` where each equal request has a key, an id or a counter of its own."""

import pytest
from support.calls import WALL_S

from mockserver.attempts.evidence import INVOCATION_HEADER
from mockserver.model.http import Response
from mockserver.model.plan import Outcome

AFTER = {"after": "retryable"}
RANDOM = {
    "UUID": ("4a7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d11", "9b7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d22"),
    "hex": ("6f1ed002ab5595859014ebf0951522d9", "0cc175b9c0f1b6a831c399e269772661"),
    "base64": ("aGVsbG8gd29ybGQgMTIzNDU2Nzg5", "Z29vZGJ5ZSB3b3JsZCA5ODc2NTQzMjE"),
}
NEW_EACH_TIME = [
    ("idempotency-key", "k1", "k2"),
    (INVOCATION_HEADER, "11aa", "22bb"),
    ("x-stainless-retry-count", "0", "0"),
    ("authorization", "Bearer alice", "Bearer bob"),
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


@pytest.mark.parametrize("status", [409, 429, 500, 503])
@pytest.mark.parametrize("name", ["Stripe-Should-Retry", "x-should-retry"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}], ids=["no key", "key"])
def test_no_request_is_sent_again_after_an_answer_that_asks_not_to_retry(
    world, judged, status, name, headers
):
    for at_s in range(2):
        world(at_s, status=status, json={"amount": 5}, headers=headers, answer={name: "false"})

    (line,) = judged(AFTER)
    assert line.endswith(f" after {status} with {name}: false, which asks not to retry")
    assert judged({"operations": 2 if status == 409 and not headers else 1}) == []


def test_an_answer_that_was_lost_asked_for_nothing(world, judged):
    world(0, status=503, json={"amount": 5}, answer={"x-should-retry": "false"}, outcome=Outcome.RESET)
    world(1, json={"amount": 5})

    assert judged(AFTER) == []


def test_another_key_after_an_answer_that_asks_not_to_retry_is_a_doubt(world, judged):
    for at_s, key in enumerate(("k1", "k2")):
        world(at_s, status=503, headers={"Idempotency-Key": key}, answer={"x-should-retry": "false"})
    world(2, headers={"Idempotency-Key": "k2"})  # so that each key is an operation

    first, second = judged(AFTER)
    assert "operation 2 (key=k2): attempt 2 sends an equal request again" in first
    assert "can't tell whether operation 2 (key=k2) is a retry after 503 with x-should-retry: false" in second


@pytest.mark.parametrize(
    ("document", "is_read"),
    [
        ("{ me { id } }", True),
        ("query Me { me { id } }", True),
        ("\n  query { me { id } }", True),
        ("mutation { pay(amount: 5) { id } }", False),
        ("queryPayment", False),
    ],
)
def test_a_graphql_query_that_is_sent_again_after_a_success_is_a_read(world, judged, document, is_read):
    for at_s in range(2):
        world(at_s, json={"query": document, "variables": {}})
    assert (judged(AFTER) == []) == is_read

    refused = Response(200, [], b'{"errors": [{"extensions": {"code": "BAD_USER_INPUT"}}], "data": null}')
    world(2, json={"query": document, "variables": {}}, response=refused)
    world(3, json={"query": document, "variables": {}})
    assert "operation 4 sends an equal request again after 200, which is not retryable" in judged(AFTER)[-1]


def test_a_graphql_query_that_is_sent_again_after_a_4xx_is_a_retry(world, judged):
    document = "{ me { id } }"
    world(2, status=400, json={"query": document, "variables": {}})
    world(3, json={"query": document, "variables": {}})
    assert "after 400, which is not retryable" in judged(AFTER)[-1]


# Fields with random values, which may be ids of operations


@pytest.mark.parametrize("values", RANDOM.values(), ids=RANDOM)
@pytest.mark.parametrize("field", ["json", "form", "query"])
def test_requests_with_a_random_value_each_are_operations_after_a_success(world, judged, field, values):
    for at_s, value in enumerate(values):
        world(at_s, status=201, **_with_order(field, value))
    assert judged(AFTER) == []

    world(2, status=201, **_with_order(field, values[0]))
    assert judged(AFTER) == [
        "create-charge: operation 3 sends an equal request again after 201, which is not retryable"
    ]


@pytest.mark.parametrize("field", ["json", "form", "query"])
def test_after_an_error_a_request_with_another_random_value_may_be_a_retry(world, judged, field):
    for at_s, value in enumerate(RANDOM["UUID"]):
        world(at_s, status=402, **_with_order(field, value))

    (line,) = judged(AFTER)
    assert "can't tell whether operation 2 is a retry after 402, which is not retryable: " in line
    assert f"another {field}.order. Say `by: {field}.order` if each value is an operation of its own" in line
    assert judged({**AFTER, "by": f"{field}.order"}) == []
    assert (
        "operation 1: attempt 2 sends an equal request again after 402" in judged({**AFTER, "by": "route"})[0]
    )


def test_a_later_answer_to_another_value_does_not_hide_the_error_before(world, judged):
    first, second = RANDOM["UUID"]
    world(0, status=422, json={"order": first})
    world(1, status=201, json={"order": second})
    world(2, status=201, json={"order": first})

    assert (
        "create-charge: operation 3 sends an equal request again after 422, which is not retryable"
        in judged(AFTER)
    )


@pytest.mark.parametrize(
    ("field", "values", "verdict"),
    [
        ("timestamp", (WALL_S, WALL_S + 1), "sends an equal request again after 201"),
        ("created", (WALL_S, WALL_S + 1), "another json.created"),
        ("nonce", ("a1", "a2"), "another json.nonce"),
    ],
)
def test_a_time_or_a_nonce_alone_does_not_show_another_operation(world, judged, field, values, verdict):
    for at_s, value in enumerate(values):
        world(at_s, status=201, json={"amount": 5, field: value})

    (line,) = judged(AFTER)
    assert verdict in line


def _with_order(field, value):
    if field == "query":
        return {"line": f"POST /v1/charges?order={value}"}
    return {field: {"order": value, "amount": 5}}
