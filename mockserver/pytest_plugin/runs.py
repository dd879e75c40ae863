"""
Tests as they are run in a sweep: each as often as there are runs of it, with fresh fixtures, as an item of its own.

A run is a parameter that the fixture of the mock server asks for; so pytest,
and whoever spreads its items over processes, treat it like any other.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import pytest

from mockserver.pytest_plugin.limits import at_most, no_limit
from mockserver.sweep.evidence import SweepEvidence

FIXTURE = "_mock_server_run"
EvidenceOf = Callable[[pytest.Item], SweepEvidence | None]


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run of a test. `id` tells it from the test's other runs, `test` is the
    node id without it. `troubles` as the admin API takes them; empty for a clean run.
    """

    id: str
    test: str
    seed: str
    limit_s: float | None = None
    troubles: tuple[Mapping[str, Any], ...] = ()
    hides_failure: bool = False
    """A red test is no failure of the session: what it means is judged elsewhere."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "troubles": tuple(data["troubles"])})


def parameter(text: str) -> str:
    r"""
    A run's name as pytest leaves it in a node id.

    >>> parameter("crème#1/500")
    'cr\\xe8me#1/500'
    """
    return text.encode("unicode_escape").decode("ascii")


def without_run(node_id: str, run_id: str) -> str:
    """
    The node id without the run, which is its last parameter.

    >>> without_run("t.py::test_x[a-clean]", "clean"), without_run("t.py::test_x[clean]", "clean")
    ('t.py::test_x[a]', 't.py::test_x')
    """
    bare = node_id.removesuffix(f"{run_id}]")
    return f"{bare[:-1]}]" if bare.endswith("-") else bare.removesuffix("[")


class Choice:
    """The parameter of an item: which run it is, once the item is known."""

    def __init__(self, run_id: str, find: Callable[[str, str], Run | None]) -> None:
        self.run_id = run_id
        self._find = find

    def run_of(self, item: pytest.Item) -> Run | None:
        return self._find(without_run(item.nodeid, self.run_id), self.run_id)

    __call__ = run_of


@dataclass(slots=True)
class Phases:
    """What the phases of a run have come to so far. `passed` None: it had no outcome."""

    passed: bool | None = None
    red: bool = False
    error: str = ""
    duration_s: float = 0.0
    shared_s: float = 0.0
    """Of that what wider fixtures took to be made: it is spent for all runs, so it counts for none of them."""
    spared_s: float = 0.0
    """Of that what counts for no limit."""


_PHASES: pytest.StashKey[Phases] = pytest.StashKey()
_PLACE: pytest.StashKey[int] = pytest.StashKey()


class Runner:
    """Hooks of a process that runs tests. `evidence_of` tells what happened in the namespace of a test that is over."""

    def __init__(self, evidence_of: EvidenceOf) -> None:
        self._evidence_of = evidence_of
        self._phases = Phases()

    def run_ids(self, function: str) -> Iterable[str]:
        """The names of the runs that some test of that function has."""
        raise NotImplementedError

    def find(self, test: str, run_id: str) -> Run | None:
        raise NotImplementedError

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Last of all, so that the run is the last parameter."""
        ids = list(self.run_ids(metafunc.definition.nodeid)) if FIXTURE in metafunc.fixturenames else []
        if ids:
            choices = [Choice(run_id, self.find) for run_id in ids]
            metafunc.parametrize(FIXTURE, choices, ids=ids, indirect=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only tests with a mock server, and of those only the runs that are meant."""
        items[:] = [item for item in items if run_of(item) is not None]
        for place, item in enumerate(items):
            item.stash[_PLACE] = place

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._phases = item.stash[_PHASES] = Phases()
        with self._limited(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """A fixture that others share has all the time that it needs: ended, it would fail them all."""
        if fixturedef.scope == "function":
            return (yield)
        began_s = time.monotonic()
        try:
            with no_limit():
                return (yield)
        finally:
            took_s = time.monotonic() - began_s
            self._phases.shared_s += took_s
            self._phases.spared_s += took_s

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        with self._limited(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """It has a limit of its own: what was begun is to be put back, also where the time is over."""
        self._phases.spared_s = self._phases.duration_s
        with self._limited(item):
            return (yield)

    def _limited(self, item: pytest.Item) -> contextlib.AbstractContextManager[None]:
        """A phase has what those before it have left, and at least a moment."""
        run = run_of(item)
        if run is None or run.limit_s is None:
            return contextlib.nullcontext()
        left_s = max(1.0, run.limit_s - (self._phases.duration_s - self._phases.spared_s))
        return at_most(left_s, f"The cell took longer than its limit of {run.limit_s:g} s")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """The last phase tells what has become of the run; a failure that is judged elsewhere is none here."""
        report = yield
        run = run_of(item)
        if run is None:
            return report
        phases = item.stash[_PHASES]
        _take(phases, report)
        if run.hides_failure:
            report.outcome, report.longrepr, report.sections = "passed", None, []
            report.mock_server_cell = True  # type: ignore[attr-defined]
        if report.when == "teardown":
            evidence = self._evidence_of(item)
            report.mock_server_run = {  # type: ignore[attr-defined]
                "run": run.id,
                "test": run.test,
                "place": item.stash[_PLACE],
                "passed": False if phases.red else phases.passed,
                "error": phases.error,
                "duration_s": max(0.0, phases.duration_s - phases.shared_s),
                "evidence": None if evidence is None else evidence.as_json(),
            }
        return report


def run_of(item: pytest.Item) -> Run | None:
    """The run that this item is; None where it has no mock server, or where its test has no such run."""
    callspec = getattr(item, "callspec", None)
    choice = callspec.params.get(FIXTURE) if callspec is not None else None
    return choice.run_of(item) if choice is not None else None


def _take(phases: Phases, report: pytest.TestReport) -> None:
    phases.duration_s += report.duration
    if report.failed:
        phases.red = True
        phases.error = phases.error or report.longreprtext
    elif report.skipped and report.when != "teardown":
        phases.error = phases.error or "it was skipped, or is expected to fail"
    elif report.when == "call":
        phases.passed = True
