"""
A namespace: a world for one test. A pointer to the shared world, and its own parts, made at first touch.

It remembers positions, state, the record of calls, counts, its clock and what it
changed of the scenarios. Two namespaces never see each other's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mockserver.engine.attempts import KeyNames
from mockserver.engine.outage import Outage
from mockserver.engine.recordings import Recording, Recordings
from mockserver.engine.routes import Route, Scenario
from mockserver.engine.strikes import ENDED, NOT_YET, Strike, Strikes
from mockserver.engine.totals import Totals
from mockserver.engine.troubles import Trouble, Troubles
from mockserver.engine.world import Overlay, World, scenarios_of
from mockserver.model.call import Call
from mockserver.model.delivery import Attempt
from mockserver.model.position import Position
from mockserver.store.bounds import Bounds
from mockserver.store.clock import VirtualClock
from mockserver.store.counts import Counts
from mockserver.store.deliveries import Deliveries
from mockserver.store.effects import Effects
from mockserver.store.memory import Memory
from mockserver.store.positions import PositionKey, Positions
from mockserver.store.record import Record, RecordLimits
from mockserver.store.timers import Timers
from mockserver.store.violations import Violations

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `restore` puts back: memory, positions, routes and clock. Calls, counts and effects are not part of it."""

    memory: Memory
    positions: dict[PositionKey, Position]
    overlay: Overlay | None
    outage: Outage | None
    clock: tuple[float, float | None]
    timers: Timers[Attempt]


NAMESPACE_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a namespace was made so far; None for what nobody has touched."""

    memory: Memory | None
    positions: Positions | None
    counts: Counts | None
    effects: Effects | None
    clock: VirtualClock | None
    deliveries: Deliveries | None
    timers: Timers[Attempt] | None
    violations: Violations | None


_MOST_RUNNING = 20_000
"""Of the requests whose calls are not counted yet: so many are held on to, and no more."""


class Tab(Protocol):
    """Calls that are counted later."""

    def settle(self, ns: Namespace) -> None:
        """Counts them."""


class Follows(Protocol):
    """Who looks at the record now and then."""

    def forget(self) -> None:
        """The record is about to be another."""


class Shared:
    """
    What all namespaces have in common. `world` is replaced by a reload.

    `listeners` are those that hear of the closed calls of every namespace, from
    its first; `forgetting` hears of each namespace that is about to forget its calls.
    """

    __slots__ = (
        "_told_of_bounds",
        "bounds",
        "forgetting",
        "key_names",
        "limits",
        "listeners",
        "mono",
        "refused",
        "removed",
        "totals",
        "wall",
        "world",
    )

    def __init__(
        self,
        world: World,
        limits: RecordLimits,
        wall: Callable[[], float],
        mono: Callable[[], float],
        bounds: Bounds | None = None,
    ) -> None:
        bounds = bounds or Bounds()
        self.world = world
        self.key_names = KeyNames()
        self.limits = limits
        self.bounds = replace(bounds, reached=self._reached)
        self.wall = wall
        self.mono = mono
        self.refused: Counter[str] = Counter()
        """How often each limit was reached, by its name."""
        self.removed = 0
        """How many namespaces have been removed."""
        self.totals = Totals()
        self.listeners: frozenset[Callable[[Call], None]] = frozenset()
        self.forgetting: Callable[[Namespace], None] | None = None
        self._told_of_bounds = bounds.reached

    def _reached(self, kind: str) -> None:
        self.refused[kind] += 1
        self._told_of_bounds(kind)


class Namespace:
    """One world. `seed` is what its draws are made from; `world` is the published one."""

    __slots__ = ("_clock", "_counts", "_deliveries", "_effects", "_followers", "_listeners", "_memory", "_off", "_off_world", "_overlay", "_positions", "_record", "_running", "_snapshots", "_strikes", "_timers", "_violations", "_watchers", "_worked_out", "kept_at_s", "last_number", "last_snapshot", "name", "outage", "recordings", "removed", "seed", "seeded", "shared", "ttl_s", "used_at_s", "version")  # fmt: skip

    def __init__(self, name: str, seed: str, shared: Shared) -> None:
        self.name = name
        self.seed = seed
        self.seeded = seed
        self.shared = shared
        self.removed = False
        self.last_number = 0
        self.ttl_s: float | None = None
        self.used_at_s = 0.0
        self.kept_at_s: float | None = None
        """When it was kept as the evidence of a failed test."""
        self.version = 0
        """Changes whenever what was worked out of its parts beforehand may hold no longer."""
        self._snapshots: list[tuple[int, Snapshot]] | None = None
        self.last_snapshot = 0
        self._overlay: Overlay | None = None
        self._positions: Positions | None = None
        self._record: Record | None = None
        self._counts: Counts | None = None
        self._clock: VirtualClock | None = None
        self._watchers: set[Callable[[], None]] | None = None
        self._listeners: set[Callable[[Call], None]] | None = set(shared.listeners) or None
        self._followers: set[Follows] | None = None
        self._memory: Memory | None = None
        self._effects: Effects | None = None
        self._violations: Violations | None = None
        self._deliveries: Deliveries | None = None
        self._timers: Timers[Attempt] | None = None
        self._running: list[Tab] = []
        self._worked_out: dict[Any, Any] | None = None
        self.outage: Outage | Troubles | None = None
        """What stands before the work: an outage, or troubles, which have the outage that is set beside them."""
        self._strikes: Strikes | None = None
        self.recordings: Recordings | None = None
        self._off: frozenset[str] | None = None
        self._off_world: World | None = None

    @property
    def world(self) -> World:
        return self.shared.world

    @property
    def record(self) -> Record:
        record = self._record
        if record is None:
            record = self._record = Record(self.shared.limits)
        return record

    @property
    def counts(self) -> Counts:
        if self._running:
            self._settle()
        counts = self._counts
        if counts is None:
            counts = self._counts = Counts(self.shared.bounds)
        return counts

    @property
    def positions(self) -> Positions:
        if self._running:
            self._settle()
        positions = self._positions
        if positions is None:
            positions = self._positions = Positions(self.shared.bounds)
        return positions

    # Calls that are not counted yet

    def run_up(self, tab: Tab) -> None:
        """It has calls from now on; they are counted before anybody sees counts or positions."""
        self._running.append(tab)
        if len(self._running) >= _MOST_RUNNING:
            self._settle()

    def _settle(self) -> None:
        running, self._running = self._running, []
        for tab in running:
            tab.settle(self)

    def known_line(self, method: str, path: str) -> tuple[str, str] | None:
        """Method and path, where calls with these are counted by them."""
        counts = self._counts
        if counts is None:
            counts = self._counts = Counts(self.shared.bounds)
        line = (method, path)
        return line if counts.knows(line) else None

    def counted(self, route_id: str, line: tuple[str, str] | None, status: int, calls: int) -> None:
        """So many calls of a route, each over as soon as it had begun; `line` as `known_line` gave it."""
        counts = self._counts
        if counts is None:
            counts = self._counts = Counts(self.shared.bounds)
        counts.total += calls
        if line is None:
            counts.lines_lost += calls
        else:
            counts.lines[line] += calls
        counts.route(route_id).passed(status, calls)

    @property
    def clock(self) -> VirtualClock:
        clock = self._clock
        if clock is None:
            clock = self._clock = VirtualClock(self.shared.wall)
        return clock

    @property
    def watchers(self) -> set[Callable[[], None]]:
        """Called after every change that a check may wait for."""
        watchers = self._watchers
        if watchers is None:
            watchers = self._watchers = set()
        return watchers

    @property
    def listeners(self) -> set[Callable[[Call], None]]:
        """Called with every call once it is over."""
        listeners = self._listeners
        if listeners is None:
            listeners = self._listeners = set()
        return listeners

    @property
    def followers(self) -> set[Follows]:
        """Those who look at the record now and then: no call tells them anything."""
        followers = self._followers
        if followers is None:
            followers = self._followers = set()
        return followers

    @property
    def is_heard(self) -> bool:
        """Whether anybody asks for the calls themselves, once they are over."""
        return bool(self._listeners)

    def tell_closed(self, call: Call) -> None:
        """A call is over."""
        if self._listeners:
            for listener in tuple(self._listeners):
                listener(call)
        self.tell()

    def tell(self) -> None:
        """Something happened that a check may wait for."""
        if self._watchers:
            for watcher in tuple(self._watchers):
                watcher()

    @property
    def recording(self) -> Recording | None:
        """The one that runs."""
        return None if self.recordings is None else self.recordings.running

    # What answers here

    @property
    def overlay(self) -> Overlay | None:
        return self._overlay

    def own(self) -> Overlay:
        """The overlay, made if there is none yet. Call `changed` after changing what answers."""
        if self._overlay is None:
            self._overlay = Overlay()
        return self._overlay

    def replace_overlay(self, overlay: Overlay | None) -> None:
        self._overlay = overlay
        self.changed()

    def changed(self) -> None:
        """The overlay was changed."""
        self._off = None
        self.outdate()
        self._forget_gone()

    def _forget_gone(self) -> None:
        """At the bound: the counts of routes that are gone, and where their sequences stood."""

        def is_there(route_id: str) -> bool:
            return self.route(route_id) is not None

        leaving = self.counts.leaving(is_there) if self._counts is not None else []
        if leaving:
            if self.shared.forgetting is not None:
                self.shared.forgetting(self)
            self.shared.totals.add_routes({one: self.counts.routes.pop(one) for one in leaving})
            for _ in leaving:
                self.shared.bounds.reached("route_counts")
        if self._positions is not None:
            self.positions.drop_gone(is_there)

    def outdate(self) -> None:
        """What was worked out of its parts may hold no longer."""
        self.version += 1
        self._worked_out = None

    @property
    def worked_out(self) -> dict[Any, Any]:
        """What others have worked out of its parts, by their own keys, and what holds as long as `version`."""
        if self._worked_out is None:
            self._worked_out = {}
        return self._worked_out

    @property
    def off(self) -> frozenset[str]:
        """Scenarios of the world whose routes don't answer here."""
        overlay = self._overlay
        if overlay is None:
            return self.shared.world.off
        if self._off is None or self._off_world is not self.shared.world:
            self._off_world = self.shared.world
            self._off = frozenset(
                name
                for name, scenario in self.shared.world.scenarios.items()
                if name in overlay.scenarios or name in overlay.removed or not overlay.is_active(scenario)
            )
        return self._off

    def scenarios(self) -> Iterator[Scenario]:
        return scenarios_of(self.world, self._overlay)

    def scenario(self, name: str) -> Scenario | None:
        overlay = self._overlay
        if overlay is not None:
            if name in overlay.scenarios:
                return overlay.scenarios[name]
            if name in overlay.removed:
                return None
        return self.world.scenarios.get(name)

    def is_active(self, scenario: Scenario) -> bool:
        return scenario.active if self._overlay is None else self._overlay.is_active(scenario)

    def routes(self) -> Iterator[Route]:
        """Every route that is there, active or not, in the order in which they are asked but for priority."""
        if self._overlay is not None:
            yield from reversed(self._overlay.routes.values())
        for scenario in self.scenarios():
            yield from scenario.routes

    def active_routes(self) -> Iterator[Route]:
        runtime = self._overlay.routes if self._overlay is not None else {}
        for route in self.routes():
            if route.id in runtime or self.is_active(route.scenario):
                yield route

    def route(self, route_id: str) -> Route | None:
        """The route of exactly that id."""
        overlay = self._overlay
        if overlay is not None:
            if route_id in overlay.routes:
                return overlay.routes[route_id]
            entry = overlay.entries.get(route_id)
            if entry is not None:
                return entry.target
        found = self.world.routes.get(route_id)
        if found is None or self.scenario(found.scenario.name) is not found.scenario:
            return None
        return found

    def has_prefix(self, segment: str) -> bool:
        """Whether a route here begins with that segment literally."""
        if segment in self.world.prefixes:
            return True
        return self._overlay is not None and segment in self._overlay.prefixes

    # What stands before the work

    @property
    def troubles(self) -> Troubles | None:
        return self.outage if isinstance(self.outage, Troubles) else None

    @property
    def downtime(self) -> Outage | None:
        """The outage that is set, with troubles beside it or without."""
        return self.outage.outage if isinstance(self.outage, Troubles) else self.outage

    def set_outage(self, outage: Outage | None) -> None:
        """None ends it. Troubles stay."""
        if isinstance(self.outage, Troubles):
            self.outage.outage = outage
        else:
            self.outage = outage
        if outage is not None:
            self._expect(outage.strike)

    def set_troubles(self, placed: Iterable[Trouble]) -> None:
        """In the place of those that are set; empty ends them. An outage stays."""
        listed = tuple(placed)
        self.outage = Troubles(listed, self.downtime) if listed else self.downtime
        for one in listed:
            self._expect(one.strike)

    def _expect(self, strike: Strike) -> None:
        if self._strikes is None:
            self._strikes = Strikes()
        self._strikes.add(strike)

    def unstruck(self) -> list[tuple[Strike, str]]:
        """The troubles and outages that struck no call, each with ENDED or NOT_YET."""
        if self._strikes is None:
            return []
        outage = self.downtime
        is_set = {one.strike for one in self.troubles.placed} if self.troubles is not None else set()
        if outage is not None and not outage.is_over(self.clock.now_s()):
            is_set.add(outage.strike)
        return [(one, NOT_YET if one in is_set else ENDED) for one in self._strikes.missing()]

    def forget_strikes(self) -> None:
        """Those that are still set are expected to strike from now on."""
        self._strikes = None
        self.set_outage(self.downtime)
        for one in self.troubles.placed if self.troubles is not None else ():
            self._expect(one.strike)

    # Memory

    @property
    def memory(self) -> Memory:
        memory = self._memory
        if memory is None:
            initial: dict[str, Any] = {}
            for scenario in reversed(list(self.scenarios())):
                initial |= scenario.spec.state
            memory = self._memory = Memory(self.clock, initial, self.shared.bounds)
        return memory

    def replace_memory(self, memory: Memory | None) -> None:
        """None: everything begins anew."""
        self._memory = memory

    @property
    def effects(self) -> Effects:
        effects = self._effects
        if effects is None:
            effects = self._effects = Effects(self.shared.bounds)
        return effects

    @property
    def violations(self) -> Violations:
        violations = self._violations
        if violations is None:
            violations = self._violations = Violations(self.shared.bounds)
        return violations

    @property
    def timers(self) -> Timers[Attempt]:
        """The tries of webhooks that wait for their moment."""
        timers = self._timers
        if timers is None:
            timers = self._timers = Timers()
        return timers

    @property
    def deliveries(self) -> Deliveries:
        deliveries = self._deliveries
        if deliveries is None:
            deliveries = self._deliveries = Deliveries(self.shared.bounds)
        return deliveries

    def traces(self) -> tuple[Counts | None, Record | None, Deliveries | None]:
        """Counts, record and deliveries, None where there are none: asked for by name they would be made."""
        if self._running:
            self._settle()
        return self._counts, self._record, self._deliveries

    def forget_calls(self) -> None:
        """New, empty records and counts; calls still open end in the old ones."""
        self.outdate()
        if self._running:
            self._settle()
        if self.shared.forgetting is not None:
            self.shared.forgetting(self)
        for follower in self._followers or ():
            follower.forget()
        self.shared.totals.add(self._counts, self._record)
        if self._record is not None:
            self._record.forget()  # requests that came before may hold on to it
        self._record = None
        self._counts = None
        self._effects = None
        self._violations = None
        if self._deliveries is not None:
            self._deliveries = Deliveries(self.shared.bounds, self._deliveries.last_number)

    @property
    def parts(self) -> Parts:
        """The parts themselves, as they are read elsewhere, without making any."""
        return Parts(
            self._memory,
            None if self._positions is None else self.positions,
            None if self._counts is None else self.counts,
            self._effects,
            self._clock,
            self._deliveries,
            self._timers,
            self._violations,
        )

    # Snapshots

    @property
    def snapshots(self) -> list[tuple[int, Snapshot]]:
        """By id, oldest first."""
        if self._snapshots is None:
            self._snapshots = []
        return self._snapshots

    def take_snapshot(self) -> int:
        """Its id."""
        self.last_snapshot += 1
        snapshot = Snapshot(
            self.memory.copy(),
            {key: position.copy() for key, position in self.positions.items()},
            self._overlay.copy() if self._overlay is not None else None,
            self.downtime.twin() if self.downtime is not None else None,
            self.clock.state(),
            self.timers.copy(),
        )
        self.snapshots.append((self.last_snapshot, snapshot))
        return self.last_snapshot

    def put_back(self, snapshot: Snapshot) -> None:
        """Everything that the snapshot holds, as it was; ids that were drawn since are not drawn again."""
        self._memory = snapshot.memory.copy()
        for key, position in tuple(self.positions.items()):
            kept = snapshot.positions.get(key)
            if kept is None:
                position.forget()
            else:
                restored = kept.copy()
                restored.draws = position.draws
                self.positions.put(key, restored)
        self.replace_overlay(snapshot.overlay.copy() if snapshot.overlay is not None else None)
        self.set_outage(snapshot.outage.twin() if snapshot.outage is not None else None)
        self.clock.restore(snapshot.clock)
        self._timers = snapshot.timers.copy()

    # Positions

    def position(self, route: Route, per: str | None) -> Position:
        """Where that route's sequence stands, for that value of `per`."""
        key = route.id if route.per is None else (route.id, per)
        position = self.positions.used(key, route.version)
        if position.version != route.version:
            position.restart(route.version)
        return position

    def peek(self, route: Route, per: str | None = None) -> Position:
        """The same without a trace: a copy, or a new one that is not kept."""
        key = route.id if route.per is None else (route.id, per)
        position = self.positions.get(key)
        if position is None or position.version != route.version:
            return Position(route.version)
        return position.copy()
