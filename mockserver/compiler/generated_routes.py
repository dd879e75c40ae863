"""Generated routes: those of the token endpoint or OpenID Connect provider, and of resources."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mockserver.compiler.routes import compile_guards, compile_work, generated_route
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Behaviour, Route, Scenario
from mockserver.engine.side_effects import Work
from mockserver.engine.transaction import Transaction
from mockserver.errors import ReadFile, flaws_below, invalid, near, shown
from mockserver.model.http import ABSENT, Request, Response
from mockserver.resources.kind import ResourceKind
from mockserver.resources.resources import Collection, Resource, ResourceOperation, compile_resource
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import sent
from mockserver.schema.identity import OAuthSpec
from mockserver.schema.resource import UPDATES, OnSpec, ResourceSpec
from mockserver.templating.random_values import Draws
from mockserver.templating.templates import Scope
from mockserver.templating.variables import AFTER_CLAIM

if TYPE_CHECKING:
    from mockserver.identity.provider import Endpoint, Provider


class IdentityEndpoint(Behaviour):
    """An endpoint of `oauth`."""

    __slots__ = ("_endpoint", "_provider")

    def __init__(self, provider: Provider, endpoint: Endpoint) -> None:
        self._provider = provider
        self._endpoint = endpoint

    def decide(self, transaction: Transaction) -> None:
        from mockserver.identity.provider import IdentityRequest  # few scenarios have it

        ns, request = transaction.ns, transaction.request
        asked = IdentityRequest(request, ns.memory, ns.clock.now_s(), transaction.scope().draws)
        answer = self._endpoint(self._provider, asked)
        transaction.writes += answer.writes
        transaction.commits += answer.commits
        transaction.planned = sent(answer.response)


class ResourceAction(Behaviour):
    """An operation on a resource, with the side effects of its `on`."""

    __slots__ = ("_operation", "_place", "_works")

    def __init__(self, place: ResourcePlace, operation: ResourceOperation, works: dict[str, Work]) -> None:
        self._place = place
        self._operation = operation
        self._works = works

    def works(self) -> list[Work]:
        """Return the side effects of the events that the operation can cause."""
        return [self._works[name] for name in self._operation.events if name in self._works]

    def decide(self, transaction: Transaction) -> None:
        self.act(transaction, transaction.request, transaction.params)

    def act(self, transaction: Transaction, request: Request, params: dict[str, str]) -> None:
        """Decide on a request, which may be another one than that of the call."""
        ns = transaction.ns

        def scope_for(**words: object) -> Scope:
            scope = transaction.scope()
            for name, value in words.items():
                scope = scope.with_(name, value)
            return scope

        collection = self._place.collection(ns)
        decision = self._operation.decide(
            collection, request, params, scope_for, partial(self._place.related, ns)
        )
        ns.memory.check_resources(*decision.growth)
        transaction.commits = (decision.commit,)
        reply = decision.reply
        if reply is not None:

            def scope() -> Scope:
                return decision.scope or transaction.scope()

            transaction.planned = reply.plan(reply.status(scope), scope, transaction.choices, request)
        else:
            body = b"" if decision.json is ABSENT else dump_json(decision.json)
            response = Response(decision.status, decision.headers, body)
            transaction.planned = sent(response)
        event = next((name for name in decision.events if name in self._works), None)
        if event is not None:
            transaction.add_variable("item", decision.item)
            transaction.do(self._works[event])


class ResourcePlace:
    """A resource of a scenario, and its collection in the memory of a namespace."""

    __slots__ = ("_scenario", "_vars", "id", "resource")

    def __init__(self, scenario: Scenario, resource: Resource) -> None:
        self.resource = resource
        self.id = f"{scenario.name}{resource.path}"
        self._scenario = scenario
        self._vars = scenario.vars

    def related(self, ns: Namespace, path: str) -> tuple[ResourceKind, Collection]:
        """Return the resource of the same scenario with that path, and its items."""
        place = next(place for place in self._scenario.places if place.resource.path == path)
        return place.resource.kind, place.collection(ns)

    def scopes(self, ns: Namespace) -> Callable[[int], Scope]:
        """Return a function that creates the scope for the templates of the n-th seed."""

        def scope(n: int) -> Scope:
            words = {"vars": self._vars, "state": ns.memory.state}
            return Scope(words, Draws(ns.seed, self.id, n), ns.clock.now)

        return scope

    def collection(self, ns: Namespace) -> Collection:
        """Return the collection of the namespace, which is created at its first use."""
        kept: Collection | None = ns.memory.resources.get(self.id)
        if kept is None:
            kept = ns.memory.resources[self.id] = self.resource.seeded(self.scopes(ns))
        return kept


def resource_routes(
    scenario: Scenario, i: int, spec: ResourceSpec, read_file: ReadFile, taken: set[str]
) -> list[Route]:
    """
    Return a route for each operation of a resource.

    Raises InvalidInputError, with paths from the root of the file.
    """
    base = scenario.spec.base
    written = scenario.source.data["resources"][i]
    known = [each.path for each in scenario.spec.resources]
    with flaws_below("resources", i):
        _check_names(spec, taken)
        wrong = [field for field, path in spec.expand.items() if path not in known]
        if wrong:
            path = spec.expand[wrong[0]]
            message = f"the scenario has no resource with the path {shown(path)}"
            raise invalid(("expand", wrong[0]), message, near(path, known))
        resource = compile_resource(spec, read_file, AFTER_CLAIM, base=base, defaults=scenario.defaults)
        works = {name: _work(on, read_file, name, written) for name, on in spec.on.items()}
        guards = compile_guards(scenario, spec, f"resource:{scenario.name}{resource.path}", read_file)
    place = ResourcePlace(scenario, resource)
    scenario.places.append(place)
    routes = []
    for number, operation in enumerate(resource.operations()):
        line = f"{','.join(sorted(operation.methods))} {spec.path}{operation.suffix}"
        action = ResourceAction(place, operation, works)
        name = spec.names.get(operation.name)
        route = generated_route(scenario, line, action, taken, (("resources", i), (i + 1, number)), name)
        route.take_guards(guards)
        route.has_effects = any(work.has_effect for work in action.works())
        routes.append(route)
        if operation.name in spec.graphql:
            with flaws_below("resources", i, "graphql", operation.name):
                routes.append(_field_route(scenario, action, operation, resource, spec, taken, route))
    return routes


def _check_names(spec: ResourceSpec, taken: set[str]) -> None:
    """Raise InvalidInputError for a name of an event without a route, or one that another route has."""
    transitions = spec.machine.transitions if spec.machine else ()
    events = ("list", "create", "read", "delete", *(UPDATES[method] for method in spec.update), *transitions)
    for event in spec.graphql:
        if event not in events:
            message = f"no field has the event {shown(event)}"
            raise invalid(("graphql", event), message, near(event, events), at_key=True)
    for event, name in spec.names.items():
        if event not in events:
            message = f"no route has the event {shown(event)}"
            raise invalid(("names", event), message, near(event, events), at_key=True)
        if name in taken or list(spec.names.values()).count(name) > 1:
            message = f"another route has the name {shown(name)}"
            raise invalid(("names", event), message, "Choose another")


def _field_route(
    scenario: Scenario,
    action: ResourceAction,
    operation: ResourceOperation,
    resource: Resource,
    spec: ResourceSpec,
    taken: set[str],
    twin: Route,
) -> Route:
    """Return the route of the GraphQL field for an operation, whose route for HTTP is the twin. Raises InvalidInputError."""
    if not scenario.apis:
        raise invalid(
            (), "the scenario has no GraphQL schema", "Write graphql: schema.graphql in the scenario"
        )
    from mockserver.compiler.graphql_routes import resource_field  # few scenarios have GraphQL

    line = spec.graphql[operation.name]
    field = resource_field(scenario, action, operation, resource, line)
    place = (twin.path, (*twin.key[-2:], 1))
    route = generated_route(scenario, f"GRAPHQL {line}", field, taken, place)
    route.has_effects = twin.has_effects
    own_auth, own_limit = spec.auth is not None, spec.limit is not None
    route.take_guards((twin.auth if own_auth else None, twin.limiter if own_limit else None, None))
    return route


def _work(on: OnSpec, read_file: ReadFile, name: str, data: object) -> Work:
    written = data.get("on", {}).get(name) if isinstance(data, dict) else None
    with flaws_below("on", name):
        return compile_work(on, read_file, written, more=frozenset({"item"}))


def oauth_routes(scenario: Scenario, spec: OAuthSpec, taken: set[str]) -> list[Route]:
    """
    Return the routes of `oauth`, which need no authentication.

    Raises MissingExtraError.
    """
    from mockserver.identity.endpoints import endpoints_of  # few scenarios have it
    from mockserver.identity.provider import Provider

    provider = Provider(scenario.name, scenario.spec.base, spec)
    return [
        generated_route(scenario, line, IdentityEndpoint(provider, endpoint), taken, (("oauth",), (0, i)))
        for i, (line, endpoint) in enumerate(endpoints_of(spec).items())
    ]
