"""
A server with a state file under load, killed again and again: the file is whole every time, and keeps what it must.

    scripts/crash [--rounds 200] [--seed N]

Every other kill waits until a new document is being written. What is judged:

- the file can be read after every kill, and the next server starts with it;
- it fits together: what it says of one call, it says everywhere;
- the call log has the calls that it counts, but for those in progress at a kill;
- it holds at least every call that was answered `promise_s` before the kill, and none that was never sent.
"""

from __future__ import annotations

import argparse
import bisect
import json
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from mockserver.persistence.document import read
from support.server import Process

CLIENTS = 3
MOST_CALLS = 10_000
"""As many calls are kept in the log; above that, a kill between the two files also takes some of the oldest."""
LINES = ("GET /seq", "POST /orders")
SHOP = """
routes:
  - {name: seq, request: GET /seq, reply: [201, 202, 203, 204, 205], then: cycle}
  - name: order
    request: POST /orders
    idempotency: {header: idempotency-key}
    set: {"order.{{ call.number % 500 }}": "{{ call.number }}"}
    reply: {status: 201, json: {number: "{{ call.number }}"}, effect: {kind: order, number: "{{ call.number }}"}}
"""


class Load:
    """Clients that go on asking until the server has gone; they know what was sent, and what was answered when."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._lock = threading.Lock()
        self.sent = 0
        self.answered_at_s: list[float] = []
        self.faults: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, client: int) -> None:
        connection = HTTPConnection(*self._address, timeout=5)
        turn = 0
        try:
            while True:
                turn += 1
                with self._lock:
                    self.sent += 1
                if turn % 2:
                    self._one(connection, "GET", "/seq", {}, 0)
                else:
                    key = f"{client}-{turn}-{time.monotonic_ns()}"
                    self._one(connection, "POST", "/orders", {"Idempotency-Key": key}, 201)
                if turn % 20 == 0:
                    body = json.dumps(
                        {"request": f"GET /made/{turn}", "name": f"r{client}-{turn % 200}", "reply": 200}
                    )
                    connection.request("POST", "/__admin/routes", body)
                    connection.getresponse().read()
        except (OSError, HTTPException):
            return  # the server was killed
        finally:
            connection.close()

    def _one(
        self, connection: HTTPConnection, method: str, path: str, headers: dict[str, str], wanted: int
    ) -> None:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        now_s = time.monotonic()
        with self._lock:
            self.answered_at_s.append(now_s)
            if wanted and answer.status != wanted:
                self.faults.append(f"{method} {path}: {answer.status}")

    def end(self) -> None:
        for thread in self._threads:
            thread.join(10)

    def answered_by(self, at_s: float) -> int:
        return bisect.bisect_right(sorted(self.answered_at_s), at_s)


@dataclass
class Report:
    """What came of all rounds. `faults` says what should not be."""

    promise_s: float = 1.0
    rounds: int = 0
    in_writing: int = 0
    calls: int = 0
    longest_unsaved_s: float = 0.0
    bytes: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills, {self.in_writing} of them while a document was written; {self.calls} calls kept, "
            f"state file {self.bytes} bytes; the oldest call that a kill took had been answered "
            f"{self.longest_unsaved_s:.3f} s before"
        )


def crash(folder: Path, rounds: int, seed: int, *, longest_s: float = 1.2, promise_s: float = 1.0) -> Report:
    """So many rounds of a server in `folder`, which is empty; each is under load for `longest_s` at most."""
    scenarios, state = folder / "shop.yaml", folder / "state.json"
    scenarios.write_text(SHOP)
    chance, report = random.Random(seed), Report(promise_s=promise_s)
    for _ in range(rounds):
        server = Process([str(scenarios), "--port", "0", "--state-file", str(state)], folder=folder)
        try:
            _round(server, state, chance.uniform(0.05, longest_s), report)
        finally:
            server.stop()
    return report


def _round(server: Process, state: Path, under_load_s: float, report: Report) -> None:
    began = read(state.read_bytes())
    before = server.admin.get("/counts")["total"]
    if before != _total(began):
        report.faults.append(
            f"round {report.rounds}: it started with {before} calls, its file had {_total(began)}"
        )
    logged, least = _logged(server), before - CLIENTS * report.rounds if before <= MOST_CALLS else 0
    if not least <= logged <= before:
        report.faults.append(f"round {report.rounds}: {logged} calls are in the log, of {before}")
    _fill(server)
    load = Load(server.address)
    time.sleep(under_load_s)
    if report.rounds % 2:
        _wait_for_writing(state, 1 + report.rounds // 2 % 2)
    server.process.kill()
    killed_at_s = time.monotonic()
    server.process.wait()
    report.in_writing += state.with_name(state.name + ".new").exists()
    load.end()
    report.rounds += 1
    _judge(state, load, before, killed_at_s, report)


def _logged(server: Process) -> int:
    """The calls in the log: those that a condition can be checked for."""
    with_host = {"match": {"headers": {"host": "present"}}}
    counts = [server.admin.post("/count", {"request": line, **with_host})["count"] for line in LINES]
    return sum(counts)


def _fill(server: Process) -> None:
    """State that makes writing take a while."""
    server.admin.call("PUT", "/state", {f"ballast.{n}": "x" * 200 for n in range(2000)})


def _wait_for_writing(state: Path, times: int) -> None:
    """Until a new document is being written, the next one or that after it."""
    new, end_s = state.with_name(state.name + ".new"), time.monotonic() + 5
    for _ in range(times):
        for wanted in (False, True):
            while new.exists() is not wanted and time.monotonic() < end_s:
                time.sleep(0)


def _judge(state: Path, load: Load, before: int, killed_at_s: float, report: Report) -> None:
    fault = report.faults.append
    report.faults += load.faults[:3]
    try:
        namespaces = read(state.read_bytes())
    except Exception as why:
        fault(f"round {report.rounds}: {why}")
        raise
    for flaw in _misfits(namespaces["default"]):
        fault(f"round {report.rounds}: {flaw}")
    kept = _total(namespaces) - before
    if kept > load.sent:
        fault(f"round {report.rounds}: {kept} calls kept, {load.sent} sent")
    if kept < load.answered_by(killed_at_s - report.promise_s):
        fault(
            f"round {report.rounds}: {kept} calls kept, {load.answered_by(killed_at_s - report.promise_s)} "
            f"answered more than {report.promise_s} s before the kill"
        )
    answered = sorted(load.answered_at_s)
    if kept < len(answered):
        report.longest_unsaved_s = max(report.longest_unsaved_s, killed_at_s - answered[kept])
    report.calls, report.bytes = _total(namespaces), state.stat().st_size


def _total(namespaces: dict[str, Any]) -> int:
    counts = namespaces["default"]["parts"].get("counts")
    return counts[0][0] if counts else 0


def _misfits(kept: dict[str, Any]) -> list[str]:
    """What one part says of the calls, and another says otherwise."""
    about, parts = kept["about"], kept["parts"]
    if "counts" not in parts:
        return []
    total = parts["counts"][0][0]
    routes = {row[0]: row for row in parts["counts_by_route"]}
    drawn = {row[0]: row[-1] for row in parts["positions"]}
    sums = {
        "calls by number": about["last_number"],
        "calls by route": sum(row[1] for row in routes.values()),
        "calls by status": sum(count for row in routes.values() for _, count in row[3]),
        "calls by line": sum(count for *_, count in parts["counts_by_line"]),
        "calls by position": sum(drawn.values()),
    }
    made = routes.get("shop/order", ["", 0])[1]
    effects = len(parts.get("effects", [])) + about.get("effects_dropped", 0)
    found = [f"{total} calls, but {name} {count}" for name, count in sums.items() if count != total]
    if effects != made:
        found.append(f"{made} orders, but {effects} effects")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/crash", description="Kills a server with a state file, again and again."
    )
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the moments of the kills"
    )
    asked = parser.parse_args()
    sys.stdout.write(f"seed {asked.seed}\n")
    sys.stdout.flush()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mockserver-crash-") as folder:
        report = crash(Path(folder), asked.rounds, asked.seed)
    sys.stdout.write(f"{report}; {time.monotonic() - began_s:.0f} s\n")
    sys.stderr.writelines(f"{fault}\n" for fault in report.faults)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
