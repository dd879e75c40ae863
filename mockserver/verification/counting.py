"""Number of calls of a route or request line, and whether the number is exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.engine.grpc_calls import method_of
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import UnknownRouteError, route_named
from mockserver.errors import Flaw, InvalidInputError, KeyPath, flaws_below, invalid, no_files
from mockserver.matching.matcher import Matcher, compile_match
from mockserver.matching.mismatch.nearest import report
from mockserver.matching.paths import PathPattern
from mockserver.model.call import Call
from mockserver.model.grpc import METHOD
from mockserver.model.http import GRAPHQL, Request
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Outcome
from mockserver.schema.base import RequestLine, parse_request_line
from mockserver.schema.match import MatchSpec
from mockserver.schema.verify import SubjectSpec

if TYPE_CHECKING:
    from mockserver.grpc.pools import GrpcMethod

_GRAPHQL = frozenset({GRAPHQL})


@dataclass(frozen=True, slots=True)
class Count:
    """`exact` is false if the number may depend on dropped calls or truncated bodies."""

    count: int
    exact: bool = True


class Subject:
    """The counted calls: those of a route or of a request line, with conditions on the request."""

    __slots__ = ("_field", "_ns", "_results", "_route_id", "_seen", "matcher", "methods", "pattern", "text")

    def __init__(self, ns: Namespace, spec: SubjectSpec, path: KeyPath = ()) -> None:
        """Raises InvalidInputError; UnknownRouteError for an unknown route."""
        self._route_id: str | None = None
        self._field: str | None = None
        """The path of a field of GraphQL."""
        self.matcher: Matcher | None = None
        self._seen = 0
        self._ns = ns
        self._results: dict[int, bool] = {}
        """Results of the matcher, by call number."""
        if spec.route is not None:
            route = route_named(ns, spec.route, (*path, "route"))
            self._route_id, self.methods, self.pattern = route.id, route.methods, route.pattern
            self.text = spec.route
        else:
            assert spec.request is not None
            line = parse_request_line(spec.request)
            if line.methods == _GRAPHQL:
                self._field = _known_field(ns, line, (*path, "request"))
            self.methods, self.pattern = line.methods, _pattern(line.path, (*path, "request"))
            self.text = spec.request
        if spec.match is not None:
            if spec.match.has("arguments"):
                hint = "Write graphql: {variables: …}, or count a route with this match"
                raise invalid((*path, "match", "arguments"), "`arguments` are those of one field", hint)
            method = method_of(ns, self.pattern.text) if METHOD in (self.methods or ()) else None
            self.matcher = _matcher(spec.match, method, path)
            self.text += " with its match"

    @property
    def id(self) -> str:
        return self.text

    @property
    def host(self) -> None:
        """Any host matches."""

    @property
    def names_routes(self) -> bool:
        """Whether it names a route, or a field of GraphQL, which routes answer."""
        return self._route_id is not None or self._field is not None

    def route_of(self, call: Call) -> str | None:
        """Return the route as whose call this one is checked."""
        if self._route_id is not None:
            return self._route_id
        found = (route_id for route_id, path in call.fields if path == self._field)
        return next(found, call.route_id)

    def matches_target(self, call: Call) -> bool:
        """Return whether the call is of the route or the request line, without the conditions."""
        return call.request.complete and self.names(call)

    def names(self, call: Call) -> bool:
        """Return whether the call is of the route or the request line, also if its request is incomplete."""
        if self._route_id is not None:
            return self._route_id in call.route_ids
        if self._field is not None:
            return any(path == self._field for _, path in call.fields)
        return self._matches_line(call.request.method, call.request.path)

    def _matches_line(self, method: str, path: str) -> bool:
        is_method = method != GRAPHQL if self.methods is None else method in self.methods
        return is_method and self.pattern.match(path) is not None

    def holds(self, call: Call) -> bool:
        """Return whether the call counts."""
        if not self.matches_target(call):
            return False
        if self.matcher is None:
            return True
        result = self._results.get(call.number)
        if result is None:
            result = self._results[call.number] = self.matcher.holds_at(
                call.request, lambda: self._ns.clock.at_s(call.request.arrived_s)
            )
            if call.outcome is not Outcome.OPEN:
                call.request.forget_parsed()
        return result

    def differences(self, request: Request) -> list[Difference]:
        """Return why a request does not count; for a route only by the conditions."""
        if not self.names_routes:
            return report(request, self)
        return [] if self.matcher is None else self.matcher.differences(request)

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Evaluate one recorded call at each step, so that later questions are fast."""
        if self.matcher is not None:
            for call in ns.call_log.after(self._seen):
                self._seen = call.number
                self.holds(call)
                yield

    def calls(self, ns: Namespace) -> Iterator[Call]:
        """Return the calls that are still in the call log, oldest first."""
        return (call for call in ns.call_log if self.holds(call))

    def count(self, ns: Namespace) -> Count:
        if self.matcher is None:
            if self._route_id is not None:
                return Count(ns.counts.calls_of(self._route_id))
            if not ns.counts.lines_lost:
                lines = ns.counts.lines.items()
                return Count(
                    sum(count for (method, path), count in lines if self._matches_line(method, path))
                )
            count = sum(map(self.holds, ns.call_log.after(0)))
            return Count(count, exact=not ns.call_log.dropped)
        for _ in self.steps(ns):
            pass
        count = sum(self._results.get(call.number, False) for call in ns.call_log)
        return Count(count, exact=not ns.call_log.dropped and not ns.call_log.cut)


def _known_field(ns: Namespace, line: RequestLine, path: KeyPath) -> str:
    """Return the path of a field that routes answer, or answered. Raises UnknownRouteError for another one."""
    if (GRAPHQL, line.path) in ns.counts.lines:
        return line.path
    if any(route.methods == line.methods and route.pattern.text == line.path for route in ns.routes()):
        return line.path
    name = f"{GRAPHQL} {line.path[1:]}"
    apis = [api for scenario in ns.scenarios() for api in scenario.apis]
    if not apis:
        return route_named(ns, name, path).pattern.text
    from mockserver.graphql.schemas import field_of  # few scenarios have GraphQL

    try:
        field_of(apis, line.path)
    except InvalidInputError as error:
        raise UnknownRouteError(flaw.under(*path) for flaw in error.flaws) from error
    said = "no route answers this field: only fields with a route are counted"
    raise UnknownRouteError(Flaw(path, said, f"Add a route, such as {{request: {name}, reply: 200}}"))


class AllCalls:
    """The counted calls if no route is named: all matched calls, or those of a scenario."""

    __slots__ = ("_scenario", "text")

    def __init__(self, scenario: str | None = None) -> None:
        self._scenario = scenario
        self.text = "all calls" if scenario is None else scenario

    def holds(self, call: Call) -> bool:
        """Return whether the call counts."""
        if not call.matched or not call.request.complete:
            return False
        return self._scenario is None or call.scenario == self._scenario

    def route_of(self, call: Call) -> str | None:
        """Return the route as whose call this one is checked: the first that took part."""
        return call.route_id

    def steps(self, _ns: Namespace) -> Iterator[None]:
        """Return no steps: there is nothing to cache."""
        return iter(())

    def calls(self, ns: Namespace) -> Iterator[Call]:
        """Return the calls that are still in the call log, oldest first."""
        return (call for call in ns.call_log if self.holds(call))

    def count(self, ns: Namespace) -> Count:
        """Return the number of calls. It includes all dropped calls, of any scenario."""
        return Count(
            sum(map(self.holds, ns.call_log.after(0))) + ns.call_log.dropped, exact=not ns.call_log.dropped
        )


def _pattern(path: str, where: KeyPath) -> PathPattern:
    with flaws_below(*where):
        return PathPattern(path)


def _matcher(spec: MatchSpec, method: GrpcMethod | None, path: KeyPath) -> Matcher:
    with flaws_below(*path, "match"):
        if method is not None:
            from mockserver.grpc.compiling import typed_match

            spec = typed_match(spec, method)
        return compile_match(spec, no_files("a check has no folder", "Write the schema inline"))
