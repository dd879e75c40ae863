"""
A request that came before, byte for byte, and what that led to: then a call is a few additions and a line in the record.

It holds as long as the version of its namespace; what is known later is a new one.
"""

from __future__ import annotations

from functools import lru_cache

from mockserver.engine.addressing import Address
from mockserver.engine.finding import Held, hold
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.engine.ways import Astray, Way, way_of
from mockserver.model.brief import Asked, Brief
from mockserver.model.brief import cost_of as cost_of_brief
from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome
from mockserver.model.position import Position
from mockserver.replying.templates import TemplateError
from mockserver.store.record import cost_of

Answered = tuple[Route, int, Response, int]
"""The route, the index of its step, what that answered, and what the record reckons the call at, in bytes."""


class _Hot(Asked):
    """What every call touches: slots lie together by class, and of thousands of requests each is far from the last."""

    __slots__ = ("_home", "_home_version", "_version", "calls", "ns", "record", "stays", "wire", "wire_s")


class Known(_Hot):
    """
    One request. `raw_path` is its path with the prefixes that choose a namespace, `named` whether its headers may choose one.

    `held` are the candidates whose match holds, `ways` their short ways, as far as they have some; `fixed` is the answer
    where nothing about it varies. `look` finds them out. `calls` have been answered by `fixed` and are not counted yet.
    `stays` says whether others like it are expected: then it is kept, and counted when somebody asks.
    """

    __slots__ = ("_line", "_position", "held", "looked", "named", "raw_path", "ways")

    def __init__(self, request: Request, raw_path: str, *, named: bool, address: Address) -> None:
        super().__init__(request)
        self.raw_path = raw_path
        self.stays = True
        self.named = named
        self.ns = address.ns
        self._home = address.home
        self._version = address.ns.version
        self._home_version = address.home.version
        self.record = address.ns.record
        self.looked = False
        self.held: Held = ()
        self.ways: tuple[tuple[Way, dict[str, str]], ...] = ()
        self._position: Position | None = None
        self._line: tuple[str, str] | None = None
        self.calls = 0
        self.wire = b""
        """The bytes of `fixed` in the second `wire_s`, kept by `net/`."""
        self.wire_s = -1  # no second that comes

    def apart(self) -> Asked:
        """What the record needs of it, where it does not stay."""
        return Asked(self.request, self.route, self.fixed, self.cost_bytes)

    @property
    def is_lost(self) -> bool:
        """Whether its namespace is there no longer."""
        return self.ns.removed or self._home.removed

    @property
    def is_current(self) -> bool:
        return self._version == self.ns.version and self._home_version == self._home.version

    def look(self) -> None:
        """Finds out how far its answer can be known."""
        self.looked = True
        ns, request = self.ns, self.request
        self.held = hold(ns, request)
        request.forget_parsed()
        if not self.held:
            return
        self._line = ns.known_line(request.method, request.path)
        ways = []
        for entry, params in self.held:
            way = way_of(ns, entry.target)
            if way is None:
                break
            ways.append((way, params))
        self.ways = tuple(ways)
        fixed = ways[0][0].fixed if ways else None
        if fixed is not None:
            self.route, self.fixed, self._position = ways[0][0].route, fixed, ways[0][0].position
            self.cost_bytes = _shared(cost_of(request, fixed))

    # Where nothing varies

    def answer(self, arrived_at_s: float) -> int:
        """Claims a call that `fixed` answers; it is counted when somebody asks for counts. Its number."""
        ns = self.ns
        calls = self.calls = self.calls + 1
        if not self.stays:
            self.settle(ns)
        elif calls == 1:
            ns.run_up(self)
        number = ns.last_number = ns.last_number + 1
        ns.used_at_s = arrived_at_s
        return number

    def settle(self, ns: Namespace) -> None:
        """Counts its calls."""
        calls, self.calls = self.calls, 0
        fixed = self.fixed
        assert fixed is not None
        ns.counted(self.route.id, self._line, fixed.status, calls)
        position = self._position
        assert position is not None
        position.number += calls
        position.draws += calls

    # Where a state, a sequence or a template does

    def decide(self, arrived_at_s: float) -> tuple[int, Answered] | None:
        """
        Claims and counts a call by one of the short ways: its number, and what answered it.
        None, and nothing has moved, where none of them has the answer.
        """
        ns, request = self.ns, self.request
        for way, params in self.ways:
            if not way.is_open(request, params):
                continue
            try:
                taken = way.take(request, params)
            except (TemplateError, Astray):
                return None  # the engine says what is wrong
            if taken is None:
                continue
            index, response = taken
            number = ns.last_number = ns.last_number + 1
            ns.used_at_s = arrived_at_s
            route = way.route
            ns.counted(route.id, self._line, response.status, 1)
            return number, (route, index, response, cost_of(request, response))
        return None

    # The end of both

    def jot(self, brief: Brief, cost_bytes: int) -> None:
        """Records a call that is over."""
        self.record.jot(brief, cost_bytes)
        ns = self.ns
        if ns.is_heard:
            ns.tell_closed(self.record.opened(brief))
        else:
            ns.tell()

    def reopen(self, brief: Brief) -> Call:
        """Its answer has not left yet, after all: from here on it is a call like others, and ends by `Engine.finish`."""
        ns, record = self.ns, self.record
        record.jot(brief, cost_of_brief(brief))
        call = record.opened(brief)
        call.outcome = Outcome.OPEN
        call.last_byte_at_s = None
        call.home = (ns, ns.counts, record)
        ns.counts.route(call.route_id or "").enter()
        ns.tell()
        return call


@lru_cache(maxsize=10_000)
def _shared(cost_bytes: int) -> int:
    """The same number, as one object for all: most requests to a service cost the same, and the record reads it twice a call."""
    return cost_bytes
