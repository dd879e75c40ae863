"""
The life of a call: `begin` decides what is answered, `finish` writes down what really happened.

Both are synchronous, so two requests can't race. `http/` performs the plan in between.

    find the route → auth → limit → idempotency → claim → render → [net: delay → send] → finish
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.attempts import KeyNames
from mockserver.engine.answers import (
    Miss,
    explained_error,
    explained_failure,
    explained_full,
    not_allowed,
    options,
    preflight,
    problem_response,
    unmatched,
    with_cors,
    with_headers,
)
from mockserver.engine.missing import has_routes, nearest_routes
from mockserver.engine.namespace import DEFAULT, Namespace, Shared
from mockserver.engine.policies import is_kept
from mockserver.engine.proxy import done_at_reply, forward, needs_whole
from mockserver.engine.routes import Route
from mockserver.engine.routing import RouteMatch, cors_for, find, on_path
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.engine.scopes import scope_for
from mockserver.engine.transaction import Claim, Draw, commit, prepare, write
from mockserver.engine.webhooks import Due, due_of
from mockserver.errors import InvalidInputError, MockServerError, near
from mockserver.model.call import Call, Consultation
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome, Send, Wait, sends_head
from mockserver.responses.planner import Planned
from mockserver.store.bounds import Bounds, StoreFullError
from mockserver.store.call_log import RecordLimits
from mockserver.store.recordings import Recordings
from mockserver.templating.random_values import seed_for
from mockserver.templating.templates import TemplateError

if TYPE_CHECKING:
    from mockserver.openapi.contract import Contract

Keep = Callable[[Response | None], None]
"""Says what an idempotency key keeps."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """
    What the engine is told at its making. `seed` is mixed into every namespace's own; `forward_to`
    is the real service that gets what no route takes, None for no such service; with
    `record_unmatched` a recording of that runs in every namespace from its beginning, as the scenario `recorded_as`.
    `key_names` are where clients put idempotency keys.
    """

    seed: str = ""
    unmatched_status: int = 404
    forward_to: str | None = None
    record_unmatched: bool = False
    recorded_as: str = "recorded"
    limits: RecordLimits = field(default_factory=RecordLimits)
    key_names: KeyNames = field(default_factory=KeyNames)
    bounds: Bounds = field(default_factory=Bounds)


IDLE_TTL_S = 3600.0
"""A namespace that nobody uses for so long is collected, unless it says otherwise."""


MOST_NAMED = 20
"""So many routes on a path are compared with a request of another method."""
MOST_COMPARED = 50
"""So many names of namespaces are compared with an unknown one."""


class NamespaceExistsError(MockServerError):
    """There is a namespace of that name already."""


class Engine:
    """
    Decides every answer of one server. Belongs to one event loop, or one thread.

    `wall` gives Unix seconds, `mono` monotonic ones.
    """

    def __init__(
        self,
        world: ScenarioSet,
        *,
        wall: Callable[[], float],
        mono: Callable[[], float],
        settings: EngineSettings | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self.shared = Shared(world, self.settings.limits, wall, mono, self.settings.bounds)
        self.shared.key_names = self.settings.key_names
        self.namespaces: dict[str, Namespace] = {}
        self.default = self._made(DEFAULT, None)

    def _made(self, name: str, seed: str | None, ttl_s: float | None = None) -> Namespace:
        seed = seed_for(name, self.settings.seed) if seed is None else seed
        ns = Namespace(name, seed, self.shared)
        ns.ttl_s = ttl_s
        ns.used_at_s = self.shared.mono()
        if self.settings.record_unmatched:
            ns.recordings = Recordings()
            ns.recordings.start(self.settings.forward_to, self.shared.wall(), self.settings.recorded_as)
        self.namespaces[name] = ns
        return ns

    # Namespaces

    def make_namespace(
        self, name: str, *, seed: str | None = None, ttl_s: float | None = IDLE_TTL_S
    ) -> Namespace:
        """A world of its own. Raises NamespaceExistsError. Copies nothing, whatever the number of scenarios."""
        if name in self.namespaces:
            raise NamespaceExistsError(name)
        return self._made(name, seed, ttl_s)

    def near_namespace(self, name: str) -> str:
        """A hint for a name that no namespace has. Names are compared where there are few: the cost is bounded."""
        return near(name, self.namespaces) if len(self.namespaces) <= MOST_COMPARED else ""

    def remove_namespace(self, ns: Namespace) -> None:
        """Removes it with all that is in it. Calls still open end unrecorded."""
        del self.namespaces[ns.name]
        ns.removed = True
        self.shared.removed += 1
        ns.forget_calls()
        ns.tell()

    def renew(self, name: str, *, seed: str | None, ttl_s: float | None) -> Namespace:
        """Return a namespace of that name that has answered nothing yet, in the place of the one that there may be."""
        ns = self._made(name, seed, ttl_s)
        if name == DEFAULT:
            ns.ttl_s = None
            self.default = ns
        return ns

    def drop(self, ns: Namespace) -> None:
        """Forget a namespace that goes on elsewhere. The default namespace is empty from then on."""
        ns.removed = True
        if self.namespaces.get(ns.name) is ns:
            del self.namespaces[ns.name]
            if ns.name == DEFAULT:
                self.renew(DEFAULT, seed=None, ttl_s=None)
        ns.tell()

    def keep_namespace(self, ns: Namespace, ttl_s: float, most: int) -> list[Namespace]:
        """
        Keeps what a failed test has left for so long. The oldest of those that are kept
        over `most`: whoever asks removes them.
        """
        ns.kept_at_s = ns.used_at_s = self.shared.mono()
        ns.ttl_s = ttl_s
        kept = [(one.kept_at_s, one) for one in self.namespaces.values() if one.kept_at_s is not None]
        kept.sort(key=lambda pair: pair[0])
        return [one for _, one in kept[: max(0, len(kept) - most)]]

    def idle_namespaces(self) -> list[Namespace]:
        """Those that nobody has used for longer than their `ttl`, by real time."""
        now_s = self.shared.mono()
        return [
            ns for ns in self.namespaces.values() if ns.ttl_s is not None and now_s - ns.used_at_s > ns.ttl_s
        ]

    def reseed(self, ns: Namespace) -> None:
        """Draws begin anew, from the seed that the namespace was made with."""
        ns.seed = ns.seeded
        for position in ns.positions.values():
            position.draws = 0

    def publish(self, world: ScenarioSet) -> None:
        """A new world, seen by every namespace at once; positions stay by route id."""
        self.shared.world = world
        for ns in self.namespaces.values():
            ns.tell()

    # A call

    find = staticmethod(find)

    def begin(self, request: Request, ns: Namespace) -> Call:
        """Decides what is answered and records the call as open, before any byte of the answer leaves."""
        ns.last_number += 1
        ns.used_at_s = request.arrived_at_s
        call = Call(ns.last_number, ns.name, request)
        found = self.find(ns, request)
        if found is None:
            return self._open(ns, call, self._missed(ns, call))
        route = found.route
        call.route_id = route.id
        call.scenario = route.scenario.name
        call.tags = route.tags
        if route.static is None or ns.outage is not None:
            return self._open(ns, call, self._answer(ns, call, found))
        # Nothing in it varies: the claim is its step and its number, nothing else.
        position, index = found.position, found.index
        call.step = index + 1
        if not route.sequence.single:
            route.sequence.take(position, ns.clock.now_s())
        position.number += 1
        position.draws += 1
        return self._open(ns, call, route.static[index])

    def begin_incomplete(self, request: Request, ns: Namespace, response: Response | None) -> Call:
        """Records a request whose body never came whole; it claims no route and is counted apart."""
        ns.last_number += 1
        ns.used_at_s = request.arrived_at_s
        call = Call(ns.last_number, ns.name, request)
        planned = Planned(() if response is None else (Send(response),), response or Response(0))
        self._open(ns, call, planned)
        return call

    def begin_refused(self, request: Request, ns: Namespace, document: dict[str, Any]) -> Call:
        """Records a request of a protocol that is not supported, as one that no route takes; the problem says why."""
        ns.last_number += 1
        ns.used_at_s = request.arrived_at_s
        call = Call(ns.last_number, ns.name, request)
        call.error = document
        return self._open(ns, call, _sent(problem_response(document)))

    def add_header(self, call: Call, name: str, value: str) -> None:
        """One more header line of a reply that is known already, and not sent yet."""
        if call.response is not None:
            planned = with_headers(Planned(call.plan, call.response), [(name, value)])
            call.plan, call.response = planned.plan, planned.response

    def _open(self, ns: Namespace, call: Call, planned: Planned) -> Call:
        call.claimed_at_s = self.shared.mono()
        plan = planned.plan
        if call.consult is not None or call.forwarded is not None:
            call.plan = plan
        elif len(plan) == 1 and plan[0].__class__ is Send and planned.fault is None:
            call.plan = plan
            call.response = planned.response
            call.status = planned.response.status
        else:
            _decided(call, planned)
        counts, record = ns.counts, ns.record
        call.home = (ns, counts, record)
        counts.begun(call)
        record.add(call)
        if ns.watchers:
            ns.tell()
        return call

    def answered(self, call: Call, status: int) -> None:
        """The status line is about to be sent. Until then a reply that waits has no status."""
        if call.status is None and call.home is not None:
            call.status = status
            ns, counts, _ = call.home
            counts.answered(call)
            ns.tell()

    def left(self, call: Call) -> None:
        """
        The client has ended its side of the connection while its call is open. It counts as gone, and what waits for
        the end of the call goes on. The reply is still performed: `finish` says whether the client took it.
        """
        if call.outcome is not Outcome.OPEN:
            return
        call.outcome = Outcome.CLIENT_LEFT
        call.left_at_s = self.shared.mono()
        ns, counts, _ = call.home
        current = ns.counts  # first: what is not counted yet was in flight beside this call
        counts.ended(call)
        call.over()
        if counts is current:
            ns.tell_closed(call)

    def finish(self, call: Call, outcome: Outcome) -> Sequence[Due]:
        """Closes the call, once. What is to be sent now that it is over: its webhooks."""
        if call.home is None:
            return ()
        ns, counts, record = call.home
        call.home = None
        current = ns.counts  # first: as above
        is_open = call.outcome is Outcome.OPEN
        if is_open:
            counts.ended(call)
        call.outcome = outcome
        if outcome is Outcome.CLIENT_LEFT and call.first_byte_at_s is None and call.status is not None:
            counts.unanswered(call)
            call.status = None
        if call.ends is not None or call.finishes is not None:
            call.finished()
        record.trim(call)
        # A reset has put others in their place; then this call ends unrecorded.
        if counts is not current:
            return ()
        if ns.listeners and is_open:
            ns.tell_closed(call)
        elif ns.watchers:
            ns.tell()
        due = call.due
        if due:
            call.due = ()
        return due

    def amend(self, ns: Namespace, call: Call, outcome: Outcome, *, sent: bool) -> None:
        """
        Correct the outcome of a closed call: its reply was counted before it left, and the client did not take it.
        `sent`: some of the reply has left. A call that is not in the call log any more stays as it is.
        """
        if ns.record.get(call.number) is not call:
            return
        call.outcome = outcome
        call.left_at_s = self.shared.mono()
        call.last_byte_at_s = None
        if not sent and call.status is not None:
            ns.counts.unanswered(call)
            call.status = call.first_byte_at_s = None
        ns.tell()

    # The answer of a route

    def _answer(self, ns: Namespace, call: Call, found: RouteMatch) -> Planned:
        route = found.route
        draw = Draw(ns, call.request, found, call.id)
        try:
            planned = self._outage(ns, call, draw) if ns.outage is not None else None
            if planned is None and route.contract is not None:
                planned = self._held(ns, call, found, draw, route.contract)
            planned = (
                planned
                or (self._guard(ns, call, found) if route.guarded else None)
                or self._claimed(ns, call, found, draw)
            )
        except TemplateError as why:
            call.error = explained_error(route, why)
            planned = _sent(problem_response(call.error))
        except StoreFullError as error:
            call.error = explained_full(ns, error)
            planned = _sent(problem_response(call.error))
        if call.forwarded is not None:
            return planned  # what is done to an answer waits for it
        if ns.outage is not None and ns.troubles is not None and call.consult is None:
            planned = ns.troubles.answered(call, planned)
        if route.scenario.cors is not None:
            planned = with_cors(planned, route.scenario.cors, call.request)
        return planned

    def _outage(self, ns: Namespace, call: Call, draw: Draw) -> Planned | None:
        """The answer of a trouble or an outage that takes this call. An outage that is over is taken away."""
        struck = ns.troubles.before(call) if ns.troubles is not None else None
        outage = ns.downtime
        if struck is not None or outage is None:
            return struck
        if outage.is_over(ns.clock.now_s()):
            ns.set_outage(None)
            return None
        if not outage.takes(call.route_id or ""):
            return None
        reply = outage.answer
        return reply.plan(reply.status(draw.scope), draw.scope, draw.choices, call.request)

    def _held(self, ns: Namespace, call: Call, found: RouteMatch, draw: Draw, contract: Contract) -> Planned:
        """The same, request and answer held to the contract. What a guard answers is none of its business."""
        held = contract.asked(ns, call)
        guarded = self._guard(ns, call, found, held.refusal) if found.route.guarded else held.refusal
        if guarded is not None:
            return guarded
        planned = self._claimed(ns, call, found, draw)
        return planned if call.consult is not None else held.answered(ns, call, planned)

    def _guard(
        self, ns: Namespace, call: Call, found: RouteMatch, refusal: Planned | None = None
    ) -> Planned | None:
        """What auth, limit, the contract and idempotency answer by themselves; they take no step."""
        route, request = found.route, call.request

        def scope() -> object:
            return scope_for(ns, request, route, found.params)

        refused = route.auth.refuse(ns.memory, request) if route.auth is not None else None
        if refused is None and route.limiter is not None:
            refused = route.limiter.refuse(ns.memory, call, found.params, scope)  # type: ignore[arg-type]
        refused = refused or refusal
        if refused is None and route.idempotency is not None:
            refused = route.idempotency.answer(ns.memory, call, scope)  # type: ignore[arg-type]
        return refused

    def _claimed(self, ns: Namespace, call: Call, found: RouteMatch, draw: Draw) -> Planned:
        """The claim, then the answer. An answer that can't be rendered undoes nothing of the claim."""
        route, request = found.route, call.request
        claim = prepare(ns, request, found, draw)
        commit(ns, call, found, claim)
        keep = route.idempotency.open(ns.memory, call) if route.idempotency is not None else None
        if claim.consult is not None:
            return self._consulted(ns, call, found, draw, claim, keep)
        if claim.forward is not None:
            return self._forwarded(ns, call, found, draw, claim.forward, keep)
        return self._answered(ns, call, found, draw, claim, keep)

    def _answered(
        self, ns: Namespace, call: Call, found: RouteMatch, draw: Draw, claim: Claim, keep: Keep | None
    ) -> Planned:
        """The answer of what was claimed, with its webhooks; kept for its idempotency key where that is due."""
        route = found.route
        try:
            planned = _rendered(claim, draw, call.request)
        except TemplateError as why:
            call.error = explained_error(route, why)
            planned = _sent(problem_response(call.error))
        if claim.webhooks:
            scope = claim.scope or draw.scope()
            call.due = due_of(ns, call, claim.webhooks, scope, planned.response)
            if ns.troubles is not None:
                call.due = ns.troubles.due(call, call.due, ns)
            call.webhooks = [due.delivery.id for due in call.due]
        if keep is not None and is_kept(
            planned.response.status, wrote_effect=bool(claim.effects), has_effects=route.has_effects
        ):
            keep(planned.response)
        return planned

    # The answer of a real service

    def _forwarded(
        self, ns: Namespace, call: Call, found: RouteMatch, draw: Draw, to: str, keep: Keep | None
    ) -> Planned:
        """The plan that passes the request on; the rest is done when the reply comes."""
        route = found.route

        def came(response: Response) -> bool:
            try:
                claim = done_at_reply(ns, call, route, draw, response)
            except TemplateError as why:
                call.error = explained_error(route, why)
                self._settled(call, route, _sent(problem_response(call.error)))
                return False
            except StoreFullError as error:
                call.error = explained_full(ns, error)
                self._settled(call, route, _sent(problem_response(call.error)))
                return False
            if (
                keep is not None
                and call.error is None
                and is_kept(response.status, wrote_effect=bool(claim.effects), has_effects=route.has_effects)
            ):
                keep(response)
            self._settled(call, route, _sent(response))
            return not whole

        whole = needs_whole(ns, call, route, is_kept=keep is not None)
        return forward(ns, call, to, came, whole=whole)

    def _passed_on(self, ns: Namespace, call: Call, to: str) -> Planned:
        """The same for what no route takes."""

        def came(response: Response) -> bool:
            _decided(call, _sent(response))
            ns.tell()
            return True

        return forward(ns, call, to, came, whole=False)

    # The answer of a function

    def _consulted(
        self, ns: Namespace, call: Call, found: RouteMatch, draw: Draw, claim: Claim, keep: Keep | None
    ) -> Planned:
        """What stands in until the function has said what is answered."""
        question = claim.consult
        assert question is not None
        assert claim.planned is not None

        def answered(value: object) -> None:
            try:
                made = question.claim_of(value, found.route, draw)
                write(ns, call, made)
                planned = self._answered(ns, call, found, draw, made, keep)
            except (InvalidInputError, TemplateError) as why:
                failed(why)
            except StoreFullError as error:
                call.error = explained_full(ns, error)
                self._settled(call, found.route, _sent(problem_response(call.error)))
            else:
                self._settled(call, found.route, planned)

        def failed(why: Exception) -> None:
            call.error = explained_failure(found.route, why)
            self._settled(call, found.route, _sent(problem_response(call.error)))

        call.consult = Consultation(question.ask, question.blocks, answered, failed)
        return claim.planned

    def _settled(self, call: Call, route: Route, planned: Planned) -> None:
        """The call's answer is known now, before its first byte."""
        if route.contract is not None:
            planned = route.contract.settled(call.home[0], call, planned)
        troubles = call.home[0].troubles
        if troubles is not None:
            planned = troubles.answered(call, planned)
        if route.scenario.cors is not None:
            planned = with_cors(planned, route.scenario.cors, call.request)
        _decided(call, planned)
        ns, counts, _ = call.home
        counts.answered(call)
        ns.tell()

    # The answer where no route takes it

    def _missed(self, ns: Namespace, call: Call) -> Planned:
        request = call.request
        on = on_path(ns, request.path)
        if (
            request.method == "OPTIONS"
            and on.routes
            and all(not methods or "OPTIONS" not in methods for methods in on.methods)
        ):
            call.automatic = True
            if on.cors is not None and "origin" in request.headers:
                return _sent(preflight(on, on.cors, request))
            return _sent(options(on))
        if request.method == "OPTIONS" and not on.routes and _is_preflight(request):
            # The browser asks before it sends what will be explained.
            cors = cors_for(ns, request, on)
            if cors is not None:
                call.automatic = True
                return _sent(preflight(on, cors, request))
        to = self._real_service(ns)
        if to is not None:
            call.nearest = nearest_routes(ns, request)
            return self._passed_on(ns, call, to)
        if on.routes and not any(_takes(methods, request.method) for methods in on.methods):
            # Those that the answer names: looking through all routes would cost the more the more there are.
            call.nearest = nearest_routes(ns, request, among=on.routes[:MOST_NAMED])
            planned = _sent(not_allowed(request, on))
            cors = cors_for(ns, request, on)
            return planned if cors is None else with_cors(planned, cors, request)
        call.nearest = nearest_routes(ns, request)
        miss = Miss(request, call.nearest, has_routes=has_routes(ns))
        planned = _sent(unmatched(miss, self.settings.unmatched_status))
        cors = cors_for(ns, request, on, (route for route, _ in call.nearest))
        return planned if cors is None else with_cors(planned, cors, request)

    def _real_service(self, ns: Namespace) -> str | None:
        """Where requests go that no route takes; None for nowhere."""
        if ns.recording is not None and ns.recording.to is not None:
            return ns.recording.to
        return self.settings.forward_to


def _decided(call: Call, planned: Planned) -> None:
    """
    What the call is answered. It has a status once the status line is sent, or is about to be: never where a fault
    stands in its place, and not while the reply waits.
    """
    plan, response = planned.plan, planned.response
    call.plan = plan
    if planned.fault is not None or call.fault is not None:
        call.fault = planned.fault
    is_sent = bool(plan) and (plan[0].__class__ is Send or sends_head(plan))
    call.response = response if is_sent else None
    call.status = response.status if is_sent and plan[0].__class__ is not Wait else None


def _rendered(claim: Claim, draw: Draw, request: Request) -> Planned:
    if claim.planned is not None:
        return claim.planned
    assert claim.reply is not None
    if claim.reply.ready is not None:
        return claim.reply.ready
    return claim.reply.plan(claim.status, draw.scope, draw.choices, request)


def _is_preflight(request: Request) -> bool:
    return "origin" in request.headers and "access-control-request-method" in request.headers


def _takes(methods: frozenset[str] | None, method: str) -> bool:
    return methods is None or method in methods or (method == "HEAD" and "GET" in methods)


def _sent(response: Response) -> Planned:
    return Planned((Send(response),), response)
