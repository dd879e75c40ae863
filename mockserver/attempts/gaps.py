"""Rules on gaps: bounds, growth, and the schedule of a back-off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.attempts.operations import Operation
from mockserver.attempts.parting import differences_between
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted
from mockserver.schema.attempts import DECORRELATED, BackoffSpec, GapsSpec, GrowingSpec

EARLY_S = 0.005
"""Timers are not exact: a gap may be so much shorter than the schedule."""
LATE_S, LATE_SHARE = 0.05, 0.1
"""And longer by the larger of both: what a busy machine adds."""
LEAST_SHARE = 0.08
"""Of the nominal sum: with full jitter a single gap proves nothing, the sum of at least three does."""
LEAST_GAPS = 3
JITTER = 0.25
"""Of a client whose gaps are to grow."""


@dataclass(frozen=True, slots=True)
class Gap:
    """
    The wait before attempt `number`, which counts from 1. `free`: the client chose it, and
    no answer asked for it. `seconds` is None where the attempt before had not ended.
    """

    number: int
    seconds: float | None
    free: bool


def gaps_of(operation: Operation) -> list[Gap]:
    """Return the gaps between the attempts of an operation; those after a 401 or a redirect are inside of one."""
    gaps = []
    number = 1
    for attempt in operation.attempts[1:]:
        if attempt.after_step is not None:
            continue
        number += 1
        gaps.append(Gap(number, attempt.gap_s, attempt.wait is None))
    return gaps


def _attempts(operations: list[Operation]) -> str:
    """`3 operations of 1 attempt each; they differ in json.line. Say …`, for what had nothing to judge."""
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
    """Return that no operation has enough attempts to judge."""
    return nothing(_attempts(operations))


def _none_compared(operations: list[Operation], needed: int) -> Finding:
    """Return that there are too few gaps, or that answers set them."""
    if any(len(gaps_of(operation)) >= needed for operation in operations):
        return nothing(f"{_attempts(operations)}, and a gap that an answer asked for is not compared")
    return too_few(operations)


def gap_findings(spec: GapsSpec | list[GapsSpec], operations: list[Operation]) -> Iterator[Finding]:
    """Yield a finding for each gap; nothing to judge where no operation has as many as there are bounds."""
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
    """Yield a finding for each two neighbouring gaps that the client chose."""
    judged = False
    for operation in operations:
        gaps = gaps_of(operation)
        for first, second in pairwise(gaps):
            if not first.free or not second.free:
                continue
            judged = True
            yield _grown(operation, first, second, spec)
    if not judged:
        yield _none_compared(operations, 2)


def _at_cap(gap_s: float, spec: GrowingSpec) -> bool:
    """Whether it is the longest wait of the client, whose gaps need not grow any more."""
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
    """Yield a finding for each gap that the client chose, and one for their sum where a gap may be 0."""
    total_s = nominal_total_s = 0.0
    judged = 0
    for operation in operations:
        before_s = spec.first_s
        for i, gap in enumerate(gaps_of(operation)):
            nominal_s = _capped(spec.first_s * spec.factor**i, spec)
            if gap.free:
                judged += 1
                total_s, nominal_total_s = total_s + max(0.0, gap.seconds or 0.0), nominal_total_s + nominal_s
                yield _scheduled(operation, gap, *_range(spec, nominal_s, before_s))
            if gap.seconds is not None:
                # An answer that set the wait leaves what the client computes its next one from.
                before_s = max(gap.seconds, spec.first_s if gap.free else before_s)
    if not judged:
        yield _none_compared(operations, 1)
    elif spec.jitter != DECORRELATED and spec.jitter[0] < LEAST_SHARE:
        yield _summed(total_s, nominal_total_s, judged, spec.jitter[0])


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


def _summed(total_s: float, nominal_s: float, judged: int, low: float) -> Finding:
    if judged < LEAST_GAPS:
        return nothing(
            f"with a jitter from {low:g} at least {LEAST_GAPS} gaps are needed, and there {'is' if judged == 1 else 'are'} {judged}"
        )
    if total_s >= LEAST_SHARE * nominal_s:
        return HELD
    return broken(
        f"there is no back-off: {judged} gaps of {_ms(total_s)} in all, expected about {_ms(nominal_s / 2)}"
    )
