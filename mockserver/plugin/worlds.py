"""The world of one test: its namespace, what it is held to, and what is told of it when it fails."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mockserver.client import AsyncNamespace, Namespace
from mockserver.client.errors import ClientError
from mockserver.errors import near
from mockserver.plugin.homes import Home
from mockserver.plugin.limits import no_limit
from mockserver.plugin.names import name_for
from mockserver.plugin.reports import report
from mockserver.plugin.runs import Run
from mockserver.sweep.evidence import Evidence

_SUFFIXES = (".yaml", ".yml", ".json")


class World:
    """
    Made when a test first asks for its mock server. In a sweep it is the world of
    one `run`, and keeps what happened in it as `evidence`.
    """

    def __init__(self, home: Home, item: pytest.Item, folder: Path | None, run: Run | None = None) -> None:
        self._home = home
        self._run = run
        self.evidence: Evidence | None = None
        self.strict = _strict(item)
        self.fixture = "mock_server"
        self._told: str | None = None
        self._began = datetime.now(UTC)
        seed = item.nodeid if run is None else run.seed
        self.namespace: Namespace = home.open(name_for(item.nodeid), seed)
        try:
            self.scenarios = _scenarios(home, self.namespace, item, folder)
            if run is not None:
                home.watch(self.namespace)
            if run is not None and run.troubles:
                home.trouble(self.namespace, [dict(one) for one in run.troubles])
        except BaseException:
            home.close(self.namespace)
            raise

    def awaiting(self) -> AsyncNamespace:
        """The same namespace, its methods to be awaited."""
        self.fixture = "await mock_server_async"
        ns = self.namespace
        return AsyncNamespace(ns._link, ns.url, ns.seed)  # noqa: SLF001

    def check_call(self) -> None:
        """Fails a test that has come to its end well, where a function failed, or what can't be put right any more."""
        if not self.strict:
            return
        for failure in self._home.failures(self.namespace):
            raise failure
        if self._home.has_failed(self.namespace):
            pytest.fail(_judged(self._home.unmet(self.namespace, ())), pytrace=False)

    def section(self) -> str:
        """What the report of a failed test says."""
        if self._told is None:
            try:
                self._told = report(self.namespace, self._began, self.fixture)
            except ClientError as why:
                self._told = f"The mock server can't be asked: {why}"
            except Exception:  # noqa: BLE001  (it would take the whole session along)
                self._told = f"This section could not be made:\n{traceback.format_exc()}"
        return self._told

    def close(self, *, passed: bool) -> None:
        """
        Removes the namespace. Fails a passed test that was not met with what it
        expects; under a trouble nothing is expected, since retries are what is wanted.
        """
        unmet: list[str] = []
        try:
            if self._run is not None:
                with no_limit():
                    self.evidence = self._home.evidence(self.namespace)
            if passed and self.strict and (self._run is None or not self._run.troubles):
                unmet = self._home.unmet(self.namespace, self.scenarios)
            if unmet:
                self.section()
        finally:
            self._home.close(self.namespace)
        if unmet:
            pytest.fail(_judged(unmet), pytrace=False)


def _judged(unmet: list[str]) -> str:
    hint = "To leave this to the test itself: @pytest.mark.mock_server(strict=False)"
    return "\n".join([*unmet, hint])


def _strict(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("mock_server")
    if marker is None:
        return True
    unknown = [*map(repr, marker.args), *(word for word in marker.kwargs if word != "strict")]
    if unknown:
        hint = near(unknown[0], ["strict"])
        pytest.fail(f"the marker mock_server takes strict=False, and no {unknown[0]}. {hint}", pytrace=False)
    return bool(marker.kwargs.get("strict", True))


def _scenarios(home: Home, ns: Namespace, item: pytest.Item, folder: Path | None) -> list[str]:
    """Makes exactly the scenarios that the test names answer. Their names."""
    named = [name for marker in reversed(list(item.iter_markers("scenario"))) for name in marker.args]
    if not named:
        return []
    names = [home.load(ns, _file(name, item, folder)) if _is_file(name) else name for name in named]
    ns.use(*names)
    return names


def _is_file(name: Any) -> bool:
    return isinstance(name, Path) or str(name).endswith(_SUFFIXES)


def _file(name: Any, item: pytest.Item, folder: Path | None) -> Path:
    """Beside the test, then in the folder of scenarios."""
    places = [item.path.parent, *([folder] if folder is not None else [])]
    for place in places:
        found = Path(place, name)
        if found.is_file():
            return found
    listed = " nor ".join(str(place) for place in places)
    hint = "" if folder else " Name a folder for all tests with the ini option mock_server_scenarios."
    pytest.fail(f"there is no scenario file {str(name)!r} in {listed}.{hint}", pytrace=False)
