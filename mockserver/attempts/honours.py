"""The rule `honours`: no request comes again before the wait is over that an answer asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.attempts.evidence import Grouping
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.attempts.grouping import ended_before
from mockserver.attempts.operations import READS, Attempt, Operation, waited
from mockserver.attempts.retryable import NEVER_S, RetryWait, asked_wait, invalid_waits

_MOST_QUOTED = 3


@dataclass(frozen=True, slots=True)
class _Kept:
    """An attempt that had to wait, after which one, and for how long."""

    text: str
    gap_s: float | None
    wait: RetryWait


def honour_findings(operations: list[Operation], grouping: Grouping) -> Iterator[Finding]:
    """Yield a finding for each wait that was asked for and followed by an equal request."""
    judged = False
    too_short: dict[str, None] = {}
    for kept in (*_retries(operations), *_polls(operations, grouping)):
        if not waited(kept.gap_s, kept.wait):
            judged = True
            yield broken(_said(kept))
        elif kept.wait.seconds > kept.wait.tolerance_s:
            judged = True
            yield HELD
        else:
            too_short[kept.wait.source] = None
    if not judged and too_short:
        quoted = ", ".join(f"'{text}'" for text in list(too_short)[:_MOST_QUOTED])
        yield nothing(f"{quoted} asked for a wait that is within the tolerance, which no client can ignore")
    elif not judged:
        yield nothing(_missing(operations, grouping))


def _retries(operations: list[Operation]) -> Iterator[_Kept]:
    for operation in operations:
        for number, attempt in enumerate(operation.attempts[1:], 2):
            if attempt.wait is not None:
                yield _Kept(f"{operation.name}: attempt {number} ignored", attempt.gap_s, attempt.wait)


def _polls(operations: list[Operation], grouping: Grouping) -> Iterator[_Kept]:
    """A 2xx that asks for a wait is not retried: the next equal request is an operation of its own."""
    waits: dict[object, tuple[Attempt, RetryWait]] = {}
    heads = sorted(operations, key=lambda operation: operation.attempts[0].call.request.arrived_at_s)
    for operation in heads:
        first, last = operation.attempts[0], operation.attempts[-1]
        before = waits.get(first.evidence.fingerprint)
        if before is not None and ended_before(before[0].call, first.call):
            del waits[first.evidence.fingerprint]
            gap_s = first.call.request.arrived_at_s - (before[0].call.ended_at_s or 0.0)
            yield _Kept(f"{operation.name}: the poll ignored", gap_s, before[1])
        wait = asked_wait(last.call, grouping.clock_at)
        if wait is not None and last.call.request.method in READS and 200 <= (last.call.status or 0) < 300:
            waits[last.evidence.fingerprint] = last, wait


def _said(kept: _Kept) -> str:
    if kept.gap_s is None or kept.gap_s < 0:
        came = "it came before that answer had ended"
    else:
        came = f"it came after {kept.gap_s:.3f} s"
    if kept.wait.seconds == NEVER_S:
        return f"{kept.text} {kept.wait.source}: the answer before asked not to retry, {came}"
    return f"{kept.text} {kept.wait.source}: the answer before asked to wait {_seconds(kept.wait.seconds)} s, {came}"


def _seconds(seconds: float) -> str:
    """Without an exponent, which a date far away would have."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _missing(operations: list[Operation], grouping: Grouping) -> str:
    calls = [attempt.call for operation in operations for attempt in operation.attempts]
    if not calls:
        return "there is no call"
    invalid = list(dict.fromkeys(text for call in calls for text in invalid_waits(call)))
    if invalid:
        quoted = ", ".join(f"'{text}'" for text in invalid[:_MOST_QUOTED])
        return f"the mock sent {quoted}, which is not a valid wait: write seconds or an HTTP date"
    if any(asked_wait(call, grouping.clock_at) is not None for call in calls):
        return "an answer asked for a wait, and no attempt followed it"
    return "no answer asked for a wait (by Retry-After, retry-after-ms, x-ratelimit-reset, grpc-retry-pushback-ms)"
