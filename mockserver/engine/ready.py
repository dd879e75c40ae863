"""
Calls that can be answered without asking anything: the same request as before, byte for byte, and a route in which nothing varies.

What such a call needs is worked out once and holds as long as the `version`
of its namespace; then a call is a few additions and a line in the record.
"""

from __future__ import annotations

from collections.abc import Callable

from mockserver.engine.finding import Held
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.model.brief import Brief, Common, call_of
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.replying.planner import Planned
from mockserver.store.record import cost_of


class Ready(Common):
    """One request's way to its route. `begin` and `end` are one call, with nothing in between but its bytes."""

    __slots__ = ("_count", "_counts", "_line", "_ns", "_position", "_record", "_sequence", "_timed")

    def __init__(self, ns: Namespace, request: Request, route: Route) -> None:
        super().__init__(ns.name, request, route.id, route.scenario.name, route.tags)
        assert route.static is not None
        self.replies = tuple(planned.response for planned in route.static)
        self.cost_bytes = tuple(cost_of(request, reply) for reply in self.replies)
        self._ns = ns
        self._position = ns.position(route, None)
        self._sequence = None if route.sequence.single else route.sequence
        self._timed = any(span.for_s is not None for span in route.sequence.spans)
        self._record = ns.record
        self._counts = ns.counts
        self._count = ns.counts.route(route.id)
        self._line = (request.method, request.path)

    def begin(self, client: str, arrived_s: float, arrived_at_s: float) -> Brief | None:
        """
        Claims, counts and records it; None where the sequence has stopped, and another route may answer.

        It is written as over already: nothing else can happen before `end`.
        """
        ns, position, sequence = self._ns, self._position, self._sequence
        index = 0
        if sequence is not None:
            now_s = ns.clock.now_s() if self._timed else 0.0
            settled = sequence.settle(position, now_s)
            if settled is None:
                return None
            index = settled
            sequence.take(position, now_s)
        position.number += 1
        position.draws += 1
        number = ns.last_number = ns.last_number + 1
        ns.used_at_s = arrived_at_s
        counts = self._counts
        counts.total += 1
        counts.lines[self._line] += 1
        self._count.passed(self.replies[index].status)
        brief = [None, self, number, index, client, arrived_s, arrived_at_s, arrived_at_s]
        self._record.jot(brief, self.cost_bytes[index])
        return brief

    def end(self, brief: Brief, over_at_s: float) -> None:
        """All of its answer has left."""
        brief[7] = over_at_s
        if self._ns.is_watched:
            self._ns.tell_closed(call_of(brief))

    def reopen(self, brief: Brief) -> Call:
        """Its answer has not left yet, after all: from here on it is a call like others, and ends by `Engine.finish`."""
        call = call_of(brief)
        call.outcome = Outcome.OPEN
        call.last_byte_at_s = None
        call.home = (self._ns, self._counts, self._record)
        self._count.enter()
        self._ns.tell()
        return call


def ready_for(
    ns: Namespace, request: Request, held: Held, is_brief: Callable[[Planned], bool]
) -> Ready | None:
    """
    The way of this request, whose candidates are `held`; None where anything about it may vary.
    `is_brief` says of an answer whether its call is over as soon as it is sent.
    """
    if not held or not ns.counts.knows((request.method, request.path)):
        return None
    route = held[0][0].target
    if route.static is None or not route.unconditional or route.per is not None:
        return None
    if not all(map(is_brief, route.static)):
        return None
    return Ready(ns, request, route)
