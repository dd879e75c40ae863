"""One connection of HTTP/2 beside one of HTTP/1.1, both with many requests under way. Needs h2load, of nghttp2."""

from __future__ import annotations

import re
import shutil
import subprocess

from benchmarks import machine, processes, servers
from benchmarks.asks import Ask, ServerFailedError
from benchmarks.figures import Result
from benchmarks.scale import Scale
from benchmarks.works import ONE

AT_ONCE = 32
LEAST = 0.5
"""What part of the rate of HTTP/1.1 is the goal."""
_WARM = 500


def measure(scale: Scale) -> list[Result]:
    title = f"one connection of HTTP/2 with {AT_ONCE} requests under way, beside one of HTTP/1.1"
    if not shutil.which("h2load"):
        return [Result(title, "not measured: there is no h2load (nghttp2-client)")]
    port = processes.free_port()
    ratios, costs = [], []
    with processes.scratch() as folder:
        command = servers.mockserver(servers.scenario(folder, "one", {"routes": ONE}), port)
        with processes.running(command, port, Ask("/__admin/health")) as server:
            for protocol in ([], ["--h1"]):
                _load(port, _WARM, protocol)
            for _ in range(scale.rounds):
                (newer, newer_us), (older, older_us) = (
                    _timed(port, server, scale.requests or scale.seconds * 10_000, protocol)
                    for protocol in ([], ["--h1"])
                )
                ratios.append(newer / older)
                costs.append(f"{newer_us:.1f} µs beside {older_us:.1f} µs")
    middle = sorted(ratios)[len(ratios) // 2]
    said = f"{middle:.2f} of its rate; processor time of a request: {', '.join(costs)}"
    return [Result(title, said, f"≥ {LEAST:g}", middle >= LEAST)]


def _timed(port: int, server: processes.Running, count: int, protocol: list[str]) -> tuple[float, float]:
    """Return requests a second, and the server's processor time of one in microseconds."""
    before_s = server.fine_cpu_s()
    rate = _load(port, count, protocol)
    return rate, (server.fine_cpu_s() - before_s) / count * 1e6


def _load(port: int, count: int, protocol: list[str]) -> float:
    """Return requests a second. Raises ServerFailedError if one was not answered by a 200."""
    limits = ["-c1", f"-m{AT_ONCE}", f"-n{count}"]
    done = subprocess.run(
        machine.for_load(["h2load", *protocol, *limits, f"http://127.0.0.1:{port}/one"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)
    if not rate or f"status codes: {count} 2xx" not in done.stdout:
        raise ServerFailedError(f"h2load said:\n{done.stdout}{done.stderr}")
    return float(rate[1])
