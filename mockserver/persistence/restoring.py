"""
Restores namespaces from a state file.

Scenario files are read again. The saved data is assigned to them by route id and name, as after a reload.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver.compiler.editing import runtime_scenario
from mockserver.compiler.routes import compile_runtime_route
from mockserver.compiler.scenarios import compile_scenario
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import DEFAULT, Namespace
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.engine.routes import Route, Scenario
from mockserver.engine.scenario_set import FILE_CLASS, RUNTIME_CLASS, Overlay
from mockserver.errors import InvalidInputError, MockServerError
from mockserver.persistence.parts import (
    Row,
    Rows,
    put_counts,
    put_deliveries,
    put_effects,
    put_memory,
    put_positions,
)
from mockserver.resources.resources import Collection, CollectionSnapshot
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import again
from mockserver.scenarios.source import LoadError
from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.schema.scenario import RouteSpec
from mockserver.store.memory import Memory


class RestoreError(MockServerError):
    """The saved data can't be used any more; `lines` are all reasons, with place and fix."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def restore(engine: Engine, kept: dict[str, Any]) -> None:
    """
    Restore every namespace, in an engine that has not answered yet.

    Raises RestoreError; then the engine must not be used.
    """
    wrong: list[str] = []
    for name, document in kept.items():
        about = document["about"]
        ns = engine.default
        if name != DEFAULT:
            ns = engine.make_namespace(name, seed=about["seed"], ttl_s=about["ttl_s"])
        wrong += [f"namespaces.{name}.{line}" for line in restore_into(ns, document)]
    if wrong:
        raise RestoreError(wrong)


def restore_into(ns: Namespace, document: dict[str, Any]) -> list[str]:
    """Put what was kept into a namespace that has answered nothing yet. Return what of it can't be used any more."""
    about, rows = document["about"], document["parts"]
    ns.last_number = about["last_number"]
    ns.last_snapshot = about["last_snapshot"]
    if "clock" in about:
        offset_s, frozen_s = about["clock"]
        ns.clock.set_up((offset_s, frozen_s))
    wrong = list(_put_overlay(ns, about.get("overlay"), rows))
    wrong += [f"outage: {line}" for line in _put_outage(ns, about.get("outage"))]
    _put_memory(ns, about, rows)
    _put_calls(ns, about, rows)
    return wrong


# What answers


def _put_overlay(ns: Namespace, about: dict[str, Any] | None, rows: Rows) -> Iterator[str]:
    """Restore scenarios and runtime routes. Yield what is wrong with them."""
    if about is None:
        return
    overlay = ns.own()
    overlay.removed, overlay.serial = frozenset(about["removed"]), about["serial"]
    overlay.active = about["active"]
    overlay.use = None if about["use"] is None else frozenset(about["use"])
    for row in rows["scenarios"]:
        try:
            _put_scenario(ns, overlay, row)
        except LoadError as error:
            yield from (f"scenarios.{row['name']}: {line}" for line in error.lines)
    for row in rows["routes"]:
        try:
            _put_route(ns, overlay, row)
        except InvalidInputError as error:
            yield from (f"routes.{row['name']}: {flaw}" for flaw in error.flaws)
    ns.changed()


def _put_scenario(ns: Namespace, overlay: Overlay, row: Row) -> None:
    scenario = _scenario(ns, row)
    overlay.scenarios[scenario.name] = scenario
    for route in scenario.routes:
        overlay.put(route)


def _scenario(ns: Namespace, row: Row) -> Scenario:
    """Compile a saved scenario. Raises LoadError."""
    name, order = row["name"], tuple(row["order"])
    hidden = ns.scenario_set.scenarios.get(name)
    if hidden is not None and order[0] == FILE_CLASS:
        order = hidden.order
    files = {path: base64.b64decode(content) for path, content in row["files"].items()}
    file = None if row["file"] is None else Path(row["file"])
    source = again(row["text"], row["kind"], name, row["label"], file, files)
    try:
        return compile_scenario(source, order)
    except InvalidInputError as error:
        raise LoadError(source.located(error.flaws)) from error


def _put_route(ns: Namespace, overlay: Overlay, row: Row) -> None:
    """Compile a saved route. Raises InvalidInputError."""
    data = parse(row["yaml"]) if "yaml" in row else row["json"]
    spec = parse_spec(RouteSpec, data)
    key = (-spec.priority, RUNTIME_CLASS, -row["serial"])
    route: Route = compile_runtime_route(runtime_scenario(ns), row["name"], spec, data)
    route.key = key
    overlay.put(route)
    overlay.routes[route.id] = route


def _put_outage(ns: Namespace, kept: dict[str, Any] | None) -> list[str]:
    """Restore an outage. Return what is wrong with it."""
    if kept is None:
        return []
    routes = None if kept["routes"] is None else frozenset(kept["routes"])
    try:
        outage = Outage(parse_spec(OutageSpec, kept["data"]), kept["data"], routes, 0.0)
    except InvalidInputError as error:
        return [str(flaw) for flaw in error.flaws]
    outage.restore(*kept["state"])
    ns.set_outage(outage)
    return []


# What is remembered


def _put_memory(ns: Namespace, about: dict[str, Any], rows: Rows) -> None:
    if "positions" in rows:
        put_positions(ns.sequence_states, rows["positions"])
    if "state" not in rows:
        return
    memory = Memory(ns.clock, {}, ns.shared.bounds)
    put_memory(memory, rows)
    for name in about["resources"]:
        memory.resources[name] = _collection(name, rows)
    ns.replace_memory(memory)


def _collection(name: str, rows: Rows) -> Collection:
    ((next_number, next_place),) = rows[f"told of {name}"]
    places = rows[f"places of {name}"]
    here = sorted((place, text) for text, place, is_here in places if is_here)
    items = {text: item for (_, text), item in zip(here, rows[f"items of {name}"], strict=True)}
    collection = Collection()
    collection.restore(
        CollectionSnapshot(items, {text: place for text, place, _ in places}, next_number, next_place)
    )
    return collection


def _put_calls(ns: Namespace, about: dict[str, Any], rows: Rows) -> None:
    """Restore counts, effects, violations and webhooks. Calls are not saved; checks that need them say so."""
    if "counts" in rows:
        put_counts(ns.counts, rows)
        ns.call_log.dropped = ns.counts.total
    if "effects" in rows:
        put_effects(ns.effects, about["effects_dropped"], rows["effects"])
    if "violations" in rows:
        ns.violations.put(about["violations_dropped"], rows["violations"])
    if "deliveries" in rows:
        put_deliveries(ns.deliveries, ns.timers, rows)
