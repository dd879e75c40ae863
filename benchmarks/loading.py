"""Many routes: from a file, beside what PyYAML's C loader takes for the same text; and one by one over the admin API."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import machine, processes, servers
from benchmarks.asks import Ask, ServerFailedError
from benchmarks.figures import Result
from benchmarks.scale import Scale
from benchmarks.starting import first_answer
from benchmarks.works import OK, ONE

# What is measured twice is never quite the same.
NOISE = 0.05
# So many are added to one server, then to the other.
_IN_TURN = 20
YAML = "import sys, time, yaml; text = open(sys.argv[1]).read(); began = time.perf_counter(); yaml.load(text, yaml.CSafeLoader); print(time.perf_counter() - began)"


def measure(scale: Scale) -> list[Result]:
    return [from_a_file(scale), one_by_one(scale)]


def text_of(count: int) -> str:
    """A scenario file as somebody would write it."""
    routes = (
        f'  - request: GET /items/{i}\n    reply: {{json: {{id: {i}, name: "Item {i}", tags: [a, b]}}}}\n'
        for i in range(1, count + 1)
    )
    return "scenario: many\nroutes:\n" + "".join(routes)


def from_a_file(scale: Scale) -> Result:
    """The server's part is its start with many routes less its start with one: what a user waits longer."""
    times = max(1, scale.times // 3)
    ours_s, theirs_s, one_s = [], [], []
    with processes.scratch() as folder:
        many, one = folder / "many.yaml", folder / "one.yaml"
        many.write_text(text_of(scale.many))
        one.write_text(text_of(1))
        ask = Ask("/items/1", json={"id": 1, "name": "Item 1", "tags": ["a", "b"]})
        for _ in range(times):
            theirs_s.append(yaml_s(many))
            one_s.append(first_answer(one, ask)[0])
            ours_s.append(first_answer(many, ask)[0])
    loading_s = statistics.median(ours_s) - statistics.median(one_s)
    plain_s = statistics.median(theirs_s)
    return Result(
        f"loading {scale.many:,} routes from YAML",
        f"{loading_s:.2f} s beside {plain_s:.2f} s of PyYAML's C loader: {loading_s / plain_s:.2f} ×",
        "at most 3 ×",
        loading_s <= 3 * plain_s,
    )


def yaml_s(path: Path) -> float:
    """Seconds that PyYAML's C loader takes for the file's text, in a process of its own."""
    command = machine.for_servers([sys.executable, "-c", YAML, str(path)])
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def one_by_one(scale: Scale) -> Result:
    """
    The first tenth goes to a server without other routes, the last to one that has the nine before: a few in turn, so that
    a machine that gets slower meanwhile slows both.
    """
    tenth = max(1, scale.many // 10)
    first_s: list[float] = []
    last_s: list[float] = []
    with processes.scratch() as folder, ExitStack() as stack:
        path = servers.scenario(folder, "one", {"routes": ONE})

        def started() -> http.client.HTTPConnection:
            port = processes.free_port()
            command = servers.mockserver(path, port)
            stack.enter_context(processes.running(command, port, Ask("/one", json=OK)))
            return stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)))

        empty, full = started(), started()
        added(full, range(tenth, scale.many))
        for i in range(0, tenth, _IN_TURN):
            numbers = range(i, min(i + _IN_TURN, tenth))
            first_s += added(empty, numbers)
            last_s += added(full, numbers)
    return admin_result(first_s, last_s)


def added(connection: http.client.HTTPConnection, numbers: range) -> list[float]:
    """Seconds of each addition, over one connection. Raises ServerFailedError where one is refused."""
    times_s = []
    for i in numbers:
        body = json.dumps({"request": f"GET /added/{i}", "reply": {"json": {"id": i}}})
        began = time.perf_counter()
        connection.request("POST", "/__admin/routes", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        times_s.append(time.perf_counter() - began)
        if answer.status != 201:
            raise ServerFailedError(f"route {i}: {answer.status} {said[:200]!r}")
    return times_s


def admin_result(first: list[float], last: list[float]) -> Result:
    """Of the times of the first and the last tenth, in seconds: medians, so that single hiccups say nothing."""
    first_s, last_s = statistics.median(first), statistics.median(last)
    return Result(
        f"adding {10 * len(last):,} routes one by one over the admin API",
        f"{last_s * 1000:.2f} ms each for the last {len(last):,}, {first_s * 1000:.2f} ms for the first: {last_s / first_s:.2f} ×",
        f"no slower at the last ({NOISE:.0%} of noise allowed)",
        last_s <= (1 + NOISE) * first_s,
    )
