"""Attempts as the clients give and judge them: the grouping that a test asks for, and every spelling of a rule."""

import asyncio
import json
from datetime import timedelta

import pytest


@pytest.fixture
def pay(mock, call):
    """A route of that many replies, and a function that calls it once for each JSON body."""

    def made(*replies, bodies, **headers):
        route = mock.post("/pay").reply(*replies)
        for body in bodies:
            call("POST /pay", json.dumps(body), **headers)
        return route

    return made


def test_attempts_are_grouped_by_the_selector_that_a_test_names(mock, pay):
    pay(503, 503, 200, 200, bodies=[{"order": n, "line": line} for line, n in enumerate([1, 2, 1, 2])])

    assert len(mock.attempts()) == 4
    assert [one.key for one in mock.attempts(by="json.order")] == ["1", "2"]
    assert [one.statuses for one in mock.attempts(by="json.order")] == [[503, 200], [503, 200]]


def test_a_route_has_its_own_attempts(mock, call, pay):
    route = pay(503, 200, bodies=[{"line": 1}, {"line": 2}])
    call("GET /hello")

    assert [one.statuses for one in route.attempts()] == [[503], [200]]
    assert [one.statuses for one in route.attempts(by="route")] == [[503, 200]]
    for ignored in ("json.line", ["json.line", "query.rand"]):
        (operation,) = route.attempts(ignore=ignored)
        assert operation.statuses == [503, 200]
        assert operation.left_out == ["json.line"]


def test_an_operation_says_what_it_rests_on(mock, call, pay):
    route = pay(503, 503, 200, bodies=[])
    for key in ("first", "second"):
        call("POST /pay", '{"amount": 5}', Idempotency_Key=key)

    (operation,) = route.attempts()
    assert not operation.certain
    assert operation.by == "headers.idempotency-key"
    assert "used once" in operation.why
    assert operation.repeats is None
    first, second = route.attempts(by="headers.idempotency-key")
    assert (first.certain, second.certain, second.repeats) == (True, True, 1)


def test_an_attempt_says_which_fields_changed(mock, call, pay):
    route = pay(503, 200, bodies=[{"amount": 5}, {"amount": 50}], Idempotency_Key="k")

    (operation,) = route.attempts()
    first, second = operation.tries
    assert (first.fields, first.step) == ({}, None)
    assert second.changed == ["body"]
    assert second.fields == {"json.amount": ["5", "50"]}


def test_a_401_is_a_step_of_its_attempt(mock, call):
    route = mock.get("/me").reply(401, 200)
    call("GET /me", Authorization="Bearer old")
    call("GET /me", Authorization="Bearer new")

    (operation,) = route.attempts()
    assert [one.step for one in operation.tries] == ["unauthorized", None]


@pytest.mark.parametrize(
    "rules",
    [
        {"by": "route"},
        {"ignore": "json.line", "same": "body"},
        {"ignore": ["json.line"], "min": 2, "max": 2},
        {"by": "route", "gaps": "1ms"},
        {"by": "route", "gaps": {"min": "1ms", "max": "60s"}},
        {"by": "route", "gaps": ["1ms"]},
        {"by": "route", "gaps": [{"lte": timedelta(minutes=1)}]},
        {"by": "route", "backoff": {"first": "1ms", "jitter": [1, 60_000]}},
        {"by": "route", "honours": True, "optional": True},
        {"by": "route", "growing": {"factor": 1.5, "margin": "1ms", "cap": "2s"}, "optional": True},
        {"after": "retryable"},
    ],
)
async def test_rules_that_hold_in_either_client(mock, async_mock, call, rules):
    route = mock.post("/pay").reply(503, 200)
    await asyncio.to_thread(call, "POST /pay", '{"amount": 5, "line": 1}')
    await asyncio.sleep(
        0.02
    )  # a gap to be judged, also where the server is late to note the end of the first call
    await asyncio.to_thread(call, "POST /pay", '{"amount": 5, "line": 2}')

    await asyncio.to_thread(route.assert_attempts, 2, **rules)
    await async_mock.route(route.id).assert_attempts(2, **rules)
    await async_mock.verify(route, attempts=rules)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"min": 2}, "at least 2 expected"),
        ({"growing": True}, "nothing to judge.*json.line"),
        ({"by": "route", "same": "body"}, "json.line: expected 1, got 2"),
        ({"by": "route", "honours": True}, "no answer asked for a wait"),
        ({"by": "route", "gaps": ["60s"]}, "expected at least 60s"),
        ({"by": "route", "backoff": {"first": "30s"}}, "not on the schedule"),
    ],
)
async def test_rules_that_are_broken_in_either_client(mock, async_mock, call, rules, said):
    route = mock.post("/pay").reply(503, 200)
    for line in (1, 2):
        await asyncio.to_thread(call, "POST /pay", json.dumps({"line": line}))

    for check in (
        asyncio.to_thread(route.assert_attempts, 2, **rules),
        async_mock.route(route.id).assert_attempts(2, **rules),
        async_mock.verify(route, attempts=rules),
    ):
        with pytest.raises(AssertionError, match=said):
            await check


def test_without_a_number_the_route_must_have_been_called_at_all(mock, call):
    route = mock.post("/pay").reply(201)
    with pytest.raises(AssertionError, match="expected at least 1 call"):
        route.assert_attempts(optional=True)
    call("POST /pay")
    route.assert_attempts(max=1)


def test_a_route_is_made_with_the_selector_of_its_operations(mock, call):
    route = mock.post("/pay", attempts={"by": "json.order"}).reply(503, 200)
    for line in (1, 2):
        call("POST /pay", json.dumps({"order": 7, "line": line}))

    (operation,) = route.attempts()
    assert (operation.by, operation.key) == ("json.order", "7")
    route.assert_attempts(2, operations=1)
