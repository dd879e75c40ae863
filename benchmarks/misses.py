"""
Requests that no route takes, one after the other, where there are thousands of routes: how many a second, and the longest.

`python -m benchmarks.misses` prints the processor time of one without a socket; `--profile` shows where it goes.
"""

from __future__ import annotations

import argparse
import gc
import socket
import time
from contextlib import ExitStack, nullcontext
from statistics import quantiles

from benchmarks import inside, processes, servers, traffic
from benchmarks.asks import Ask, ServerFailedError
from benchmarks.crowd import answer_length
from benchmarks.figures import Result
from benchmarks.payment_intent import Samples, rows
from benchmarks.scale import FULL, Scale
from mockserver.server.running import tune_collector

LEAST_A_SECOND, MOST_MS = 2_000, 5.0


Routes = list[dict[str, object]]


def by_path(count: int) -> tuple[str, Routes, None]:
    """The title, the routes, and the body of a request that misses them."""
    routes: Routes = [{"request": f"GET /items/{i}/parts/{{part}}", "reply": 200} for i in range(count)]
    return f"a miss among {count:,} paths", routes, None


def by_body(count: int) -> tuple[str, Routes, str]:
    routes: Routes = [
        {"request": "POST /documents", "match": {"json": {"kind": f"k{i}"}}, "reply": 200}
        for i in range(count)
    ]
    return f"a miss among {count:,} routes of one path", routes, traffic.document("none")


def measure(scale: Scale) -> list[Result]:
    return [
        judged(title, _times_s(routes, scale, body))
        for title, routes, body in (by_path(scale.missed), by_body(scale.missed))
    ]


def _times_s(routes: Routes, scale: Scale, body: str | None) -> list[float]:
    """Of each miss while a work would be timed, on one connection. Raises ServerFailedError where one is answered otherwise."""
    port = processes.free_port()
    found: list[float] = []
    with processes.scratch() as folder, ExitStack() as stack:
        command = servers.mockserver(servers.scenario(folder, "misses", {"routes": routes}), port)
        stack.enter_context(processes.running(command, port, Ask("/__admin/health")))
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        until_s = time.perf_counter() + scale.seconds
        while time.perf_counter() < until_s and len(found) != scale.requests:
            request = _raw(body, len(found))
            began_s = time.perf_counter()
            answer = _exchanged(connection, request)
            found.append(time.perf_counter() - began_s)
            if not answer.startswith(b"HTTP/1.1 404 "):
                raise ServerFailedError(f"a miss was answered {answer[:200]!r}")
    return found


def _exchanged(connection: socket.socket, request: bytes) -> bytes:
    """The whole answer. Reading it with http.client takes half as long as the server needs for it."""
    connection.sendall(request)
    answer = connection.recv(65_536)
    while (length := answer_length(answer)) is None or len(answer) < length:
        more = connection.recv(65_536)
        if not more:
            raise ServerFailedError(f"the connection was closed after {answer[-200:]!r}")
        answer += more
    return answer


def _raw(body: str | None, number: int) -> bytes:
    """A miss: another path each time, or another header."""
    line = "POST /documents" if body else f"GET /items/{number}"
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "X-N": number,
        "Content-Length": len(body or ""),
    }
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"{line} HTTP/1.1", *lines, "", body or ""]).encode()


def judged(title: str, times_s: list[float]) -> Result:
    a_second, longest_ms = len(times_s) / sum(times_s), max(times_s) * 1000
    return Result(
        title,
        f"{a_second:,.0f} a second one after the other, the longest {longest_ms:.1f} ms",
        f"≥ {LEAST_A_SECOND:,} a second, none over {MOST_MS:g} ms",
        a_second >= LEAST_A_SECOND and longest_ms <= MOST_MS,
    )


async def without_socket(routes: Routes, body: str | None, calls: int, *, profile: bool) -> list[str]:
    """The processor time of a miss, in lines. Quantiles, since other processes make some calls slower, but none faster."""
    async with inside.served({"routes": routes}) as connection:
        gc.collect()
        tune_collector()
        times_us: list[float] = []
        with Samples() if profile else nullcontext() as samples:
            for number in range(calls):
                request = _raw(body, number)
                began_s = time.thread_time()
                await connection.expect(404, request)
                times_us.append((time.thread_time() - began_s) * 1e6)
    tenth, median = (quantiles(times_us, n=10)[i] for i in (0, 4))
    lines = [
        f"a tenth takes up to {tenth:.0f} µs, half up to {median:.0f} µs, the longest {max(times_us) / 1000:.1f} ms"
    ]
    return lines if samples is None else [*lines, *rows(samples, sum(times_us) / calls, 30), ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--profile", action="store_true", help="where the time goes, by samples")
    options = parser.parse_args()
    for title, routes, body in (by_path(FULL.missed), by_body(FULL.missed)):
        found = inside.run(lambda: without_socket(routes, body, options.calls, profile=options.profile))  # noqa: B023  (runs at once)
        print(f"{title}: " + "\n".join(found))


if __name__ == "__main__":
    main()
