"""Counters that stay exact when calls are dropped from the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mockserver.model.call import Call
from mockserver.model.grpc import METHOD as GRPC
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

    `lines` counts complete calls by method and path, so that queries by request line are exact too, for up to
    LINES_KEPT different ones.
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
        lines = self.lines
        if line in lines or len(lines) < self.LINES_KEPT:
            lines[line] = lines.get(line, 0) + calls
        else:
            self.lines_lost += calls
        route = self.routes.get(route_id)
        if route is None:
            route = self.routes[route_id] = RouteCount()
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
        elif len(lines) < self.LINES_KEPT:
            lines[line] = 1
        else:
            self.lines_lost += 1
        route_id = call.route_id
        if call.automatic:
            self.automatic += 1
            return
        if route_id is None:
            self.unmatched += 1
            return
        route = self.routes.get(route_id)
        if route is None:
            route = self.routes[route_id] = RouteCount()
        route.calls += 1
        in_flight = route.in_flight = route.in_flight + 1
        route.most_in_flight = max(route.most_in_flight, in_flight)
        answer = call.status if call.status is not None and call.request.method != GRPC else call.answer
        if answer is not None:
            statuses = route.statuses
            statuses[answer] = statuses.get(answer, 0) + 1

    def answered(self, call: Call) -> None:
        """Count the response of a call that began without one."""
        route = self.routes.get(call.route_id) if call.route_id is not None else None
        if route is not None and call.answer is not None:
            route.answered(call.answer)

    def unanswered(self, call: Call) -> None:
        """Correct the count of a call whose client disconnected before any byte of the response."""
        route = self.routes.get(call.route_id) if call.route_id is not None else None
        if route is not None and call.answer is not None:
            _take(route.statuses, call.answer)

    def ended(self, call: Call) -> None:
        if call.route_id is not None:
            route = self.routes.get(call.route_id)
            if route is not None:
                route.in_flight -= 1

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
