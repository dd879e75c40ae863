"""
Compiled routes and scenarios.

All errors are found here, at load, with their key path.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from random import Random
from typing import TYPE_CHECKING, Any

from mockserver.engine.policies import (
    Auth,
    Idempotency,
    Limiter,
)
from mockserver.engine.side_effects import (
    NO_WORK,
    Work,
)
from mockserver.errors import KeyPath
from mockserver.matching.conditions import Condition
from mockserver.matching.functions import FunctionCondition
from mockserver.matching.index import OrderKey
from mockserver.matching.matcher import Matcher
from mockserver.matching.paths import PathPattern
from mockserver.matching.selectors import Selector
from mockserver.model.http import GRAPHQL, Request
from mockserver.responses.planner import Planned, Reply
from mockserver.responses.sequence import Sequence
from mockserver.scenarios.source import Source
from mockserver.schema.expectations import RouteExpectSpec
from mockserver.schema.reply import ReplyDefaultsSpec
from mockserver.schema.scenario import CorsSpec, RouteSpec, ScenarioSpec
from mockserver.templating.templates import Predicate, Scope, Template, Tree

if TYPE_CHECKING:
    from mockserver.engine.transaction import Transaction
    from mockserver.graphql.compiling import FieldTarget
    from mockserver.graphql.schemas import GraphQLApi
    from mockserver.grpc.compiling import GrpcTarget
    from mockserver.grpc.pools import GrpcSchema
    from mockserver.model.call import Call
    from mockserver.openapi.contract import Contract


_FIELD = frozenset({GRAPHQL})
IMPLIED_CLASS = 3
"""The sort position of generated routes, after all written ones."""


class Choose:
    """One of several answers, chosen by weight."""

    __slots__ = ("options", "weights")

    def __init__(self, options: tuple[Answer, ...], weights: tuple[float, ...]) -> None:
        self.options = options
        self.weights = weights

    def draw(self, chance: Random) -> Answer:
        return chance.choices(self.options, self.weights)[0]


class Case:
    """An answer and its conditions."""

    __slots__ = ("answer", "condition", "matcher", "when")

    def __init__(
        self, answer: Answer, matcher: Matcher | None, when: When, condition: Predicate | None
    ) -> None:
        self.answer = answer
        self.when = when
        self.matcher = matcher
        self.condition = condition

    def holds(self, request: Request, scope: Callable[[], Scope]) -> bool:
        if self.matcher is not None and not self.matcher.holds_at(request, lambda: scope().now().timestamp()):
            return False
        return self.condition is None or self.condition.holds(scope())


class Behaviour(ABC):
    """A computed answer, such as a resource's, in the place of a reply."""

    __slots__ = ()

    def works(self) -> Iterable[Work] | None:
        """Side effects beyond those of its route; None if they are not known in advance."""
        return ()

    @abstractmethod
    def decide(self, transaction: Transaction) -> None:
        """Add the answer and what is to be written to the transaction; nothing is changed yet."""


Answer = Reply | Choose | Behaviour | tuple[Case, ...]
When = tuple[tuple[str | Template, Condition], ...]


class Scenario:
    """A compiled scenario, with the policies that all its routes share."""

    __slots__ = ("active", "apis", "auth", "breaches", "contract", "cors", "defaults", "host", "idempotency", "limiter", "name", "order", "places", "routes", "schemas", "source", "spec", "vars")  # fmt: skip

    def __init__(self, source: Source, order: OrderKey) -> None:
        self.source = source
        self.spec: ScenarioSpec = source.spec
        self.name: str = source.name
        self.order = order
        self.active: bool = source.spec.active
        self.host: str | None = source.spec.host.lower() if source.spec.host else None
        self.vars: dict[str, Any] = source.spec.vars
        self.cors: CorsSpec | None = source.spec.cors
        self.defaults: ReplyDefaultsSpec = source.spec.defaults
        self.auth: Auth | None = None
        self.limiter: Limiter | None = None
        self.idempotency: Idempotency | None = None
        self.routes: tuple[Route, ...] = ()
        self.contract: Contract | None = None
        """The contract of its routes, as far as `validate` requires it."""
        self.breaches: list[tuple[Route, KeyPath, str]] = []
        """Replies that always violate it: the route, the place of the reply, and the violations."""
        self.places: list[Any] = []
        """Its resources, with their places."""
        self.schemas: tuple[GrpcSchema, ...] = ()
        """The schema of its gRPC services; for runtime routes, those of all scenarios."""
        self.apis: tuple[GraphQLApi, ...] = ()
        """Its GraphQL API; for runtime routes, those of all scenarios."""


class Route:
    """
    A compiled route.

    `data` is what was written; `version` changes with its sequence, which then restarts. `path` is its place in the
    file.
    """

    __slots__ = ("answers", "auth", "condition", "contract", "data", "expect", "function", "graphql", "grpc", "guarded", "has_effects", "host", "id", "idempotency", "key", "lets", "limiter", "matcher", "methods", "name", "on_begin", "path", "pattern", "per", "scenario", "sequence", "spec", "static", "tags", "unconditional", "version", "when", "work", "written_matcher")  # fmt: skip

    def __init__(
        self, scenario: Scenario, name: str, spec: RouteSpec, data: dict[str, Any], path: KeyPath
    ) -> None:
        self.scenario = scenario
        self.name = name
        self.id = f"{scenario.name}/{name}"
        self.spec = spec
        self.data = data
        self.path = path
        self.host = scenario.host
        self.key: OrderKey = ()
        self.methods: frozenset[str] | None = None
        self.pattern: PathPattern
        self.matcher: Matcher | None = None
        self.condition: Predicate | None = None
        self.when: When = ()
        self.lets: Tree | None = None
        self.work: Work = NO_WORK
        self.has_effects = False
        self.auth: Auth | None = None
        self.limiter: Limiter | None = None
        self.idempotency: Idempotency | None = None
        self.guarded = False
        self.static: tuple[Planned, ...] | None = None
        """The plans of its steps, if nothing in it varies and no policy applies."""
        self.answers: tuple[Answer, ...] = ()
        self.sequence: Sequence
        self.per: Selector | None = None
        self.expect: RouteExpectSpec | None = spec.expect
        self.tags = tuple(spec.tags)
        self.version = _version(data)
        self.contract: Contract | None = scenario.contract if scenario.spec.validate_ != "off" else None
        self.grpc: GrpcTarget | None = None
        """The method of a gRPC route."""
        self.written_matcher: Matcher | None = None
        """The conditions without the function."""
        self.function: FunctionCondition | None = None
        """The function of a test that must hold."""
        self.graphql: FieldTarget | None = None
        """The field of a GraphQL route."""
        self.on_begin: Callable[[Call, Transaction], None] | None = None
        """Finds the route that the call of an operation belongs to, before anything else is decided."""
        self.unconditional = False
        """Whether it matches without state, expressions and time: no `if`, no `when`, no `verify`."""

    def require(self, function: FunctionCondition) -> None:
        """Match only if the function holds, too; it replaces an earlier one."""
        if self.function is None:
            self.written_matcher = self.matcher
        self.function = function
        self.matcher = (self.written_matcher or Matcher([])).also(function.check(self.pattern))

    def take_guards(self, guards: Guards) -> None:
        self.auth, self.limiter, self.idempotency = guards
        self.guarded = any(guards)

    @property
    def line(self) -> str:
        """The request line, with base."""
        if self.methods == _FIELD:
            return self.spec.request
        return f"{self.spec.request.split()[0]} {self.pattern.text}"

    def __repr__(self) -> str:
        return f"<Route {self.id}>"


def _version(data: dict[str, Any]) -> str:
    sequence = [data.get("reply", data.get("proxy")), data.get("then"), data.get("per")]
    return hashlib.blake2b(json.dumps(sequence, default=str).encode(), digest_size=8).hexdigest()


Guards = tuple[Auth | None, Limiter | None, Idempotency | None]


def leaves(answer: Answer) -> Iterable[Reply]:
    """Yield every single reply of an answer."""
    if isinstance(answer, Reply):
        yield answer
    elif isinstance(answer, Behaviour):
        return
    elif isinstance(answer, Choose):
        for option in answer.options:
            yield from leaves(option)
    else:
        for case in answer:
            yield from leaves(case.answer)
