"""A sequence under many connections: is each step given exactly once?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes, rounds
from benchmarks.asking import ask
from benchmarks.asks import ServerFailedError, prove
from benchmarks.figures import Result
from benchmarks.scale import Scale
from benchmarks.works import Work

CONNECTIONS = 64


@dataclass(frozen=True)
class Exact:
    """
    Of `asked` calls, how many were answered 200, where it should be a third, and how many with
    a status that is no step at all; `counted` are the 200s as the server counted them.
    """

    asked: int
    ok: int
    strange: int = 0
    counted: int | None = None

    @property
    def expected(self) -> int:
        return self.asked // 3

    @property
    def holds(self) -> bool:
        return self.ok == self.expected and not self.strange and self.counted in (None, self.ok)


def of(
    command: Callable[[Path, int], list[str]],
    work: Work,
    scale: Scale,
    *,
    counts: bool = False,
    env: dict[str, str] | None = None,
) -> Exact:
    """
    The proof takes three steps and so leaves the sequence where it begins. Raises ServerFailedError
    where a connection fails.
    """
    port = processes.free_port()
    with (
        processes.scratch() as folder,
        processes.running(command(folder, port), port, work.proof[0], env, cwd=folder),
    ):
        prove(port, work.proof[1:])
        request = f"GET {work.proof[0].path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        try:
            statuses = asyncio.run(ask(port, lambda _: request, scale.exact, CONNECTIONS))
        except (OSError, EOFError, ValueError) as why:
            raise ServerFailedError(f"sequence: {why!r}") from why
        strange = scale.exact - statuses[200] - statuses[503]
        counted = None
        if counts:
            (route,) = rounds.counts_of(port)["routes"].values()
            counted = route["statuses"]["200"] - 1
        return Exact(scale.exact, statuses[200], strange, counted)


def result(exact: Exact) -> Result:
    return Result(
        f"sequence 503, 503, 200 asked {exact.asked:,} times on {CONNECTIONS} connections",
        f"{exact.ok:,} times 200, {exact.strange} neither, and the server counted {exact.counted:,}",
        f"exactly {exact.expected:,}",
        exact.holds,
    )
