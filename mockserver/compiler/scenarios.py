"""Compiles scenarios. Every mistake is found here, when they are loaded, with its key path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.attempts import compile_grouping
from mockserver.engine.policies import compile_idempotency, compile_limit
from mockserver.errors import Flaw, FlawCollector
from mockserver.matching.extras import library
from mockserver.matching.index import OrderKey
from mockserver.responses.planner import compile_reply
from mockserver.scenarios.source import Source
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.scenario import ScenarioSpec
from mockserver.templating.variables import AFTER_CLAIM

if TYPE_CHECKING:
    from mockserver.graphql.schemas import GraphQLApi
    from mockserver.grpc.pools import GrpcSchema
    from mockserver.openapi.contract import Contract
from mockserver.compiler.contract_replies import breaches
from mockserver.compiler.generated_routes import oauth_routes, resource_routes
from mockserver.compiler.routes import auth_of, compile_route, default_name, unused_name
from mockserver.engine.routes import Route, Scenario


def compile_scenario(source: Source, order: OrderKey, *, strict: bool = True) -> Scenario:
    """
    Compile a scenario. Raises InvalidInputError with every flaw, with paths from the root of the file.

    With `strict`, constant replies that violate an enforced contract are flaws.
    """
    scenario = Scenario(source, order)
    flaws = FlawCollector()
    spec = source.spec
    scenario.auth = flaws.attempt((), auth_of, spec.auth, scenario)
    scenario.limiter = flaws.attempt(
        (), compile_limit, spec.limit, f"scenario:{scenario.name}", source.read_file
    )
    scenario.idempotency = flaws.attempt(
        (), compile_idempotency, spec.idempotency, f"scenario:{scenario.name}", source.read_file
    )
    flaws.attempt(("attempts",), compile_grouping, spec.attempts)
    if spec.grpc is not None:
        schema = flaws.attempt((), _grpc_schema, scenario)
        if schema is None:
            flaws.check()
        scenario.schemas = (schema,)
    if spec.graphql is not None:
        api = flaws.attempt((), _graphql_api, scenario)
        if api is None:
            flaws.check()
        scenario.apis = (api,)
    if spec.openapi is not None:
        scenario.contract = flaws.attempt((), _contract_in, spec.openapi, scenario)
    if flaws.attempt(("defaults",), _checked, spec.defaults) is None:
        # Told once, where they stand, and not again for every reply.
        scenario.defaults = ReplyDefaultsSpec()
    names = _names(scenario.spec)
    data = source.data.get("routes") or []
    routes = []
    for i, route_spec in enumerate(spec.routes):
        route = compile_route(scenario, names[i], route_spec, data[i], ("routes", i), source.read_file, flaws)
        route.key = (-route_spec.priority, *order, i)
        routes.append(route)
    generated = flaws.attempt((), compile_generated_routes, scenario, {route.name for route in routes})
    if scenario.apis and not flaws.flaws:
        generated += _graphql_routes(scenario, [*routes, *generated])
    if scenario.contract is not None and not flaws.flaws:
        flaws.flaws += _breaches(scenario, routes) if strict else ()
    flaws.check()
    scenario.routes = (*routes, *generated)
    return scenario


def _grpc_schema(scenario: Scenario) -> GrpcSchema:
    """Compile the gRPC schema of a scenario. Raises InvalidInputError, MissingExtraError."""
    from mockserver.grpc.compiling import compile_schema  # few scenarios have one

    assert scenario.spec.grpc is not None
    return compile_schema(scenario.spec.grpc, scenario.source.read_file)


def _graphql_api(scenario: Scenario) -> GraphQLApi:
    """Compile the GraphQL schema of a scenario. Raises InvalidInputError, MissingExtraError."""
    library("graphql", "A GraphQL schema", "graphql", ("graphql",))
    from mockserver.graphql.schemas import compile_api  # few scenarios have one

    assert scenario.spec.graphql is not None
    return compile_api(scenario.spec.graphql, scenario.spec.base, scenario.source.read_file)


def _contract_in(file: str, scenario: Scenario) -> Contract | None:
    """Compile the contract of a scenario; None if it is never used. Raises InvalidInputError, MissingExtraError."""
    if scenario.spec.validate_ == "off" and not any(route.validate_ for route in scenario.spec.routes):
        return None
    from mockserver.openapi.contract import compile_contract  # few scenarios have one

    return compile_contract(file, scenario.spec.validate_, scenario.spec.base, scenario.source.read_file)


def _breaches(scenario: Scenario, routes: list[Route]) -> list[Flaw]:
    """Store the violations of constant replies. Return those of enforced contracts as flaws."""
    scenario.breaches = [(route, path, said) for route in routes for path, said in breaches(route)]
    hint = "Fix the reply, or write `validate: report` on the route"
    return [
        Flaw(path, said, hint)
        for route, path, said in scenario.breaches
        if route.contract is not None and route.contract.mode == "enforce"
    ]


def _checked(defaults: ReplyDefaultsSpec) -> ReplyDefaultsSpec:
    """Raise InvalidInputError if the defaults of replies are invalid."""
    bare = ReplySpec.known(status=200)
    compile_reply(bare, defaults, lambda _, __: b"", AFTER_CLAIM)
    return defaults


def compile_generated_routes(scenario: Scenario, taken: set[str]) -> list[Route]:
    """
    Return the routes of `oauth` and `resources`, which are matched after all written ones.

    Raises InvalidInputError.
    """
    flaws = FlawCollector()
    routes: list[Route] = []
    if scenario.spec.oauth is not None:
        routes += flaws.attempt(("oauth",), oauth_routes, scenario, scenario.spec.oauth, taken) or []
    for i, spec in enumerate(scenario.spec.resources):
        routes += (
            flaws.attempt((), resource_routes, scenario, i, spec, scenario.source.read_file, taken) or []
        )
    flaws.check()
    return routes


def _names(spec: ScenarioSpec) -> list[str]:
    """Return the names of routes: as written, or their request line with base, numbered if it is repeated."""
    taken = {route.name for route in spec.routes if route.name}
    return [route.name or unused_name(default_name(spec.base, route), taken) for route in spec.routes]


def _graphql_routes(scenario: Scenario, routes: list[Route]) -> list[Route]:
    from mockserver.compiler.graphql_routes import graphql_routes  # few scenarios have GraphQL

    return graphql_routes(scenario, routes)
