"""The rules `in_flight`, `rate` and `spread`: how many calls come together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, inf

from mockserver.attempts import Operation
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.load.timeline import TOLERANCE_S, LoadCall, timeline_of
from mockserver.load.windows import Window
from mockserver.model.call import Call
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted
from mockserver.schema.load import CallRateSpec, InFlightSpec, SpreadSpec

_REACHED = 0.5
"""A limit of which the client never reached this part was not tested."""
_TOGETHER = 0.1
_APART = 0.25
_MOST = 0.9
"""Of those that failed within a tenth of the window, nine tenths need at least a quarter of it to return."""


def in_flight_findings(spec: InFlightSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether too many calls were in progress at the same time."""
    most: list[LoadCall] = []
    under_way: list[LoadCall] = []
    for call in timeline_of(operations):
        under_way = [before for before in under_way if before.ended_s > call.at_s]
        under_way.append(call)
        if len(under_way) > len(most):
            most = list(under_way)
    seen = f"{counted(len(most), 'call')} at the same time"
    if len(most) > spec.max:
        yield broken(f"in_flight: {seen}, at most {spec.max} allowed", window=(call.call for call in most))
    elif len(most) < spec.max * _REACHED:
        yield nothing(
            f"in_flight: at most {seen}, less than half of {spec.max}. Let the client do more at once"
        )
    else:
        yield HELD


def rate_findings(spec: CallRateSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether too many calls came in a time."""
    rate = spec.max
    most, length_s = float(floor(rate.calls)), rate.window_s
    if rate.calls < 1:
        most, length_s = 1.0, rate.window_s / rate.calls
    window: Window[LoadCall] = Window(
        length_s - min(TOLERANCE_S, length_s / 10), [(call.at_s, call) for call in timeline_of(operations)]
    )
    at_s, peak = max(window.counts(), key=lambda item: item[1], default=(0.0, 0))
    seen = f"{counted(peak, 'call')} within {format_duration(length_s)}"
    if peak > most:
        calls = (call.call for call in window.events_until(at_s))
        yield broken(f"rate: {seen}, at most {most:g} allowed", window=calls)
    elif peak < most * _REACHED:
        yield nothing(f"rate: at most {seen}, less than half of {rate.text}. Let the client do more at once")
    else:
        yield HELD


# Spread


@dataclass(frozen=True, slots=True)
class _Return:
    """A failed call, and the attempt that followed it."""

    failed: LoadCall
    next: LoadCall


def spread_findings(spec: SpreadSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether clients that failed at the same time returned at the same time."""
    returns = sorted(_returns(operations), key=lambda item: item.failed.ended_s)
    ends = [item.failed.ended_s for item in returns]
    together_s, apart_s = spec.window_s * _TOGETHER, spec.window_s * _APART
    judged = False
    most, first = 0, 0
    while first < len(returns):
        herd = returns[first : bisect_right(ends, ends[first] + together_s)]
        most = max(most, len(herd))
        if len(herd) < spec.clients:
            first += 1
            continue
        judged = True
        first += len(herd)
        closest = _closest(herd)
        took_s = closest[-1].next.at_s - closest[0].next.at_s
        if took_s < apart_s:
            failed_s = herd[-1].failed.ended_s - herd[0].failed.ended_s
            yield broken(
                f"spread: {len(herd)} calls failed within {failed_s:.3f} s, and {len(closest)} of their retries came within "
                f"{took_s:.3f} s; expected at least {format_duration(apart_s)}, a quarter of the window",
                window=_shown(herd),
            )
            return
    if judged:
        yield HELD
    else:
        yield nothing(
            f"spread: no {spec.clients} calls failed within {format_duration(together_s)} and were sent again "
            f"(the most: {most})"
        )


def _returns(operations: list[Operation]) -> Iterator[_Return]:
    by_operation: dict[int, list[LoadCall]] = {}
    for call in timeline_of(operations):
        by_operation.setdefault(call.operation, []).append(call)
    for calls in by_operation.values():
        for before, after in pairwise(calls):
            if before.failed and after.retry and before.ended_s < inf:
                yield _Return(before, after)


def _closest(herd: list[_Return]) -> list[_Return]:
    """Return the nine tenths that came closest together."""
    ordered = sorted(herd, key=lambda item: item.next.at_s)
    size = ceil(len(ordered) * _MOST)
    starts = range(len(ordered) - size + 1)
    start = min(starts, key=lambda i: ordered[i + size - 1].next.at_s - ordered[i].next.at_s)
    return ordered[start : start + size]


def _shown(herd: list[_Return]) -> Iterator[Call]:
    """The failed calls, then their retries, each by arrival."""
    for calls in ([item.failed for item in herd], [item.next for item in herd]):
        yield from (call.call for call in sorted(calls, key=lambda call: (call.at_s, call.call.number)))
