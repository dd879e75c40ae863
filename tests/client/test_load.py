"""`assert_load` of a route and of a namespace."""

import pytest

from mockserver.client import VerificationFailed


def test_the_rules_hold_or_fail_with_the_calls_that_broke_them(mock, call):
    route = mock.post("/charges", name="charge").reply(201)
    for order in range(3):
        call("POST /charges", f'{{"order": {order}}}')

    route.assert_load(rate={"max": "3/h"})
    mock.assert_load(rate={"max": "3/h"})
    mock.assert_load(route, rate={"max": "3/h"}, within="5s", quiet=0.001)
    with pytest.raises(VerificationFailed, match="rate: 3 calls within 1h, at most 2 allowed\n  c-000001"):
        mock.assert_load("charge", rate={"max": "2/h"})
    with pytest.raises(VerificationFailed, match="nothing to judge: breaker"):
        route.assert_load(breaker={"opens_after": 5, "stays_open": "10s"})
    route.assert_load(breaker={"opens_after": 5, "stays_open": "10s"}, optional=True)


def test_a_wrong_keyword_or_none_is_an_error(mock):
    with pytest.raises(
        TypeError, match=r"assert_load\(\) has no keyword 'inflight'. Did you mean 'in_flight'"
    ):
        mock.assert_load(inflight={"max": 1})
    with pytest.raises(TypeError, match="has no rule"):
        mock.assert_load(within=1)
