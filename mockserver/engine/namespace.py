"""
A namespace: isolated data of one test. It references the shared scenario set, and creates its own parts on first use.

It holds sequence states, state, the call log, counts, its clock and its changes to scenarios. Namespaces never see each
other's data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mockserver.attempts import KeyNames
from mockserver.engine.fault_injection import InjectedFault, InjectedFaults
from mockserver.engine.fault_uses import ENDED, NOT_YET, FaultShare, FaultUse, FaultUses
from mockserver.engine.outage import Outage
from mockserver.engine.routes import Route, Scenario
from mockserver.engine.scenario_set import Overlay, ScenarioSet, scenarios_of
from mockserver.errors import MockServerError
from mockserver.model.attribute import Attribute
from mockserver.model.call import Call
from mockserver.model.sequence_state import SequenceState
from mockserver.store.bounds import Bounds
from mockserver.store.call_log import CallLog, CallLogLimits
from mockserver.store.clock import VirtualClock
from mockserver.store.counts import Counts
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import DeliveryAttempt
from mockserver.store.effects import Effects
from mockserver.store.fault_periods import FaultPeriod, FaultPeriods, Moment
from mockserver.store.memory import Memory
from mockserver.store.recordings import Recording, Recordings
from mockserver.store.sequence_states import SequenceKey, SequenceStates
from mockserver.store.timers import Timers
from mockserver.store.totals import Totals
from mockserver.store.violations import Violations

if TYPE_CHECKING:
    from mockserver.model.websocket import OpenWebSocket

T = TypeVar("T")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The data that `restore` resets: memory, sequence states, routes and clock; not calls, counts and effects."""

    memory: Memory
    sequence_states: dict[SequenceKey, SequenceState]
    overlay: Overlay | None
    outage: Outage | None
    clock: tuple[float, float | None]
    timers: Timers[DeliveryAttempt]


NAMESPACE_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed, with its error without secrets. `after` is the id of the last call before it."""

    test: str
    error: str
    after: str | None


class CallInProgressError(MockServerError):
    """A call is not completed."""


class Follows(Protocol):
    """Follows the call log."""

    def gather(self) -> None:
        """Called before a call is removed from the call log."""

    def forget(self) -> None:
        """Called before the call log is replaced."""


class Shared:
    """
    Data shared by all namespaces. A reload replaces `scenario_set`.

    `listeners` are called with the completed calls of every namespace, starting with its first; `forgetting` is called
    with each namespace whose calls are about to be dropped.
    """

    __slots__ = (
        "_on_first",
        "bounds",
        "forgetting",
        "key_names",
        "limits",
        "listeners",
        "mono",
        "refused",
        "removed",
        "scenario_set",
        "totals",
        "wall",
    )

    def __init__(
        self,
        scenario_set: ScenarioSet,
        limits: CallLogLimits,
        wall: Callable[[], float],
        mono: Callable[[], float],
        bounds: Bounds | None = None,
    ) -> None:
        bounds = bounds or Bounds()
        self.scenario_set = scenario_set
        self.key_names = KeyNames()
        self.limits = limits
        self.bounds = replace(bounds, reached=self._reached)
        self.wall = wall
        self.mono = mono
        self.refused: Counter[str] = Counter()
        """How often each limit was reached, by name."""
        self.removed = 0
        """Number of removed namespaces."""
        self.totals = Totals()
        self.listeners: frozenset[Callable[[Call], None]] = frozenset()
        self.forgetting: Callable[[Namespace], None] | None = None
        self._on_first = bounds.reached

    def _reached(self, kind: str) -> None:
        refused = self.refused
        refused[kind] += 1
        if refused[kind] == 1:
            self._on_first(kind)


def _part(name: str, make: Callable[[Namespace], T]) -> Attribute[T]:
    """A part that is created on first use. Those that every call needs always exist: they are read faster."""

    def part(ns: Namespace) -> Any:
        made = ns._parts  # noqa: SLF001  (of the class below)
        try:
            return made[name]
        except KeyError:
            return made.setdefault(name, make(ns))

    return Attribute(part, lambda ns, value: ns._parts.update({name: value}))  # noqa: SLF001


class Namespace:
    """
    One namespace. `seed` is the seed of its random values. Its memory, timers and so on are created on first
    use. `used_memory` is `memory`, None if it was never used, and read faster. `watchers` are called after every change that a check may wait for, `listeners` with every completed call;
    `followers` poll the call log.
    """

    __slots__ = (
        "_fault_uses", "_off", "_off_scenario_set", "_parts", "_snapshots", "call_log", "clock", "counts", "effects", "failed_test", "followers",
        "kept_at_s", "last_number", "last_snapshot", "listeners", "name", "outage", "overlay", "recordings", "removed", "seed", "seeded",
        "sequence_states", "shared", "ttl_s", "used_at_s", "used_memory", "watchers",
    )  # fmt: skip

    clock: VirtualClock
    shared: Shared
    deliveries: Attribute[Deliveries] = _part("deliveries", lambda ns: Deliveries(ns.shared.bounds))
    fault_periods: Attribute[FaultPeriods[Outage | InjectedFault]] = _part(
        "fault_periods", lambda _: FaultPeriods()
    )
    """When the outages and faults were in effect; `follow_faults` brings it up to date."""
    timers: Attribute[Timers[DeliveryAttempt]] = _part("timers", lambda _: Timers())
    """Scheduled attempts of webhooks."""
    violations: Attribute[Violations] = _part("violations", lambda ns: Violations(ns.shared.bounds))
    websockets: Attribute[dict[int, OpenWebSocket]] = _part("websockets", lambda _: {})
    """Open WebSocket connections, by the number of their call."""

    def __init__(self, name: str, seed: str, shared: Shared) -> None:
        self.name = name
        self.seed = seed
        self.seeded = seed
        self.shared = shared
        self.clock = VirtualClock(shared.wall)
        self.counts = Counts(shared.bounds)
        self.call_log = CallLog(shared.limits)
        self.effects = Effects(shared.bounds)
        self.sequence_states = SequenceStates(shared.bounds)
        self.used_memory: Memory | None = None
        self._parts: dict[str, Any] = {}
        self.removed = False
        self.last_number = 0
        self.ttl_s: float | None = None
        self.used_at_s = 0.0
        self.kept_at_s: float | None = None
        """Time at which it was kept as evidence of a failed test."""
        self.failed_test: FailedTest | None = None
        self.last_snapshot = 0
        self.watchers: frozenset[Callable[[], None]] = frozenset()
        self.listeners: frozenset[Callable[[Call], None]] = shared.listeners
        self.followers: frozenset[Follows] = frozenset()
        self.outage: Outage | InjectedFaults | None = None
        """Checked before processing: an outage, or faults, which hold an outage that is also set."""
        self.recordings: Recordings | None = None
        self.overlay: Overlay | None = None
        self._snapshots: list[tuple[int, Snapshot]] | None = None
        self._fault_uses: FaultUses | None = None
        self._off: frozenset[str] | None = None
        self._off_scenario_set: ScenarioSet | None = None

    @property
    def scenario_set(self) -> ScenarioSet:
        return self.shared.scenario_set

    def listen(self, listener: Callable[[Call], None]) -> None:
        """Call the listener with every call that completes from now on."""
        self.listeners |= {listener}

    def tell_closed(self, call: Call) -> None:
        """Notify about a completed call."""
        for listener in self.listeners:
            listener(call)
        self.tell()

    def tell(self) -> None:
        """Notify about a change that a check may wait for."""
        for watcher in self.watchers:
            watcher()

    @property
    def recording(self) -> Recording | None:
        """The running recording."""
        return None if self.recordings is None else self.recordings.running

    # Scenarios and routes

    def own(self) -> Overlay:
        """Return the overlay, and create it if needed. Call `changed` after a change."""
        if self.overlay is None:
            self.overlay = Overlay()
        return self.overlay

    def replace_overlay(self, overlay: Overlay | None) -> None:
        self.overlay = overlay
        self.changed()

    def changed(self) -> None:
        """Handle a change of the overlay."""
        self._off = None
        self._forget_gone()

    def _forget_gone(self) -> None:
        """Drop, at the limit, counts and sequence states of removed routes."""

        def is_there(route_id: str) -> bool:
            return self.route(route_id) is not None

        leaving = self.counts.leaving(is_there)
        if leaving:
            if self.shared.forgetting is not None:
                self.shared.forgetting(self)
            self.shared.totals.add_routes({item: self.counts.routes.pop(item) for item in leaving})
            for _ in leaving:
                self.shared.bounds.reached("route_counts")
        self.sequence_states.drop_gone(is_there)

    @property
    def off(self) -> frozenset[str]:
        """Names of inactive file scenarios."""
        overlay = self.overlay
        if overlay is None:
            return self.shared.scenario_set.off
        if self._off is None or self._off_scenario_set is not self.shared.scenario_set:
            self._off_scenario_set = self.shared.scenario_set
            self._off = frozenset(
                name
                for name, scenario in self.shared.scenario_set.scenarios.items()
                if name in overlay.scenarios or name in overlay.removed or not overlay.is_active(scenario)
            )
        return self._off

    def scenarios(self) -> Iterator[Scenario]:
        return scenarios_of(self.scenario_set, self.overlay)

    def scenario(self, name: str) -> Scenario | None:
        overlay = self.overlay
        if overlay is not None:
            if name in overlay.scenarios:
                return overlay.scenarios[name]
            if name in overlay.removed:
                return None
        return self.scenario_set.scenarios.get(name)

    def is_active(self, scenario: Scenario) -> bool:
        return scenario.active if self.overlay is None else self.overlay.is_active(scenario)

    def routes(self) -> Iterator[Route]:
        """Yield every route, active or not, in matching order apart from priority."""
        if self.overlay is not None:
            yield from reversed(self.overlay.routes.values())
        for scenario in self.scenarios():
            yield from scenario.routes

    def active_routes(self) -> Iterator[Route]:
        runtime = self.overlay.routes if self.overlay is not None else {}
        for route in self.routes():
            if route.id in runtime or self.is_active(route.scenario):
                yield route

    def route(self, route_id: str) -> Route | None:
        """Return the route with exactly that id."""
        overlay = self.overlay
        if overlay is not None:
            if route_id in overlay.routes:
                return overlay.routes[route_id]
            entry = overlay.entries.get(route_id)
            if entry is not None:
                return entry.target
        result = self.scenario_set.routes.get(route_id)
        if result is None or self.scenario(result.scenario.name) is not result.scenario:
            return None
        return result

    def has_prefix(self, segment: str) -> bool:
        """Whether a route here starts with that segment literally."""
        if segment in self.scenario_set.prefixes:
            return True
        return self.overlay is not None and segment in self.overlay.prefixes

    # Faults and outages

    @property
    def troubles(self) -> InjectedFaults | None:
        return self.outage if isinstance(self.outage, InjectedFaults) else None

    @property
    def downtime(self) -> Outage | None:
        """The outage that is set, with or without faults."""
        return self.outage.outage if isinstance(self.outage, InjectedFaults) else self.outage

    def set_outage(self, outage: Outage | None) -> None:
        """Set the outage; None ends it. Faults are kept."""
        if isinstance(self.outage, InjectedFaults):
            self.outage.outage = outage
        else:
            self.outage = outage
        if outage is not None:
            self.expect(outage.use)
        self.follow_faults()

    def set_troubles(self, placed: Iterable[InjectedFault]) -> None:
        """Replace the faults; an empty list ends them. An outage is kept."""
        listed = tuple(placed)
        self.outage = InjectedFaults(listed, self.downtime) if listed else self.downtime
        for item in listed:
            self.expect(item.use)
        self.follow_faults()

    def expect(self, use: FaultUse) -> None:
        """A test fails if it affects no call."""
        if self._fault_uses is None:
            self._fault_uses = FaultUses()
        self._fault_uses.add(use)

    def unused_faults(self) -> list[tuple[FaultUse, str]]:
        """Return the faults and outages that affected no call, each with ENDED or NOT_YET."""
        if self._fault_uses is None:
            return []
        outage, now_s = self.downtime, self.clock.now_s()
        placed = self.troubles.placed if self.troubles is not None else ()
        is_set = {item.use for item in placed if not item.share.is_over(now_s)}
        if outage is not None and not outage.is_over(now_s):
            is_set.add(outage.use)
        return [(item, NOT_YET if item in is_set else ENDED) for item in self._fault_uses.missing()]

    def forget_fault_uses(self) -> None:
        """Expect those that are still set to affect a call from now on."""
        self._fault_uses = None
        self.set_outage(self.downtime)
        for item in self.troubles.placed if self.troubles is not None else ():
            self.expect(item.use)
        if "fault_periods" in self._parts:
            self.fault_periods.forget_ended()

    def faults(self) -> Iterator[Outage | InjectedFault]:
        """Yield the outage and the faults that are set."""
        if self.downtime is not None:
            yield self.downtime
        if self.troubles is not None:
            yield from self.troubles.placed

    def follow_faults(self) -> None:
        """Note which outages and faults have begun or ended to be in effect."""
        if self.outage is None and "fault_periods" not in self._parts:
            return
        periods, now_s = self.fault_periods, self.clock.now_s()
        in_effect = dict.fromkeys(fault for fault in self.faults() if fault.is_in_effect(now_s))
        for fault, period in tuple(periods.open.items()):
            if fault not in in_effect:
                periods.end(fault, self._end_of(fault.share, period.began))
        for fault in in_effect:
            if fault not in periods.open:
                period = FaultPeriod(fault.use.subject, fault.routes, self._moment(self.shared.wall()))
                periods.begin(fault, period)

    def _end_of(self, share: FaultShare, began: Moment) -> Moment:
        """Return when its time was over, or now."""
        if share.until_s is not None:
            real_s = self.clock.reached_s(share.until_s, began.real_s)
            if real_s is not None:
                return self._moment(real_s)._replace(clock_s=share.until_s)
        return self._moment(self.shared.wall())

    def _moment(self, real_s: float) -> Moment:
        shared = self.shared
        return Moment(real_s, shared.mono() - (shared.wall() - real_s), self.clock.at_s(real_s))

    # Memory

    def replace_memory(self, memory: Memory | None) -> None:
        """Replace the memory; None resets it."""
        self.used_memory = memory

    @property
    def memory(self) -> Memory:
        """The data of the service: created on first use, with the state that the scenarios begin with."""
        if self.used_memory is None:
            initial: dict[str, Any] = {}
            for scenario in reversed(list(self.scenarios())):
                initial |= scenario.spec.state
            self.used_memory = Memory(self.clock, initial, self.shared.bounds)
        return self.used_memory

    @memory.setter
    def memory(self, memory: Memory) -> None:
        self.used_memory = memory

    def forget_call(self, call: Call) -> None:
        """
        Remove a completed call from the log and the counts. What it did stays: state, steps, effects, webhooks.

        Raises CallInProgressError.
        """
        if call.home is not None:
            raise CallInProgressError(call.id)
        if self.shared.forgetting is not None:
            self.shared.forgetting(self)
        for follower in self.followers:
            follower.gather()
        self.shared.totals.add(self.counts.remove(call, self.shared.bounds), None)
        self.call_log.remove(call)

    def forget_calls(self) -> None:
        """Replace the log and the counts; open calls complete in the old ones."""
        if self.shared.forgetting is not None:
            self.shared.forgetting(self)
        for follower in self.followers:
            follower.forget()
        self.shared.totals.add(self.counts, self.call_log)
        self.counts = Counts(self.shared.bounds)
        self.call_log = CallLog(self.shared.limits)
        self.effects = Effects(self.shared.bounds)
        self._parts.pop("violations", None)
        deliveries = self.made("deliveries")
        if deliveries is not None:
            self.deliveries = Deliveries(self.shared.bounds, deliveries.last_number)

    def made(self, name: str) -> Any:
        """Return a part that is created on first use without creating it, None if it was never used."""
        return self._parts.get(name)

    def close_websockets(self, reason: str) -> None:
        """Close all WebSocket connections with 1001."""
        open_: dict[int, OpenWebSocket] = self.made("websockets") or {}
        for connection in tuple(open_.values()):
            connection.close(1001, reason)

    # Snapshots

    @property
    def snapshots(self) -> list[tuple[int, Snapshot]]:
        """Snapshots by id, oldest first."""
        if self._snapshots is None:
            self._snapshots = []
        return self._snapshots

    def take_snapshot(self) -> int:
        """Take a snapshot. Return its id."""
        self.last_snapshot += 1
        snapshot = Snapshot(
            self.memory.copy(),
            {key: position.copy() for key, position in self.sequence_states.items()},
            self.overlay.copy() if self.overlay is not None else None,
            self.downtime.twin() if self.downtime is not None else None,
            self.clock.state(),
            self.timers.copy(),
        )
        self.snapshots.append((self.last_snapshot, snapshot))
        return self.last_snapshot

    def put_back(self, snapshot: Snapshot) -> None:
        """Restore the snapshot; ids generated since then are not generated again."""
        self.memory = snapshot.memory.copy()
        for key, position in tuple(self.sequence_states.items()):
            kept = snapshot.sequence_states.get(key)
            if kept is None:
                position.forget()
            else:
                restored = kept.copy()
                restored.draws = position.draws
                self.sequence_states.put(key, restored)
        self.replace_overlay(snapshot.overlay.copy() if snapshot.overlay is not None else None)
        self.set_outage(snapshot.outage.twin() if snapshot.outage is not None else None)
        self.clock.restore(snapshot.clock)
        self.timers = snapshot.timers.copy()

    # Sequence states

    def position(self, route: Route, per: str | None) -> SequenceState:
        """Return the sequence state of that route, for that value of `per`."""
        if route.per is None:
            position = self.sequence_states.of_routes.get(route.id)
            if position is not None and position.version == route.version:
                return position
        key = route.id if route.per is None else (route.id, per)
        position = self.sequence_states.used(key, route.version)
        if position.version != route.version:
            position.restart(route.version)
        return position

    def peek(self, route: Route, per: str | None = None) -> SequenceState:
        """Like `position`, but return a copy, or a new one that is not stored."""
        key = route.id if route.per is None else (route.id, per)
        position = self.sequence_states.get(key)
        if position is None or position.version != route.version:
            return SequenceState(route.version)
        return position.copy()
