"""Rules on gaps between attempts: bounds, growth, back-off schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.attempts.operations import Operation
from mockserver.attempts.separation import differences_between
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted
from mockserver.schema.attempts import DECORRELATED, BackoffSpec, GapsSpec, GrowingSpec

EARLY_S = 0.005
"""A gap may be this much shorter than the schedule, since timers are not exact."""
LATE_S, LATE_SHARE = 0.05, 0.1
"""A gap may be longer by the larger of both, since machines may be busy."""
MIN_SHARE = 0.08
"""
Minimum sum of the gaps, as a share of the nominal sum. With full jitter only the sum
of several gaps shows whether there is a back-off.
"""
MIN_GAPS = 3
JITTER = 0.25
"""Assumed jitter of a client with growing gaps, relative to its longest wait."""


@dataclass(frozen=True, slots=True)
class Gap:
    """
    The wait before attempt `number`, which counts from 1.

    `free`: the client chose the wait, no answer asked for it. `seconds` is None if the
    previous attempt had not ended.
    """

    number: int
    seconds: float | None
    free: bool


def gaps_of(operation: Operation) -> list[Gap]:
    """Return the gaps between the attempts of an operation, without those after a 401 or a redirect, which are part of an attempt."""
    gaps = []
    number = 1
    for attempt in operation.attempts[1:]:
        if attempt.after_step is not None:
            continue
        number += 1
        gaps.append(Gap(number, attempt.gap_s, attempt.wait is None))
    return gaps


def _attempts(operations: list[Operation]) -> str:
    """Return `3 operations of 1 attempt each; they differ in json.line. Say …`, for findings with nothing to check."""
    if not operations:
        return "there is no call"
    sizes = sorted({operation.size for operation in operations})
    each = (
        f"of {counted(sizes[0], 'attempt')}" if len(sizes) == 1 else f"of {sizes[0]} to {sizes[-1]} attempts"
    )
    many = f"{counted(len(operations), 'operation')} {each}"
    if len(operations) == 1:
        return many
    return f"{many} each; {differences_between(operations)}" if len(sizes) == 1 else many


def too_few(operations: list[Operation]) -> Finding:
    """Return a finding that no operation has enough attempts."""
    return nothing(_attempts(operations))


def _none_compared(operations: list[Operation], needed: int) -> Finding:
    """Return a finding that there are too few gaps, or that answers asked for them."""
    if any(len(gaps_of(operation)) >= needed for operation in operations):
        return nothing(f"{_attempts(operations)}, and a gap that an answer asked for is not compared")
    return too_few(operations)


def gap_findings(spec: GapsSpec | list[GapsSpec], operations: list[Operation]) -> Iterator[Finding]:
    """Yield a finding for each gap, or one with nothing to check if no operation has as many gaps as there are bounds."""
    needed = len(spec) if isinstance(spec, list) else 1
    enough = False
    for operation in operations:
        gaps = gaps_of(operation)
        enough = enough or len(gaps) >= needed
        for i, gap in enumerate(gaps):
            if isinstance(spec, list) and i >= len(spec):
                yield broken(
                    f"{operation.name}: attempt {gap.number} is one more than the {needed} gaps listed allow"
                )
                continue
            bounds = spec[i] if isinstance(spec, list) else spec
            yield _bounded(operation, gap, bounds)
    if not enough:
        yield too_few(operations)


def _bounded(operation: Operation, gap: Gap, bounds: GapsSpec) -> Finding:
    before = gap.number - 1
    if gap.seconds is None:
        return broken(f"{operation.name}: attempt {gap.number} came while attempt {before} was still open")
    limit = bounds.broken(gap.seconds)
    if not limit:
        return HELD
    side = "after" if gap.seconds >= 0 else "before"
    return broken(
        f"{operation.name}: attempt {gap.number} came {abs(gap.seconds) * 1000:.0f} ms {side} "
        f"attempt {before} ended, expected {limit}"
    )


def growing_findings(spec: GrowingSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield a finding for each two consecutive gaps that the client chose."""
    compared_count = False
    for operation in operations:
        gaps = gaps_of(operation)
        for first, second in pairwise(gaps):
            if not first.free or not second.free:
                continue
            compared_count = True
            yield _grown(operation, first, second, spec)
    if not compared_count:
        yield _none_compared(operations, 2)


def _at_cap(gap_s: float, spec: GrowingSpec) -> bool:
    """Return whether the gap is the client's longest wait. After it, gaps need not grow."""
    if spec.cap_s is None:
        return False
    longest_s = spec.cap_s * (1 + JITTER)
    return spec.cap_s * (1 - JITTER) - EARLY_S <= gap_s <= longest_s + max(LATE_S, longest_s * LATE_SHARE)


def _grown(operation: Operation, first: Gap, second: Gap, spec: GrowingSpec) -> Finding:
    if first.seconds is None or second.seconds is None or min(first.seconds, second.seconds) < 0:
        return broken(f"{operation.name}: the gaps don't grow: attempts overlap")
    least = max(first.seconds * spec.factor, first.seconds + spec.margin_s)
    if _at_cap(second.seconds, spec) or second.seconds >= least:
        return HELD
    return broken(
        f"{operation.name}: the gaps don't grow: attempt {second.number} came after {_ms(second.seconds)}, "
        f"attempt {first.number} after {_ms(first.seconds)}; expected at least {_ms(least)}. "
        "With random back-off ask `backoff`"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def backoff_findings(spec: BackoffSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield a finding for each gap that the client chose, and one for their sum if a single gap may be 0."""
    total_s = nominal_total_s = 0.0
    compared_count = 0
    for operation in operations:
        before_s = spec.first_s
        for i, gap in enumerate(gaps_of(operation)):
            nominal_s = _capped(spec.first_s * spec.factor**i, spec)
            if gap.free:
                compared_count += 1
                total_s, nominal_total_s = total_s + max(0.0, gap.seconds or 0.0), nominal_total_s + nominal_s
                yield _scheduled(operation, gap, *_range(spec, nominal_s, before_s))
            if gap.seconds is not None:
                # A wait that an answer asked for does not change the base of the next computed one.
                before_s = max(gap.seconds, spec.first_s if gap.free else before_s)
    if not compared_count:
        yield _none_compared(operations, 1)
    elif spec.jitter != DECORRELATED and spec.jitter[0] < MIN_SHARE:
        yield _summed(total_s, nominal_total_s, compared_count, spec.jitter[0])


def _capped(seconds: float, spec: BackoffSpec) -> float:
    return seconds if spec.cap_s is None else min(seconds, spec.cap_s)


def _range(spec: BackoffSpec, nominal_s: float, before_s: float) -> tuple[float, float]:
    if spec.jitter == DECORRELATED:
        return spec.first_s, _capped(3 * before_s, spec)
    low, high = spec.jitter
    return low * nominal_s, high * nominal_s


def _scheduled(operation: Operation, gap: Gap, low_s: float, high_s: float) -> Finding:
    expected = format_duration(round(low_s, 3)) if low_s == high_s else f"{_ms(low_s)} to {_ms(high_s)}"
    name = f"{operation.name}: attempt {gap.number}"
    if gap.seconds is None:
        return broken(f"{name} came while attempt {gap.number - 1} was still open, expected after {expected}")
    if low_s - EARLY_S <= gap.seconds <= high_s + max(LATE_S, high_s * LATE_SHARE):
        return HELD
    return broken(f"{name} is not on the schedule: it came after {_ms(gap.seconds)}, expected {expected}")


def _summed(total_s: float, nominal_s: float, compared_count: int, low: float) -> Finding:
    if compared_count < MIN_GAPS:
        return nothing(
            f"with a jitter from {low:g} at least {MIN_GAPS} gaps are needed, and there {'is' if compared_count == 1 else 'are'} {compared_count}"
        )
    if total_s >= MIN_SHARE * nominal_s:
        return HELD
    return broken(
        f"there is no back-off: {compared_count} gaps of {_ms(total_s)} in all, expected about {_ms(nominal_s / 2)}"
    )
