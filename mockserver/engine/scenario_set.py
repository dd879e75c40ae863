"""
The published scenario set: every file scenario, compiled and indexed, immutable and shared by all namespaces.

`reload` publishes a new one. Changes of a namespace are its `Overlay`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mockserver.engine.routes import Route, Scenario
from mockserver.matching.checks import Equalities
from mockserver.matching.field_index import Narrowing
from mockserver.matching.index import Entry, Found, Index
from mockserver.model.http import Request

RUNTIME_CLASS, UPLOADED_CLASS, FILE_CLASS = range(3)
"""The sort position that is first at equal priority; generated routes come after these."""
_CROWDED = 500
"""From this number of routes on one path, its indexes are made when it is loaded: they take milliseconds."""


class OnPath:
    """
    The routes on one path, whatever the method, in order; the distinct sets of their methods (None: any); and the CORS
    rules of the first that has any.
    """

    __slots__ = ("cors", "methods", "routes")

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = routes
        self.methods = {route.methods for route in routes}
        self.cors = next((route.scenario.cors for route in routes if route.scenario.cors is not None), None)


class ScenarioSet:
    """Compiled file scenarios by name, in the order of their files."""

    __slots__ = ("_narrowings", "_on_paths", "index", "off", "prefixes", "routes", "scenarios")

    def __init__(self, scenarios: Iterable[Scenario] = ()) -> None:
        self.scenarios = {scenario.name: scenario for scenario in scenarios}
        self.index: Index[Route] = Index()
        self.routes: dict[str, Route] = {}
        self.prefixes: set[str] = set()
        self._narrowings: dict[tuple[str, str], Narrowing[Found[Route]]] = {}
        self._on_paths: dict[str, OnPath] = {}
        for scenario in self.scenarios.values():
            for route in scenario.routes:
                self.index.add(entry_of(route))
                self.routes[route.id] = route
                self.prefixes.add(first_segment(route))
        self.off = frozenset(scenario.name for scenario in self.scenarios.values() if not scenario.active)
        for path in self.index.crowded(_CROWDED):
            for method in {method for methods in self.on_path(path).methods for method in methods or ()}:
                self._narrowing(method, path, self.index.candidates(method, path))

    def on_path(self, path: str) -> OnPath:
        """Return every route on that path, active or not; cached if the path is written in a route."""
        kept = self._on_paths.get(path)
        if kept is None:
            kept = OnPath([result[0].target for result in self.index.at(path)])
            if self.index.is_literal(path):
                self._on_paths[path] = kept
        return kept

    def narrowed(
        self, method: str, path: str, result: tuple[Found[Route], ...], request: Request
    ) -> tuple[Found[Route], ...]:
        """Filter many candidates on a literal path by a field of the request."""
        narrowing = self._narrowings.get((method, path))
        if narrowing is None or narrowing.source is not result:
            narrowing = self._narrowing(method, path, result)
        return result if narrowing is None else narrowing.candidates(request)

    def _narrowing(
        self, method: str, path: str, result: tuple[Found[Route], ...]
    ) -> Narrowing[Found[Route]] | None:
        """Return the index of these candidates, made on first use; None if the index of routes doesn't keep them."""
        narrowing = self._narrowings.get((method, path))
        if narrowing is None or narrowing.source is not result:
            if not self.index.keeps(method, path, result):
                return None
            narrowing = self._narrowings[method, path] = Narrowing(result, _equalities)
        return narrowing


def _equalities(result: Found[Route]) -> Equalities:
    matcher = result[0].target.matcher
    return matcher.equalities if matcher is not None else {}


def entry_of(route: Route) -> Entry[Route]:
    return Entry(route.key, route.methods, route.pattern, route)


def first_segment(route: Route) -> str:
    """Return the literal first segment of its path. If it is `mock` or `@name`, that prefix is not stripped."""
    return route.pattern.segments[0].text or ""


class Overlay:
    """
    Additions and removals of one namespace.

    `scenarios` are uploaded ones by name (each hides a file scenario of that name), `removed` the removed file
    scenarios, `active` its own switches, `routes` its runtime routes by id.
    """

    __slots__ = (
        "active",
        "entries",
        "index",
        "prefixes",
        "removed",
        "routes",
        "runtime",
        "scenarios",
        "serial",
        "use",
    )

    def __init__(self) -> None:
        self.scenarios: dict[str, Scenario] = {}
        self.removed: frozenset[str] = frozenset()
        self.active: dict[str, bool] = {}
        self.routes: dict[str, Route] = {}
        self.runtime: Scenario | None = None
        self.index: Index[Route] = Index()
        self.entries: dict[str, Entry[Route]] = {}
        self.prefixes: dict[str, int] = {}
        self.use: frozenset[str] | None = None
        self.serial = 0

    def put(self, route: Route) -> None:
        """Add a route, or replace the one with its id."""
        self.take(route.id)
        entry = entry_of(route)
        self.entries[route.id] = entry
        self.index.add(entry)
        first = first_segment(route)
        self.prefixes[first] = self.prefixes.get(first, 0) + 1

    def take(self, route_id: str) -> None:
        """Remove a route, if it exists."""
        entry = self.entries.pop(route_id, None)
        if entry is None:
            return
        self.index.remove(entry)
        first = first_segment(entry.target)
        self.prefixes[first] -= 1
        if not self.prefixes[first]:
            del self.prefixes[first]

    def copy(self) -> Overlay:
        """Return a copy for a snapshot: the same routes, in an index of their own."""
        twin = Overlay()
        twin.scenarios = dict(self.scenarios)
        twin.removed, twin.active, twin.use, twin.serial = (
            self.removed,
            dict(self.active),
            self.use,
            self.serial,
        )
        twin.routes, twin.runtime = dict(self.routes), self.runtime
        for entry in self.entries.values():
            twin.put(entry.target)
        return twin

    def is_active(self, scenario: Scenario) -> bool:
        if self.use is not None and scenario.name not in self.active:
            return scenario.name in self.use
        return self.active.get(scenario.name, scenario.active)


def scenarios_of(scenario_set: ScenarioSet, overlay: Overlay | None) -> Iterator[Scenario]:
    """Return the visible scenarios: uploaded ones, newest first, in the place of files that they replace."""
    if overlay is None:
        yield from scenario_set.scenarios.values()
        return
    for name, scenario in reversed(overlay.scenarios.items()):
        if name not in scenario_set.scenarios:
            yield scenario
    for name, scenario in scenario_set.scenarios.items():
        if name in overlay.scenarios:
            yield overlay.scenarios[name]
        elif name not in overlay.removed:
            yield scenario
