"""
A namespace as it is saved: some fields, and its parts as rows.

`copy_of` copies everything that can change at one moment, so that it is consistent; the rest is done later with the
copy.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route, Scenario
from mockserver.engine.scenario_set import Overlay
from mockserver.model.written import WrittenFloat, WrittenInt
from mockserver.persistence.parts import (
    Row,
    StatePart,
    counts_parts,
    deliveries_parts,
    effects_part,
    memory_parts,
    positions_part,
    violations_part,
)
from mockserver.resources.resources import Collection
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import RouteSpec
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import DeliveryState
from mockserver.templating.random_values import seed_for

_BUSY = frozenset({DeliveryState.WAITING, DeliveryState.SENDING})


@dataclass(frozen=True, slots=True)
class NamespaceCopy:
    """A copy of a namespace. `about` is plain JSON."""

    name: str
    about: dict[str, Any]
    parts: list[StatePart]


def pending_of(ns: Namespace) -> tuple[Any, ...] | None:
    """
    Return what can change without a request: keys in flight, pending deliveries, timers.

    None if there is nothing.
    """
    keys = 0 if ns.used_memory is None else ns.used_memory.keys.in_flight
    busy = sum(delivery.state in _BUSY for delivery in ns.made("deliveries") or ())
    if not keys and not busy:
        return None
    timers = ns.timers
    return keys, busy, len(timers), timers.head()


def copy_of(ns: Namespace, server_seed: str) -> NamespaceCopy:
    """Return a copy of a namespace. The seed is included only if it was given to this namespace."""
    own_seed = ns.seeded if ns.seeded != seed_for(ns.name, server_seed) else None
    about: dict[str, Any] = {
        "seed": own_seed,
        "ttl_s": ns.ttl_s,
        "last_number": ns.last_number,
        "last_snapshot": ns.last_snapshot,
    }
    parts: list[StatePart] = []
    if ns.clock.state() != (0.0, None):
        about["clock"] = ns.clock.state()
    outage = ns.downtime
    if outage is not None:
        named = outage.routes
        about["outage"] = {
            "data": outage.data,
            "routes": None if named is None else sorted(named),
            "state": outage.state(),
        }
    if ns.overlay is not None:
        about["overlay"] = _about_overlay(ns.overlay)
        parts += _overlay_parts(ns.overlay)
    if len(ns.sequence_states):
        parts.append(positions_part(ns.sequence_states))
    memory = ns.used_memory
    if memory is not None:
        parts += memory_parts(memory)
        about["resources"] = list(memory.resources)
        for name, collection in memory.resources.items():
            parts += _resource_parts(name, collection)
    # Reading these creates empty ones.
    if ns.counts.total:
        parts += counts_parts(ns.counts)
    if len(ns.effects):
        about["effects_dropped"] = ns.effects.dropped
        parts.append(effects_part(ns.effects))
    if ns.made("violations"):
        about["violations_dropped"] = ns.violations.dropped
        parts.append(violations_part(ns.violations))
    deliveries: Deliveries | None = ns.made("deliveries")
    if deliveries is not None and deliveries.last_number:
        parts += deliveries_parts(deliveries)
    return NamespaceCopy(ns.name, about, parts)


# What a namespace changes of what answers


def _about_overlay(overlay: Overlay) -> dict[str, Any]:
    return {
        "removed": sorted(overlay.removed),
        "active": dict(overlay.active),
        "use": None if overlay.use is None else sorted(overlay.use),
        "serial": overlay.serial,
    }


def _overlay_parts(overlay: Overlay) -> Iterator[StatePart]:
    yield StatePart("scenarios", list(overlay.scenarios.values()), _scenario_row, stable=True)
    yield StatePart("routes", list(overlay.routes.values()), _route_row, stable=True)


def _scenario_row(scenario: Scenario) -> Row:
    source = scenario.source
    return {
        "name": scenario.name,
        "label": source.label,
        "file": None if source.file is None else source.file.as_posix(),
        "kind": source.document.kind,
        "text": source.text,
        "files": {path: base64.b64encode(content).decode() for path, content in source.bundle.items()},
        "order": scenario.order,
    }


def _route_row(route: Route) -> Row:
    """Return a route as given; as YAML if it has a number with a text that JSON would write differently."""
    *_, newest_first = route.key
    row = {"name": route.name, "serial": -newest_first}
    if _has_written_numbers(route.data):
        return {**row, "yaml": dump(route.data, RouteSpec)}
    return {**row, "json": route.data}


def _has_written_numbers(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_written_numbers, value.values()))
    if isinstance(value, list):
        return any(map(_has_written_numbers, value))
    return isinstance(value, (WrittenInt, WrittenFloat))


# Resources


def _resource_parts(name: str, collection: Collection) -> Iterator[StatePart]:
    """Return the items in order of their places; places of removed items are kept."""
    was = collection.snapshot()
    yield StatePart(f"told of {name}", [(was.next_number, was.next_place)])
    yield StatePart(
        f"places of {name}", list(was.places), lambda text: [text, was.places[text], text in was.items]
    )
    yield StatePart(f"items of {name}", list(was.items.values()), stable=True)
