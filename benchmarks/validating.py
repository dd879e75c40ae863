"""
What it costs that a request is held to a contract: a body of 2 KiB, with and without `openapi`, in turns.

One connection, one request after the other, so that the difference of the
medians is the work that came on top. Run: `python -m benchmarks.validating`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import time
from contextlib import ExitStack
from typing import Any

from benchmarks import inside, processes, servers
from benchmarks.asks import Ask
from benchmarks.traffic import Post

GOAL_US = 100
MODES = ("off", "report", "enforce")
ITEM = {
    "type": "object",
    "required": ["sku", "name", "price", "tags"],
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "price": {"type": "number", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["new", "sale", "last"]}, "uniqueItems": True},
    },
    "additionalProperties": False,
}
ORDER = {
    "type": "object",
    "required": ["id", "email", "items"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "email": {"type": "string", "format": "email"},
        "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Item"}},
        "note": {"type": ["string", "null"]},
    },
}


def document() -> dict[str, Any]:
    order = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}
    parameters = [
        {"name": "shop", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z]+$"}},
        {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
        {
            "name": "idempotency-key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 4},
        },
    ]
    post = {
        "parameters": parameters,
        "requestBody": {"required": True, **order},
        "responses": {"201": {"description": "Made.", **order}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1"},
        "paths": {"/shops/{shop}/orders": {"post": post}},
        "components": {"schemas": {"Order": ORDER, "Item": ITEM}},
    }


def body() -> dict[str, Any]:
    """An order of about 2 KiB."""
    items = [
        {
            "sku": f"ABC-{n:04d}",
            "name": f"A thing that has the number {n}",
            "price": n + 0.5,
            "tags": ["new", "sale"],
        }
        for n in range(20)
    ]
    return {
        "id": "0f1e7a34-5b9a-4c1e-9d2b-0d6f6c1a2b3c",
        "email": "ann@example.com",
        "items": items,
        "note": None,
    }


def replies() -> dict[str, Any]:
    """A reply that never changes, and one that is rendered, and so judged, at each call."""
    rendered = body() | {"email": "{{ request.json.email }}"}
    return {"fixed": {"status": 201, "json": body()}, "rendered": {"status": 201, "json": rendered}}


ORDERS = Post(
    "/shops/main/orders?dry=true",
    {"Content-Type": "application/json", "Idempotency-Key": "key-1234"},
    json.dumps(body() | {"note": "{n}"}),
)
"""Bodies differ, as a client's do."""


def round_trips_us(port: int, count: int) -> float:
    """The median of so many."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    took = []
    for n in range(count):
        headers, sent = ORDERS.numbered(n)
        began_s = time.perf_counter()
        connection.request("POST", ORDERS.path, sent, headers)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - began_s) * 1e6)
        if answer.status != 201:
            raise SystemExit(f"the answer was {answer.status}")
    connection.close()
    return statistics.median(took)


def measure(reply: dict[str, Any], rounds: int, count: int) -> dict[str, tuple[float, float]]:
    """
    Of each mode the round trip and the processor time of a request, in µs: the least of rounds in which all
    take turns, for whatever else the machine does only adds.
    """
    found: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    first = Ask("/__admin/health")
    with processes.scratch() as folder, ExitStack() as stack:
        (folder / "spec.json").write_text(json.dumps(document()))
        running = {}
        for mode in MODES:
            path = servers.scenario(folder, mode, scenario(reply, mode))
            port = processes.free_port()
            running[mode] = stack.enter_context(
                processes.running(servers.mockserver(path, port), port, first)
            )
        for _ in range(rounds):
            for mode, server in running.items():
                before_s = server.fine_cpu_s()
                trip_us = round_trips_us(server.port, count)
                found[mode].append((trip_us, (server.fine_cpu_s() - before_s) / count * 1e6))
    return {
        mode: (min(trip for trip, _ in pairs), min(cpu for _, cpu in pairs)) for mode, pairs in found.items()
    }


def scenario(reply: dict[str, Any], mode: str) -> dict[str, Any]:
    routes = [{"request": "POST /shops/{shop}/orders", "reply": reply}]
    return {"openapi": "spec.json", "validate": mode, "routes": routes}


def inside_us(reply: dict[str, Any], mode: str, count: int) -> float:
    """The processor time of a request in this process, from its bytes' being there to its answer: without any socket."""

    async def asked() -> float:
        async with inside.served(scenario(reply, mode), {"spec.json": document()}) as connection:
            least_s = float("inf")
            for part in range(9):
                requests = [ORDERS.raw(part * count + number) for number in range(count)]
                began_s = time.thread_time()
                for request in requests:
                    await connection.expect(201, request)
                least_s = min(least_s, time.thread_time() - began_s)
            return least_s / count * 1e6

    found: float = inside.run(asked)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=1000)
    asked = parser.parse_args()
    print(f"a body of {len(json.dumps(body()))} bytes, one request after the other")
    for name, reply in replies().items():
        in_python = {mode: inside_us(reply, mode, asked.requests) for mode in MODES}
        found = measure(reply, asked.rounds, asked.requests)
        trip_us, cpu_us = found["off"]
        print(f"{name} reply, unvalidated: {trip_us:.0f} µs a round trip, {cpu_us:.0f} µs of processor time")
        for mode in MODES[1:]:
            over = found[mode][0] - trip_us, found[mode][1] - cpu_us
            met = "met" if max(over) <= GOAL_US else "missed"
            added = in_python[mode] - in_python["off"]
            print(f"  {mode}: {over[0]:+.0f} µs and {over[1]:+.0f} µs; goal at most {GOAL_US}: {met}")
            print(f"    of it in Python {added:+.0f} µs of processor time, without a socket")


if __name__ == "__main__":
    main()
