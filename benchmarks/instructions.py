"""
How many machine instructions a request takes, without a socket. Valgrind counts them, so that other processes have no
part in the figure: two versions can be compared on a busy machine. Instructions are not time; caches are not simulated.

Run: `python -m benchmarks.instructions`, or with the keys of some works. Needs valgrind (`apt-get install valgrind`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks import inside, traffic
from benchmarks.functions import plain_get
from benchmarks.scale import FULL
from benchmarks.works import works
from mockserver.server.running import tune_collector

CALLS = 300
WARM = 50
"""Requests before the first that counts: what is made on first use is made then."""
_FOUND = re.compile(r"I\s+refs:\s+([\d,]+)")
Raw = Callable[[int], bytes]


def _told(number: int) -> bytes:
    return replace(traffic.DOCUMENT, body=traffic.document(f"k{number % FULL.told + 1}")).raw(number)


REQUESTS: dict[str, Raw] = {
    "get": plain_get,
    "sdk": traffic.SDK.raw,
    "bodies": _told,
    "sequence": plain_get,
    "machine": plain_get,
    "template": traffic.SDK.raw,
    "intent": traffic.INTENT.raw,
}
"""By the keys of `benchmarks.works`."""


async def ask(key: str, calls: int) -> None:
    """What is counted: the work's server, and so many requests. Raises SystemExit where the work does not answer that."""
    document: dict[str, Any] = next(work.document for work in works(FULL) if work.key == key)
    raw = REQUESTS[key]
    requests = [raw(number) for number in range(calls)]
    async with inside.served(document) as connection:
        tune_collector()
        for request in requests:
            answer = await connection.ask(request)
            if not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 503")):
                raise SystemExit(f"{key}: unexpected answer {answer[:200]!r}")


def counted(key: str, calls: int = CALLS) -> int:
    """The instructions of a request. Raises SystemExit where valgrind is missing or fails."""
    return (_refs(key, WARM + calls) - _refs(key, WARM)) // calls


def _refs(key: str, calls: int) -> int:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise SystemExit("valgrind is missing. Install it, for example with: apt-get install valgrind")
    done = subprocess.run(
        [
            valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
            sys.executable, "-m", "benchmarks.instructions", "--inside", str(calls), key,
        ],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    found = _FOUND.search(done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"{key}: valgrind failed:\n{done.stderr[-2000:]}")
    return int(found.group(1).replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("works", nargs="*", metavar="WORK", help=", ".join(REQUESTS))
    parser.add_argument("--inside", type=int, metavar="CALLS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.works) - set(REQUESTS):
        parser.error(f"unknown works: {', '.join(sorted(unknown))}. Choose from {', '.join(REQUESTS)}")
    if options.inside is not None:
        inside.run(lambda: ask(options.works[0], options.inside))
        return
    print("| work | instructions a request |\n| --- | --- |")
    for key in options.works or REQUESTS:
        print(f"| {key} | {counted(key):,} |", flush=True)


if __name__ == "__main__":
    main()
