"""From nothing to the first answer, beside what importing aiohttp alone takes."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine, processes, servers
from benchmarks.asks import Ask
from benchmarks.figures import Result
from benchmarks.scale import Scale

IMPORT = "import aiohttp.web"
SCENARIOS = 10
SCENARIO = """\
scenario: service-{i}
base: /s{i}
defaults: {{headers: {{x-request-id: "{{{{ uuid() }}}}"}}}}
routes:
  - request: GET /health
    reply: {{json: {{ok: true}}}}
  - request: POST /charges
    match: {{json: {{amount: {{$gte: 100}}, currency: usd}}}}
    let: {{id: "ch_{{{{ random_string(24) }}}}"}}
    reply:
      - {{status: 503, headers: {{retry-after: "1"}}}}
      - status: 201
        json: {{id: "{{{{ let.id }}}}", amount: "{{{{ request.json.amount }}}}"}}
        effect: {{kind: charge, id: "{{{{ let.id }}}}"}}
  - request: POST /orders/{{id}}/approve
    when: {{"order.{{{{ path.id }}}}": {{any_of: [absent, pending]}}}}
    set: {{"order.{{{{ path.id }}}}": approved}}
    reply: {{json: {{status: approved}}}}
  - request: GET /files/{{rest:.+}}
    reply: {{text: "{{{{ path.rest }}}}"}}
  - request: GET /flaky
    reply: [503, {{fault: reset}}, 200]
    then: cycle
"""


def measure(scale: Scale) -> list[Result]:
    """Wall-clock and processor seconds, medians of turns in which each is started once."""
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with processes.scratch() as folder, bytecode_kept():
        path = written(folder)
        # Once for nothing: bytecode is written, files are in memory.
        for number in range(scale.times + 1):
            found = (importing(), first_answer(path, Ask(f"/s{SCENARIOS}/health", json={"ok": True})))
            if number:
                theirs.append(found[0])
                ours.append(found[1])
    return [result(ours, theirs)]


@contextlib.contextmanager
def bytecode_kept() -> Iterator[None]:
    """
    Has the Pythons that are started keep their bytecode, as they do by default. Without it, as PYTHONDONTWRITEBYTECODE
    asks, one side would be compiled anew at each start and the other not.
    """
    before = dict(os.environ)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def written(folder: Path) -> Path:
    path = folder / "scenarios"
    path.mkdir()
    for i in range(1, SCENARIOS + 1):
        (path / f"service-{i}.yaml").write_text(SCENARIO.format(i=i))
    return path


def importing() -> tuple[float, float]:
    """Wall-clock and processor seconds of a Python that imports aiohttp and ends."""
    command = machine.for_servers([sys.executable, "-c", IMPORT])
    began = time.monotonic()
    pid = os.spawnvp(os.P_NOWAIT, command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime


def first_answer(path: Path, first: Ask) -> tuple[float, float]:
    """Wall-clock and processor seconds from the start of a server to its first right answer."""
    port = processes.free_port()
    with processes.running(servers.mockserver(path, port), port, first) as server:
        return server.start_s, server.start_cpu_s


def result(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> Result:
    wall_s, cpu_s = medians(ours)
    import_s, import_cpu_s = medians(theirs)
    return Result(
        f"start to first answer, {SCENARIOS} scenarios",
        f"{wall_s * 1000:.0f} ms beside {import_s * 1000:.0f} ms of `{IMPORT}`: {wall_s / import_s:.2f} × "
        f"(processor time {cpu_s * 1000:.0f} and {import_cpu_s * 1000:.0f} ms: {cpu_s / import_cpu_s:.2f} ×)",
        "at most 1.8 ×",
        wall_s <= 1.8 * import_s,
    )


def medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)
