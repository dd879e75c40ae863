"""Requests that no route takes, one after the other, where there are thousands of routes: how many a second, and the longest."""

from __future__ import annotations

import http.client
import time

from benchmarks import processes, servers, traffic
from benchmarks.asks import Ask, ServerFailedError
from benchmarks.figures import Result
from benchmarks.scale import Scale

LEAST_A_SECOND, MOST_MS = 2_000, 5.0


def measure(scale: Scale) -> list[Result]:
    count = scale.missed
    by_path = [{"request": f"GET /items/{i}/parts/{{part}}", "reply": 200} for i in range(count)]
    by_body = [
        {"request": "POST /documents", "match": {"json": {"kind": f"k{i}"}}, "reply": 200}
        for i in range(count)
    ]
    body = traffic.document("none")
    return [
        judged(f"a miss among {count:,} paths", _times_s(by_path, scale, "GET", None)),
        judged(f"a miss among {count:,} routes of one path", _times_s(by_body, scale, "POST", body)),
    ]


def _times_s(routes: list[dict[str, object]], scale: Scale, method: str, body: str | None) -> list[float]:
    """Of each miss in as long as a work is timed, on one connection. Raises ServerFailedError where one is answered otherwise."""
    port = processes.free_port()
    found: list[float] = []
    with processes.scratch() as folder:
        command = servers.mockserver(servers.scenario(folder, "misses", {"routes": routes}), port)
        with processes.running(command, port, Ask("/__admin/health")):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            until_s = time.perf_counter() + scale.seconds
            while (began_s := time.perf_counter()) < until_s:
                path = "/documents" if body else f"/items/{len(found)}"
                connection.request(
                    method, path, body, {"Content-Type": "application/json", "X-N": str(len(found))}
                )
                answer = connection.getresponse()
                said = answer.read()
                found.append(time.perf_counter() - began_s)
                if answer.status != 404:
                    raise ServerFailedError(f"a miss was answered {answer.status} {said[:200]!r}")
            connection.close()
    return found


def judged(title: str, times_s: list[float]) -> Result:
    a_second, longest_ms = len(times_s) / sum(times_s), max(times_s) * 1000
    return Result(
        title,
        f"{a_second:,.0f} a second one after the other, the longest {longest_ms:.1f} ms",
        f"≥ {LEAST_A_SECOND:,} a second, none over {MOST_MS:g} ms",
        a_second >= LEAST_A_SECOND and longest_ms <= MOST_MS,
    )
