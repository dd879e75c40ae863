"""What stands between a route and its claim: auth, limit, idempotency, in this order, by a clock that the test sets."""

import pytest
from support.engine import InMemory, effects, text

from mockserver.model.plan import Outcome

BODY = {"amount": 5}


def under(reply, more=""):
    return InMemory(
        f"idempotency: {{header: idempotency-key}}\nroutes:\n  - {{request: POST /pay, reply: {reply}}}\n{more}"
    )


def pay(memory, key="k1", body=BODY, outcome=Outcome.DONE):
    return memory.ask("POST /pay", json=body, idempotency_key=key, outcome=outcome)


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        *(
            (f"{{status: {status}}}", True)
            for status in (200, 201, 202, 204, 302, 400, 402, 403, 404, 410, 422, 499)
        ),
        *((f"{{status: {status}}}", False) for status in (401, 409, 425, 429, 500, 502, 503, 599)),
        ("{status: 200, effect: {kind: paid}}", True),
        ("{status: 402, effect: {kind: declined}}", True),
        ("{status: 409, effect: {kind: paid}}", True),
        ("{status: 503, effect: {kind: paid}}", True),
        # Something here has effects, and this answer wrote none.
        ("{cases: [{if: 'false', effect: {kind: paid}}, {status: 402}]}", False),
        ("{cases: [{if: 'false', effect: {kind: paid}}, {status: 200}]}", False),
        ("{choose: [{weight: 0.000001, effect: {kind: paid}}, {weight: 1000000, status: 404}]}", False),
        # What can't be rendered has done what it did.
        ("{status: 200, effect: {kind: paid}, text: '{{ request.json.nothing }}'}", True),
        ("{status: 200, text: '{{ request.json.nothing }}'}", False),
    ],
)  # fmt: skip
def test_what_is_kept_for_a_key_and_what_frees_it(reply, kept):
    memory = under(reply)

    calls = [pay(memory) for _ in range(3)]

    assert [call.replayed for call in calls] == [False, kept, kept]
    assert len(effects(memory.default)) == ("effect" in reply and kept)
    if kept:
        assert calls[2].response.header("idempotent-replayed") == "true"
        assert (calls[2].status, text(calls[2])) == (calls[0].status, text(calls[0]))


@pytest.mark.parametrize(("reply", "kept"), [("{status: 201, effect: {kind: paid}, fault: reset}", True), ("{status: 500, fault: reset}", False)])  # fmt: skip
def test_an_answer_that_is_lost_is_kept_as_one_that_came(reply, kept):
    memory = under(reply)

    calls = [pay(memory, outcome=Outcome.RESET) for _ in range(2)]

    assert [call.replayed for call in calls] == [False, kept]


def test_another_body_under_a_key_is_a_conflict_and_another_key_another_deed():
    memory = under("{status: 201, effect: {kind: paid}}")
    pay(memory)

    assert pay(memory, body={"amount": 6}).status == 422
    assert pay(memory, key="k2").status == 201
    assert len(effects(memory.default)) == 2


def test_a_key_whose_first_call_is_under_way_is_refused_until_it_is_over():
    memory = under("{status: 201, effect: {kind: paid}}")
    first = memory.begin("POST /pay", json=BODY, idempotency_key="k1")

    assert pay(memory).status == 409
    memory.engine.finish(first, Outcome.DONE)
    assert pay(memory).replayed


def test_a_key_expires_by_the_clock_of_its_namespace():
    memory = InMemory(
        "routes: [{request: POST /pay, idempotency: {header: idempotency-key, ttl: 60s}, reply: 201}]"
    )
    pay(memory)

    memory.now_s += 59.9
    assert pay(memory).replayed
    memory.now_s += 0.2
    assert not pay(memory).replayed


def test_a_bucket_fills_with_time_and_says_when_to_come_back():
    memory = InMemory("routes: [{request: GET /x, limit: {rate: 60/m, burst: 2}, reply: 200}]")

    assert memory.statuses(*["GET /x"] * 3) == [200, 200, 429]
    assert memory.ask("GET /x").response.header("retry-after") == "1"
    memory.now_s += 1
    assert memory.statuses(*["GET /x"] * 2) == [200, 429]
    memory.now_s += 100
    assert memory.statuses(*["GET /x"] * 3) == [200, 200, 429]


def test_a_limit_by_a_header_has_a_bucket_for_each_value():
    memory = InMemory(
        "routes: [{request: GET /x, limit: {rate: 1/m, burst: 1, by: headers.user}, reply: 200}]"
    )

    assert memory.statuses("GET /x", "GET /x", user="a") == [200, 429]
    assert memory.statuses("GET /x", "GET /x", user="b") == [200, 429]


@pytest.mark.parametrize(
    ("spec", "good", "bad"),
    [
        ("{bearer: [t1]}", {"authorization": "Bearer t1"}, {"authorization": "Bearer t2"}),
        ("{basic: {ann: pw}}", {"authorization": "Basic YW5uOnB3"}, {"authorization": "Basic YW5uOnB4"}),
        ("{api_key: {header: x-key, values: [k1]}}", {"x-key": "k1"}, {"x-key": "k2"}),
    ],
)
def test_who_may_is_answered_and_who_may_not_hears_the_scheme(spec, good, bad):
    memory = InMemory(f"auth: {spec}\nroutes: [{{request: GET /x, reply: 200}}]")

    assert memory.statuses("GET /x", **good) == [200]
    for headers in (bad, {}):
        refused = memory.ask("GET /x", **headers)
        assert refused.status == 401
        assert 'realm="shop"' in refused.response.header("www-authenticate")


def test_who_is_stopped_takes_no_step_no_token_and_no_key():
    memory = InMemory("""
auth: {bearer: [t1]}
limit: {rate: 1/m, burst: 2}
idempotency: {header: idempotency-key}
routes: [{name: seq, request: POST /seq, reply: [{status: 201, effect: {kind: one}}, {status: 202, effect: {kind: two}}]}]
""")
    good = {"authorization": "Bearer t1"}

    assert memory.statuses(*["POST /seq"] * 5, idempotency_key="a") == [401] * 5
    assert memory.statuses("POST /seq", "POST /seq", idempotency_key="a", **good) == [201, 201]
    assert memory.statuses("POST /seq", idempotency_key="b", **good) == [429], (
        "a replay took the second token"
    )
    memory.now_s += 60
    assert memory.statuses("POST /seq", idempotency_key="b", **good) == [202]
