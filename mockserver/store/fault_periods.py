"""When outages and injected failures were in effect."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

F = TypeVar("F")
MOST_KEPT = 1000


class Moment(NamedTuple):
    """A moment by real time, by the monotonic clock of calls, and by the clock of the namespace, in seconds."""

    real_s: float
    at_s: float
    clock_s: float


@dataclass(slots=True, eq=False)
class FaultPeriod:
    """A time in which a fault was in effect. `routes` None for all; `ended` None while it is."""

    subject: str
    routes: frozenset[str] | None
    began: Moment
    ended: Moment | None = None


class FaultPeriods(Generic[F]):
    """The newest MOST_KEPT periods of a namespace, oldest first, for faults of a type that is hashed by identity."""

    __slots__ = ("_kept", "_open")

    def __init__(self) -> None:
        self._kept: deque[FaultPeriod] = deque(maxlen=MOST_KEPT)
        self._open: dict[F, FaultPeriod] = {}

    @property
    def open(self) -> Mapping[F, FaultPeriod]:
        """The periods that have not ended, by their fault."""
        return self._open

    def begin(self, fault: F, period: FaultPeriod) -> None:
        self._open[fault] = period
        self._kept.append(period)

    def end(self, fault: F, ended: Moment) -> None:
        self._open.pop(fault).ended = ended

    def forget_ended(self) -> None:
        """Drop the periods that have ended."""
        self._kept = deque(self._open.values(), MOST_KEPT)

    def began(self, fault: F) -> Moment | None:
        """Return when the period of a fault began that is in effect; None for another."""
        period = self._open.get(fault)
        return None if period is None else period.began

    def restore(self, fault: F, began: Moment | None) -> None:
        """Restore `began` of a fault that is in effect."""
        if began is not None and fault in self._open:
            self._open[fault].began = began

    def __iter__(self) -> Iterator[FaultPeriod]:
        return iter(self._kept)
