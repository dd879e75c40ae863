"""Counters that stay exact when calls are dropped from the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mockserver.model.call import Call
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.http import GRAPHQL
from mockserver.store.bounds import Bounds, Gone

K = TypeVar("K")


class RouteCount:
    """Counters of one route. `statuses` counts calls by status or injected fault. `in_flight` are open calls."""

    __slots__ = ("calls", "in_flight", "most_in_flight", "statuses")

    def __init__(self) -> None:
        self.calls = 0
        self.statuses: dict[int | str, int] = {}
        self.in_flight = 0
        self.most_in_flight = 0

    def answered(self, answer: int | str) -> None:
        """Count a call by its status or fault."""
        statuses = self.statuses
        statuses[answer] = statuses.get(answer, 0) + 1


class Counts:
    """
    Counters of one namespace.

    A call is counted once in `total`, and once for each route that takes part. `lines` counts complete calls by method and
    path, so that queries by request line are exact too, for up to LINES_KEPT different ones; also by the fields of GraphQL
    that routes answer, with the method GRAPHQL.
    """

    LINES_KEPT = 10_000

    __slots__ = ("_gone", "automatic", "incomplete", "lines", "lines_lost", "routes", "total", "unmatched")

    def __init__(self, bounds: Bounds) -> None:
        self.total = 0
        self.unmatched = 0
        self.incomplete = 0
        self.automatic = 0
        self._gone: Gone[RouteCount] = Gone(bounds)
        self.routes = self._gone.entries
        self.lines: dict[tuple[str, str], int] = {}
        self.lines_lost = 0

    def leaving(self, is_there: Callable[[str], bool]) -> list[str]:
        """Return the removed routes to drop at the limit; none with a call in flight."""
        return [item for item in self._gone.leaving(is_there) if not self.routes[item].in_flight]

    def add(self, route_id: str, line: tuple[str, str], status: int, calls: int) -> None:
        """Count completed calls of one route, request line and status."""
        self.total += calls
        self._add_line(line, calls)
        route = self._route(route_id)
        route.calls += calls
        route.most_in_flight = max(route.most_in_flight, route.in_flight + 1)
        route.statuses[status] = route.statuses.get(status, 0) + calls

    def begun(self, call: Call) -> None:
        self.total += 1
        if not call.request.complete:
            self.incomplete += 1
            return
        line = (call.request.method, call.request.path)
        lines = self.lines
        if line in lines:
            lines[line] += 1
        else:
            self._add_line(line, 1)
        if call.route_id is None:
            if call.automatic:
                self.automatic += 1
            else:
                self.unmatched += 1
            return
        answer = call.status if call.status is not None and call.request.method != GRPC else call.answer
        # Written out, as most requests come here: a function would cost more than what it does.
        route = self.routes.get(call.route_id)
        if route is None:
            route = self.routes[call.route_id] = RouteCount()
        route.calls += 1
        in_flight = route.in_flight = route.in_flight + 1
        if in_flight > route.most_in_flight:  # noqa: PLR1730  (a call of `max` takes longer)
            route.most_in_flight = in_flight
        if answer is not None:
            statuses = route.statuses
            statuses[answer] = statuses.get(answer, 0) + 1
        if call.rare is not None and "fields" in call.rare:
            self._begun_by_fields(call, answer)

    def _begun_by_fields(self, call: Call, answer: int | str | None) -> None:
        """Count a GraphQL call for the other routes that take part, and for each field."""
        for route_id in call.route_ids[1:]:
            route = self._route(route_id)
            route.calls += 1
            route.in_flight += 1
            route.most_in_flight = max(route.most_in_flight, route.in_flight)
            if answer is not None:
                route.answered(answer)
        for path in {path for _, path in call.fields}:
            self._add_line((GRAPHQL, path), 1)

    def _route(self, route_id: str) -> RouteCount:
        route = self.routes.get(route_id)
        if route is None:
            route = self.routes[route_id] = RouteCount()
        return route

    def _routes_of(self, call: Call) -> list[RouteCount]:
        """Return the counters of the routes that take part, as far as they are kept."""
        return [route for item in call.route_ids if (route := self.routes.get(item)) is not None]

    def _add_line(self, line: tuple[str, str], calls: int) -> None:
        lines = self.lines
        if line in lines:
            lines[line] += calls
        elif len(lines) < self.LINES_KEPT:
            lines[line] = calls
        else:
            self.lines_lost += calls

    def answered(self, call: Call) -> None:
        """Count the response of a call that began without one."""
        if call.answer is not None:
            for route in self._routes_of(call):
                route.answered(call.answer)

    def unanswered(self, call: Call) -> None:
        """Correct the count of a call whose client disconnected before any byte of the response."""
        if call.answer is not None:
            for route in self._routes_of(call):
                _take(route.statuses, call.answer)

    def ended(self, call: Call) -> None:
        if call.rare is not None and "fields" in call.rare:
            for route in self._routes_of(call):
                route.in_flight -= 1
        elif call.route_id is not None:
            counted = self.routes.get(call.route_id)
            if counted is not None:
                counted.in_flight -= 1

    def remove(self, call: Call, bounds: Bounds) -> Counts:
        """Take a completed call out of the counts. Return what was removed."""
        gone = Counts(bounds)
        gone.begun(call)
        gone.ended(call)
        for name in ("total", "unmatched", "incomplete", "automatic"):
            setattr(self, name, getattr(self, name) - getattr(gone, name))
        for line in gone.lines.keys() & self.lines.keys():
            _take(self.lines, line)
        for route_id, removed in list(gone.routes.items()):
            route = self.routes.get(route_id)
            if route is None:  # its counts were moved to the totals
                del gone.routes[route_id]
                continue
            route.calls -= 1
            for answer in removed.statuses:
                _take(route.statuses, answer)
        return gone

    def calls_of(self, route_id: str) -> int:
        route = self.routes.get(route_id)
        return route.calls if route else 0


def _take(counts: dict[K, int], key: K) -> None:
    """Count one less; nothing is counted as 0."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
