"""The rules `in_flight`, `rate` and `spread`: how many calls come together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, comb, floor, inf

from mockserver.attempts import Operation
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.attempts.grouping import LEAVING_S
from mockserver.load.timeline import TOLERANCE_S, LoadCall, in_flight, known_until, timeline_of
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
"""Of those that failed within a tenth of the window, nine tenths need at least a quarter of it to return: see `_least_share`."""


def in_flight_findings(spec: InFlightSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether too many calls were in progress at the same time."""
    calls = timeline_of(operations)
    numbers = in_flight(calls)
    peak = max(numbers, default=0)
    seen = f"{counted(peak, 'call')} at the same time"
    if peak > spec.max:
        at = numbers.index(peak)
        most = [call for call in calls[:at] if call.ended_s > calls[at].at_s] + [calls[at]]
        yield broken(
            f"in_flight: {seen}, at most {spec.max} allowed",
            late=not _is_settled(calls, numbers, spec.max),
            window=(call.call for call in most),
        )
    elif peak < spec.max * _REACHED:
        yield nothing(
            f"in_flight: at most {seen}, less than half of {spec.max}. Let the client do more at once"
        )
    else:
        yield _untested("in_flight", len(calls), peak, spec.max) or HELD


def _is_settled(calls: list[LoadCall], numbers: list[int], most: int) -> bool:
    """Whether too many calls were in progress, even if the client has just left those that are open."""
    settled_s = known_until(calls) - LEAVING_S
    first_open_s = next((call.at_s for call in calls if call.ended_s == inf), inf)
    return any(
        number > most and (call.at_s <= settled_s or call.at_s < first_open_s)
        for call, number in zip(calls, numbers, strict=True)
    )


def _untested(rule: str, calls: int, peak: int, most: float) -> Finding | None:
    """Return that the calls are too few to break the rule, unless the client reached the limit; None if they are enough."""
    if calls > most or peak == most > 1:
        return None
    return nothing(
        f"{rule}: {counted(calls, 'call')} in all, and {most:g} are allowed. Let the client do more"
    )


def rate_findings(spec: CallRateSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether too many calls came in a time."""
    rate = spec.max
    most, length_s = float(floor(rate.calls)), rate.window_s
    if rate.calls < 1:
        most, length_s = 1.0, rate.window_s / rate.calls
    calls = timeline_of(operations)
    window = Window(length_s - min(TOLERANCE_S, length_s / 10), [(call.at_s, call) for call in calls])
    at_s, peak = max(window.counts(), key=lambda item: item[1], default=(0.0, 0))
    seen = f"{counted(peak, 'call')} within {format_duration(length_s)}"
    if peak > most:
        shown = (call.call for call in window.events_until(at_s))
        yield broken(f"rate: {seen}, at most {most:g} allowed", window=shown)
    elif peak < most * _REACHED:
        yield nothing(f"rate: at most {seen}, less than half of {rate.text}. Let the client do more at once")
    else:
        yield _untested("rate", len(calls), peak, most) or HELD


# Spread


@dataclass(frozen=True, slots=True)
class _Failure:
    """A call that failed, and the retry that followed it, if there was one yet."""

    failed: LoadCall
    next: LoadCall | None


def spread_findings(spec: SpreadSpec, operations: list[Operation]) -> Iterator[Finding]:
    """Yield whether clients that failed at the same time returned at the same time."""
    calls = timeline_of(operations)
    together_s = spec.window_s * _TOGETHER
    failures = sorted(_failures(calls, together_s), key=lambda item: item.failed.ended_s)
    ends = [item.failed.ended_s for item in failures]
    returned = [0, *accumulate(item.next is not None for item in failures)]
    until_s = known_until(calls)
    judged = False
    most, first = 0, 0
    while first < len(failures):
        last = bisect_right(ends, ends[first] + together_s)
        number = returned[last] - returned[first]
        most = max(most, number)
        if number < spec.clients:
            first += 1
            continue
        herd = failures[first:last]
        # Herds that overlap by half have all calls that failed within half of the time.
        first = bisect_right(ends, ends[first] + together_s / 2)
        back = [(item.failed, item.next) for item in herd if item.next is not None]
        is_over = until_s >= ends[last - 1] + spec.window_s
        needed = ceil((len(back) if is_over else len(herd)) * _MOST)
        size = min(needed, len(back))
        took_s = _closest([after.at_s for _, after in back], size)
        differ_s = _closest([after.at_s - before.ended_s for before, after in back], size)
        apart_s = spec.window_s * _least_share(len(back), size)
        if min(took_s, differ_s) >= apart_s:
            judged = True
        elif size == needed:
            failed_s = back[-1][0].ended_s - back[0][0].ended_s
            yield broken(
                f"spread: {len(back)} calls failed within {failed_s:.3f} s, and {size} of their retries came within "
                f"{took_s:.3f} s, after waits that differ by {differ_s:.3f} s; "
                f"expected at least {format_duration(round(apart_s, 3))} for both",
                window=_shown(back),
            )
            return
    if judged:
        yield HELD
    elif most >= spec.clients:
        yield nothing(
            f"spread: {most} of the calls that failed together were sent again, and the others may come later. "
            f"Let the client go on for longer than {format_duration(spec.window_s)}"
        )
    else:
        yield nothing(
            f"spread: no {spec.clients} calls failed within {format_duration(together_s)} and were sent again "
            f"(the most: {most})"
        )


def _failures(calls: list[LoadCall], together_s: float) -> Iterator[_Failure]:
    """Yield failures with the retry that came after each, of an operation those that are not together. A hedge does not count as a retry."""
    last: dict[int, LoadCall] = {}
    kept_s: dict[int, float] = {}
    for call in calls:
        before = last.get(call.operation)
        is_new = before is not None and before.ended_s > kept_s.get(call.operation, -inf) + together_s
        if before is not None and is_new and before.failed and call.retry and not call.hedge:
            kept_s[call.operation] = before.ended_s
            yield _Failure(before, call)
        last[call.operation] = call
    for number, call in last.items():
        if call.failed and call.ended_s > kept_s.get(number, -inf) + together_s:
            yield _Failure(call, None)


def _closest(times: list[float], size: int) -> float:
    """Return the shortest period that contains `size` of the times, in seconds."""
    ordered = sorted(times)
    return min(last - first for first, last in zip(ordered, ordered[size - 1 :], strict=False))


def _least_share(clients: int, size: int) -> float:
    """
    Return the share of the window that `size` of the `clients` need at least to return.

    It is a quarter or, of few clients, what less than one of 10,000 herds goes below by chance.
    """
    chance = 1e-4 / (comb(clients, size) * size)
    return min(_APART, float(chance ** (1 / (size - 1))))


def _shown(herd: list[tuple[LoadCall, LoadCall]]) -> Iterator[Call]:
    """The failed calls, then their retries, each by arrival."""
    for calls in ([before for before, _ in herd], [after for _, after in herd]):
        yield from (call.call for call in sorted(calls, key=lambda call: (call.at_s, call.call.number)))
