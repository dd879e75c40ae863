"""
A call in brief: what the record keeps of a call that was over at once, until somebody looks.

Most calls are never looked at. A brief costs a tenth of a `Call`, which is made of it when it is asked for.
"""

from __future__ import annotations

from typing import Any

from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome


class Asked:
    """What calls in brief have in common: the request but for its client and its time; the route and the answer, where these are always the same."""

    __slots__ = ("cost_bytes", "fixed", "request", "route")

    def __init__(
        self, request: Request, route: Any = None, fixed: Response | None = None, cost_bytes: int = 0
    ) -> None:
        self.request = request
        self.route = route
        self.fixed = fixed
        self.cost_bytes = cost_bytes


Brief = tuple[Any, ...]
"""
`(asked, number, client, arrived_s, arrived_at_s, over_at_s)`: what it has in common with others, its number, the client's
address, when it arrived in Unix seconds and on the monotonic clock, and when its answer had left. Where route and
answer are not always the same, these follow: `(…, route, index of its step, response, cost_bytes)`.
A tuple, and as few objects as can be: of every call so much lies in memory.
"""
_SHORT = 6


def call_of(brief: Brief) -> Call:
    """The call itself."""
    asked, number, client, arrived_s, arrived_at_s, over_at_s = brief[:_SHORT]
    route, index, response = (asked.route, 0, asked.fixed) if len(brief) == _SHORT else brief[_SHORT:9]
    request = asked.request
    call = Call(number, request.namespace, request.again(client, arrived_s, arrived_at_s))
    call.route_id = route.id
    call.scenario = route.scenario.name
    call.tags = route.tags
    call.step = index + 1
    call.response = response
    call.status = response.status
    call.outcome = Outcome.DONE
    call.cost_bytes = cost_of(brief)
    call.claimed_at_s = call.first_byte_at_s = call.last_byte_at_s = over_at_s
    return call


def kind_of(brief: Brief) -> Any:
    """What it shares with every brief of the same request that was answered the same: all but number, client and times."""
    if len(brief) == _SHORT:
        return brief[0]
    asked, route, index, response = brief[0], *brief[_SHORT:9]
    return asked, route, index, response.status


def number_of(brief: Brief) -> int:
    number: int = brief[1]
    return number


def arrived_s_of(brief: Brief) -> float:
    arrived_s: float = brief[3]
    return arrived_s


def ended_at_s_of(brief: Brief) -> float:
    over_at_s: float = brief[5]
    return over_at_s


def cost_of(brief: Brief) -> int:
    """What the record reckons the call at, in bytes."""
    cost_bytes: int = brief[0].cost_bytes if len(brief) == _SHORT else brief[9]
    return cost_bytes
