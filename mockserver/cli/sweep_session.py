"""A sweep of one command: clean runs, plan, cells, report."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver import __version__
from mockserver.cli.sweep_running import Commands, Ended
from mockserver.client import Namespace
from mockserver.errors import MockServerError, near
from mockserver.pytest_plugin.names import name_for
from mockserver.pytest_plugin.servers import ExternalSessionServer, LocalSessionServer, SessionServer
from mockserver.redaction.redaction import mask_text
from mockserver.sweep.baseline import Baseline, CleanRun, learn_baseline
from mockserver.sweep.cells import Cell, Plan, all_cells
from mockserver.sweep.failing import FAIL_ON
from mockserver.sweep.kinds import Kinds, load_kinds
from mockserver.sweep.results import Result, Sweep, Trial
from mockserver.sweep.table import budget, table
from mockserver.sweep.writing import write_report

SURVIVED, HARMED, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: no cell fails the sweep; some do; the sweep could not be made; Ctrl-C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What the command line says. `given` are the paths as they were written there."""

    paths: tuple[str, ...]
    given: tuple[str, ...]
    command: tuple[str, ...]
    only: tuple[str, ...] = ()
    troubles: str | None = None
    max_cells: int | None = None
    pairs: int = 0
    seed: str = ""
    limit_s: float | None = None
    jobs: int = 1
    url: str | None = None
    fail_on: tuple[str, ...] = FAIL_ON


def run(options: SweepOptions) -> int:
    """The exit code."""
    home: SessionServer | None = None
    try:
        kinds = load_kinds(Path(options.troubles) if options.troubles else None)
        home = _home(options)
        return _Session(options, home, kinds).run()
    except MockServerError as error:
        _say(str(error), err=True)
        return FAILED
    finally:
        if home is not None:
            home.stop()


def _home(options: SweepOptions) -> SessionServer:
    if not options.url:
        return LocalSessionServer(map(Path, options.paths), {})
    token, admin_url = (os.environ.get(f"MOCKSERVER_ADMIN_{name}") for name in ("TOKEN", "URL"))
    return ExternalSessionServer(options.url, token, admin_url)


def _say(line: str, *, err: bool = False) -> None:
    print(line, file=sys.stderr if err else sys.stdout, flush=True)


class _Session:
    def __init__(self, options: SweepOptions, home: SessionServer, kinds: Kinds) -> None:
        self._options = options
        self._home = home
        self._kinds = kinds
        self._test = shlex.join(options.command)
        self._seed = f"{options.seed}\n{self._test}" if options.seed else self._test
        self._commands = Commands(options.command)

    def run(self) -> int:
        baseline = self._learned()
        if baseline is None:
            return FAILED
        sweep = self._planned(baseline)
        if sweep is None:
            return FAILED
        for line in budget(sweep, self._options.jobs):
            _say(line)
        finished = self._run_all(sweep, baseline)
        for line in ("", *table(sweep)):
            _say(line)
        _say(f"report: {write_report(sweep, Path.cwd()) / 'report.html'}")
        if not finished:
            return INTERRUPTED
        return HARMED if sweep.failed else SURVIVED

    # Clean runs

    def _learned(self) -> Baseline | None:
        _say("mock server sweep: two clean runs to learn the calls")
        runs = [self._clean(seed) for seed in (self._seed, f"{self._seed}\nclean-again")]
        baseline = learn_baseline(*runs)
        if baseline.why is not None:
            hint = "" if runs[0].evidence.calls else ". The command finds it at the URL in EXTERNAL_API_URL"
            _say(f"mock server sweep: nothing to sweep: {mask_text(baseline.why)}{hint}", err=True)
            return None
        return baseline

    def _clean(self, seed: str) -> CleanRun:
        ended, evidence = self._once("clean", seed, (), self._options.limit_s)
        reason = None if ended.passed else f"the command fails without an injected failure ({_how(ended)})"
        if reason is not None and ended.output.strip():
            _say(ended.output.rstrip("\n"), err=True)
        return CleanRun(test=self._test, place=0, duration_s=ended.duration_s, evidence=evidence, why=reason)

    # Cells

    def _planned(self, baseline: Baseline) -> Sweep | None:
        given = self._options
        cells = all_cells([baseline], self._kinds)
        plan = Plan.create(cells, self._kinds, given.only, given.max_cells, given.pairs, given.seed)
        if not plan.planned:
            hint = near(given.only[0], [cell.name for cell in cells]) if given.only else ""
            _say(f"no cell of this sweep matches {' or '.join(given.only)}. {hint}", err=True)
            return None
        return Sweep(
            baselines=[baseline],
            kinds=self._kinds,
            plan=plan,
            seed=given.seed,
            command=self._command,
            version=__version__,
            fail_on=given.fail_on,
        )

    def _command(self, cell: Cell) -> str:
        given = self._options
        words = ["mockserver", "sweep", *given.given, "--only", cell.name]
        for name, value in (("--seed", given.seed), ("--troubles", given.troubles), ("--url", given.url)):
            words += [name, value] if value else []
        words += ["--fail-on", ",".join(given.fail_on)] if given.fail_on != FAIL_ON else []
        words += ["--limit", f"{given.limit_s:g}s"] if given.limit_s is not None else []
        return shlex.join([*words, "--", *given.command])

    def _run_all(self, sweep: Sweep, baseline: Baseline) -> bool:
        """Return whether all cells ran, without Ctrl-C."""
        limit_s = self._options.limit_s or 30 + 5 * baseline.duration_s
        with ThreadPoolExecutor(self._options.jobs) as pool:
            waiting = {pool.submit(self._trial, cell, limit_s) for cell in sweep.planned}
            try:
                for number, trial in enumerate(_as_they_come(waiting), 1):
                    _say(_progress(number, len(sweep.planned), sweep.add(trial)))
            except KeyboardInterrupt:
                self._commands.stop()
                pool.shutdown(cancel_futures=True)
                return False
            except BaseException:
                self._commands.stop()
                raise
        return True

    def _trial(self, cell: Cell, limit_s: float) -> Trial:
        ended, evidence = self._once(cell.name, self._seed, cell.troubles, limit_s)
        error = "" if ended.passed else f"{ended.output.rstrip()}\n({_how(ended, limit_s)})".lstrip("\n")
        return Trial(
            cell=cell, passed=ended.passed, duration_s=ended.duration_s, evidence=evidence, error=error
        )

    def _once(
        self, name: str, seed: str, troubles: tuple[Mapping[str, Any], ...], limit_s: float | None
    ) -> tuple[Ended, Any]:
        """Run the command in an isolated namespace. Raises MockServerError if the command cannot be started."""
        ns: Namespace = self._home.open(name_for(f"sweep-{name}"), seed)
        try:
            self._home.watch(ns)
            self._home.trouble(ns, [dict(trouble) for trouble in troubles])
            try:
                ended = self._commands.run(ns.url, limit_s)
            except OSError as error:
                raise MockServerError(
                    f"{self._options.command[0]!r} can't be started: {error.strerror or error}. "
                    "Name a program that is on the PATH, or a file with its path"
                ) from error
            return ended, self._home.evidence(ns)
        finally:
            self._home.close(ns)


def _as_they_come(waiting: set[Future[Trial]]) -> Iterator[Trial]:
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for item in done:
            yield item.result()


def _how(ended: Ended, limit_s: float | None = None) -> str:
    if ended.code is None:
        return (
            f"it took longer than its limit of {limit_s:g} s" if limit_s else "it took longer than its limit"
        )
    return f"exit code {ended.code}" if ended.code >= 0 else f"ended by signal {-ended.code}"


def _progress(number: int, count: int, result: Result) -> str:
    cell = result.trial.cell
    said = (
        result.verdict.value.replace("_", " ") if result.verdict is not None else f"not reached: {result.why}"
    )
    width = len(str(count))
    return f"[{number:>{width}}/{count}] {cell.name}: {said} ({result.trial.duration_s:.1f} s)"
