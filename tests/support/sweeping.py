"""Suites that are swept as users sweep theirs: in a folder of their own, by a command, with a report to read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests  # noqa: F401  # for `run_here`: pytester drops what a run imports, and parts of this can't be imported again

from support.server import CLEAN_ENV
from support.suites import FOLDER, INI, run_in_process, set_environment

CLIENT = '''
"""Clients of a payment API that know it by a URL alone: one that tries again as it should, and one that does all of it wrong."""
import http.client, json, time, uuid
from urllib.parse import urlsplit

TIMEOUT_S = 0.8

def once(url, path, body=None, key=None, method="POST"):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
    try:
        connection.request(method, parts.path + path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()

def tried(send, tries=4, honours=True):
    for attempt in range(tries):
        wait_s = 0.0
        try:
            status, headers, body = send()
            if status < 400:
                return json.loads(body) if body else None
            if status < 500 and status != 429:
                raise RuntimeError(f"refused with {status}")
            wait_s = float(headers.get("retry-after", 0)) if honours else 0.0
        except (OSError, http.client.HTTPException, ValueError):
            pass
        if attempt < tries - 1:
            time.sleep(wait_s)
    raise RuntimeError("the service is down")

def good(url, path, body):
    key = str(uuid.uuid4())
    return tried(lambda: once(url, path, body, key))

def bad(url, path, body):
    return tried(lambda: once(url, path, body, str(uuid.uuid4())), honours=False)

def keyless(url, path, body):
    return tried(lambda: once(url, path, body))

def read(url, path):
    return tried(lambda: once(url, path, method="GET"))
'''

QUICK = """
troubles:
  429-retry-after: {before: {status: 429, headers: {retry-after: "0.2"}}}
  time-out: {after: {delay: 2s, fault: close}}
  slow-body: {after: {throttle: {chunks: 3, over: 30ms}}}
  webhook-late: {webhook: {delay: 300ms}}
"""
"""The shipped troubles with shorter waits."""


@dataclass(frozen=True)
class Done:
    """A sweep that has ended."""

    code: int
    output: str
    folder: Path
    report: dict[str, Any]

    def verdicts(self, test: str | None = None) -> dict[str, str]:
        """By `call/trouble`, or for all tests by `test/call/trouble`."""
        return {
            f"{cell['call']}/{cell['trouble']}"
            if test
            else f"{cell['test']}/{cell['call']}/{cell['trouble']}": cell["verdict"]
            for cell in self.report["cells"]
            if test is None or cell["test"].endswith(f"::{test}")
        }

    def cell(self, name: str) -> dict[str, Any]:
        """The one whose id ends so."""
        (found,) = (cell for cell in self.report["cells"] if cell["id"].endswith(name))
        return found


def sweep(folder: Path, *args: str, env: dict[str, str] | None = None, **files: str) -> Done:
    """`pytest ARGS` in a folder with the client as `payment_client`, and these files; `__` in a name is its dot."""
    write(folder, **files)
    return run(folder, sys.executable, "-m", "pytest", *args, env=env)


def write(folder: Path, **files: str) -> None:
    """Write what `sweep` runs."""
    written = {"pytest.ini": INI, "payment_client.py": CLIENT, "troubles.yaml": QUICK}
    written |= {name.replace("__", "."): text for name, text in files.items()}
    for name, text in written.items():
        (folder / name).write_text(text)


def run(folder: Path, *command: str, env: dict[str, str] | None = None) -> Done:
    done = subprocess.run(
        command, cwd=folder, env={**CLEAN_ENV, "COLUMNS": "100", **(env or {})}, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    return Done(done.returncode, done.stdout + done.stderr, folder, report_in(folder))


def run_here(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *args: str, columns: int = 100
) -> Done:
    """`pytest ARGS` in the folder of pytester, in this process."""
    set_environment(monkeypatch)
    monkeypatch.syspath_prepend(FOLDER)  # for this process, and CHILD for those of a sweep
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run_in_process(pytester, *args)
    return Done(int(done.ret), f"{done.stdout}\n{done.stderr}", pytester.path, report_in(pytester.path))


def report_in(folder: Path) -> dict[str, Any]:
    """The report of the last sweep there; empty if there is none."""
    report = folder / "mock-server-sweep/report.json"
    return json.loads(report.read_text()) if report.exists() else {}
