"""
The clean runs, in a pytest session of their own that comes first: what calls a test makes, and what it does.

Each test runs twice, the second time with another seed. The session has the
arguments of the one that starts it, so the same tests run in the same way.
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
"""Exit codes of a session that came to its end: all passed, some failed, there were none."""


class CleanRunner(Runner):
    """Hooks of a process that makes clean runs."""

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
    """A namespace's seed: without one of the sweep's own, the one that the test always has."""
    return f"{seed}\n{test}" if seed else test


class Collector:
    """Hooks of the process that all reports come to: writes down what was learnt."""

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
    Makes the clean runs; what they print goes to `write` as it comes. The
    lessons, in the order in which pytest collects their tests, and the session's exit code.
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
    given = config.invocation_params
    quiet = ["-q", "--no-header", f"{LEARN}={file}"]
    command = [sys.executable, "-m", "pytest", *map(os.fspath, given.args), *quiet]
    process = subprocess.Popen(  # noqa: S603  (this very session, once more)
        command, cwd=given.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
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
    made: dict[str, dict[str, CleanRun]] = {}
    for data in runs:
        name = data.pop("run")
        made.setdefault(data["test"], {})[name] = CleanRun.of_json(data)
    tests = [runs for runs in made.values() if CLEAN in runs]
    tests.sort(key=lambda runs: runs[CLEAN].place)
    return [learn_baseline(runs[CLEAN], runs.get(AGAIN)) for runs in tests]
