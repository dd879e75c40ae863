"""
What a shared store costs, and what more replicas bring: requests each second, processor time of replicas and store.

Every request is unique. The reference is one replica without a store in the same round. Run: `scripts/bench --replicas`;
`--seconds` and `--rounds` say how long. Needs redis-server and wrk. The replicas share the servers' cores, so on a
machine with few of them the processor time of a call says more than the rate.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, processes, servers, traffic, wrk
from benchmarks.asks import Ask, ServerFailedError, send
from benchmarks.processes import Running
from benchmarks.traffic import Traffic

BODY = json.dumps({"order": "{n}", "amount": 1999, "note": "x" * 800})
HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "key-{n}"}
SCENARIO: dict[str, Any] = {
    "state": {"paid": 0},
    "routes": [
        {"name": "static", "request": "POST /static", "reply": {"json": {"ok": True}}},
        {"name": "sequence", "request": "POST /sequence", "reply": [503, 503, 200], "then": "cycle"},
        {
            "name": "intent",
            "request": "POST /intents",
            "idempotency": {"header": "idempotency-key"},
            "reply": {
                "status": 201,
                "json": {"id": "{{ uuid() }}", "amount": "{{ request.json.amount }}"},
                "set": {"paid": "{{ state.paid + 1 }}"},
                "effect": {"kind": "charge", "amount": "{{ request.json.amount }}"},
            },
        },
    ],
}
WORKS = {"static": "/static", "sequence": "/sequence", "payment intent": "/intents"}


@dataclass(frozen=True)
class Figure:
    """`us` is the processor time of a call in all replicas, `store_us` that in the store."""

    rate: float
    us: float
    store_us: float
    p50_ms: float
    p99_ms: float


@contextlib.contextmanager
def redis() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A store that keeps nothing on disk: its URL and its process."""
    port = processes.free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    popen = subprocess.Popen(machine.for_load(command), stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0", popen
    finally:
        popen.kill()
        popen.wait()


def path_of(work: str, namespace: str) -> str:
    return (f"/@{namespace}" if namespace else "") + WORKS[work]


def measured(
    replicas: list[Running], store_pid: int | None, work: str, seconds: int, folder: Path, *, spread: bool
) -> Figure:
    """Load on all replicas at once, each in a namespace of its own where it is `spread`."""
    everyone = [replica.popen.pid for replica in replicas]
    loads: list[Traffic] = []
    for number in range(len(replicas)):
        path = path_of(work, f"n{number}" if spread else "")
        loads.append(traffic.scripted(path, "POST", HEADERS, BODY).after(number * 10_000_000))
    said: list[wrk.Said | None] = [None] * len(replicas)
    failed: list[ServerFailedError] = []

    def ask(number: int) -> None:
        own = folder / f"load{number}"
        own.mkdir(exist_ok=True)
        try:
            said[number] = wrk.load(replicas[number].port, loads[number], seconds, own)
        except ServerFailedError as error:
            failed.append(error)

    before, store_before = sum(map(cpu_s, everyone)), cpu_s(store_pid)
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(replicas))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    used, store_used = sum(map(cpu_s, everyone)) - before, cpu_s(store_pid) - store_before
    answers = [answer for answer in said if answer is not None]
    count = sum(answer.count for answer in answers)
    return Figure(
        sum(answer.rate for answer in answers),
        used / count * 1e6,
        store_used / count * 1e6,
        statistics.median(answer.p50_ms for answer in answers),
        max(answer.p99_ms for answer in answers),
    )


def cpu_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / processes.TICKS


@contextlib.contextmanager
def served(folder: Path, count: int, *flags: str) -> Iterator[list[Running]]:
    with contextlib.ExitStack() as stack:
        path = servers.scenario(folder, "shared", SCENARIO)
        yield [
            stack.enter_context(
                processes.running(servers.mockserver(path, port, *flags), port, Ask("/__admin/health/live"))
            )
            for port in [processes.free_port() for _ in range(count)]
        ]


def round_of(seconds: int, folder: Path) -> dict[tuple[str, str], Figure]:
    """Every figure once, by set-up and work."""
    figures: dict[tuple[str, str], Figure] = {}
    for work in WORKS:
        with served(folder, 1) as alone:
            figures["without a store", work] = measured(alone, None, work, seconds, folder, spread=False)
    for count in (1, 2, 3):
        for spread in (False, True) if count > 1 else (False,):
            where = "a namespace each" if spread else "one namespace"
            for work in WORKS:
                with redis() as (url, popen), served(folder, count, "--store", url) as replicas:
                    for number in range(count if spread else 0):
                        name = json.dumps({"name": f"n{number}"})
                        send(replicas[number].port, "POST", "/__admin/namespaces", name)
                    name = f"{count} replica{'s' if count > 1 else ''}" + (f", {where}" if count > 1 else "")
                    figures[name, work] = measured(replicas, popen.pid, work, seconds, folder, spread=spread)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench --replicas", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("redis-server") is None:
        raise SystemExit("scripts/bench --replicas needs redis-server: apt-get install redis-server")
    machine.move_to_the_load()
    with processes.scratch() as folder:
        rounds = [round_of(options.seconds, folder) for _ in range(options.rounds)]
    print("| set-up | work | requests/s | CPU µs a call | of one without | store µs | p50 ms | p99 ms |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, work in rounds[0]:
        seen = [figures[name, work] for figures in rounds]
        ratio = statistics.median(
            figures[name, work].us / figures["without a store", work].us for figures in rounds
        )
        rate, us, store_us, p50, p99 = (
            statistics.median(getattr(figure, field) for figure in seen)
            for field in ("rate", "us", "store_us", "p50_ms", "p99_ms")
        )
        print(
            f"| {name} | {work} | {rate:,.0f} | {us:.1f} | {ratio:.2f} × | {store_us:.1f} | {p50:.1f} | {p99:.1f} |"
        )


if __name__ == "__main__":
    main()
