"""How often something was called, and whether that number is exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.engine.grpc_calls import method_of
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.errors import Flaw, InvalidInputError, KeyPath, invalid
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
    """`exact` is false where the answer would need dropped records or cut bodies."""

    count: int
    exact: bool = True


class Subject:
    """What is counted: the calls of a route, or those of a request line; with conditions on the request."""

    __slots__ = ("_known", "_seen", "matcher", "methods", "pattern", "route_ids", "text")

    def __init__(self, ns: Namespace, spec: SubjectSpec, path: KeyPath = ()) -> None:
        """Raises InvalidInputError; UnknownRouteError for an unknown route."""
        self.route_ids: tuple[str, ...] = ()
        """Those of the routes that are named; empty for a request line."""
        self.matcher: Matcher | None = None
        self._seen = 0
        self._known: dict[int, bool] = {}
        """Of the calls that a matcher has judged, by their number: whether they are some of them."""
        if spec.route is not None:
            route = route_named(ns, spec.route, (*path, "route"))
            self.route_ids, self.methods, self.pattern = (route.id,), route.methods, route.pattern
            self.text = spec.route
        else:
            assert spec.request is not None
            line = parse_request_line(spec.request)
            if line.methods == _GRAPHQL:
                self.route_ids = _fields_of(ns, line, (*path, "request"))
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
        """Any."""

    def asks(self, call: Call) -> bool:
        """Whether the call is of the route or the request line, whatever its conditions say."""
        request = call.request
        if not request.complete:
            return False
        return call.route_id in self.route_ids if self.route_ids else self._fits(request.method, request.path)

    def _fits(self, method: str, path: str) -> bool:
        return (self.methods is None or method in self.methods) and self.pattern.match(path) is not None

    def holds(self, call: Call) -> bool:
        """Whether it is one of them."""
        if not self.asks(call):
            return False
        if self.matcher is None:
            return True
        known = self._known.get(call.number)
        if known is None:
            known = self._known[call.number] = self.matcher.holds(call.request)
            if call.outcome is not Outcome.OPEN:
                call.request.forget_parsed()
        return known

    def differences(self, request: Request) -> list[Difference]:
        """What keeps a request from being one of them; for a route its conditions alone."""
        if not self.route_ids:
            return report(request, self)
        return [] if self.matcher is None else self.matcher.differences(request)

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Looks at one recorded call after the other, so that what is asked afterwards is quick."""
        if self.matcher is not None:
            for call in ns.record.after(self._seen):
                self._seen = call.number
                self.holds(call)
                yield

    def calls(self, ns: Namespace) -> Iterator[Call]:
        """Those that are still recorded, oldest first."""
        return (call for call in ns.record if self.holds(call))

    def count(self, ns: Namespace) -> Count:
        if self.matcher is None:
            if self.route_ids:
                return Count(sum(map(ns.counts.calls_of, self.route_ids)))
            if not ns.counts.lines_lost:
                lines = ns.counts.lines.items()
                return Count(sum(count for (method, path), count in lines if self._fits(method, path)))
            count = sum(map(self.holds, ns.record.after(0)))
            return Count(count, exact=not ns.record.dropped)
        for _ in self.steps(ns):
            pass
        first = ns.record.first_kept or ns.last_number + 1
        count = sum(holds for number, holds in self._known.items() if number >= first)
        return Count(count, exact=not ns.record.dropped and not ns.record.cut)


def _fields_of(ns: Namespace, line: RequestLine, path: KeyPath) -> tuple[str, ...]:
    """Return the routes of a field, to which the calls of operations belong. Raises UnknownRouteError if there is none."""
    ids = [
        route.id for route in ns.routes() if route.methods == line.methods and route.pattern.text == line.path
    ]
    return tuple(ids) or (route_named(ns, f"{GRAPHQL} {line.path[1:]}", path).id,)


class AllCalls:
    """What is judged where no route is named: all matched calls, or those of a scenario."""

    __slots__ = ("_scenario", "text")

    def __init__(self, scenario: str | None = None) -> None:
        self._scenario = scenario
        self.text = "all calls" if scenario is None else scenario

    def holds(self, call: Call) -> bool:
        """Whether it is one of them."""
        if not call.matched or not call.request.complete:
            return False
        return self._scenario is None or call.scenario == self._scenario

    def steps(self, _ns: Namespace) -> Iterator[None]:
        """Nothing is learnt of a call."""
        return iter(())

    def calls(self, ns: Namespace) -> Iterator[Call]:
        """Those that are still recorded, oldest first."""
        return (call for call in ns.record if self.holds(call))

    def count(self, ns: Namespace) -> Count:
        """Dropped calls are counted, of whatever scenario they were."""
        return Count(
            sum(map(self.holds, ns.record.after(0))) + ns.record.dropped, exact=not ns.record.dropped
        )


def _pattern(path: str, where: KeyPath) -> PathPattern:
    try:
        return PathPattern(path)
    except InvalidInputError as error:
        raise InvalidInputError(flaw.under(*where) for flaw in error.flaws) from error


def _matcher(spec: MatchSpec, method: GrpcMethod | None, path: KeyPath) -> Matcher:
    try:
        if method is not None:
            from mockserver.grpc.compiling import typed_match

            spec = typed_match(spec, method)
        return compile_match(spec, _no_files)
    except InvalidInputError as error:
        raise InvalidInputError(flaw.under(*path, "match") for flaw in error.flaws) from error


def _no_files(name: str, path: KeyPath) -> bytes:
    raise InvalidInputError(
        Flaw(path, f"{name!r} is a file, and a check has no folder", "Write the schema inline")
    )
