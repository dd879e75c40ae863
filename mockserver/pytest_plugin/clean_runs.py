"""
The clean runs of a sweep, in a separate pytest session before the cells. They show the calls and effects of each test.

Each test runs twice, the second time with another seed. The session gets the
arguments of the session that starts it, so it runs the same tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mockserver.pytest_plugin.options import LEARN
from mockserver.pytest_plugin.runs import EvidenceOf, Run, Runner
from mockserver.sweep.baseline import Baseline, CleanRun, learn_baseline
from mockserver.sweep.evidence import SweepEvidence
from mockserver.sweep.results import last_line

CLEAN, AGAIN = "clean", "clean-again"
_OUTPUT_BYTES = 4096
_USABLE = (0, 1, 5)
"""Exit codes of a complete session: all passed, some failed, no tests."""


class CleanRunner(Runner):
    """Hooks of a process that runs tests without troubles."""

    def __init__(self, config: pytest.Config, evidence_of: EvidenceOf) -> None:
        super().__init__(evidence_of)
        self._seed = str(config.getoption("--mock-server-sweep-seed"))

    def run_ids(self, function: str) -> Iterable[str]:  # noqa: ARG002
        return CLEAN, AGAIN

    def find(self, test: str, run_id: str) -> Run | None:
        seed = seed_of(self._seed, test)
        if run_id == CLEAN:
            return Run(CLEAN, test, seed)
        return Run(AGAIN, test, f"{seed}\n{AGAIN}", hides_failure=True)


def seed_of(seed: str, test: str) -> str:
    """Return the seed of a namespace: the default seed of the test, extended by the seed of the sweep."""
    return f"{seed}\n{test}" if seed else test


class Collector:
    """Hooks of the process that receives all reports. Writes the clean runs to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._runs: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = getattr(report, "mock_server_run", None)
        if data is None:
            return
        reason = None if data["passed"] else _why(data["passed"], data["error"])
        run = CleanRun(
            test=data["test"],
            place=data["place"],
            duration_s=data["duration_s"],
            evidence=SweepEvidence() if data["evidence"] is None else SweepEvidence.of_json(data["evidence"]),
            why=reason,
        )
        self._runs.append({"run": data["run"], **run.as_json()})

    def pytest_sessionfinish(self) -> None:
        self._file.write_text(json.dumps(self._runs), "utf-8")


def _why(passed: bool | None, error: str) -> str:
    last = last_line(error)
    if passed is None:
        return last or "it had no outcome"
    return f"it fails without any trouble: {last}" if last else "it fails without any trouble"


def learn_baselines(config: pytest.Config, write: Callable[[str], None]) -> tuple[list[Baseline], int]:
    """
    Run the clean runs, and pass their output to `write`.

    Returns the baselines in the order of collection, and the exit code of the session.
    """
    folder = Path(tempfile.mkdtemp(prefix="mock-server-sweep-"))
    file = folder / "clean.json"
    try:
        code = _session(config, file, write)
        if code not in _USABLE or not file.exists():
            pytest.exit(
                f"The clean runs of the sweep came to no end (exit code {code})", returncode=code or 1
            )
        return _baselines(json.loads(file.read_text("utf-8"))), code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _session(config: pytest.Config, file: Path, write: Callable[[str], None]) -> int:
    invocation = config.invocation_params
    options = ["-q", "--no-header", f"{LEARN}={file}"]
    command = [sys.executable, "-m", "pytest", *map(os.fspath, invocation.args), *options]
    process = subprocess.Popen(  # noqa: S603  (the command line of this session)
        command,
        cwd=invocation.dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while read := process.stdout.read1(_OUTPUT_BYTES):  # type: ignore[attr-defined]  # a pipe is buffered
            write(read.decode(errors="replace"))
        return process.wait()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def _baselines(runs: list[dict[str, Any]]) -> list[Baseline]:
    runs_by_test: dict[str, dict[str, CleanRun]] = {}
    for data in runs:
        name = data.pop("run")
        runs_by_test.setdefault(data["test"], {})[name] = CleanRun.of_json(data)
    tests = [runs for runs in runs_by_test.values() if CLEAN in runs]
    tests.sort(key=lambda runs: runs[CLEAN].place)
    return [learn_baseline(runs[CLEAN], runs.get(AGAIN)) for runs in tests]
