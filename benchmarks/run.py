"""
Measures and prints the table: `scripts/bench`, or `scripts/bench --quick` to see that it works.

wrk on core 1, the server on core 0, 32 connections that stay; medians of rounds
that go through all works in turn, after a warm-up. Ratios, not absolute figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks import servers
from benchmarks.works import Work, works

CONNECTIONS = 32


@dataclass
class Measured:
    """Requests a second and CPU microseconds a request, a value a round."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpu_us)


def cpu_s(pid: int) -> float:
    """Processor time of a process and its children so far, in seconds; 0 where it can't be read."""
    total = 0.0
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, below)):
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / 100
    except OSError:
        return 0.0
    return total


def load(url: str, script: Path, seconds: float) -> tuple[float, int]:
    """Requests a second and how many in all. Raises SystemExit where sockets failed."""
    command = servers.pinned(1, ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script), url])
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    errors = re.search(r"Socket errors:.*", said)
    if errors and not re.search(r"connect 0, read 0, write 0", errors[0]):
        raise SystemExit(f"{url}: {errors[0]}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    count = re.search(r"(\d+) requests in", said)
    if not rate or not count:
        raise SystemExit(f"wrk said:\n{said}")
    return float(rate[1]), int(count[1])


def measure(
    command: list[str], port: int, script: Path, seconds: float, into: Measured, namespaces: int = 0
) -> None:
    with servers.running(command, port) as process:
        url = f"http://127.0.0.1:{port}"
        for i in range(1, namespaces + 1):
            body = json.dumps({"name": f"n{i}"}).encode()
            with urllib.request.urlopen(urllib.request.Request(f"{url}/__admin/namespaces", data=body)):
                pass
        load(url, script, max(0.3, seconds / 4))
        before = cpu_s(process.pid)
        rate, count = load(url, script, seconds)
        into.rates.append(rate)
        into.cpu_us.append((cpu_s(process.pid) - before) / max(count, 1) * 1e6)


def table(found: dict[str, Measured], listed: list[Work]) -> list[str]:
    """The table in Markdown."""
    lines = [
        "| work | requests/s | CPU µs | ratio | against | goal |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {found[name].rate:,.0f} | {found[name].cpu:.1f} | | | |"
        for name in ("nginx", "bare aiohttp")
        if name in found
    ]
    for work in listed:
        one = found[work.name]
        against = found.get(work.against)
        ratio = f"{one.rate / against.rate:.2f}" if against else ""
        met = "" if not against else " met" if one.rate / against.rate >= work.goal else " **missed**"
        lines.append(
            f"| {work.name} | {one.rate:,.0f} | {one.cpu:.1f} | {ratio} | {work.against} | ≥ {work.goal:.2f}{met} |"
        )
    one, bare = found["one route"], found["bare aiohttp"]
    met = "met" if one.rate / bare.rate >= 1.8 else "**missed**"
    lines.append(f"| one route | | | {one.rate / bare.rate:.2f} | bare aiohttp | ≥ 1.80 {met} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works: one short round")
    parser.add_argument("--only", help="works whose name has this in it, and one route")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    rounds, seconds = (1, 0.5) if options.quick else (3, 3.0)
    listed = [
        work for work in works() if not options.only or options.only in work.name or work.name == "one route"
    ]
    found: dict[str, Measured] = {}
    with servers.work_folder() as folder:
        scripts = {}
        for work in listed:
            scripts[work.name] = folder / f"{work.name.replace(' ', '-')}.lua"
            scripts[work.name].write_text(work.lua)
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            port = servers.free_port()
            command = servers.nginx(folder, port)
            if command is not None:
                measure(command, port, scripts["one route"], seconds, found.setdefault("nginx", Measured()))
            port = servers.free_port()
            measure(
                servers.bare_aiohttp(port),
                port,
                scripts["one route"],
                seconds,
                found.setdefault("bare aiohttp", Measured()),
            )
            for work in listed:
                port = servers.free_port()
                command = servers.mockserver(work.file(folder), port)
                into = found.setdefault(work.name, Measured())
                measure(command, port, scripts[work.name], seconds, into, work.namespaces)
    print(
        f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, {platform.machine()}, {CONNECTIONS} connections\n"
    )
    print("\n".join(table(found, listed)))
    if options.json:
        figures = {name: {"rate": one.rate, "cpu_us": one.cpu} for name, one in found.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
