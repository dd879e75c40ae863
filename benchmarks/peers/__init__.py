"""
Other tools, each in a file of its own, measured at the works that they know.

Hoverfly is left out: it is neither on PyPI nor on npm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import exactness as sequences
from benchmarks import machine, processes
from benchmarks.asks import ServerFailedError
from benchmarks.peers import (
    async_pytest_httpserver,
    json_server,
    mockintosh,
    mockoon,
    mockttp,
    mountebank,
    prism,
    pytest_httpserver,
    stubby,
    wiremock,
)
from benchmarks.peers.installing import ToolAbsentError, install
from benchmarks.peers.peer import Job, Peer, rules
from benchmarks.report import PeerFound, Report
from benchmarks.rounds import Target
from benchmarks.scale import Scale
from benchmarks.works import PEER_WORKS, Work, works

if TYPE_CHECKING:
    Installed = list[tuple[Peer, Path]]

PEERS = [
    module.PEER
    for module in (
        wiremock,
        mountebank,
        stubby,
        mockttp,
        mockoon,
        json_server,
        prism,
        pytest_httpserver,
        async_pytest_httpserver,
        mockintosh,
    )
]
NAMES = [peer.name for peer in PEERS]


def chosen(names: Sequence[str]) -> list[Peer]:
    """The tools with these names; without names all. Raises SystemExit where there is none of a name."""
    if unknown := set(names) - set(NAMES):
        raise SystemExit(f"--peers {' '.join(sorted(unknown))}: no such tool. There are: {', '.join(NAMES)}")
    return [peer for peer in PEERS if not names or peer.name in names]


def installed(wanted: Sequence[Peer], cache: Path, report: Report) -> Installed:
    """Those tools that can be had here; the report says of the others why not."""
    found = []
    for peer in wanted:
        report.peers[peer.title] = told = PeerFound(peer.version, skipped=dict(peer.cannot))
        try:
            found.append((peer, install(peer, cache)))
        except ToolAbsentError as why:
            told.absent = str(why)
    if any(peer.kind == "npm" for peer, _ in found):
        report.versions["Node"] = machine.version_of("node --version", r"v([\d.]+)")
    if any("java" in peer.needs for peer, _ in found):
        report.versions["Java"] = machine.version_of("java -version", r'version "([\d.]+)')
    return found


def targets(found: Installed, asked: Sequence[Work], scale: Scale) -> list[Target]:
    """Every tool with every work of `asked` that it can do."""
    return [
        Target(
            peer.title, work, command(peer, place, work, scale), warm_up_s=peer.warm_up_s, env=at_home(place)
        )
        for peer, place in found
        for work in asked
        if work.key in PEER_WORKS and work.key not in peer.cannot
    ]


def at_home(place: Path) -> dict[str, str]:
    """What a tool keeps in its user's folder stays with it."""
    return {"HOME": str(place)}


def command(peer: Peer, place: Path, work: Work, scale: Scale) -> Callable[[Path, int], list[str]]:
    def made(folder: Path, port: int) -> list[str]:
        return peer.command(place, Job(folder, port, processes.free_port(), rules(work.key, scale)))

    return made


def exactness(found: Installed, scale: Scale, report: Report) -> None:
    """The sequence under many connections, of every tool that knows one."""
    (work,) = (one for one in works(scale) if one.key == "sequence")
    for peer, place in found:
        if work.key in peer.cannot or work.key in report.failures.get(peer.title, {}):
            continue
        sys.stderr.write(f"exactness of {peer.title}\n")
        try:
            report.exact[peer.title] = sequences.of(
                command(peer, place, work, scale), work, scale, env=at_home(place)
            )
        except ServerFailedError as why:
            report.failures.setdefault(peer.title, {})["exactness"] = str(why)
