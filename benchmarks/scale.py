"""How much is measured: the whole, or just enough to see that everything works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """
    `rounds` go through all works in turn; a work gets `warm_up_s` and then `seconds`
    of load, whole seconds both, or `requests`, whatever comes first; None: no bound.
    `times` is how often a start or a loading is
    repeated. `calls_few` and `calls_many` are where memory is read. With more than one
    `at_once` servers are in each other's way, so that nothing is measured.
    """

    rounds: int = 3
    seconds: int = 3
    warm_up_s: int = 1
    requests: int | None = None
    some: int = 1_000
    many: int = 10_000
    namespaces: int = 1_000
    told: int = 100
    missed: int = 5_000
    connections: int = 10_000
    connections_s: float = 20
    slow: int = 1_000
    honest: int = 500
    intents: int = 1_000_000
    calls_few: int = 20_000
    calls_many: int = 2_000_000
    calls_kept: int = 100_000
    times: int = 15
    exact: int = 30_000
    at_once: int = 1


FULL = Scale()
QUICK = Scale(
    rounds=1,
    seconds=1,
    warm_up_s=0,
    requests=1_000,
    some=100,
    many=500,
    namespaces=50,
    connections=500,
    connections_s=0.2,
    slow=50,
    honest=20,
    intents=2_000,
    missed=500,
    calls_few=1_000,
    calls_many=2_000,
    calls_kept=1_000,
    times=1,
    exact=900,
    at_once=3,
)
