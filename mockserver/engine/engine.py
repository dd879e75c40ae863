"""
Processing of calls: `begin` decides the response, `finish` records the outcome.

Both are synchronous, so requests can't race. `http/` performs the plan in between.

find the route → auth → limit → idempotency → claim → render → [net: delay → send] → finish
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
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
from mockserver.engine.proxy import apply_side_effects, forward, needs_whole
from mockserver.engine.routes import Route
from mockserver.engine.routing import Found, cors_for, find, on_path
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.engine.transaction import Question, Transaction
from mockserver.engine.webhooks import Due, due_of
from mockserver.errors import InvalidInputError, MockServerError, near
from mockserver.model.call import Call, Consultation
from mockserver.model.grpc import GrpcRequest, meaning
from mockserver.model.http import WEBSOCKET, Request, Response
from mockserver.model.plan import CLIENT_LEFT, OPEN, Converse, Outcome, Send, Wait, sends_head
from mockserver.responses.planner import Planned, sent
from mockserver.store.bounds import Bounds, StoreFullError
from mockserver.store.call_log import CallLogLimits
from mockserver.store.idempotency import KeptKey
from mockserver.store.recordings import Recordings
from mockserver.templating.random_values import seed_for
from mockserver.templating.templates import TemplateError

if TYPE_CHECKING:
    from mockserver.openapi.contract import Contract


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """
    Configuration of the engine. `seed` is combined with every namespace's own seed; `forward_to` is the real service
    for unmatched requests, None for no service; with `record_unmatched` every namespace records it from its start, as
    the scenario `recorded_as`. `key_names` are the places of idempotency keys.
    """

    seed: str = ""
    unmatched_status: int = 404
    forward_to: str | None = None
    record_unmatched: bool = False
    recorded_as: str = "recorded"
    limits: CallLogLimits = field(default_factory=CallLogLimits)
    key_names: KeyNames = field(default_factory=KeyNames)
    bounds: Bounds = field(default_factory=Bounds)


IDLE_TTL_S = 3600.0
"""Default idle time after which a namespace is removed."""


MOST_NAMED = 20
"""Limit of routes on a path that are compared with a request of another method."""
MOST_COMPARED = 50
"""Limit of namespace names that are compared with an unknown one."""


class NamespaceExistsError(MockServerError):
    """A namespace of that name exists."""


class Engine:
    """
    Decides every response of one server. Belongs to one event loop, or one thread.

    `wall` returns Unix seconds, `mono` monotonic seconds.
    """

    def __init__(
        self,
        scenario_set: ScenarioSet,
        *,
        wall: Callable[[], float],
        mono: Callable[[], float],
        settings: EngineSettings | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self.shared = Shared(scenario_set, self.settings.limits, wall, mono, self.settings.bounds)
        self.shared.key_names = self.settings.key_names
        self._find: Callable[[Namespace, Request], Found | None] = find
        self.namespaces: dict[str, Namespace] = {}
        self.default = self._create(DEFAULT, None)

    def _create(self, name: str, seed: str | None, ttl_s: float | None = None) -> Namespace:
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
        """Create an isolated namespace. Copies nothing, whatever the number of scenarios. Raises NamespaceExistsError."""
        if name in self.namespaces:
            raise NamespaceExistsError(name)
        return self._create(name, seed, ttl_s)

    def near_namespace(self, name: str) -> str:
        """Return a hint for an unknown namespace. Names are compared only if there are few, to limit the cost."""
        return near(name, self.namespaces) if len(self.namespaces) <= MOST_COMPARED else ""

    def remove_namespace(self, ns: Namespace) -> None:
        """Remove a namespace with all its data. Open calls complete unrecorded."""
        del self.namespaces[ns.name]
        ns.removed = True
        self.shared.removed += 1
        ns.forget_calls()
        ns.close_websockets("the namespace was removed")
        ns.tell()

    def renew(self, name: str, *, seed: str | None, ttl_s: float | None) -> Namespace:
        """Create an empty namespace of that name, which replaces an existing one."""
        ns = self._create(name, seed, ttl_s)
        if name == DEFAULT:
            ns.ttl_s = None
            self.default = ns
        return ns

    def drop(self, ns: Namespace) -> None:
        """Drop a namespace that moved to another replica. The default namespace becomes empty."""
        ns.removed = True
        if self.namespaces.get(ns.name) is ns:
            del self.namespaces[ns.name]
            if ns.name == DEFAULT:
                self.renew(DEFAULT, seed=None, ttl_s=None)
        ns.tell()

    def keep_namespace(self, ns: Namespace, ttl_s: float, most: int) -> list[Namespace]:
        """Keep the namespace of a failed test for that long. Return the oldest kept ones over `most`, to be removed."""
        ns.kept_at_s = ns.used_at_s = self.shared.mono()
        ns.ttl_s = ttl_s
        kept = [(item.kept_at_s, item) for item in self.namespaces.values() if item.kept_at_s is not None]
        kept.sort(key=lambda pair: pair[0])
        return [item for _, item in kept[: max(0, len(kept) - most)]]

    def idle_namespaces(self) -> list[Namespace]:
        """Return the namespaces that have been idle for longer than their `ttl`, by real time."""
        now_s = self.shared.mono()
        return [
            ns for ns in self.namespaces.values() if ns.ttl_s is not None and now_s - ns.used_at_s > ns.ttl_s
        ]

    def reseed(self, ns: Namespace) -> None:
        """Restart random values from the seed of the namespace."""
        ns.seed = ns.seeded
        for position in ns.sequence_states.values():
            position.draws = 0

    def publish(self, scenario_set: ScenarioSet) -> None:
        """Publish a new scenario set to all namespaces; sequence states are kept by route id."""
        self.shared.scenario_set = scenario_set
        for ns in self.namespaces.values():
            ns.tell()

    # Calls

    def begin(self, request: Request, ns: Namespace) -> Call:
        """Decide the response, and record the call as open before the first byte of the response is sent."""
        ns.last_number += 1
        ns.used_at_s = request.arrived_at_s
        call = Call(ns.last_number, ns.name, request)
        if request.__class__ is GrpcRequest:
            from mockserver.engine.grpc_calls import received  # few scenarios have gRPC

            unreadable = received(ns, call)
            if unreadable is not None:
                return self._open(ns, call, unreadable)
        find_route = self._find
        found = find_route(ns, request)
        if found is None:
            return self._open(ns, call, self._unmatched(ns, call))
        route, _, position, index, _ = found
        call.route_id = route.id
        call.scenario = route.scenario.name
        call.tags = route.tags
        if route.static is None or ns.outage is not None:
            transaction = Transaction(ns, request, found, call.number)
            if route.on_begin is not None:
                route.on_begin(call, transaction)
            return self._open(ns, call, self._answer(call, transaction))
        # Nothing in it varies: only step and call number are claimed.
        call.step = index + 1
        if not route.sequence.single:
            route.sequence.take(position, ns.clock.now_s())
        position.number += 1
        position.draws += 1
        return self._open(ns, call, route.static[index])

    def begin_incomplete(self, request: Request, ns: Namespace, response: Response | None) -> Call:
        """Record a request that matches no route; one with an incomplete body is counted separately."""
        ns.last_number += 1
        ns.used_at_s = request.arrived_at_s
        call = Call(ns.last_number, ns.name, request)
        return self._open(ns, call, Planned((), Response(0)) if response is None else sent(response))

    def begin_refused(self, request: Request, ns: Namespace, document: dict[str, Any]) -> Call:
        """Record a request of an unsupported protocol as unmatched, with the problem."""
        call = self.begin_incomplete(request, ns, problem_response(document))
        call.error = document
        return call

    def add_header(self, call: Call, name: str, value: str) -> None:
        """Add a header line to a response that has not been sent."""
        if call.response is not None:
            planned = with_headers(Planned(call.plan, call.response), [(name, value)])
            call.plan, call.response = planned.plan, planned.response

    def _open(self, ns: Namespace, call: Call, planned: Planned) -> Call:
        call.claimed_at_s = self.shared.mono()
        plan = planned.plan
        rare = call.rare
        if rare is not None and ("consult" in rare or "forwarded" in rare):
            call.plan = plan
        elif len(plan) == 1 and plan[0].__class__ is Send and planned.fault is None:
            call.plan = plan
            call.response = planned.response
            call.status = planned.response.status
        else:
            _set_response(call, planned)
        counts, record = ns.counts, ns.call_log
        call.home = (ns, counts, record)
        counts.begun(call)
        record.add(call)
        if ns.watchers:
            ns.tell()
        return call

    def answered(self, call: Call, status: int) -> None:
        """Called before the status line is sent. Until then a delayed reply has no status."""
        if call.status is None and call.home is not None:
            call.status = status
            ns, counts, _ = call.home
            counts.answered(call)
            ns.tell()

    def left(self, call: Call) -> None:
        """
        Called when the client has closed its side while its call is open. It counts as disconnected, and waiters for
        the end of the call continue. The reply is still performed: `finish` reports whether the client received it.
        """
        if call.outcome is not Outcome.OPEN:
            return
        call.outcome = Outcome.CLIENT_LEFT
        call.left_at_s = self.shared.mono()
        ns, counts, _ = call.home
        current = ns.counts  # first: calls counted later were in flight with this one
        counts.ended(call)
        call.over("ends")
        if counts is current:
            ns.tell_closed(call)

    def finish(self, call: Call, outcome: Outcome) -> Sequence[Due]:
        """Complete the call, once. Return its webhooks, which are to be sent now."""
        if call.home is None:
            return ()
        ns, counts, record = call.home
        call.home = None
        current = ns.counts  # first: as above
        is_open = call.outcome is OPEN
        if is_open:
            counts.ended(call)
        call.outcome = outcome
        if call.first_byte_at_s is None and outcome is CLIENT_LEFT and call.status is not None:
            counts.unanswered(call)
            call.status = None
        if call.rare is not None:
            call.over("ends", "finishes")
        record.trim(call)
        # After a reset of the log this call completes unrecorded.
        if counts is not current:
            return ()
        if ns.listeners and is_open:
            ns.tell_closed(call)
        elif ns.watchers:
            ns.tell()
        if call.rare is None:
            return ()
        due: Sequence[Due] = call.rare.pop("due", ())
        return due

    def amend(self, ns: Namespace, call: Call, outcome: Outcome, *, sent: bool) -> None:
        """
        Correct the outcome of a closed call: its reply was counted before it was sent, and the client did not receive
        it. `sent`: part of the reply was sent. A call that is not in the call log any more is not changed.
        """
        if ns.call_log.get(call.number) is not call:
            return
        call.outcome = outcome
        call.left_at_s = self.shared.mono()
        call.last_byte_at_s = None
        if not sent and call.status is not None:
            ns.counts.unanswered(call)
            call.status = call.first_byte_at_s = None
        ns.tell()

    # Responses of routes

    def _answer(self, call: Call, transaction: Transaction) -> Planned:
        ns, route = transaction.ns, transaction.route
        try:
            planned = self._disturbed(call, transaction) if ns.outage is not None else None
            if planned is None and route.contract is not None:
                planned = self._validated_answer(call, transaction, route.contract)
            planned = (
                planned
                or (self._guard(call, transaction) if route.guarded else None)
                or self._claim_and_render(call, transaction)
            )
        except TemplateError as error:
            call.error = explained_error(route, error)
            planned = sent(problem_response(call.error))
        except StoreFullError as error:
            call.error = explained_full(ns, error)
            planned = sent(problem_response(call.error))
        if call.rare is not None and "forwarded" in call.rare:
            return planned  # faults are applied to the final response
        if ns.outage is not None and ns.troubles is not None and call.consult is None:
            planned = ns.troubles.answered(call, planned)
        return _with_common_headers(call, route, planned)

    def _disturbed(self, call: Call, transaction: Transaction) -> Planned | None:
        """Return the response of a fault or outage that applies to this call, and note what has begun or ended by it."""
        try:
            return self._outage(call, transaction)
        finally:
            transaction.ns.follow_faults()

    def _outage(self, call: Call, transaction: Transaction) -> Planned | None:
        """Return the response of a fault or outage that applies to this call. An expired outage is removed."""
        ns = transaction.ns
        now_s = ns.clock.now_s()
        planned_fault = ns.troubles.before(call, ns.seed, now_s) if ns.troubles is not None else None
        outage = ns.downtime
        if planned_fault is not None or outage is None:
            return planned_fault
        if outage.is_over(now_s):
            ns.set_outage(None)
            return None
        if not outage.takes(call.route_ids, ns.seed, now_s):
            return None
        reply, scope = outage.answer, transaction.scope
        return reply.plan(reply.status(scope), scope, transaction.choices, call.request)

    def _validated_answer(self, call: Call, transaction: Transaction, contract: Contract) -> Planned:
        """Like `_answer`, but validate request and response by OpenAPI, unless a policy made the response."""
        validation = contract.check_request(transaction.ns, call)
        guarded = (
            self._guard(call, transaction, validation.refusal)
            if transaction.route.guarded
            else validation.refusal
        )
        if guarded is not None:
            return guarded
        planned = self._claim_and_render(call, transaction)
        return planned if call.consult is not None else validation.answered(transaction.ns, call, planned)

    def _guard(self, call: Call, transaction: Transaction, refusal: Planned | None = None) -> Planned | None:
        """Return the response of auth, limit, the contract or idempotency; they take no step."""
        ns, route, scope = transaction.ns, transaction.route, transaction.scope_before_claim
        refused = None if route.auth is None else route.auth.refuse(ns.memory, call.request)
        if refused is None and route.limiter is not None:
            refused = route.limiter.refuse(ns.memory, call, transaction.params, scope)
        refused = refused or refusal
        if refused is None and route.idempotency is not None:
            found = route.idempotency.answer(ns.memory, call, scope)
            if not isinstance(found, KeptKey):
                return found
            transaction.key = found
        return refused

    def _claim_and_render(self, call: Call, transaction: Transaction) -> Planned:
        """Claim, then render. An error while rendering does not undo the claim."""
        transaction.prepare()
        transaction.commit(call)
        key = transaction.key
        if key is not None:
            keys = transaction.ns.memory.keys
            keys.open(key)
            call.at_end(partial(keys.settle, key))
        later = transaction.later
        if later is None:
            return self._answered(call, transaction)
        if isinstance(later, str):
            return self._forwarded(call, transaction, later)
        return self._consulted(call, transaction, later)

    def _answered(self, call: Call, transaction: Transaction) -> Planned:
        """Return the response of the claim, with its webhooks, and store it under its idempotency key if needed."""
        ns, route, key = transaction.ns, transaction.route, transaction.key
        try:
            planned = transaction.response()
        except TemplateError as error:
            call.error = explained_error(route, error)
            planned = sent(problem_response(call.error))
        if transaction.webhooks:
            call.due = due_of(ns, call, transaction.webhooks, transaction.scope(), planned.response)
            if ns.troubles is not None:
                call.due = ns.troubles.due(call, call.due, ns)
            call.webhooks = [due.delivery.id for due in call.due]
        if key is not None and (route.grpc is None or _is_whole(planned)):
            status = planned.response.status if route.grpc is None else meaning(planned.response)
            if is_kept(status, wrote_effect=bool(transaction.effects), has_effects=route.has_effects):
                key.kept = planned.response
        return planned

    # Responses of real services

    def _forwarded(self, call: Call, transaction: Transaction, to: str) -> Planned:
        """Return the plan that forwards the request; the rest follows when the response arrives."""
        ns, route, key = transaction.ns, transaction.route, transaction.key

        def on_response(response: Response) -> bool:
            try:
                apply_side_effects(call, transaction, response)
            except TemplateError as error:
                call.error = explained_error(route, error)
                self._set_final_response(call, route, sent(problem_response(call.error)))
                return False
            except StoreFullError as error:
                call.error = explained_full(ns, error)
                self._set_final_response(call, route, sent(problem_response(call.error)))
                return False
            if (
                key is not None
                and call.error is None
                and is_kept(
                    response.status, wrote_effect=bool(transaction.effects), has_effects=route.has_effects
                )
            ):
                key.kept = response
            self._set_final_response(call, route, sent(response))
            return not whole

        whole = needs_whole(ns, call, route, is_kept=key is not None)
        return forward(ns, call, to, on_response, whole=whole)

    def _forward_unmatched(self, ns: Namespace, call: Call, to: str) -> Planned:
        """Forward an unmatched request."""

        def on_response(response: Response) -> bool:
            _set_response(call, sent(response))
            ns.tell()
            return True

        return forward(ns, call, to, on_response, whole=False)

    # Responses of functions

    def _consulted(self, call: Call, transaction: Transaction, question: Question) -> Planned:
        """Return a placeholder until the function has returned the response."""
        route = transaction.route

        def answered(value: object) -> None:
            try:
                question.take(value, transaction)
                transaction.write(call)
                planned = self._answered(call, transaction)
            except (InvalidInputError, TemplateError) as error:
                failed(error)
            except StoreFullError as error:
                call.error = explained_full(transaction.ns, error)
                self._set_final_response(call, route, sent(problem_response(call.error)))
            else:
                self._set_final_response(call, route, planned)

        def failed(error: Exception) -> None:
            call.error = explained_failure(route, error)
            self._set_final_response(call, route, sent(problem_response(call.error)))

        call.consult = Consultation(question.ask, question.blocks, answered, failed)
        return transaction.response()

    def _set_final_response(self, call: Call, route: Route, planned: Planned) -> None:
        """Set the response of the call, before its first byte."""
        if route.contract is not None:
            planned = route.contract.settled(call.home[0], call, planned)
        troubles = call.home[0].troubles
        if troubles is not None:
            planned = troubles.answered(call, planned)
        _set_response(call, _with_common_headers(call, route, planned))
        ns, counts, _ = call.home
        counts.answered(call)
        ns.tell()

    # Responses to unmatched requests

    def _unmatched(self, ns: Namespace, call: Call) -> Planned:
        request = call.request
        if request.__class__ is GrpcRequest:
            from mockserver.engine.grpc_calls import missed

            return missed(ns, call)
        on = on_path(ns, request.path)
        if (
            request.method == "OPTIONS"
            and on.routes
            and all(not methods or "OPTIONS" not in methods for methods in on.methods)
        ):
            call.automatic = True
            if on.cors is not None and "origin" in request.headers:
                return sent(preflight(on, on.cors, request))
            return sent(options(on))
        if request.method == "OPTIONS" and not on.routes and _is_preflight(request):
            # The browser sends a preflight before the request that is explained.
            cors = cors_for(ns, request, on)
            if cors is not None:
                call.automatic = True
                return sent(preflight(on, cors, request))
        to = self._upstream_url(ns, request)
        if to is not None:
            call.nearest = nearest_routes(ns, request)
            return self._forward_unmatched(ns, call, to)
        if on.routes and not any(_takes(methods, request.method) for methods in on.methods):
            # Only the routes named in the response: looking through all routes would cost more the more there are.
            call.nearest = nearest_routes(ns, request, among=on.routes[:MOST_NAMED])
            planned = sent(not_allowed(request, on))
            cors = cors_for(ns, request, on)
            return planned if cors is None else with_cors(planned, cors, request)
        call.nearest = nearest_routes(ns, request)
        miss = Miss(request, call.nearest, has_routes=has_routes(ns))
        planned = sent(unmatched(miss, self.settings.unmatched_status))
        cors = cors_for(ns, request, on, (route for route, _ in call.nearest))
        return planned if cors is None else with_cors(planned, cors, request)

    def _upstream_url(self, ns: Namespace, request: Request) -> str | None:
        """The real service for unmatched requests; None for no service."""
        if request.method == WEBSOCKET:
            return None  # a connection can't be forwarded
        if ns.recording is not None and ns.recording.to is not None:
            return ns.recording.to
        return self.settings.forward_to


def _set_response(call: Call, planned: Planned) -> None:
    """
    Set the response of the call. It has a status once the status line is sent, or is about to be: never if a fault
    replaces it, and not while the reply waits.
    """
    plan, response = planned.plan, planned.response
    call.plan = plan
    if planned.fault is not None or call.fault is not None:
        call.fault = planned.fault
    is_sent = bool(plan) and (plan[0].__class__ is Send or sends_head(plan))
    call.response = response if is_sent else None
    call.status = response.status if is_sent and plan[0].__class__ is not Wait else None


def _with_common_headers(call: Call, route: Route, planned: Planned) -> Planned:
    """Return the plan with the headers of the limit, unless it has its own, and of CORS; for gRPC, as gRPC."""
    if call.rare is not None and "limit_headers" in call.rare:
        names = {name.lower() for name, _ in planned.response.headers}
        lines = [(name, value) for name, value in call.limit_headers if name.lower() not in names]
        planned = with_headers(planned, lines)
    if route.grpc is not None:
        return _in_grpc(planned)
    if route.scenario.cors is not None:
        planned = with_cors(planned, route.scenario.cors, call.request)
    return planned


def _is_whole(planned: Planned) -> bool:
    """Whether the response is known before it is sent: not that of a conversation."""
    return not any(isinstance(step, Converse) for step in planned.plan)


def _in_grpc(planned: Planned) -> Planned:
    from mockserver.grpc.conversion import grpc_planned

    return grpc_planned(planned)


def _is_preflight(request: Request) -> bool:
    return "origin" in request.headers and "access-control-request-method" in request.headers


def _takes(methods: frozenset[str] | None, method: str) -> bool:
    return methods is None or method in methods or (method == "HEAD" and "GET" in methods)
