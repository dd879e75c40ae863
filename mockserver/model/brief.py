"""
A call in brief: what the record keeps of a call that was over at once, until somebody looks.

Most calls are never looked at. A brief costs a tenth of a `Call`; it is made into one when it is asked for, and stays it.
"""

from __future__ import annotations

from typing import Any

from mockserver.model.call import Call
from mockserver.model.plan import Outcome

Brief = list[Any]
"""
`[call, request, route, index, response, number, client, arrived_s, arrived_at_s, over_at_s, cost_bytes]`: the call
once it was made, else None; the request, but for its client and its time; the route, the index of its step and what
that answered; the call's number; the client's address; when it arrived, in Unix seconds and on the monotonic clock,
and when its answer had left; what the record reckons it at. A list costs a quarter of an object.
"""
RESPONSE, NUMBER, OVER_AT_S, COST_BYTES = 4, 5, 9, 10


def call_of(brief: Brief) -> Call:
    """The call itself: made when it is first asked for, and then always the same."""
    made: Call | None = brief[0]
    if made is not None:
        return made
    _, request, route, index, response, number, client, arrived_s, arrived_at_s, over_at_s, cost_bytes = brief
    call = Call(number, request.namespace, request.again(client, arrived_s, arrived_at_s))
    call.route_id = route.id
    call.scenario = route.scenario.name
    call.tags = route.tags
    call.step = index + 1
    call.response = response
    call.status = response.status
    call.outcome = Outcome.DONE
    call.cost_bytes = cost_bytes
    call.claimed_at_s = call.first_byte_at_s = call.last_byte_at_s = over_at_s
    brief[0] = call
    return call
