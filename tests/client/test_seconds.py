"""Plain numbers of seconds, wherever the language has a duration, and never in what is the test's own."""

from datetime import timedelta

import pytest

from mockserver.client.link import wait_s
from mockserver.client.plain import with_units
from mockserver.client.writing import route_document, steps_of


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ({"delay": 0.25}, {"delay": "250ms"}),
        ({"delay": 0}, {"delay": "0s"}),
        ({"delay": "1s", "for": 60, "set_ttl": 3600}, {"delay": "1s", "for": "60s", "set_ttl": "1h"}),
        ({"delay": {"min": 0.1, "lte": 1}}, {"delay": {"min": "100ms", "lte": "1s"}}),
        ({"delay": {"median": 0.1, "sigma": 2, "max": 1}}, {"delay": {"median": "100ms", "sigma": 2, "max": "1s"}}),
        ({"throttle": {"chunks": 5, "over": 2}}, {"throttle": {"chunks": 5, "over": "2s"}}),
        ({"choose": [{"delay": 1}, {"status": 500}]}, {"choose": [{"delay": "1s"}, {"status": 500}]}),
        ({"events": [{"data": {"delay": 1}, "delay": 0.1}]}, {"events": [{"data": {"delay": 1}, "delay": "100ms"}]}),
        ({"retry": {"attempts": 3, "backoff": [1, 0.5]}}, {"retry": {"attempts": 3, "backoff": ["1s", "500ms"]}}),
        ({"idempotency": {"header": "k", "ttl": 60}}, {"idempotency": {"header": "k", "ttl": "60s"}}),
        ({"fault": {"kind": "reset", "after": 10}, "times": 2}, {"fault": {"kind": "reset", "after": 10}, "times": 2}),
    ],
)  # fmt: skip
def test_numbers_where_a_duration_stands_are_seconds(written, sent):
    assert with_units(written) == sent


@pytest.mark.parametrize(
    "key", ["json", "headers", "form", "effect", "set", "let", "match", "when", "query", "schema", "graphql"]
)
def test_what_is_the_tests_own_stays_as_it_is(key):
    own = {key: {"delay": 1, "ttl": 2, "for": [3], "over": {"delay": 4}}}

    assert with_units(own) == own


@pytest.mark.parametrize("value", [True, None, float("inf"), float("nan")])
def test_what_is_no_number_of_seconds_is_left_to_the_server(value):
    assert repr(with_units({"delay": value})) == repr({"delay": value})


def test_replies_and_routes_take_seconds():
    assert steps_of(({"status": 503, "for": 2},), {"delay": 0.2})[0] == [
        {"status": 503, "for": "2s"},
        {"delay": "200ms"},
    ]
    words = {
        "set_ttl": 60,
        "webhook": {"url": "http://a", "delay": 5, "json": {"delay": 5}},
        "json": {"ttl": 1},
    }
    assert route_document("GET /x", words) == {
        "request": "GET /x",
        "match": {"json": {"ttl": 1}},
        "set_ttl": "60s",
        "webhook": {"url": "http://a", "delay": "5s", "json": {"delay": 5}},
    }


def test_the_client_waits_as_long_as_it_asked_the_server_to():
    assert wait_s(5, "200ms", timedelta(seconds=1), None, 0.3) == pytest.approx(6.5)
    assert wait_s("soon", True, []) == 0


def test_seconds_work_against_a_server(mock, call):
    before = mock.clock.now
    assert (mock.clock.advance(90) - before).total_seconds() >= 90
    mock.get("/slow").reply(text="late", delay=0.01)
    with mock.outage(503, for_=60):
        assert call("GET /slow").status == 503
        mock.clock.advance(61)
        assert call("GET /slow").status == 200
    with mock.trouble(route="GET /slow", before={"status": 500, "delay": 0.01}):
        assert call("GET /slow").status == 500
    with mock.outage(503, ramp=60, probability=0.5, optional=True):
        assert call("GET /slow").status == 200
    with mock.trouble(route="GET /slow", before=500, for_=60):
        assert [call("GET /slow").status for _ in range(2)] == [500, 500]
        mock.clock.advance(61)
        assert call("GET /slow").status == 200
    with mock.namespace(ttl=60) as mine:
        assert mine.name
