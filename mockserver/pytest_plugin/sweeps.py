"""
The pytest session of a sweep: plans the cells after the clean runs, runs them, and writes the report.

With pytest-xdist, the controller plans and evaluates, and the workers run the cells.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from mockserver import __version__
from mockserver.errors import near
from mockserver.model.durations import HINT, parse_duration_s
from mockserver.pytest_plugin.clean_runs import CleanRunner, Collector, learn_baselines, seed_of
from mockserver.pytest_plugin.options import LEARN
from mockserver.pytest_plugin.runs import EvidenceOf, Run, Runner, parameter
from mockserver.scenarios.source import LoadError
from mockserver.sweep.baseline import Baseline
from mockserver.sweep.cells import Cell, Plan, all_cells
from mockserver.sweep.evidence import SweepEvidence
from mockserver.sweep.failing import FAIL_ON, RULES, parse_fail_on
from mockserver.sweep.kinds import Kinds, load_kinds
from mockserver.sweep.results import Sweep, Trial
from mockserver.sweep.table import budget, table
from mockserver.sweep.verdicts import CellVerdict
from mockserver.sweep.writing import write_report

_WORKER_INPUT = "mock_server_sweep"
_LETTERS = {
    CellVerdict.SURVIVED: (".", {"green": True}),
    CellVerdict.FAILED_CLEANLY: ("c", {"yellow": True}),
    CellVerdict.HARMED: ("H", {"red": True}),
    None: ("?", {"yellow": True}),
}


def register(config: pytest.Config, evidence_of: EvidenceOf) -> None:
    """Register the hooks that this process needs."""
    plugins = config.pluginmanager
    _drop_parameters(config)
    worker = getattr(config, "workerinput", None)
    clean_runs_file = config.getoption(LEARN)
    if clean_runs_file:
        plugins.register(CleanRunner(config, evidence_of))
        if worker is None:
            plugins.register(Collector(Path(clean_runs_file)))
        return
    runner = CellRunner(evidence_of)
    plugins.register(runner)
    if worker is None:
        plugins.register(Sweeper(config, runner))
    else:
        runner.plan([Run.of_json(run) for run in json.loads(worker[_WORKER_INPUT])])


def _drop_parameters(config: pytest.Config) -> None:
    """
    Replace `test_x[a]` on the command line by `test_x`.

    The items of a sweep have one more parameter, so pytest would not find `test_x[a]`.
    """
    config.args[:] = [_function(arg) for arg in config.args]


def _function(arg: str) -> str:
    path, colons, names = arg.partition("::")
    return path + colons + names.partition("[")[0]


class CellRunner(Runner):
    """Hooks of a process that runs cells."""

    def __init__(self, evidence_of: EvidenceOf) -> None:
        super().__init__(evidence_of)
        self._runs: dict[tuple[str, str], Run] = {}

    def plan(self, runs: Iterable[Run]) -> None:
        self._runs = {(run.test, run.id): run for run in runs}

    def run_ids(self, function: str) -> Iterable[str]:
        return dict.fromkeys(
            run_id for test, run_id in self._runs if test == function or test.startswith(f"{function}[")
        )

    def find(self, test: str, run_id: str) -> Run | None:
        return self._runs.get((test, run_id))


class Sweeper:
    """Hooks of the process that receives all reports: the controller of pytest-xdist, or the only process."""

    def __init__(self, config: pytest.Config, runner: CellRunner) -> None:
        self._config = config
        self._runner = runner
        self._wanted = [
            str(arg) for arg in config.invocation_params.args if "[" in str(arg).partition("::")[2]
        ]
        self._only: list[str] = config.getoption("--mock-server-sweep-only")
        self._seed = str(config.getoption("--mock-server-sweep-seed"))
        self._limit_s = _limit_s(config)
        self._fail_on = _fail_on(config)
        self._troubles = _troubles_file(config)
        self._kinds = _kinds(self._troubles)
        self._clean_code = 0
        self._runs: list[Run] = []
        self._cells: dict[tuple[str, str], Cell] = {}
        self._sweep: Sweep | None = None
        self._folder: Path | None = None

    # Planning

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Plan before any worker starts, since the workers get the plan."""
        self._say("mock server sweep: clean runs to learn the calls")
        baselines, self._clean_code = learn_baselines(self._config, self._write)
        self._sweep = self._planned([baseline for baseline in baselines if self._is_wanted(baseline)])
        for line in budget(self._sweep, self._workers()):
            self._say(line)
        self._runner.plan(self._runs)

    def _planned(self, baselines: list[Baseline]) -> Sweep:
        cells = all_cells(baselines, self._kinds)
        most, pairs = (self._config.getoption(name) for name in ("--max-cells", "--mock-server-sweep-pairs"))
        plan = Plan.create(cells, self._kinds, self._only, most, pairs, self._seed)
        if self._only and not plan.planned:
            hint = near(self._only[0], [cell.id for cell in cells])
            raise pytest.UsageError(
                f"no cell of this sweep matches {' or '.join(map(repr, self._only))}. {hint}"
            )
        durations = {baseline.test: baseline.duration_s for baseline in baselines}
        for cell in plan.planned:
            run_id = parameter(cell.name)
            limit_s = self._limit_s or 30 + 5 * durations[cell.test]
            seed = seed_of(self._seed, cell.test)
            self._runs.append(Run(run_id, cell.test, seed, limit_s, cell.troubles, hides_failure=True))
            self._cells[cell.test, run_id] = cell
        return Sweep(
            baselines=baselines,
            kinds=self._kinds,
            plan=plan,
            seed=self._seed,
            command=self._command,
            version=__version__,
            fail_on=self._fail_on,
            fail_on_option="--mock-server-sweep-fail-on",
        )

    def _is_wanted(self, baseline: Baseline) -> bool:
        """Return whether the command line includes the test, with these parameters."""
        names = [arg.partition("::")[2] for arg in self._wanted]
        test = baseline.test.partition("::")[2]
        return (
            not names
            or test in names
            or not any(name.partition("[")[0] == test.partition("[")[0] for name in names)
        )

    def _workers(self) -> int:
        return len(getattr(self._config.option, "tx", None) or [1])

    def _command(self, cell: Cell) -> str:
        """Return the command that runs the cell again, from the folder in which this session was started."""
        path, colons, names = cell.test.partition("::")
        file = os.path.relpath(self._config.rootpath / path, self._config.invocation_params.dir)
        words = ["pytest", file + colons + names.partition("[")[0], "--mock-server-sweep-only", cell.id]
        options = {
            "--mock-server-sweep-seed": self._seed,
            "--mock-server-sweep-troubles": self._config.getoption("--mock-server-sweep-troubles"),
            "--mock-server-sweep-limit": self._config.getoption("--mock-server-sweep-limit"),
            "--mock-server-sweep-fail-on": self._config.getoption("--mock-server-sweep-fail-on"),
            "--mock-server-url": self._config.getoption("--mock-server-url"),
        }
        words += [word for name, value in options.items() if value for word in (name, str(value))]
        return shlex.join(words)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Pass the plan to a worker of pytest-xdist."""
        node.workerinput[_WORKER_INPUT] = json.dumps([run.as_json() for run in self._runs])

    # Results

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Set the outcome of a cell before other plugins count it: it fails only if it fails the sweep."""
        data = getattr(report, "mock_server_run", None)
        cell = self._cells.get((data["test"], data["run"])) if data is not None else None
        if data is not None and cell is not None and self._sweep is not None:
            evidence = (
                SweepEvidence() if data["evidence"] is None else SweepEvidence.of_json(data["evidence"])
            )
            trial = Trial(
                cell=cell,
                passed=data["passed"],
                duration_s=data["duration_s"],
                evidence=evidence,
                error=data["error"],
            )
            result = self._sweep.add(trial)
            report.mock_server_verdict = result.verdict  # type: ignore[attr-defined]
            fails = result.fails(self._fail_on)
            if fails:
                report.mock_server_fails = fails  # type: ignore[attr-defined]
                rules = result.broken_rules if RULES in fails else []
                report.outcome = "failed"
                report.longrepr = "\n".join([f"{fails[0]}: {cell.id}", *result.reasons, *rules])
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport | pytest.CollectReport) -> Any:
        if not hasattr(report, "mock_server_cell"):
            return None
        if report.when != "teardown":
            return "", "", ""
        verdict: CellVerdict | None = getattr(report, "mock_server_verdict", None)
        letter, markup = _LETTERS[verdict]
        category = "not reached" if verdict is None else verdict.value.replace("_", " ")
        if getattr(report, "mock_server_fails", None) == [RULES]:
            category, letter, markup = "with a broken retry rule", "R", {"red": True}
        return category, letter, (category.upper(), markup)

    # Report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._sweep is None:
            return
        self._folder = write_report(self._sweep, self._config.invocation_params.dir)
        if self._clean_code == pytest.ExitCode.TESTS_FAILED and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._sweep is None:
            return
        terminalreporter.section("mock server sweep")
        for line in table(self._sweep):
            terminalreporter.write_line(line)
        if self._folder is not None:
            terminalreporter.write_line(f"report: {self._folder / 'report.html'}")

    def _say(self, line: str) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(line)

    def _write(self, text: str) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write(text, flush=True)


def _limit_s(config: pytest.Config) -> float | None:
    text = config.getoption("--mock-server-sweep-limit")
    if text is None:
        return None
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise pytest.UsageError(f"--mock-server-sweep-limit: {error}. {HINT}") from error


def _fail_on(config: pytest.Config) -> tuple[str, ...]:
    text = config.getoption("--mock-server-sweep-fail-on")
    try:
        return parse_fail_on(text) if text is not None else FAIL_ON
    except ValueError as error:
        raise pytest.UsageError(f"--mock-server-sweep-fail-on: {error}") from error


def _troubles_file(config: pytest.Config) -> Path | None:
    """
    Return the trouble file of the command line or of the ini option.

    The path is relative to the current folder. In the ini file, it is written
    relative to that file.
    """
    option = config.getoption("--mock-server-sweep-troubles")
    if option:
        return Path(os.path.relpath(config.invocation_params.dir / option))
    ini_option = str(config.getini("mock_server_sweep_troubles"))
    if not ini_option:
        return None
    ini_folder = config.inipath.parent if config.inipath is not None else config.rootpath
    return Path(os.path.relpath(ini_folder / ini_option))


def _kinds(path: Path | None) -> Kinds:
    try:
        return load_kinds(path)
    except LoadError as error:
        raise pytest.UsageError("\n".join(error.lines)) from error
