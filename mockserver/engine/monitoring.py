"""
Metrics of the whole server: counters over all namespaces, and current values.

Everything is read on request, in slices between which calls are answered: with 100,000 namespaces it takes a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mockserver.engine.engine import Engine
from mockserver.engine.latencies import Latencies
from mockserver.engine.namespace import Namespace
from mockserver.store.totals import Totals

_SLICE = 500
"""Namespaces that are added up in one slice of about 1 ms."""


class Watch:
    """
    Reads the metrics of one server repeatedly. Before the first reading nothing is collected.

    Readings must not overlap.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading: MetricsReading | None = None
        self.latencies = Latencies()

    def read(self) -> Iterator[MetricsReading | None]:
        """Yield None where other tasks may run, and finally the reading."""
        self._engine.shared.forgetting = self._forgets
        reading = self._reading = MetricsReading(self._engine)
        for number, ns in enumerate(list(self._engine.namespaces.values()), 1):
            reading.add(ns)
            for _ in self.latencies.read(ns):
                yield None
            if not number % _SLICE:
                yield None
        self._reading = None
        yield reading

    def _forgets(self, ns: Namespace) -> None:
        """Read the calls of a namespace before they are dropped."""
        for _ in self.latencies.read(ns):
            pass
        if self._reading is not None:
            self._reading.add(ns)
        if self._engine.namespaces.get(ns.name) is not ns:
            self.latencies.forget(ns)


class MetricsReading:
    """
    The result of a reading. `totals` start with what was forgotten before; a namespace that is forgotten during a
    reading was added just before, or is added now, and so counts once.
    """

    def __init__(self, engine: Engine) -> None:
        self.namespaces = len(engine.namespaces)
        self.scenarios = len(engine.shared.scenario_set.scenarios)
        self.routes = len(engine.shared.scenario_set.routes)
        self.totals: Totals = engine.shared.totals.twin()
        self.in_flight = 0
        self.kept_calls = 0
        self.kept_bytes = 0
        self.webhooks: Counter[str] = Counter()
        self._added: set[Namespace] = set()

    def add(self, ns: Namespace) -> None:
        """Add one namespace, once."""
        if ns in self._added:
            return
        counts, record = ns.counts, ns.call_log
        self._added.add(ns)
        self.totals.add(counts, record)
        for route in counts.routes.values():
            self.in_flight += route.in_flight
        self.kept_calls += len(record)
        self.kept_bytes += record.size_bytes
        for item in ns.made("deliveries") or ():
            self.webhooks[item.state.value] += 1
