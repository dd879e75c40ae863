"""Operations as values: how they ended, what they repeat, their steps, and how they are shown."""

import pytest

from mockserver.attempts import operation_view, operations
from mockserver.model.plan import Outcome


@pytest.mark.parametrize(
    ("last", "final"),
    [
        ({"status": 201}, "succeeded"),
        ({"status": 302}, "succeeded"),
        ({"status": 503}, "failed"),
        ({"status": 402}, "failed"),
        ({"status": 200, "outcome": Outcome.RESET}, "failed"),
        ({"until_s": None}, "open"),
    ],
)
def test_how_an_operation_ended_is_how_its_last_attempt_did(call, last, final):
    call(0.0, 0.0, 503)
    call(1.0, **last)

    assert operations(call.made)[0].final == final


@pytest.mark.parametrize(
    ("end", "then", "repeats"),
    [
        (503, {}, 1), (402, {}, 1), (201, {}, None), (503, {"json": {"amount": 6}}, None),
        (503, {"headers": {"Range": "bytes=1-2"}}, None),
    ],
)  # fmt: skip
def test_an_operation_repeats_an_earlier_one_that_failed_with_an_equal_request(call, end, then, repeats):
    for at_s, (key, status) in enumerate([("a", 503), ("a", end), ("b", 503), ("b", 201)]):
        options = {"json": {"amount": 5}, **(then if key == "b" else {})}
        headers = {**options.pop("headers", {}), "Idempotency-Key": key}
        call(at_s, status=status, headers=headers, **options)

    assert [operation.repeats for operation in operations(call.made)] == [None, repeats]


def test_a_request_with_another_random_value_repeats_no_operation(call):
    for order in ("4a7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d11", "9b7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d22"):
        call(len(call.made), status=402, json={"order": order})
    call(2, json={"order": "9b7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d22"})

    assert [operation.repeats for operation in operations(call.made)] == [None, None, 2]


def test_a_401_and_what_follows_it_are_one_attempt(call):
    for at_s, (status, token) in enumerate([(401, None), (503, "Bearer a"), (201, "Bearer a")]):
        call(at_s, status=status, headers={"Authorization": token} if token else {})

    (operation,) = operations(call.made)
    assert (len(operation.attempts), operation.size, operation.certain) == (3, 2, True)
    assert [attempt.step for attempt in operation.attempts] == ["unauthorized", None, None]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a"}])
def test_a_401_with_the_same_authorization_is_no_step(call, headers):
    call(0, status=401, headers=headers)
    call(1, headers=headers)

    assert [operation.size for operation in operations(call.made)] == [1, 1]


@pytest.mark.parametrize(
    ("status", "location", "line", "together"),
    [
        (302, "/next", "GET /next", True),
        (303, "next?x=1", "GET /v1/next?x=1", True),
        (307, "http://mock.test/next", "POST /next", True),
        (308, "/v1/charges?again=1", "POST /v1/charges?again=1", True),
        (302, "/next", "GET /other", False),
        (302, "/next", "DELETE /next", False),
        (304, "/next", "GET /next", False),
        (201, "/next", "GET /next", False),
        (302, None, "GET /next", False),
        (302, "http://[", "GET /next", False),
    ],
)
def test_a_redirect_that_is_followed_is_a_step(call, status, location, line, together):
    call(0, status=status, answer={"Location": location} if location else {})
    call(1, line=line)

    assert [operation.size for operation in operations(call.made)] == ([1] if together else [1, 1])


def test_an_operation_is_shown_as_the_contract_says(call):
    call(0.0, 0.25, 503, json={"a": 1}, headers={"Idempotency-Key": "a"}, answer={"Retry-After": "1"})
    call(1.5, 1.5, 201, json={"a": 2}, headers={"Idempotency-Key": "a"})

    (operation,) = operations(call.made)
    assert operation_view(operation, lambda unix_s: f"at {unix_s:.2f}") == {
        "key": "a",
        "route": "pay/create-charge",
        "certain": True,
        "why": "the calls share headers.idempotency-key",
        "by": "headers.idempotency-key",
        "repeats": None,
        "left_out": [],
        "tries": [
            {"call": "c-000001", "arrived": "at 1767225600.00", "duration_ms": 250.0, "gap_ms": None, "asked_ms": None, "retry_after": None,
             "status": 503, "outcome": "done", "key": "a", "changed": [], "fields": {}, "step": None, "effects": []},
            {"call": "c-000002", "arrived": "at 1767225601.50", "duration_ms": 0.0, "gap_ms": 1250.0, "asked_ms": 1000.0, "retry_after": "kept",
             "status": 201, "outcome": "done", "key": "a", "changed": ["body"], "fields": {"json.a": ["1", "2"]}, "step": None, "effects": []},
        ],
        "statuses": [503, 201],
        "overlap": False,
        "retry_after": "kept",
        "final": "succeeded",
    }  # fmt: skip
