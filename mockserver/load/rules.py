"""
The rules of `load`. docs/load.md says what each needs, and what it says without.

They look at the operations that `attempts/` finds, so a rule is evaluated in every reading that the evidence allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.attempts import Grouping
from mockserver.attempts.rules import Rule, RuleSet
from mockserver.attempts.sameness import by_findings
from mockserver.load.breaker import breaker_findings
from mockserver.load.pressure import in_flight_findings, rate_findings, spread_findings
from mockserver.load.ratios import amplification_findings, budget_findings
from mockserver.schema.load import LoadSpec


class LoadRules(RuleSet):
    """Compiled `load`."""

    __slots__ = ()

    def __init__(self, spec: LoadSpec, grouping: Grouping) -> None:
        super().__init__(_compiled(spec, grouping), grouping, optional=spec.optional)


def _compiled(spec: LoadSpec, grouping: Grouping) -> Iterator[Rule]:
    by, amplification, budget, breaker = spec.by, spec.amplification, spec.budget, spec.breaker
    in_flight, spread, rate = spec.in_flight, spec.spread, spec.rate
    if by is not None:
        yield lambda operations: by_findings(by, operations, grouping)
    if amplification is not None:
        yield lambda operations: amplification_findings(amplification, operations)
    if budget is not None:
        yield lambda operations: budget_findings(budget, operations)
    if breaker is not None:
        yield lambda operations: breaker_findings(breaker, operations)
    if in_flight is not None:
        yield lambda operations: in_flight_findings(in_flight, operations)
    if spread is not None:
        yield lambda operations: spread_findings(spread, operations)
    if rate is not None:
        yield lambda operations: rate_findings(rate, operations)
