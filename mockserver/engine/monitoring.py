"""
The server as a whole, from outside: what is counted over all namespaces, and what stands there now.

Everything is read when somebody asks. With 100,000 namespaces that takes a
while, so it goes in slices, between which calls are answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mockserver.engine.engine import Engine
from mockserver.engine.latencies import Latencies
from mockserver.engine.namespace import Namespace
from mockserver.store.totals import Totals

_SLICE = 500
"""So many namespaces are added up before others get their turn: about 1 ms."""


class Watch:
    """
    Reads one server, time after time. Until the first time, nothing at all is done for it.

    One reading must be over before the next begins.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading: MetricsReading | None = None
        self.latencies = Latencies()

    def read(self) -> Iterator[MetricsReading | None]:
        """Yields None where others may have their turn, and the reading at last."""
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
        """A namespace is about to forget its calls, or to go: what is not read now never will be."""
        for _ in self.latencies.read(ns):
            pass
        if self._reading is not None:
            self._reading.add(ns)
        if self._engine.namespaces.get(ns.name) is not ns:
            self.latencies.forget(ns)


class MetricsReading:
    """
    What was read. `totals` begin with what was forgotten before; who forgets while
    it is read was added just before, or is now, and so is in it once.
    """

    def __init__(self, engine: Engine) -> None:
        self.namespaces = len(engine.namespaces)
        self.scenarios = len(engine.shared.world.scenarios)
        self.routes = len(engine.shared.world.routes)
        self.totals: Totals = engine.shared.totals.twin()
        self.in_flight = 0
        self.kept_calls = 0
        self.kept_bytes = 0
        self.webhooks: Counter[str] = Counter()
        self._added: set[Namespace] = set()

    def add(self, ns: Namespace) -> None:
        """One namespace, once."""
        counts, record, deliveries = ns.traces()
        if ns in self._added or (counts is None and record is None and deliveries is None):
            return
        self._added.add(ns)
        self.totals.add(counts, record)
        if counts is not None:
            for route in counts.routes.values():
                self.in_flight += route.in_flight
        if record is not None:
            self.kept_calls += len(record)
            self.kept_bytes += record.size_bytes
        for one in deliveries or ():
            self.webhooks[one.state.value] += 1
