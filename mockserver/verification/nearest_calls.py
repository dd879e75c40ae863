"""Which recorded call came nearest to the calls that a check expects, and what differs in its request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.engine.missing import masked
from mockserver.engine.namespace import Namespace
from mockserver.matching.mismatch.differences import distance
from mockserver.matching.values import kind, show
from mockserver.model.call import Call
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Outcome
from mockserver.verification.counting import Subject

MOST_COMPARED = 100
"""The newest so many calls are compared: a check that waits is judged after every call."""
_MOST_DIFFERENCES = 10
_FARTHEST_LINE = 1.2
"""Method and path that differ by more than this were meant for something else."""
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Compared:
    """A call that is not one of those expected, and what differs."""

    call: Call
    differences: list[Difference]

    @property
    def lines(self) -> list[str]:
        """A line for each difference."""
        lines = [reason(difference) for difference in self.differences[:_MOST_DIFFERENCES]]
        more = len(self.differences) - len(lines)
        if more:
            lines.append(f"… and {more} more")
        if self.call.truncated:
            lines.append(f"only the first {len(self.call.request.body)} bytes of its body were kept")
        return lines


def compared(ns: Namespace, subject: Subject) -> list[Compared]:
    """
    The newest calls that the subject's route or request line takes and its conditions don't, oldest first.

    Where it takes no call at all: those whose method and path are nearly right.
    """
    calls = [call for call in ns.record if subject.asks(call)]
    if calls:
        return list(_compared(subject, calls))
    if subject.route_ids:
        return []
    complete = [call for call in ns.record if call.request.complete]
    return [candidate for candidate in _compared(subject, complete) if _is_related(candidate)]


def _compared(subject: Subject, calls: list[Call]) -> Iterator[Compared]:
    for call in calls[-MOST_COMPARED:]:
        differences = subject.differences(call.request)
        if call.outcome is not Outcome.OPEN:
            call.request.forget_parsed()
        if differences:
            yield Compared(call, differences)


def _is_related(candidate: Compared) -> bool:
    line = [difference for difference in candidate.differences if difference.where in ("method", "path")]
    return distance(line) <= _FARTHEST_LINE


def nearest(candidates: list[Compared]) -> Compared | None:
    """The one with the least difference; of equals the newest."""
    return min(reversed(candidates), key=lambda candidate: distance(candidate.differences), default=None)


def reason(difference: Difference) -> str:
    """
    A difference as a failed check tells it, without secrets. Where the types differ, both are named.

    >>> reason(Difference("json.order", "1", 1, hint="send a text", text="…"))
    'json.order: expected the text "1", got the number 1'
    """
    shown = masked(difference)
    typed = (
        difference.hint.startswith("send ")
        and isinstance(difference.expected, _SCALARS)
        and isinstance(difference.actual, _SCALARS)
        and (shown.expected, shown.actual) == (difference.expected, difference.actual)
    )
    if not typed:
        return shown.text
    return f"{shown.where}: expected {_typed(shown.expected)}, got {_typed(shown.actual)}"


def _typed(value: object) -> str:
    if value is None:
        return "null"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else show(value)
    return f"the {kind(value).split()[-1]} {text if len(text) <= 80 else text[:79] + '…'}"
