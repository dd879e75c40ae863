"""Operations at random moments, at once and one after the other, compared with what each client meant."""

import random

import pytest
from support.calls import Calls
from support.clients_in_memory import judged
from support.sampling import part

from mockserver.attempts import operations
from mockserver.model.plan import Outcome

SEEDS = part(range(300), 60)


def request_of(kind, operation, attempt, at_s, rng):
    """What tells the operations apart: headers and body of an attempt, both counted from 0."""
    body = {"amount": 5}
    headers = {
        "x-noise": str(rng.random()),
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    if kind == "keys":
        headers["Idempotency-Key"] = f"k{operation}"
    elif kind == "keys, and a new time in each body":
        headers["Idempotency-Key"] = f"k{operation}"
        body["ts"] = 1_767_225_600 + int(at_s)
    elif kind == "invocation ids":
        headers["amz-sdk-invocation-id"] = f"i{operation}"
        headers["amz-sdk-request"] = f"attempt={attempt + 1}; max=9"
    elif kind == "a random id in the body":
        body["order"] = f"{random.Random(operation).getrandbits(128):032x}"
    elif kind == "the body":
        body["order"] = operation
    elif kind == "JSON-RPC ids":
        body.update({"jsonrpc": "2.0", "id": operation + 1})
    elif kind == "the user":
        headers["Authorization"] = f"Bearer {operation}"
    elif kind == "a time of each operation":
        body["timestamp"] = 1_767_225_600_000 + 7 * operation
    elif kind == "a time of each operation under another name":
        body["created_at"] = f"2026-01-01T00:00:00.{100 + operation}Z"
    elif kind == "a nonce of each operation":
        body["nonce"] = f"n{operation}"
    elif kind == "a key of some operations":
        if operation:
            headers["Idempotency-Key"] = f"k{operation}"
    elif kind == "counters":
        headers["x-stainless-retry-count"] = str(attempt)
    elif kind == "counters of gRPC":
        if attempt:
            headers["grpc-previous-rpc-attempts"] = str(attempt)
    elif kind == "counters and keys":
        headers["x-stainless-retry-count"] = str(attempt)
        headers["Idempotency-Key"] = f"k{operation}"
    return {"headers": headers, "json": body}


def played(kind, seed):
    """The calls of a few operations, and the true ones by numbers."""
    rng = random.Random(seed)
    planned = []
    for operation in range(rng.randint(1, 4)):
        at_s, attempts = rng.uniform(0.0, 0.5), rng.randint(1, 4)
        for attempt in range(attempts):
            takes_s = rng.choice([0.0, 0.01, 0.1])
            status = 201 if attempt == attempts - 1 else rng.choice([503, 429, 500, None])
            planned.append((at_s, takes_s, status, operation, attempt))
            at_s += takes_s + rng.choice([0.001, 0.05, 0.2, 1.0])
    call, truth = Calls(), {}
    for number, (at_s, takes_s, status, operation, attempt) in enumerate(sorted(planned), 1):
        truth.setdefault(operation, []).append(number)
        options = request_of(kind, operation, attempt, at_s, rng)
        if status is None:  # the client leaves, and is seen to leave after its next attempt came
            call(at_s, at_s + takes_s + rng.uniform(0.0, 0.02), 200, outcome=Outcome.CLIENT_LEFT, **options)
        else:
            call(at_s, at_s + takes_s, status, **options)
    return call, sorted(truth.values())


@pytest.mark.parametrize(
    "kind",
    [
        "keys", "keys, and a new time in each body", "invocation ids", "a random id in the body", "the body", "JSON-RPC ids",
        "counters and keys", "the user", "a time of each operation", "a time of each operation under another name",
        "a nonce of each operation", "a key of some operations",
    ],
)  # fmt: skip
def test_operations_are_told_apart_by(kind):
    for seed in SEEDS:
        call, truth = played(kind, seed)
        listed = operations(call.made)

        said = sorted([attempt.call.number for attempt in operation.attempts] for operation in listed)
        assert said == truth, f"seed {seed}"


@pytest.mark.parametrize(
    "kind", ["keys", "invocation ids", "a random id in the body", "the body", "the user", "counters"]
)
def test_no_rule_that_clients_keep_is_broken_by_operations_at_once(kind):
    for seed in part(SEEDS, 20):
        call, truth = played(kind, seed)

        for rules in ({"after": "retryable"}, {"overlap": False}, {"operations": len(truth)}, {"max": 4}):
            said = [text for text in judged(call.made, **rules) if not text.startswith("can't tell")]
            assert said == [], f"seed {seed}"


@pytest.mark.parametrize("kind", ["counters", "counters of gRPC"])
def test_counters_alone_tell_how_many_attempts_equal_operations_have(kind):
    for seed in SEEDS:
        call, truth = played(kind, seed)
        if kind == "counters of gRPC" and not any(len(numbers) > 1 for numbers in truth):
            continue  # no call shows that its client counts

        sizes = sorted(operation.size for operation in operations(call.made))
        assert sizes == sorted(map(len, truth)), f"seed {seed}"


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("kind", ["a refreshed token", "a redirect"])
def test_steps_of_operations_at_once_are_one_attempt_each(kind, count):
    for seed in SEEDS:
        rng = random.Random(seed)
        call = Calls()
        starts = sorted(rng.uniform(0.0, 1.0) for _ in range(count))
        first, second = (
            ({"status": 401, "headers": {"Authorization": "a"}}, {"headers": {"Authorization": "b"}})
            if kind == "a refreshed token"
            else ({"status": 307, "answer": {"Location": "/next"}}, {"line": "POST /next"})
        )
        planned = [(at_s, first) for at_s in starts] + [
            (at_s + 1.1 + rng.random(), second) for at_s in starts
        ]
        for at_s, options in sorted(planned, key=lambda item: item[0]):
            call(at_s, at_s + 0.01, **options)

        assert [operation.size for operation in operations(call.made)] == [1] * count, f"seed {seed}"
