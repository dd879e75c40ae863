"""The rules `amplification` and `budget`: how many calls are retries."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor

from mockserver.attempts import Operation
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.load.timeline import TOLERANCE_S, LoadCall, timeline_of
from mockserver.load.windows import Window
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted
from mockserver.schema.load import AmplificationSpec, BudgetSpec

_ENOUGH = 0.5
"""This share of failing operations is always enough for a verdict."""
_LONGER = 1.1
"""First attempts count longer than retries: clients count in steps, such as a tenth of their window."""


def amplification_findings(spec: AmplificationSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether there were too many calls for each operation."""
    if not operations:
        yield nothing("amplification: there is no call")
        return
    size = sum(operation.size for operation in operations)
    ratio = size / len(operations)
    if ratio > spec.max:
        worst = max(operations, key=lambda operation: operation.size)
        yield broken(
            f"amplification: {size} calls for {counted(len(operations), 'operation')}, {ratio:.2f} for each; "
            f"at most {spec.max:g} allowed. {worst.name} has {counted(worst.size, 'call')}",
            window=[attempt.call for attempt in worst.attempts],
        )
        return
    failing = len({call.operation for call in timeline_of(operations) if call.failed})
    needed = min(spec.max - 1, _ENOUGH) * len(operations)
    if failing == 0 or failing < needed:
        yield nothing(
            f"amplification: {failing} of {counted(len(operations), 'operation')} failed at first, too few for "
            f"{spec.max:g} calls for each. Let at least {max(1, -floor(-needed))} fail, such as by an outage"
        )
        return
    yield HELD


def budget_findings(spec: BudgetSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether there were too many retries in a window."""
    calls = timeline_of(operations)
    shorter_s = spec.window_s - min(TOLERANCE_S, spec.window_s / 10)
    retries: Window[LoadCall] = Window(shorter_s, [(call.at_s, call) for call in calls if call.retry])
    firsts: Window[LoadCall] = Window(
        spec.window_s * _LONGER + TOLERANCE_S, [(call.at_s, call) for call in calls if not call.retry]
    )
    worst: tuple[float, int, int, float] | None = None
    for at_s, count in retries.counts():
        first = firsts.count_until(at_s + TOLERANCE_S)  # some are still on their way
        over = count - _allowed(spec, first)
        if over > 0 and (worst is None or over > worst[0]):
            worst = over, count, first, at_s
    window = format_duration(spec.window_s)
    if worst is not None:
        _, count, first, at_s = worst
        yield broken(
            f"budget: {counted(count, 'retry', 'retries')} within {window} beside {counted(first, 'first attempt')}, "
            f"at most {_allowed(spec, first):g} allowed",
            window=[call.call for call in calls if at_s - shorter_s < call.at_s <= at_s],
        )
        return
    failures: Window[LoadCall] = Window(
        spec.window_s, sorted((call.ended_s, call) for call in calls if call.failed)
    )
    most = 0
    for at_s, count in failures.counts():
        most = max(most, count)
        if count > _allowed(spec, firsts.count_until(at_s)):
            yield HELD
            return
    yield nothing(
        f"budget: at most {counted(most, 'call')} failed within {window}, and that many retries are allowed. "
        "Let more calls fail, such as by an outage"
    )


def _allowed(spec: BudgetSpec, firsts: int) -> int:
    return max(spec.min, floor(spec.retries * firsts + 1e-9))
