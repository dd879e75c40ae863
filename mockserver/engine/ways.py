"""
The short way through a route: for those that do nothing but answer at once, and maybe look at the state and set it.

What they need is worked out once. Then a call makes no `Call`, no claim and,
where nothing is rendered, no scope; the outcome is the same as the engine's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.engine.finding import conditions_hold
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.engine.scopes import scope_for
from mockserver.engine.work import NO_WORK, SetWork, chosen
from mockserver.matching.conditions import Condition
from mockserver.model.call import call_id
from mockserver.model.http import Request, Response
from mockserver.model.plan import is_brief
from mockserver.replying.planner import Reply
from mockserver.store.bounds import Full

if TYPE_CHECKING:
    from mockserver.engine.contract import Contract

Guards = tuple[tuple[str, Condition], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One answer of a route: ready, or to be rendered by `reply`; and what it sets."""

    response: Response | None
    reply: Reply
    sets: tuple[tuple[str, Any], ...]
    ttl_s: float | None


@dataclass(frozen=True, slots=True)
class Short:
    """
    A route's short way, the same in every namespace. `guards` are its `when`, None where a template or an `if` stands
    in the way; `timed` says that a step lasts for a time.
    """

    steps: tuple[Step, ...]
    guards: Guards | None
    timed: bool


def short_of(route: Route) -> Short | None:
    """The short way of a route, worked out at its first call; None where it has none."""
    if not route.looked:
        route.looked = True
        steps = _steps(route)
        if steps is not None:
            timed = any(span.for_s is not None for span in route.sequence.spans)
            route.short = Short(steps, _guards(route), timed)
    short: Short | None = route.short
    return short


def _steps(route: Route) -> tuple[Step, ...] | None:
    if route.guarded or route.lets or route.per is not None or route.scenario.cors is not None:
        return None
    steps = [_step(route, answer) for answer in route.answers]
    return tuple(step for step in steps if step is not None) if all(steps) else None


def _step(route: Route, answer: Any) -> Step | None:
    if not isinstance(answer, Reply) or answer.fixed_status is None:
        return None
    work = chosen(answer.work, route.work, answer.fixed_status)
    if work.effects or work.webhooks:
        return None
    sets = _constants(work.sets) if work is not NO_WORK and work.sets is not None else ()
    if sets is None:
        return None
    ttl_s = work.sets.ttl_s if work.sets is not None else None
    if answer.ready is not None:
        return Step(answer.ready.response, answer, sets, ttl_s) if is_brief(answer.ready.plan) else None
    # What is rendered sees what was set, and may fail after it: that is the engine's own way.
    return Step(None, answer, (), None) if answer.is_brief and not sets else None


def _constants(sets: SetWork) -> tuple[tuple[str, Any], ...] | None:
    """What is set, where no template stands in it."""
    if not all(isinstance(key, str) and tree.constant for key, tree in sets.pairs):
        return None
    return tuple((key, tree.constant_value) for key, tree in sets.pairs if isinstance(key, str))


class Astray(Exception):
    """
    The request or its answer breaks the route's contract, or there is no room for the state: what is to be done then
    only the engine's own way knows.
    """


class Way:
    """A route's short way in one namespace. `take` moves nothing unless it answers."""

    __slots__ = ("_ns", "_short", "position", "route")

    def __init__(self, ns: Namespace, route: Route, short: Short) -> None:
        self._ns = ns
        self.route = route
        self._short = short
        self.position = ns.position(route, None)

    @property
    def fixed(self) -> Response | None:
        """The answer of every call, where that is always the same."""
        route, step = self.route, self._short.steps[0]
        if route.contract is not None or not route.unconditional or not route.sequence.single or step.sets:
            return None
        return step.response

    def is_open(self, request: Request, params: dict[str, str]) -> bool:
        """Whether the state lets it answer."""
        guards = self._short.guards
        if guards is None:
            return conditions_hold(self._ns, self.route, request, params)
        if guards:
            read = self._ns.memory.state.read
            for key, condition in guards:
                if not condition.holds(read(key)):
                    return False
        return True

    def take(self, request: Request, params: dict[str, str]) -> tuple[int, Response] | None:
        """
        The index of the step and its response, the step taken and the state set; None where the sequence has stopped.

        Raises TemplateError and Astray; then nothing has moved.
        """
        ns, position, sequence = self._ns, self.position, self.route.sequence
        index, now_s = 0, 0.0
        if not sequence.single:
            if self._short.timed:
                now_s = ns.clock.now_s()
            settled = sequence.settle(position, now_s)
            if settled is None:
                return None
            index = settled
        step = self._short.steps[index]
        response = step.response
        if self.route.contract is not None:
            response = self._held(step, request, params, self.route.contract)
        elif response is None:
            response = self._rendered(step, request, params)
        if step.sets:
            self._set(step)
        if not sequence.single:
            sequence.take(position, now_s)
        position.number += 1
        position.draws += 1
        return index, response

    def _set(self, step: Step) -> None:
        state = self._ns.memory.state
        try:
            state.check([(key, value, step.ttl_s) for key, value in step.sets])
        except Full as error:
            raise Astray from error
        for key, value in step.sets:
            state.write(key, value, step.ttl_s)

    def _held(self, step: Step, request: Request, params: dict[str, str], contract: Contract) -> Response:
        """The response, where the request and it keep the contract."""
        rules = contract.kept(request)
        response = step.response
        if rules is None:
            raise Astray
        if response is None:
            response = self._rendered(step, request, params)
        request.forget_parsed()
        if not contract.is_kept(rules, request, response):
            raise Astray
        return response

    def _rendered(self, step: Step, request: Request, params: dict[str, str]) -> Response:
        ns, position, route = self._ns, self.position, self.route
        scope = scope_for(
            ns,
            request,
            route,
            params,
            call={"number": position.number + 1, "id": call_id(ns.last_number + 1)},
            let={},
            draw=(route.id, position.draws + 1),
        )
        response = step.reply.respond(scope)
        if request.body:
            request.forget_parsed()
        return response


def way_of(ns: Namespace, route: Route) -> Way | None:
    """The short way of that route, if it has one."""
    worked_out = ns.worked_out
    try:
        way: Way | None = worked_out[route]
    except KeyError:
        short = short_of(route)
        way = worked_out[route] = None if short is None else Way(ns, route, short)
    return way


def _guards(route: Route) -> Guards | None:
    """Its `when`, where no template stands in it and there is no `if`."""
    if route.condition is not None or not all(isinstance(key, str) for key, _ in route.when):
        return None
    return tuple((key, condition) for key, condition in route.when if isinstance(key, str))
