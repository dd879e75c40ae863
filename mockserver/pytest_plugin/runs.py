"""
Tests of a sweep. Each run of a test is a separate pytest item with fresh fixtures.

A run is a parameter of the mock server's fixture, so pytest and plugins such as
pytest-xdist handle it like any other parametrized test.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import pytest

from mockserver.pytest_plugin.limits import no_limit, time_limit
from mockserver.sweep.evidence import SweepEvidence

FIXTURE = "_mock_server_run"
EvidenceOf = Callable[[pytest.Item], SweepEvidence | None]


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run of a test.

    `id` is unique among the runs of the test, `test` the node id without it.
    `troubles` are documents of the admin API; empty for a clean run.
    """

    id: str
    test: str
    seed: str
    limit_s: float | None = None
    troubles: tuple[Mapping[str, Any], ...] = ()
    hides_failure: bool = False
    """Report a failed test as passed; the sweep decides whether the cell fails the session."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "troubles": tuple(data["troubles"])})


def parameter(text: str) -> str:
    r"""
    Return the name of a run as pytest writes it in a node id.

    >>> parameter("crème#1/500")
    'cr\\xe8me#1/500'
    """
    return text.encode("unicode_escape").decode("ascii")


def without_run(node_id: str, run_id: str) -> str:
    """
    Return the node id without the run, which is its last parameter.

    >>> without_run("t.py::test_x[a-clean]", "clean"), without_run("t.py::test_x[clean]", "clean")
    ('t.py::test_x[a]', 't.py::test_x')
    """
    bare = node_id.removesuffix(f"{run_id}]")
    return f"{bare[:-1]}]" if bare.endswith("-") else bare.removesuffix("[")


class RunParameter:
    """The parameter of an item. It gives the run of the item."""

    def __init__(self, run_id: str, find: Callable[[str, str], Run | None]) -> None:
        self.run_id = run_id
        self._find = find

    def run_of(self, item: pytest.Item) -> Run | None:
        return self._find(without_run(item.nodeid, self.run_id), self.run_id)

    __call__ = run_of


@dataclass(slots=True)
class Phases:
    """The result of the phases of a run so far. `passed` is None without an outcome."""

    passed: bool | None = None
    failed: bool = False
    error: str = ""
    duration_s: float = 0.0
    shared_s: float = 0.0
    """Part of `duration_s` for the setup of shared fixtures. It is not part of the run's duration."""
    unlimited_s: float = 0.0
    """Part of `duration_s` that does not count towards the limit."""


_PHASES: pytest.StashKey[Phases] = pytest.StashKey()
_PLACE: pytest.StashKey[int] = pytest.StashKey()


class Runner:
    """Hooks of a process that runs tests. `evidence_of` returns the evidence of a completed test."""

    def __init__(self, evidence_of: EvidenceOf) -> None:
        self._evidence_of = evidence_of
        self._phases = Phases()

    def run_ids(self, function: str) -> Iterable[str]:
        """Return the names of the runs of the function's tests."""
        raise NotImplementedError

    def find(self, test: str, run_id: str) -> Run | None:
        raise NotImplementedError

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Add the run as the last parameter."""
        ids = list(self.run_ids(metafunc.definition.nodeid)) if FIXTURE in metafunc.fixturenames else []
        if ids:
            parameters = [RunParameter(run_id, self.find) for run_id in ids]
            metafunc.parametrize(FIXTURE, parameters, ids=ids, indirect=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep only planned runs of tests with a mock server."""
        items[:] = [item for item in items if run_of(item) is not None]
        for place, item in enumerate(items):
            item.stash[_PLACE] = place

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._phases = item.stash[_PHASES] = Phases()
        with self._time_limit(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Set up shared fixtures without a time limit: a failure there would fail all tests that use them."""
        if fixturedef.scope == "function":
            return (yield)
        started_s = time.monotonic()
        try:
            with no_limit():
                return (yield)
        finally:
            took_s = time.monotonic() - started_s
            self._phases.shared_s += took_s
            self._phases.unlimited_s += took_s

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        with self._time_limit(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Give the teardown a full time limit, so that it can clean up after a timeout."""
        self._phases.unlimited_s = self._phases.duration_s
        with self._time_limit(item):
            return (yield)

    def _time_limit(self, item: pytest.Item) -> contextlib.AbstractContextManager[None]:
        """Limit a phase to the remaining time of the run, and at least one second."""
        run = run_of(item)
        if run is None or run.limit_s is None:
            return contextlib.nullcontext()
        remaining_s = max(1.0, run.limit_s - (self._phases.duration_s - self._phases.unlimited_s))
        return time_limit(remaining_s, f"The cell took longer than its limit of {run.limit_s:g} s")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the result of the run to the report of the last phase, and hide the failure if the run asks for it."""
        report = yield
        run = run_of(item)
        if run is None:
            return report
        phases = item.stash[_PHASES]
        _add_phase(phases, report)
        if run.hides_failure:
            report.outcome, report.longrepr, report.sections = "passed", None, []
            report.mock_server_cell = True  # type: ignore[attr-defined]
        if report.when == "teardown":
            evidence = self._evidence_of(item)
            report.mock_server_run = {  # type: ignore[attr-defined]
                "run": run.id,
                "test": run.test,
                "place": item.stash[_PLACE],
                "passed": False if phases.failed else phases.passed,
                "error": phases.error,
                "duration_s": max(0.0, phases.duration_s - phases.shared_s),
                "evidence": None if evidence is None else evidence.as_json(),
            }
        return report


def run_of(item: pytest.Item) -> Run | None:
    """Return the run of an item; None if it has no mock server, or no such run is planned."""
    callspec = getattr(item, "callspec", None)
    parameter_value = callspec.params.get(FIXTURE) if callspec is not None else None
    return parameter_value.run_of(item) if parameter_value is not None else None


def _add_phase(phases: Phases, report: pytest.TestReport) -> None:
    phases.duration_s += report.duration
    if report.failed:
        phases.failed = True
        phases.error = phases.error or report.longreprtext
    elif report.skipped and report.when != "teardown":
        phases.error = phases.error or "it was skipped, or is expected to fail"
    elif report.when == "call":
        phases.passed = True
