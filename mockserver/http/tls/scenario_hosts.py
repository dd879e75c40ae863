"""Host names of scenarios, for which the server needs certificates."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.engine.engine import Engine
from mockserver.engine.routes import Scenario
from mockserver.engine.scenario_set import ScenarioSet


class ScenarioHosts:
    """Hosts of every scenario, active or not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._scenario_set: ScenarioSet | None = None
        self._files: frozenset[str] = frozenset()

    def of_files(self) -> frozenset[str]:
        """Hosts of scenario files; the same object until the next reload."""
        scenario_set = self._engine.shared.scenario_set
        if scenario_set is not self._scenario_set:
            self._scenario_set, self._files = scenario_set, _hosts(scenario_set.scenarios.values())
        return self._files

    def names(self, host: str) -> bool:
        """Whether any scenario has that host, including those of a namespace."""
        if host in self.of_files():
            return True
        overlays = (ns.overlay for ns in self._engine.namespaces.values())
        return any(
            host in _hosts(overlay.scenarios.values())
            for overlay in overlays
            if overlay is not None and overlay.scenarios
        )


def _hosts(scenarios: Iterable[Scenario]) -> frozenset[str]:
    return frozenset(host_name(scenario.host) for scenario in scenarios if scenario.host)


def host_name(host: str) -> str:
    """
    Return a host without its port, in lower case.

    >>> host_name("API.twilio.com:8443"), host_name("[::1]:80")
    ('api.twilio.com', '::1')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).rstrip(".")
