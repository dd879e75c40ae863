"""Compiles the scenarios of files, and returns their warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.compiler.scenarios import compile_scenario
from mockserver.engine.routes import Route
from mockserver.engine.scenario_set import FILE_CLASS, ScenarioSet
from mockserver.errors import Flaw, InvalidInputError, KeyPath, near
from mockserver.matching.bare import bare_operators
from mockserver.matching.paths import as_parameter
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.http import GRAPHQL, WEBSOCKET
from mockserver.scenarios.source import LoadError, Source


def build_scenario_set(sources: Iterable[Source]) -> ScenarioSet:
    """Compile all scenarios. Raises LoadError with every flaw of every file."""
    scenarios = []
    wrong: list[tuple[str, Flaw]] = []
    for i, source in enumerate(sources):
        try:
            scenarios.append(compile_scenario(source, (FILE_CLASS, i)))
        except InvalidInputError as error:
            wrong += source.located(error.flaws)
    if wrong:
        raise LoadError(wrong)
    return ScenarioSet(scenarios)


def warnings_at_load(scenario_set: ScenarioSet) -> Iterator[str]:
    """
    Yield the warnings of loaded files, with their places.

    They concern constant replies that violate their contract, parts of a contract that can't be checked, operators
    without a dollar, methods that resemble a standard one, and parameters in the notation of another tool.
    """
    for scenario in scenario_set.scenarios.values():
        for route in scenario.routes:
            yield from map(scenario.source.locate, (*_unusual_methods(route), *_foreign_parameters(route)))
            for match, path in _matches(route.data, route.path):
                yield from map(scenario.source.locate, bare_operators(match, path))
        for _, path, said in scenario.breaches:
            yield scenario.source.locate(Flaw(path, said, "Fix the reply, or the document"))
        for doubt in scenario.contract.doubts if scenario.contract is not None else ():
            yield scenario.source.locate(Flaw(("openapi",), doubt))


_METHODS = frozenset((
    "CONNECT COPY DELETE GET HEAD LOCK MKCOL MOVE OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REPORT SEARCH TRACE UNLOCK "
    f"{GRAPHQL} {GRPC} {WEBSOCKET}"
).split())  # fmt: skip


def _unusual_methods(route: Route) -> Iterator[Flaw]:
    for method in (route.methods or frozenset()) - _METHODS:
        hint = near(method, _METHODS)
        if hint.startswith("Did"):
            yield Flaw((*route.path, "request"), f"{method!r} is not a standard method of HTTP", hint)


def _foreign_parameters(route: Route) -> Iterator[Flaw]:
    for segment in route.pattern.text.split("/"):
        meant = as_parameter(segment)
        if meant is not None:
            hint = f"Write {meant} for a parameter"
            yield Flaw(
                (*route.path, "request"), f"{segment!r} is taken literally, as any other text of a path", hint
            )


def _matches(written: object, path: KeyPath) -> Iterator[tuple[Any, KeyPath]]:
    """Every `match` of a route as written, those of its cases too, with its place."""
    if isinstance(written, dict):
        if "match" in written:
            yield written["match"], (*path, "match")
        for key in ("reply", "cases", "choose"):
            yield from _matches(written.get(key), (*path, key))
    elif isinstance(written, list):
        for i, item in enumerate(written):
            yield from _matches(item, (*path, i))
