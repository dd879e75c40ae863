"""The rules `amplification` and `budget`: how many calls are retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import floor

from mockserver.attempts import Operation
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.load.timeline import TOLERANCE_S, LoadCall, known_until, timeline_of
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
            late=True,  # the calls of later operations count as well
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
    firsts: Window[LoadCall] = Window(
        spec.window_s * _LONGER + TOLERANCE_S, [(call.at_s, call) for call in calls if not call.retry]
    )
    retries = [(call.at_s, call) for call in calls if call.retry]
    settled_s = known_until(calls) - TOLERANCE_S  # more first attempts may have been sent since
    # Some clients ask their budget when a call fails, before they wait, and others when they send again.
    sent = _worst(spec, firsts, retries)
    decided = _worst(spec, firsts, _by_time((call.decided_s, call) for _, call in retries))
    if sent is not None and decided is not None:
        count, first, at_s = sent
        yield broken(
            f"budget: {counted(count, 'retry', 'retries')} within {format_duration(spec.window_s)} beside "
            f"{counted(first, 'first attempt')}, at most {_allowed(spec, first):g} allowed",
            late=_worst(spec, firsts, [event for event in retries if event[0] <= settled_s]) is None,
            window=[call.call for call in calls if at_s - _shorter_s(spec) < call.at_s <= at_s],
        )
        return
    failures: Window[LoadCall] = Window(
        spec.window_s, _by_time((call.ended_s, call) for call in calls if call.failed)
    )
    most = 0
    for at_s, count in failures.counts():
        most = max(most, count)
        if count > _allowed(spec, firsts.count_until(at_s)):
            yield HELD
            return
    yield nothing(
        f"budget: at most {counted(most, 'call')} failed within {format_duration(spec.window_s)}, and that many retries are allowed. "
        "Let more calls fail, such as by an outage"
    )


def _worst(
    spec: BudgetSpec, firsts: Window[LoadCall], retries: list[tuple[float, LoadCall]]
) -> tuple[int, int, float] | None:
    """Return the most retries above the budget in a window, the first attempts beside them, and its end."""
    worst: tuple[int, int, float] | None = None
    over = 0
    for at_s, count in Window(_shorter_s(spec), retries).counts():
        first = firsts.count_until(at_s + TOLERANCE_S)  # some are still on their way
        if count - _allowed(spec, first) > over:
            over = count - _allowed(spec, first)
            worst = count, first, at_s
    return worst


def _by_time(events: Iterable[tuple[float, LoadCall]]) -> list[tuple[float, LoadCall]]:
    return sorted(events, key=lambda event: event[0])


def _shorter_s(spec: BudgetSpec) -> float:
    return spec.window_s - min(TOLERANCE_S, spec.window_s / 10)


def _allowed(spec: BudgetSpec, firsts: int) -> int:
    return max(spec.min, floor(spec.retries * firsts + 1e-9))
