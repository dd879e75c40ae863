"""
Measures mockserver beside nginx and a bare aiohttp handler, on request beside other tools, and prints the tables.

Servers run on one core, load comes from others; ratios within rounds that go through all works there and back, medians
over the rounds. docs/performance.md has the method, benchmarks/README.md the goals.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    crowd,
    enduring,
    exactness,
    functions,
    http2,
    loading,
    machine,
    memory,
    misses,
    page,
    peers,
    report,
    rounds,
    siege,
    starting,
    table,
)
from benchmarks.asks import ServerFailedError
from benchmarks.figures import Result
from benchmarks.report import Report
from benchmarks.rounds import MOCKSERVER, WITHOUT_UVLOOP, Target
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.servers import HAS_UVLOOP
from benchmarks.works import Work, works

CACHE = Path(__file__).parents[1] / ".bench"
KEPT = "figures.json"


def exact(found: Report) -> None:
    (work,) = (one for one in works(found.scale) if one.key == "sequence")
    found.exact[MOCKSERVER] = exactness.of(rounds.own(work).command, work, found.scale, counts=True)
    found.results.append(exactness.result(found.exact[MOCKSERVER]))


BESIDE: dict[str, Callable[[Scale], list[Result]]] = {
    "misses": misses.measure,
    "functions": functions.measure,
    "connections": crowd.measure,
    "slow senders": siege.measure,
    "memory": memory.measure,
    "enduring": enduring.measure,
    "start": starting.measure,
    "loading": loading.measure,
    "http2": http2.measure,
}
"""What is measured apart from the rounds, by the name that --only knows."""
EXACTNESS = "exactness"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="see that everything works, in a minute")
    parser.add_argument(
        "--only",
        action="append",
        metavar="WORD",
        help=f"works whose title has the word in it, a work by its key, or one of: {', '.join((EXACTNESS, *BESIDE))}; may be repeated",
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        metavar="NAME",
        help=f"other tools, too, installed into .bench/; all of them, or: {', '.join(peers.NAMES)}",
    )
    parser.add_argument("--rounds", type=int, help=f"instead of {FULL.rounds}")
    parser.add_argument("--seconds", type=int, help=f"of load for each work, instead of {FULL.seconds}")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write tables, charts and goals into docs/ and benchmarks/README.md",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help=f"measure nothing, read what a run kept in .bench/{KEPT}",
    )
    return parser


def scale_of(options: argparse.Namespace) -> Scale:
    scale = QUICK if options.quick else FULL
    given = {
        name: getattr(options, name) for name in ("rounds", "seconds") if getattr(options, name) is not None
    }
    if any(value < 1 for value in given.values()):
        raise SystemExit("--rounds and --seconds are whole numbers from 1 up")
    return dataclasses.replace(scale, **given)


def wanted(options: argparse.Namespace, scale: Scale) -> tuple[list[Work], list[str]]:
    """The works, with those that they are compared with, and what is measured beside."""
    every = works(scale)
    if not options.only:
        return every, [EXACTNESS, *BESIDE]
    words = [word.lower() for word in options.only]
    beside = [name for name in (EXACTNESS, *BESIDE) if name in words]
    chosen = {work.key for work in every for word in words if word == work.key or word in work.title.lower()}
    if not chosen and not beside:
        raise SystemExit(
            f"--only {options.only[0]}: no such work. There are: {'; '.join(f'{work.key}: {work.title}' for work in every)}"
        )
    needed = {against.key for work in every if work.key in chosen for against in work.against}
    return [work for work in every if work.key in chosen | needed], beside


WITHOUT_UVLOOP_TOO = ("get", "sdk", "intent")
"""The works that are asked of a server on asyncio's own loop, too."""


def targets(chosen: list[Work], scale: Scale, *, quick: bool) -> list[Target]:
    """References stand right before what is compared with them."""
    every = {work.key: work for work in works(scale)}
    found: list[Target] = []
    asked: set[str] = set()
    for work in chosen:
        references = every[work.reference]
        if references.has_references and references.key not in asked:
            asked.add(references.key)
            found += rounds.references(references)
        found.append(rounds.own(work))
        if HAS_UVLOOP and work.key in WITHOUT_UVLOOP_TOO[: 1 if quick else None]:
            found.append(rounds.own(work, WITHOUT_UVLOOP, uvloop=False))
    return found


def measured(options: argparse.Namespace) -> Report:
    scale = scale_of(options)
    chosen, beside = wanted(options, scale)
    asked_for = peers.chosen(options.peers) if options.peers is not None else []
    now = dt.datetime.now(dt.UTC)
    found = Report(
        f"{now:%Y-%m-%d}",
        machine.described(),
        machine.versions(),
        machine.load_average(),
        machine.warnings(),
        scale,
    )
    machine.move_to_the_load()
    listed = targets(chosen, scale, quick=options.quick)
    others = peers.installed(asked_for, CACHE, found)
    listed += peers.targets(others, chosen, scale)
    found.samples = rounds.all_rounds(listed, scale, found.failures)
    for name in beside:
        sys.stderr.write(f"{name}\n")
        try:
            if name == EXACTNESS:
                exact(found)
            else:
                found.results += BESIDE[name](scale)
        except (ServerFailedError, OSError) as why:
            found.failures.setdefault(MOCKSERVER, {})[name] = str(why)
    if EXACTNESS in beside:
        peers.exactness(others, scale, found)
    return found


def main() -> None:
    options = arguments().parse_args()
    if options.source is None and shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk nginx-light")
    CACHE.mkdir(exist_ok=True)
    if options.source is None:
        found = measured(options)
        found.write(CACHE / KEPT)
    else:
        found = report.read(options.source)
    print(table.expected(found))
    if found.peers:
        print(table.others(found))
    print(table.judged(found))
    page.draw(found, CACHE)
    if options.write:
        page.write(found)
    tell_failures(found)


def tell_failures(found: Report) -> None:
    """Ends with 1 where mockserver or a reference failed; another tool's failure stands in the table."""
    lines = [
        f"failed: {server}, {key}: {why}"
        for server, by_work in found.failures.items()
        for key, why in by_work.items()
        if server not in found.peers
    ]
    if lines:
        raise SystemExit("\n".join(lines))


if __name__ == "__main__":
    main()
