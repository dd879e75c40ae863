"""The rule `honours`: no request is repeated before the end of the wait that an answer asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.attempts.evidence import Grouping
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.attempts.grouping import ended_before
from mockserver.attempts.operations import READS, Attempt, Operation, waited
from mockserver.attempts.retryable import NEVER_S, RetryWait, invalid_waits, requested_wait

_MAX_QUOTED = 3


@dataclass(frozen=True, slots=True)
class _Retry:
    """An attempt that had to wait: the beginning of its message, the actual gap and the requested wait."""

    text: str
    gap_s: float | None
    wait: RetryWait


def honour_findings(operations: list[Operation], grouping: Grouping) -> Iterator[Finding]:
    """Yield a finding for each requested wait before an equal request."""
    found_any = False
    too_short: dict[str, None] = {}
    for retry in (*_retries(operations), *_polls(operations, grouping)):
        if not waited(retry.gap_s, retry.wait):
            found_any = True
            yield broken(_broken_text(retry))
        elif retry.wait.seconds > retry.wait.tolerance_s:
            found_any = True
            yield HELD
        else:
            too_short[retry.wait.source] = None
    if not found_any and too_short:
        quoted = ", ".join(f"'{text}'" for text in list(too_short)[:_MAX_QUOTED])
        yield nothing(f"{quoted} asked for a wait that is within the tolerance, which no client can ignore")
    elif not found_any:
        yield nothing(_missing(operations, grouping))


def _retries(operations: list[Operation]) -> Iterator[_Retry]:
    for operation in operations:
        for number, attempt in enumerate(operation.attempts[1:], 2):
            if attempt.wait is not None:
                yield _Retry(f"{operation.name}: attempt {number} ignored", attempt.gap_s, attempt.wait)


def _polls(operations: list[Operation], grouping: Grouping) -> Iterator[_Retry]:
    """Yield requests after a 2xx that asks for a wait. They are not retries, but separate operations."""
    waits: dict[object, tuple[Attempt, RetryWait]] = {}
    heads = sorted(operations, key=lambda operation: operation.attempts[0].call.request.arrived_at_s)
    for operation in heads:
        first, last = operation.attempts[0], operation.attempts[-1]
        before = waits.get(first.evidence.fingerprint)
        if before is not None and ended_before(before[0].call, first.call):
            del waits[first.evidence.fingerprint]
            gap_s = first.call.request.arrived_at_s - (before[0].call.ended_at_s or 0.0)
            yield _Retry(f"{operation.name}: the poll ignored", gap_s, before[1])
        wait = requested_wait(last.call, grouping.clock_at)
        if wait is not None and last.call.request.method in READS and 200 <= (last.call.status or 0) < 300:
            waits[last.evidence.fingerprint] = last, wait


def _broken_text(retry: _Retry) -> str:
    if retry.gap_s is None or retry.gap_s < 0:
        came = "it came before that answer had ended"
    else:
        came = f"it came after {retry.gap_s:.3f} s"
    if retry.wait.seconds == NEVER_S:
        return f"{retry.text} {retry.wait.source}: the answer before asked not to retry, {came}"
    return f"{retry.text} {retry.wait.source}: the answer before asked to wait {_seconds(retry.wait.seconds)} s, {came}"


def _seconds(seconds: float) -> str:
    """Format seconds without an exponent."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _missing(operations: list[Operation], grouping: Grouping) -> str:
    calls = [attempt.call for operation in operations for attempt in operation.attempts]
    if not calls:
        return "there is no call"
    invalid = list(dict.fromkeys(text for call in calls for text in invalid_waits(call)))
    if invalid:
        quoted = ", ".join(f"'{text}'" for text in invalid[:_MAX_QUOTED])
        return f"the mock sent {quoted}, which is not a valid wait: write seconds or an HTTP date"
    if any(requested_wait(call, grouping.clock_at) is not None for call in calls):
        return "an answer asked for a wait, and no attempt followed it"
    return "no answer asked for a wait (by Retry-After, retry-after-ms, x-ratelimit-reset, grpc-retry-pushback-ms)"
