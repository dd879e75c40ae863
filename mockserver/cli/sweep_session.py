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
from mockserver.redaction.redaction import mask_text
from mockserver.sessions.names import name_for
from mockserver.sessions.servers import ExternalSessionServer, LocalSessionServer, SessionServer
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
    """The options of the command line. `written_paths` are the paths as written there."""

    paths: tuple[str, ...]
    written_paths: tuple[str, ...]
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
    """Run the sweep, and return the exit code."""
    server: SessionServer | None = None
    try:
        kinds = load_kinds(Path(options.troubles) if options.troubles else None)
        server = _server(options)
        return _Session(options, server, kinds).run()
    except MockServerError as error:
        _print(str(error), err=True)
        return FAILED
    finally:
        if server is not None:
            server.stop()


def _server(options: SweepOptions) -> SessionServer:
    if not options.url:
        return LocalSessionServer(map(Path, options.paths), {})
    token, admin_url = (os.environ.get(f"MOCKSERVER_ADMIN_{name}") for name in ("TOKEN", "URL"))
    return ExternalSessionServer(options.url, token, admin_url)


def _print(line: str, *, err: bool = False) -> None:
    print(line, file=sys.stderr if err else sys.stdout, flush=True)


class _Session:
    def __init__(self, options: SweepOptions, server: SessionServer, kinds: Kinds) -> None:
        self._options = options
        self._server = server
        self._kinds = kinds
        self._test = shlex.join(options.command)
        self._seed = f"{options.seed}\n{self._test}" if options.seed else self._test
        self._commands = Commands(options.command)

    def run(self) -> int:
        baseline = self._learn_baseline()
        if baseline is None:
            return FAILED
        sweep = self._plan(baseline)
        if sweep is None:
            return FAILED
        for line in budget(sweep, self._options.jobs):
            _print(line)
        finished = self._run_all(sweep, baseline)
        for line in ("", *table(sweep)):
            _print(line)
        _print(f"report: {write_report(sweep, Path.cwd()) / 'report.html'}")
        if not finished:
            return INTERRUPTED
        return HARMED if sweep.failed else SURVIVED

    # Clean runs

    def _learn_baseline(self) -> Baseline | None:
        _print("mock server sweep: two clean runs to learn the calls")
        runs = [self._clean(seed) for seed in (self._seed, f"{self._seed}\nclean-again")]
        baseline = learn_baseline(*runs)
        if baseline.why is not None:
            hint = "" if runs[0].evidence.calls else ". The command finds it at the URL in EXTERNAL_API_URL"
            _print(f"mock server sweep: nothing to sweep: {mask_text(baseline.why)}{hint}", err=True)
            return None
        return baseline

    def _clean(self, seed: str) -> CleanRun:
        ended, evidence = self._run_command("clean", seed, (), self._options.limit_s)
        reason = (
            None if ended.passed else f"the command fails without an injected failure ({_exit_text(ended)})"
        )
        if reason is not None and ended.output.strip():
            _print(ended.output.rstrip("\n"), err=True)
        return CleanRun(test=self._test, place=0, duration_s=ended.duration_s, evidence=evidence, why=reason)

    # Cells

    def _plan(self, baseline: Baseline) -> Sweep | None:
        options = self._options
        cells = all_cells([baseline], self._kinds)
        plan = Plan.create(cells, self._kinds, options.only, options.max_cells, options.pairs, options.seed)
        if not plan.planned:
            hint = near(options.only[0], [cell.name for cell in cells]) if options.only else ""
            _print(f"no cell of this sweep matches {' or '.join(options.only)}. {hint}", err=True)
            return None
        return Sweep(
            baselines=[baseline],
            kinds=self._kinds,
            plan=plan,
            seed=options.seed,
            command=self._command,
            version=__version__,
            fail_on=options.fail_on,
        )

    def _command(self, cell: Cell) -> str:
        options = self._options
        words = ["mockserver", "sweep", *options.written_paths, "--only", cell.name]
        for name, value in (
            ("--seed", options.seed),
            ("--troubles", options.troubles),
            ("--url", options.url),
        ):
            words += [name, value] if value else []
        words += ["--fail-on", ",".join(options.fail_on)] if options.fail_on != FAIL_ON else []
        words += ["--limit", f"{options.limit_s:g}s"] if options.limit_s is not None else []
        return shlex.join([*words, "--", *options.command])

    def _run_all(self, sweep: Sweep, baseline: Baseline) -> bool:
        """Return whether all cells ran, without Ctrl-C."""
        limit_s = self._options.limit_s or 30 + 5 * baseline.duration_s
        with ThreadPoolExecutor(self._options.jobs) as pool:
            waiting = {pool.submit(self._trial, cell, limit_s) for cell in sweep.planned}
            try:
                for number, trial in enumerate(_completed_trials(waiting), 1):
                    _print(_progress(number, len(sweep.planned), sweep.add(trial)))
            except KeyboardInterrupt:
                self._commands.stop()
                pool.shutdown(cancel_futures=True)
                return False
            except BaseException:
                self._commands.stop()
                raise
        return True

    def _trial(self, cell: Cell, limit_s: float) -> Trial:
        ended, evidence = self._run_command(cell.name, self._seed, cell.troubles, limit_s)
        error = (
            "" if ended.passed else f"{ended.output.rstrip()}\n({_exit_text(ended, limit_s)})".lstrip("\n")
        )
        return Trial(
            cell=cell, passed=ended.passed, duration_s=ended.duration_s, evidence=evidence, error=error
        )

    def _run_command(
        self, name: str, seed: str, troubles: tuple[Mapping[str, Any], ...], limit_s: float | None
    ) -> tuple[Ended, Any]:
        """Run the command in an isolated namespace. Raises MockServerError if the command cannot be started."""
        ns: Namespace = self._server.open(name_for(f"sweep-{name}"), seed)
        try:
            self._server.watch(ns)
            self._server.trouble(ns, [dict(trouble) for trouble in troubles])
            try:
                ended = self._commands.run(ns.url, limit_s)
            except OSError as error:
                raise MockServerError(
                    f"{self._options.command[0]!r} can't be started: {error.strerror or error}. "
                    "Name a program that is on the PATH, or a file with its path"
                ) from error
            return ended, self._server.evidence(ns)
        finally:
            self._server.close(ns)


def _completed_trials(waiting: set[Future[Trial]]) -> Iterator[Trial]:
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for item in done:
            yield item.result()


def _exit_text(ended: Ended, limit_s: float | None = None) -> str:
    if ended.code is None:
        return (
            f"it took longer than its limit of {limit_s:g} s" if limit_s else "it took longer than its limit"
        )
    return f"exit code {ended.code}" if ended.code >= 0 else f"ended by signal {-ended.code}"


def _progress(number: int, count: int, result: Result) -> str:
    cell = result.trial.cell
    outcome = (
        result.verdict.value.replace("_", " ") if result.verdict is not None else f"not reached: {result.why}"
    )
    width = len(str(count))
    return f"[{number:>{width}}/{count}] {cell.name}: {outcome} ({result.trial.duration_s:.1f} s)"
