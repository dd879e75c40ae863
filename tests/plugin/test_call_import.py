"""A call that is made again of its view is judged like the call itself."""

from support.calls import Calls

from mockserver.admin.views import call_view
from mockserver.attempts import operation_view, operations
from mockserver.model.instants import instant
from mockserver.model.plan import Outcome
from mockserver.sessions.call_import import call_from_view

PAY = {"headers": {"Idempotency-Key": "k1"}, "json": {"amount": 5}}


def test_its_operations_are_the_same():
    calls = Calls()
    calls(0.0, 0.25, 503, answer={"Retry-After": "1"}, **PAY)
    calls(0.5, 0.75, 201, outcome=Outcome.RESET, effects=[{"kind": "charge"}], **PAY)
    calls(1.0, 1.25, 201, headers={"Idempotency-Key": "k2"}, json={"amount": 5})
    calls(2.0, 2.5, None, outcome=Outcome.CLIENT_LEFT, body=b"\xff\x00", line="PUT /raw?a=1")
    calls(3.0, None, None, line="GET /open")

    def told(found):
        return [operation_view(one, instant) for one in operations(found)]

    again = [call_from_view(call_view(call, reveal=True)) for call in calls.made]
    assert told(again) == told(calls.made)
    assert [len(one["tries"]) for one in told(again)] == [2, 1, 1, 1]
    assert told(again)[1]["repeats"] == 1
