"""
Selection of the next step of a sequence. Pure: state and time are arguments.

A step answers `times` calls (default one), or `for` a time after its first response. After the last step: repeat it,
cycle, or stop.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import Literal

from mockserver.model.sequence_state import SequenceState


@dataclass(frozen=True, slots=True)
class Span:
    """Duration of a step: `times` calls, or `for_s` seconds after its first response."""

    times: int = 1
    for_s: float | None = None

    def is_over(self, position: SequenceState, now_s: float) -> bool:
        if self.for_s is None:
            return position.used >= self.times
        return position.since_s is not None and now_s >= position.since_s + self.for_s


class Sequence:
    """The spans of a route's steps and what follows the last."""

    __slots__ = ("single", "spans", "then")

    def __init__(self, spans: SequenceOf[Span], then: Literal["repeat", "cycle", "stop"]) -> None:
        self.spans = tuple(spans)
        self.then = then
        self.single = len(self.spans) == 1 and then != "stop"
        """Whether one step always answers, so that no state is needed."""

    def __len__(self) -> int:
        return len(self.spans)

    def settle(self, position: SequenceState, now_s: float) -> int | None:
        """Skip finished steps. Return the index of the current step, or None if the sequence has stopped. Idempotent."""
        last = len(self.spans) - 1
        while not position.done and self.spans[position.index].is_over(position, now_s):
            if position.index == last and self.then == "repeat":
                break
            if position.index == last and self.then == "stop":
                position.done = True
                break
            position.index = 0 if position.index == last else position.index + 1
            position.used = 0
            position.since_s = None
        return None if position.done else position.index

    def take(self, position: SequenceState, now_s: float) -> None:
        """Count a response of the step that `settle` returned."""
        position.used += 1
        if position.since_s is None:
            position.since_s = now_s
