"""
How many functions of mockserver's own a request enters, from its bytes' arrival to the end of its answer.

Counted on the real protocol, after a few requests to warm up: code of the package alone, generators each time that they
go on. Run: `python -m benchmarks.functions`; `--list` names them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import mockserver
from benchmarks import inside, traffic
from benchmarks.figures import Result
from benchmarks.inside import Inside
from benchmarks.scale import Scale
from benchmarks.works import ONE, payments
from mockserver.templating.generated import FILE

GOAL = 25
PACKAGE = str(Path(mockserver.__file__).parent)
WARM, COUNTED = 5, 10


def plain_get(number: int) -> bytes:
    trace = f"00-{number:032x}-{number:016x}-01"
    return f"GET /one HTTP/1.1\r\nHost: localhost\r\ntraceparent: {trace}\r\n\r\n".encode()


async def entered(connection: Inside, request: Any) -> Counter[str]:
    """How often the functions were entered for a few requests that are alike in nothing but their form."""
    for number in range(WARM):
        await connection.expect(200, request(number))
    found: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename == FILE:
            found[FILE] += 1
        elif event == "call" and code.co_filename.startswith(PACKAGE):
            found[f"{code.co_filename[len(PACKAGE) + 1 :]}:{code.co_qualname}"] += 1

    for number in range(WARM, WARM + COUNTED):
        sys.setprofile(count)
        try:
            await connection.expect(200, request(number))
        finally:
            sys.setprofile(None)
    return found


def of_a_get() -> Counter[str]:
    """Of a GET with a new header, whose reply never changes."""

    async def main() -> Counter[str]:
        async with inside.served({"routes": ONE}) as connection:
            return await entered(connection, plain_get)

    found: Counter[str] = inside.run(main)
    return found


def of_an_intent() -> Counter[str]:
    """Of a payment intent with a new key."""

    async def main() -> Counter[str]:
        async with inside.served(payments()) as connection:
            return await entered(connection, traffic.INTENT.raw)

    found: Counter[str] = inside.run(main)
    return found


def measure(scale: Scale) -> list[Result]:  # noqa: ARG001  (as everything that is measured beside)
    get, intent = of_a_get().total() / COUNTED, of_an_intent().total() / COUNTED
    return [
        Result("functions of ours that a plain GET enters", f"{get:g}", f"at most {GOAL}", get <= GOAL),
        Result("functions of ours that a payment intent enters", f"{intent:g}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name them, with how often a request enters each")
    asked = parser.parse_args()
    for title, found in (("a plain GET", of_a_get()), ("a payment intent", of_an_intent())):
        print(f"{title}: {found.total() / COUNTED:g}, {len(found)} different ones")
        for name, times in found.most_common() if asked.list else ():
            print(f"{times / COUNTED:6.1f}  {name}")


if __name__ == "__main__":
    main()
