"""
The life of a call: `begin` decides what is answered, `finish` writes down what really happened.

Both are synchronous, so two requests can't race. `net/` performs the plan in between.

    find the route → claim (step, call number: one atomic moment) → render → [net: delay → send]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mockserver.engine.answers import (
    Miss,
    explained_error,
    not_allowed,
    options,
    preflight,
    problem_response,
    unmatched,
    with_cors,
)
from mockserver.engine.finding import Found, cors_of, find, on_path, shapes
from mockserver.engine.namespace import DEFAULT, Namespace, Shared
from mockserver.engine.routes import Choose, Route
from mockserver.engine.scopes import scope_for
from mockserver.engine.world import World
from mockserver.matching.nearest import nearest
from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome, Send
from mockserver.replying.draws import chance, seed_for
from mockserver.replying.planner import Planned, Reply
from mockserver.replying.templates import Scope, TemplateError
from mockserver.store.record import RecordLimits


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine is told at its making. `seed` is mixed into every namespace's own."""

    seed: str = ""
    unmatched_status: int = 404
    limits: RecordLimits = field(default_factory=RecordLimits)


class Engine:
    """
    Decides every answer of one server. Belongs to one event loop, or one thread.

    `wall` gives Unix seconds, `mono` monotonic ones.
    """

    def __init__(
        self,
        world: World,
        *,
        wall: Callable[[], float],
        mono: Callable[[], float],
        settings: EngineSettings | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self.shared = Shared(world, self.settings.limits, wall, mono)
        self.namespaces: dict[str, Namespace] = {}
        self.default = self._made(DEFAULT, None)

    def _made(self, name: str, seed: str | None) -> Namespace:
        ns = Namespace(name, seed_for(name, self.settings.seed) if seed is None else seed, self.shared)
        self.namespaces[name] = ns
        return ns

    def reseed(self, ns: Namespace) -> None:
        """Draws begin anew, from the seed that the namespace was made with."""
        ns.seed = ns.seeded
        for position in ns.positions.values():
            position.draws = 0

    def publish(self, world: World) -> None:
        """A new world, seen by every namespace at once; positions stay by route id."""
        self.shared.world = world
        for ns in self.namespaces.values():
            ns.tell()

    # A call

    def begin(self, request: Request, ns: Namespace) -> Call:
        """Decides what is answered and records the call as open, before any byte of the answer leaves."""
        ns.last_number += 1
        call = Call(ns.last_number, ns.name, request)
        found = find(ns, request, lambda route, params: scope_for(ns, request, route, params))
        planned = self._missed(ns, call) if found is None else self._answer(ns, call, found)
        return self._open(ns, call, planned)

    def begin_incomplete(self, request: Request, ns: Namespace, response: Response | None) -> Call:
        """Records a request whose body never came whole; it claims no route and is counted apart."""
        ns.last_number += 1
        call = Call(ns.last_number, ns.name, request)
        empty = response is None
        planned = Planned(() if response is None else (Send(response),), response or Response(0))
        self._open(ns, call, planned)
        if empty:
            call.response, call.status = None, None
        return call

    def _open(self, ns: Namespace, call: Call, planned: Planned) -> Call:
        call.plan = planned.plan
        call.response = planned.response
        call.status = planned.response.status
        call.fault = planned.fault
        call.claimed_at_s = self.shared.mono()
        counts, record = ns.counts, ns.record
        call.home = (ns, counts, record)
        counts.begun(call)
        record.add(call)
        ns.tell()
        return call

    def finish(self, call: Call, outcome: Outcome) -> None:
        """Closes the call, once."""
        if call.outcome is not Outcome.OPEN:
            return
        call.outcome = outcome
        ns, counts, record = call.home
        call.home = None
        # A reset has put others in their place; then this call ends unrecorded.
        counts.ended(call)
        record.trim(call)
        if counts is ns.counts:
            ns.tell_closed(call)

    # The answer of a route

    def _answer(self, ns: Namespace, call: Call, found: Found) -> Planned:
        route = found.route
        call.route_id = route.id
        call.scenario = route.scenario.name
        call.tags = route.tags
        draw = _Draw(ns, call.request, found, call.id)
        try:
            reply, status = self._claim(ns, call, found, draw)
            planned = reply.ready
            if planned is None:
                planned = reply.plan(status, draw.scope, draw.choices, call.request)
        except TemplateError as why:
            call.error = explained_error(route, why)
            return _plain(call.error)
        if route.scenario.cors is not None:
            planned = with_cors(planned, route.scenario.cors, call.request)
        return planned

    def _claim(self, ns: Namespace, call: Call, found: Found, draw: _Draw) -> tuple[Reply, int]:
        """
        The one atomic moment: the step, its reply, its status and the call's
        number. What fails in here leaves nothing behind.
        """
        route, position = found.route, found.position
        answer = route.answers[found.index]
        while not isinstance(answer, Reply):
            if isinstance(answer, Choose):
                answer = answer.draw(draw.choices())
                continue
            case = next((case for case in answer if case.holds(call.request, draw.scope)), None)
            if case is None:
                raise TemplateError(
                    "none of its cases holds; add a last one without conditions", place="cases"
                )
            answer = case.answer
        status = answer.status(draw.scope)
        if not route.sequence.single:
            route.sequence.take(position, ns.clock.now_s())
        position.number += 1
        position.draws += 1
        call.step = found.index + 1
        return answer, status

    # The answer where no route takes it

    def _missed(self, ns: Namespace, call: Call) -> Planned:
        request = call.request
        routes = on_path(ns, request.path)
        if (
            request.method == "OPTIONS"
            and routes
            and all(not r.methods or "OPTIONS" not in r.methods for r in routes)
        ):
            call.automatic = True
            scenario = cors_of(routes)
            if scenario is not None and scenario.cors is not None and "origin" in request.headers:
                return _sent(preflight(routes, scenario.cors, request))
            return _sent(options(routes))
        if routes and not any(_takes(route, request.method) for route in routes):
            return _sent(not_allowed(request, routes))
        miss = Miss(request, nearest(request, shapes(ns)))
        return _sent(unmatched(miss, self.settings.unmatched_status))


class _Draw:
    """What one call may draw and look at, made when a reply first asks for it."""

    __slots__ = ("_call_id", "_choices", "_draws", "_found", "_ns", "_number", "_request", "_scope")

    def __init__(self, ns: Namespace, request: Request, found: Found, call_id: str) -> None:
        self._number = found.position.number + 1
        self._draws = found.position.draws + 1
        self._ns = ns
        self._request = request
        self._found = found
        self._call_id = call_id
        self._scope: Scope | None = None
        self._choices: Any = None

    def scope(self) -> Scope:
        if self._scope is None:
            self._scope = scope_for(
                self._ns,
                self._request,
                self._found.route,
                self._found.params,
                call={"number": self._number, "id": self._call_id},
                draw=(self._key(), self._draws),
            )
        return self._scope

    def choices(self) -> Any:
        """The generator of choices and delays, the same for the whole call."""
        if self._choices is None:
            self._choices = chance(self._ns.seed, self._key(), self._number, "choices")
        return self._choices

    def _key(self) -> str:
        per = self._found.per
        return self._found.route.id if per is None else f"{self._found.route.id}\n{per}"


def _takes(route: Route, method: str) -> bool:
    methods = route.methods
    return methods is None or method in methods or (method == "HEAD" and "GET" in methods)


def _sent(response: Response) -> Planned:
    return Planned((Send(response),), response)


def _plain(problem: dict[str, Any]) -> Planned:
    return _sent(problem_response(problem))
