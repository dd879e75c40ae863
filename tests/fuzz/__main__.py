"""
`scripts/fuzz`: the fuzzers for as long as one likes. Loopback only, bounded in time, and each failure says how to see it again.

    scripts/fuzz [wire | api | files | http2] [--minutes 10] [--seed TEXT] [--only NUMBER]

Without a name all share the minutes. 0 where nothing was found, else 1.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.server import Process

from fuzz import wire
from fuzz.conversations import FIXED, SCENARIO
from fuzz.watching import watched

HERE = Path(__file__).parent
EXAMPLES = {"api": 20, "files": 500, "http2": 1000}
"""Of each test in one round."""
ROUND_S = 900
"""One that takes longer has found something that doesn't end."""


def main() -> int:
    options = _options()
    say(f"seed {options.seed}")
    chosen = [options.what] if options.what else ["wire", "api", "files", "http2"]
    seconds = options.minutes * 60 / len(chosen)
    failed = [name for name in chosen if not _run(name, options.seed, seconds, options.only)]
    say(f"found something: {', '.join(failed)}" if failed else "found nothing")
    return 1 if failed else 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("what", nargs="?", choices=["wire", "api", "files", "http2"])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)), help="a number; chosen and printed unless given")  # fmt: skip
    parser.add_argument("--only", type=int, metavar="NUMBER", help="of the wire: this conversation alone")
    return parser.parse_args()


def _run(name: str, seed: str, seconds: float, only: int | None) -> bool:
    return _wire(seed, seconds, only) if name == "wire" else _rounds(name, seed, seconds)


def _wire(seed: str, seconds: float, only: int | None) -> bool:
    with tempfile.TemporaryDirectory(prefix="mockserver-fuzz-") as name:
        folder = Path(name)
        (folder / "fuzz.yaml").write_text(SCENARIO)
        (folder / "fixed.yaml").write_text(FIXED)
        process = Process([str(folder), "--port", "0", *wire.FLAGS], folder=folder)
        try:
            with watched(process) as server:
                part = {} if only is None else {"first": only, "most": 1}
                report = wire.fuzz(server, seed, seconds, **part)
                say(f"wire: {report}, slowest health check {server.slowest_s:.2f} s")
        finally:
            process.process.kill()
            process.process.wait()
    for failure in report.failures:
        say(f"\n{failure}")
    return not report.failures


def _rounds(name: str, seed: str, seconds: float) -> bool:
    """Rounds of hypothesis, each with a seed of its own, until the time is over; ends with the first that fails."""
    deadline_s = time.monotonic() + seconds
    number = int(seed)
    while True:
        again = f"scripts/fuzz {name} --seed {number} --minutes 0"
        command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "--thorough", f"--hypothesis-seed={number}", str(HERE / f"test_{name}.py")]  # fmt: skip
        try:
            done = subprocess.run(command, env={**os.environ, "FUZZ_EXAMPLES": str(EXAMPLES[name])}, capture_output=True, text=True, timeout=ROUND_S, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            say(f"{name}: seed {number} did not end within {ROUND_S} s\n  again: {again}")
            return False
        if done.returncode:
            say(f"{done.stdout[-8000:]}\n{name}: seed {number} found something\n  again: {again}")  # fmt: skip
            return False
        say(f"{name}: seed {number}: {done.stdout.strip().splitlines()[-1]}")
        if time.monotonic() >= deadline_s:
            return True
        number += 1


if __name__ == "__main__":
    sys.exit(main())
