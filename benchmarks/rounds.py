"""Speed: every server does every work it can, in turn, round after round, so that a slow minute meets them all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import processes, servers, wrk
from benchmarks.asks import Ask, ServerFailedError, prove, send
from benchmarks.processes import Running
from benchmarks.scale import Scale
from benchmarks.works import BARE, NGINX, OK, Work

MOCKSERVER = "mockserver"
WITHOUT_UVLOOP = "mockserver without uvloop"


@dataclass(frozen=True)
class Sample:
    """
    One work on one server in one round. `busy` is the part of its time that the server's
    core worked (1.0: the server was the limit, not the load), `grown_bytes` is memory a request, warm-up aside.
    """

    rate: float
    cpu_us: float
    busy: float
    p50_ms: float
    p99_ms: float
    start_s: float
    rss_bytes: int
    grown_bytes: float


@dataclass(frozen=True)
class Target:
    """A server with a work to do. `command` writes what it needs into a folder; `counts`: it can say how many came."""

    server: str
    work: Work
    command: Callable[[Path, int], list[str]]
    counts: bool = False
    warm_up_s: int = 0
    env: dict[str, str] = field(default_factory=dict)


Samples = dict[str, dict[str, list[Sample]]]
"""By server and by the work's key, a sample a round."""


def own(work: Work, server: str = MOCKSERVER, *, uvloop: bool = True) -> Target:
    """mockserver with a work."""

    def command(folder: Path, port: int) -> list[str]:
        path = servers.scenario(folder, work.key, work.document)
        return servers.mockserver(path, port, *work.flags, uvloop=uvloop)

    return Target(server, work, command, counts=True)


def references(work: Work) -> list[Target]:
    """nginx, where it is installed, and bare aiohttp on the loop that mockserver has; both are asked the same."""
    # They answer everything with the same constant.
    asked = replace(work, proof=[Ask("/", json=OK)], share_of_2xx=1.0, namespaces=0)
    bare = Target(BARE, asked, lambda _, port: servers.bare_aiohttp(port))
    return [*([Target(NGINX, asked, servers.nginx)] if servers.NGINX is not None else []), bare]


def all_rounds(targets: list[Target], scale: Scale, failures: dict[str, dict[str, str]]) -> Samples:
    """
    Goes `scale.rounds` times through the targets, every second time from the last to the first, so that a machine that
    gets slower or faster favours none. A target that fails is left out from then on, with its reason in `failures`, by
    server and work.
    """
    samples: Samples = {}
    for number in range(1, scale.rounds + 1):

        def tried(target: Target, number: int = number) -> Sample | None:
            key = target.work.key
            if key in failures.get(target.server, {}):
                return None
            sys.stderr.write(f"round {number} of {scale.rounds}: {target.server}, {target.work.title}\n")
            try:
                return measure(target, scale)
            except (ServerFailedError, OSError) as why:
                sys.stderr.write(f"  failed: {target.server}, {target.work.title}: {why}\n")
                failures.setdefault(target.server, {})[key] = str(why)
                return None

        in_order = targets if number % 2 else targets[::-1]
        with ThreadPoolExecutor(scale.at_once) as several:
            found = list(several.map(tried, in_order))
        for target, sample in zip(in_order, found, strict=True):
            if sample is not None:
                samples.setdefault(target.server, {}).setdefault(target.work.key, []).append(sample)
    return samples


def measure(target: Target, scale: Scale) -> Sample:
    """Starts it, has it prove that it does the work, and times it. Raises ServerFailedError where it doesn't."""
    work = target.work
    port = processes.free_port()
    with processes.scratch() as folder:
        command = target.command(folder, port)
        with processes.running(command, port, work.proof[0], target.env, cwd=folder) as server:
            rss_bytes = server.rss_bytes()
            prove(port, work.proof[1:])
            asked = len(work.proof)
            make_namespaces(port, work.namespaces)
            grown_from = rss_bytes
            if warm_up_s := max(scale.warm_up_s, work.warm_up_s, target.warm_up_s) if scale.warm_up_s else 0:
                asked += wrk.load(port, work.traffic.after(beyond(asked)), warm_up_s, folder).count
                grown_from = server.rss_bytes()
            before_s = server.cpu_s()
            said = wrk.load(port, work.traffic.after(beyond(asked)), scale.seconds, folder, scale.requests)
            cpu_s = server.cpu_s() - before_s
            asked += said.count
            _check(target, server, said, asked)
            grown_bytes = (server.rss_bytes() - grown_from) / max(said.count, 1)
    cpu_us = cpu_s / max(said.count, 1) * 1e6
    busy = cpu_us * said.rate / 1e6
    return Sample(said.rate, cpu_us, busy, said.p50_ms, said.p99_ms, server.start_s, rss_bytes, grown_bytes)


def beyond(asked: int) -> int:
    """A number beyond those of requests that were under way when a load ended."""
    return asked + 100 * wrk.CONNECTIONS


def make_namespaces(port: int, count: int) -> None:
    for i in range(1, count + 1):
        status, body = send(port, "POST", "/__admin/namespaces", json.dumps({"name": f"n{i}"}))
        if status != 201:
            raise ServerFailedError(f"namespace n{i}: {status} {body!r}")


def _check(target: Target, server: Running, said: wrk.Said, asked: int) -> None:
    """Raises ServerFailedError where answers had the wrong status, or calls were not counted."""
    work = target.work
    expected = (1 - work.share_of_2xx) * said.count
    # Other tools lose steps when calls race; by how many, benchmarks/exactness.py finds out.
    noise = wrk.CONNECTIONS if target.counts or work.share_of_2xx == 1 else said.count / 10 + wrk.CONNECTIONS
    if abs(said.not_2xx - expected) > noise:
        raise ServerFailedError(
            f"{said.not_2xx} of {said.count} answers had no 2xx status, expected {expected:.0f}"
        )
    if not target.counts or work.namespaces:
        return
    counts = counts_of(server.port)
    if counts["total"] < asked or counts["unmatched"]:
        raise ServerFailedError(
            f"{asked} calls, but the server counted {counts['total']}, {counts['unmatched']} unmatched"
        )


def counts_of(port: int) -> dict[str, Any]:
    """What mockserver counted. Raises ServerFailedError where it doesn't say."""
    status, body = send(port, "GET", "/__admin/counts")
    if status != 200:
        raise ServerFailedError(f"counts: {status} {body!r}")
    found: dict[str, Any] = json.loads(body)
    return found


def from_json(found: dict[str, Any]) -> Samples:
    return {
        server: {key: [Sample(**sample) for sample in each] for key, each in by_work.items()}
        for server, by_work in found.items()
    }
