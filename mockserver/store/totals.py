"""
Totals over all namespaces, including removed ones.

A namespace's own counters end with it and restart at every reset. Exported counters must only grow, so at each such end
they are added here.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.schema.scenario import RUNTIME
from mockserver.store.call_log import CallLog
from mockserver.store.counts import Counts, RouteCount

OTHER = "(other)"
"""Label of the routes above the limit."""
MOST_ROUTES = 1000
MOST_RUNTIME_ROUTES = 200
"""Tests create routes without end; those of files need room beside them."""


class Totals:
    """Sums; `calls` by the route's label and the status or fault. Computed on request from stored counters."""

    __slots__ = ("_named", "automatic", "calls", "dropped", "incomplete", "unmatched")

    def __init__(self) -> None:
        self.calls: dict[tuple[str, int | str], int] = {}
        self.unmatched = 0
        self.incomplete = 0
        self.automatic = 0
        self.dropped = 0
        self._named: tuple[set[str], set[str]] = set(), set()

    def twin(self) -> Totals:
        """Return a copy that others can be added to. Both share the labels: a named route keeps its name."""
        twin = Totals()
        twin.calls = dict(self.calls)
        twin.unmatched, twin.incomplete, twin.automatic = self.unmatched, self.incomplete, self.automatic
        twin.dropped = self.dropped
        twin._named = self._named
        return twin

    def add(self, counts: Counts, record: CallLog | None) -> None:
        """Add one namespace's counters, and those of its log, if that ends too."""
        if record is not None:
            self.dropped += record.dropped
        self.unmatched += counts.unmatched
        self.incomplete += counts.incomplete
        self.automatic += counts.automatic
        self.add_routes(counts.routes)

    def add_routes(self, routes: Mapping[str, RouteCount]) -> None:
        for route_id, item in routes.items():
            label = self.label(route_id)
            for status, number in item.statuses.items():
                key = label, status
                self.calls[key] = self.calls.get(key, 0) + number

    def label(self, route_id: str) -> str:
        """Return the route's id, or OTHER: the number of series is limited."""
        at_runtime = route_id.startswith(RUNTIME + "/")
        named, most = self._named[at_runtime], MOST_RUNTIME_ROUTES if at_runtime else MOST_ROUTES
        if route_id in named:
            return route_id
        if len(named) >= most:
            return OTHER
        named.add(route_id)
        return route_id
