"""Load by wrk on cores of its own, and what it says of it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.asks import ServerFailedError
from benchmarks.traffic import Traffic

CONNECTIONS = 32
_STOP = """\
local answers = 0
function response()
  answers = answers + 1
  if answers == {requests} then wrk.thread:stop() end
end
"""
# Some peers need seconds for an answer when 32 requests wait.
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Said:
    """`rate` is requests a second, `count` requests in all; `not_2xx` answers had another status (3xx aside)."""

    rate: float
    count: int
    not_2xx: int
    p50_ms: float
    p99_ms: float


def load(port: int, traffic: Traffic, seconds: int, folder: Path, requests: int | None = None) -> Said:
    """
    Load for so many whole seconds: wrk knows no halves. Each of its threads stops after so many `requests`, if any.
    Raises ServerFailedError where sockets failed.
    """
    limits = [f"-t{machine.LOAD_THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", f"--timeout={_TIMEOUT_S}s"]
    command = ["wrk", *limits, "--latency"]
    if lua := traffic.lua + ("" if requests is None else _STOP.format(requests=requests)):
        script = folder / "requests.lua"
        script.write_text(lua)
        command += ["-s", str(script)]
    command.append(f"http://127.0.0.1:{port}{traffic.path}")
    done = subprocess.run(
        machine.for_load(command),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 2 * _TIMEOUT_S,
    )
    # A script that fails is told there, and then wrk sends requests of its own.
    if done.returncode or done.stderr:
        raise ServerFailedError(
            f"wrk ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return parse(done.stdout)


def parse(text: str) -> Said:
    """Reads what wrk printed. Raises ServerFailedError where it says that sockets failed, or doesn't say a rate."""
    if errors := re.search(r"Socket errors:.*", text):
        raise ServerFailedError(errors[0])
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    count = re.search(r"(\d+) requests in", text)
    if not rate or not count:
        raise ServerFailedError(f"wrk said no rate:\n{text}")
    if count[1] == "0":
        raise ServerFailedError("no answer while it was timed")
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Said(
        float(rate[1]),
        int(count[1]),
        int(other[1]) if other else 0,
        _percentile(text, 50),
        _percentile(text, 99),
    )


def _percentile(text: str, which: int) -> float:
    """Milliseconds; 0 where it isn't said."""
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[found[2]] if found else 0.0
