"""
A call in brief: what the record keeps of a call that was over at once, until somebody looks.

Most calls are never looked at. A brief costs a tenth of a `Call`; it is made into one when it is asked for, and stays it.
"""

from __future__ import annotations

from typing import Any

from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome

Brief = list[Any]
"""
`[call, common, number, index, client, arrived_s, arrived_at_s, over_at_s]`: the call once it was made, else None;
what it has in common with others; its number; the index of the step that answered; the client's address; when
it arrived, in Unix seconds and on the monotonic clock; and when its answer had left. A list costs a quarter of an object.
"""


class Common:
    """
    What all calls have in common that ask the same, byte for byte, of one route.

    `request` is as it came, but for its client and its time; `replies` are
    those of the route's steps; `cost_bytes` is what the record reckons a call at.
    """

    __slots__ = ("cost_bytes", "namespace", "replies", "request", "route_id", "scenario", "tags")

    def __init__(
        self, namespace: str, request: Request, route_id: str, scenario: str, tags: tuple[str, ...]
    ) -> None:
        self.namespace = namespace
        self.request = request
        self.route_id = route_id
        self.scenario = scenario
        self.tags = tags
        self.replies: tuple[Response, ...] = ()
        self.cost_bytes: tuple[int, ...] = ()


def call_of(brief: Brief) -> Call:
    """The call itself: made when it is first asked for, and then always the same."""
    made: Call | None = brief[0]
    if made is not None:
        return made
    _, common, number, index, client, arrived_s, arrived_at_s, over_at_s = brief
    call = Call(number, common.namespace, common.request.again(client, arrived_s, arrived_at_s))
    call.route_id = common.route_id
    call.scenario = common.scenario
    call.tags = common.tags
    call.step = index + 1
    call.response = common.replies[index]
    call.status = call.response.status
    call.outcome = Outcome.DONE
    call.cost_bytes = common.cost_bytes[index]
    call.claimed_at_s = call.first_byte_at_s = call.last_byte_at_s = over_at_s
    brief[0] = call
    return call
