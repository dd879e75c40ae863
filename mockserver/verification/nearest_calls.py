"""The recorded calls that are most similar to the calls that a check expects, and their differences."""

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
"""Maximum number of compared calls. A waiting check compares again after every call."""
_MOST_DIFFERENCES = 10
_FARTHEST_LINE = 1.2
"""Maximum distance of method and path; calls above it are unrelated."""
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Compared:
    """A call that does not match, and its differences."""

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
    Return the newest calls of the subject's route or request line that don't meet its conditions, oldest first.

    If there is no such call: those with a similar method and path.
    """
    calls = [call for call in ns.call_log if subject.matches_target(call)]
    if calls:
        return list(_compared(subject, calls))
    if subject.names_routes:
        return []
    complete = [call for call in ns.call_log if call.request.complete]
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
    """Return the candidate with the smallest distance; of equal ones, the newest."""
    return min(reversed(candidates), key=lambda candidate: distance(candidate.differences), default=None)


def reason(difference: Difference) -> str:
    """
    Describe a difference for a failed check, with masked secrets. Different types are named.

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
