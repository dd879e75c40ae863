"""Memory: does it stay where it is under the default limits, and what does a recorded call cost?"""

from __future__ import annotations

import json
from dataclasses import replace

from benchmarks import processes, rounds, servers, traffic, wrk
from benchmarks.asks import Ask
from benchmarks.figures import Result
from benchmarks.processes import Running
from benchmarks.scale import Scale

DOCUMENT = {
    "routes": [
        {
            "request": "POST /charges",
            "reply": {"status": 201, "json": {"id": "ch_1", "amount": "{{ request.form.amount | int }}"}},
        }
    ]
}
# What the SDK sends with a call that follows another.
_MORE = {
    "X-Stripe-Client-Telemetry": json.dumps({"last_request_metrics": {"request_duration_ms": 3}}),
    "Connection": "keep-alive",
}
CALL = replace(traffic.SDK, headers={**traffic.SDK_HEADERS, **_MORE})
_PROOF = Ask("/charges", "POST", *reversed(CALL.numbered(0)), status=201, json={"id": "ch_1", "amount": 2000})
_PORTION_S = 5
_SOME_S = 1


def measure(scale: Scale) -> list[Result]:
    return [flat(scale), a_call(scale)]


def flat(scale: Scale) -> Result:
    """Default limits: what is kept is full long before the first look."""
    port = processes.free_port()
    with processes.scratch() as folder:
        command = servers.mockserver(servers.scenario(folder, "memory", DOCUMENT), port)
        with processes.running(command, port, _PROOF) as server:
            few = _ask_until(server, scale.calls_few, _SOME_S, scale.requests)
            few_bytes = server.rss_bytes()
            reached = _ask_until(server, scale.calls_many, _portion_s(scale), scale.requests)
            many_bytes = server.rss_bytes()
    grown = many_bytes / few_bytes - 1
    return Result(
        f"memory after {scale.calls_many:,} calls, default limits",
        f"{many_bytes / 1024**2:.1f} MiB after {reached:,}, {few_bytes / 1024**2:.1f} MiB after {few:,}: "
        f"{grown:+.1%}",
        f"within 5 % of after {scale.calls_few:,}",
        abs(grown) <= 0.05,
    )


def a_call(scale: Scale) -> Result:
    """Limits so high that every call is kept: what each further one costs."""
    port = processes.free_port()
    limits = ("--calls", str(100 * scale.calls_kept), "--calls-bytes", str(64 * 10**9))
    with processes.scratch() as folder:
        command = servers.mockserver(servers.scenario(folder, "memory", DOCUMENT), port, *limits)
        with processes.running(command, port, _PROOF) as server:
            first = _ask_until(server, scale.calls_few, _SOME_S, scale.requests)
            first_bytes = server.rss_bytes()
            last = _ask_until(server, first + scale.calls_kept, _portion_s(scale), scale.requests)
            each = (server.rss_bytes() - first_bytes) / (last - first)
    return Result(
        "memory of a recorded call, a POST as a payment SDK sends it",
        f"{each / 1024:.2f} KiB, over {last - first:,} calls",
        "at most 1.45 KiB",
        each <= 1.45 * 1024,
    )


def _portion_s(scale: Scale) -> int:
    return min(_PORTION_S, scale.seconds)


def _ask_until(server: Running, count: int, portion_s: int, requests: int | None) -> int:
    """Asks, so many seconds at a time, until the server has counted so many, no two of them alike; how many it is then."""
    with processes.scratch() as folder:
        while (total := int(rounds.counts_of(server.port)["total"])) < count:
            wrk.load(server.port, CALL.traffic().after(rounds.beyond(total)), portion_s, folder, requests)
    return total
