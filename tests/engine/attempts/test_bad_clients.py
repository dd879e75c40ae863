"""Clients with one fault each, caught by the rule made for it, with a message that names the fault."""

import pytest
from support.clients_in_memory import CREATED, UNAVAILABLE, Answer, Service, exponential, fixed
from support.sampling import part

FAILING = (UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, CREATED)
CHARGE = {"amount": 5}


def ignores_retry_after(service):
    service.operation(fixed(0.1))


def new_key_for_each_attempt(service):
    while service.send(json=CHARGE, headers=service.new_key()).status == 503:
        service.sleep(0.2)


def no_key(service):
    while service.send(json=CHARGE).status == 503:
        service.sleep(0.2)


def changed_body(service):
    key, amount = service.new_key(), 5
    while service.send(json={"amount": amount}, headers=key).status == 503:
        amount += 1
        service.sleep(0.2)


def no_backoff(service):
    service.operation(fixed(0.0))


def backoff_without_growth(service):
    service.operation(fixed(0.3))


def wrong_schedule(service):
    service.operation(exponential(service.random, 1.5))


def hedging(service):
    key = service.new_key()
    service.send(json=CHARGE, headers=key)
    service.now_s = 0.01  # the first one is still open
    service.send(json=CHARGE, headers=key)


def double_submit(service):
    service.send(json=CHARGE)
    service.now_s = 0.002
    service.send(json=CHARGE)


def retry_whatever_the_answer(service):
    key = service.new_key()
    for _ in range(2):
        service.send(json=CHARGE, headers=key)
        service.sleep(0.2)


def retry_whatever_the_answer_without_a_key(service):
    for _ in range(2):
        service.send(json=CHARGE)
        service.sleep(0.2)


def retry_after_the_last_success(service):
    service.operation(fixed(0.2))
    service.send(json=CHARGE, headers={"Idempotency-Key": "key-1"})


def gives_up_too_early(service):
    service.operation(fixed(0.2), attempts=2)


def retries_for_ever(service):
    service.operation(fixed(0.2), attempts=100)


def wrong_body_with_the_right_key(service):
    key = service.new_key()
    for body in ({"amount": 5, "to": "a"}, {"amount": 5, "to": "b"}):
        service.send(json=body, headers=key)
        service.sleep(0.2)


BAD = [
    (ignores_retry_after, [Answer(503, {"Retry-After": "2"}), CREATED], {"honours": True}, "ignored Retry-After: 2"),
    (new_key_for_each_attempt, FAILING, {"same": ["headers.idempotency-key"]}, 'changed headers.idempotency-key: expected "key-1", got'),
    (no_key, FAILING, {"same": ["headers.idempotency-key"]}, "no attempt of operation 1 has headers.idempotency-key"),
    (changed_body, FAILING, {"same": ["body"]}, "attempt 2 changed body: json.amount: expected 5, got 6"),
    (no_backoff, FAILING, {"growing": True}, "the gaps don't grow"),
    (no_backoff, FAILING, {"gaps": "100ms"}, "expected at least 100ms"),
    (no_backoff, FAILING, {"backoff": {"first": "500ms", "jitter": "full"}}, "there is no back-off"),
    (backoff_without_growth, FAILING, {"growing": True}, "attempt 3 came after 30"),
    (wrong_schedule, FAILING, {"backoff": {"first": "500ms", "jitter": 0.25}}, "attempt 2 is not on the schedule: it came after 150"),
    (wrong_schedule, FAILING, {"gaps": ["1s", {"lte": "2s"}, "1s"]}, "expected at most 2s"),
    (hedging, [CREATED], {"overlap": False}, "attempt 2 overlaps: attempt 1 ended 20 ms after it came"),
    (double_submit, [CREATED], {"overlap": False}, "can't tell whether operations 1 and 2 are one that overlaps"),
    (double_submit, [CREATED], {"operations": 1}, "expected 1 operation, saw 2 (operations 1 and 2: they were under way at once)"),
    (retry_whatever_the_answer, [Answer(422)], {"after": "retryable"}, "sends an equal request again under the key headers.idempotency-key after 422"),
    (retry_whatever_the_answer_without_a_key, [Answer(400)], {"after": "retryable"}, "sends an equal request again after 400"),
    (retry_whatever_the_answer_without_a_key, [Answer(401)], {"after": "retryable"}, "sends an equal request again after 401"),
    (retry_whatever_the_answer_without_a_key, [CREATED], {"after": "retryable"}, "sends an equal request again after 201"),
    (retry_after_the_last_success, FAILING, {"after": "retryable"}, "attempt 5 sends an equal request again"),
    (gives_up_too_early, FAILING, {"min": 4}, "2 attempts, at least 4 expected"),
    (retries_for_ever, [UNAVAILABLE], {"max": 5}, "100 attempts, at most 5 allowed"),
    (wrong_body_with_the_right_key, [UNAVAILABLE], {"same": ["body"]}, 'json.to: expected "a", got "b"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("client", "script", "rules", "words"), BAD, ids=[f"{client.__name__}-{next(iter(rules))}" for client, _, rules, _ in BAD]
)  # fmt: skip
def test_a_client_with_a_fault_is_caught_by_the_rule_made_for_it(client, script, rules, words):
    service = Service(*script)
    client(service)

    texts = service.judged(**rules)

    assert [text for text in texts if words in text], texts


def test_without_the_fault_each_of_these_rules_holds():
    service = Service(*FAILING)
    service.operation(exponential(service.random, 0.5))

    for rules in (
        {"same": ["headers.idempotency-key"]}, {"same": ["body"]}, {"growing": True}, {"gaps": "100ms"}, {"max": 5}, {"min": 4},
        {"backoff": {"first": "500ms", "jitter": 0.25}}, {"overlap": False}, {"operations": 1}, {"after": "retryable"},
    ):  # fmt: skip
        assert service.judged(**rules) == []


def test_retries_after_a_little_work_never_pass_as_growing():
    for seed in part(range(1000), 100):
        service = Service(*FAILING, seed=seed)
        service.operation(lambda _number, _before_s, rng=service.random: rng.uniform(-0.001, 0.014))

        assert service.judged(growing=True), f"seed {seed}"
