"""What counts as a retry and as a failure, and when a call has ended for its client."""

from math import inf

from support.calls import Calls

from mockserver.attempts import operations
from mockserver.load.timeline import timeline_of
from mockserver.model.plan import Outcome


def marks(calls):
    return [(call.retry, call.failed) for call in timeline_of(operations(calls.made))]


def test_the_first_attempt_is_no_retry_whatever_came_between():
    calls = Calls()
    calls(0.0, 0.1, 503, json={"order": 1})
    calls(0.2, 0.3, 201, json={"order": 2})
    calls(0.4, 0.5, 503, json={"order": 1})
    calls(0.6, 0.7, 404, json={"order": 1})

    assert marks(calls) == [(False, True), (False, False), (True, True), (True, False)]


def test_a_request_with_a_new_token_after_a_401_is_no_retry():
    calls = Calls()
    calls(0.0, 0.1, 401, json=1, headers={"Authorization": "Bearer old"}, answer={"Retry-After": "1"})
    calls(0.2, 0.3, 201, json=1, headers={"Authorization": "Bearer new"})

    assert marks(calls) == [(False, False), (False, False)]


def test_a_client_that_left_may_have_left_up_to_50_ms_earlier():
    calls = Calls()
    calls(0.0, 1.0, 200, json=1)
    calls(0.0, 1.0, None, json=2, outcome=Outcome.CLIENT_LEFT)
    calls(0.0, 0.02, None, json=3, outcome=Outcome.CLIENT_LEFT)
    calls(0.0, None, None, json=4)

    assert [call.ended_s for call in timeline_of(operations(calls.made))] == [1.0, 0.95, 0.0, inf]
