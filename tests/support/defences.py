"""
Takes the defences behind SECURITY.md out, one at a time and in a copy, and sees that the tests which name them fail.

    scripts/defences [WORD...]    those whose names hold one of the words; all without one. Some minutes
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
LIST = Path(__file__).with_suffix(".yaml")
COPIED = (
    "mockserver",
    "tests",
    "scenarios",
    "docs",
    "examples",
    "pyproject.toml",
    "SECURITY.md",
    "README.md",
)
LONGEST_S = 240
"""Of one test. Without its defence an attack may well go on for good, and that is a failure too."""


@dataclass(frozen=True)
class Change:
    file: str
    here: str
    instead: str

    def applied(self, text: str) -> str:
        """Raises ValueError where it does not fit exactly one place."""
        if text.count(self.here) != 1:
            raise ValueError(f"{self.file} has {text.count(self.here)} places with {self.here!r}")
        return text.replace(self.here, self.instead)


@dataclass(frozen=True)
class Defence:
    """`changes` remove it; empty where there is none to take out, and `why` says so."""

    name: str
    tests: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    why: str = ""


def defences() -> list[Defence]:
    return [_defence(one) for one in yaml.load(LIST.read_text(), Loader=yaml.CSafeLoader)]


def _defence(one: dict[str, Any]) -> Defence:
    changes = tuple(Change(**change) for change in one.get("changes", ()))
    return Defence(one["defence"], tuple(one["tests"]), changes, one.get("why", ""))


def taken_out(defence: Defence, copy: Path) -> Iterator[str]:
    """Every test that goes on passing without it."""
    kept = {change.file: (copy / change.file).read_text() for change in defence.changes}
    try:
        for change in defence.changes:
            file = copy / change.file
            file.write_text(change.applied(file.read_text()))
        for test in defence.tests:
            said = _run(test, copy)
            _say(f"{said:8}  {defence.name}  {test.rpartition('::')[2]}")
            if said not in ("failed", "no end"):
                yield f"{defence.name}: {test}: {said}"
    finally:
        for name, text in kept.items():
            (copy / name).write_text(text)


def _run(test: str, copy: Path) -> str:
    """What became of it: `failed`, `passed`, `no end`, or `broken` where the change kept it from being run at all."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-x",
        "-q",
        "--thorough",
        "-p",
        "no:cacheprovider",
        test,
    ]
    env = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    # A group of its own: what a test has started goes with it.
    with subprocess.Popen(command, cwd=copy, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            return "no end"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        return "passed"
    return "failed" if "\nFAILED " in said else "broken"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: list[str]) -> int:
    chosen = [
        one for one in defences() if one.changes and (not words or any(word in one.name for word in words))
    ]
    with tempfile.TemporaryDirectory(prefix="defences-") as folder:
        copy = Path(folder)
        for name in COPIED:
            there = PROJECT / name
            if there.is_dir():
                shutil.copytree(there, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(there, copy / name)
        missed = [line for one in chosen for line in taken_out(one, copy)]
    _say("\n".join([f"\n{len(chosen)} defences taken out, {len(missed)} not missed", *missed]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
