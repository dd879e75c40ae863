"""
What a payment intent costs inside the engine: `scenarios/payments.yaml`, a new idempotency key each, no socket.

The webhooks are left out: what they cost is the sender's. Prints the processor time of a call, and the functions
written in Python that it enters. Run: `python -m benchmarks.payment_intent`; under `perf stat -e instructions` or
`valgrind --tool=callgrind` take the difference between two values of `--calls`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from benchmarks import processes
from mockserver.engine.engine import Engine
from mockserver.engine.world import build_world
from mockserver.files.loader import load
from mockserver.model.http import Request
from mockserver.model.plan import Outcome

SCENARIO = Path(__file__).resolve().parents[1] / "scenarios" / "payments.yaml"
HEADERS = [
    ("Host", "localhost:8080"),
    ("User-Agent", "Stripe/v1 PythonBindings/12.0.0"),
    ("Authorization", "Bearer sk_test_123"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Stripe-Version", "2025-01-27.acacia"),
    ("Content-Type", "application/x-www-form-urlencoded"),
]
ROUNDS = 5
COUNTED = 10


def without_webhooks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_webhooks(item) for key, item in value.items() if key != "webhook"}
    return [without_webhooks(item) for item in value] if isinstance(value, list) else value


def engine_of_payments() -> Engine:
    document = without_webhooks(yaml.safe_load(SCENARIO.read_text()))
    with processes.scratch() as folder:
        path = folder / "payments.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return Engine(build_world(load([path])), wall=time.time, mono=time.monotonic)


def perform(engine: Engine, number: int) -> None:
    """One payment intent, from its request to the end of its call."""
    body = f"amount=2000&currency=usd&metadata[order]={number}".encode()
    headers = [*HEADERS, ("Content-Length", str(len(body))), ("Idempotency-Key", f"key-{number}")]
    request = Request("POST", "/v1/payment_intents", headers, body, arrived_s=time.time())
    call = engine.begin(request, engine.default)
    engine.finish(call, Outcome.DONE)
    if call.status != 200:
        raise SystemExit(f"the answer was {call.status}")


def cpu_us(engine: Engine, first: int, count: int) -> float:
    began_s = time.process_time()
    for number in range(first, first + count):
        perform(engine, number)
    return (time.process_time() - began_s) / count * 1e6


def functions(engine: Engine, first: int) -> Counter[str]:
    """How often a call enters each function, generators and comprehensions included."""
    entered: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            entered[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"] += 1

    sys.setprofile(count)
    try:
        for number in range(first, first + COUNTED):
            perform(engine, number)
    finally:
        sys.setprofile(None)
    return entered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help=f"in each of {ROUNDS} rounds")
    parser.add_argument("--functions", action="store_true", help="which functions are entered, and how often")
    asked = parser.parse_args()
    engine = engine_of_payments()
    cpu_us(engine, 0, 100)
    entered = functions(engine, 100)
    rounds = [cpu_us(engine, 1000 + i * asked.calls, asked.calls) for i in range(ROUNDS)]
    print(f"{min(rounds):.1f} µs of processor time a call, the least of {ROUNDS} rounds")
    print(f"{entered.total() / COUNTED:.0f} Python functions entered a call")
    for name, times in entered.most_common() if asked.functions else ():
        print(f"{times / COUNTED:6.1f}  {name}")


if __name__ == "__main__":
    main()
