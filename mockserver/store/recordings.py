"""
Recordings: the calls forwarded to a real service, stored whole until they are made into a scenario.

One recording runs at a time in a namespace; finished ones are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mockserver.model.call import Call
from mockserver.model.exchange import Exchange
from mockserver.model.http import Response
from mockserver.model.plan import Outcome

MOST_EXCHANGES = 10_000
MOST_BYTES = 256 * 1024 * 1024
"""Limit of one recording: what exceeds it is counted, and not stored."""
MOST_RECORDINGS = 20
"""Number of finished recordings that a namespace keeps; the oldest is dropped first."""


@dataclass(slots=True)
class Recording:
    """
    `name` is the name of the resulting scenario. `to` is the real service for unmatched requests; with None they are
    not forwarded, and only calls of `proxy` routes are recorded. Times are in Unix seconds.
    """

    id: str
    name: str
    to: str | None
    started_s: float
    stopped_s: float | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    size_bytes: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Number of calls that are not recorded, by reason."""
    open_calls: int = 0
    """Calls in flight, which are recorded before their response is complete."""
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Called when no call is in flight any more."""

    def expect(self, call: Call) -> None:
        """Start recording a call; it is added when it completes, even if the recording has stopped by then."""
        self.open_calls += 1
        call.at_finish(lambda: self._over(call))

    def _over(self, call: Call) -> None:
        self._take(call)
        self.open_calls -= 1
        if not self.open_calls:
            waiting, self.waiting = self.waiting, []
            for told in waiting:
                told()

    def _take(self, call: Call) -> None:
        """Add a call, unless it broke off, which says nothing about the service."""
        response = call.response
        reason = self._unfit(call, response)
        if reason is not None or response is None:
            self.left_out[reason or "no reply"] = self.left_out.get(reason or "no reply", 0) + 1
            return
        self.size_bytes += len(call.request.body) + len(response.body)
        self.exchanges.append(Exchange(call.request.again(), response, call.forwarded or ""))

    def _unfit(self, call: Call, response: Response | None) -> str | None:
        if call.error is not None:
            return "the real service could not be reached"
        if call.outcome is not Outcome.DONE or response is None:
            return "the reply was not complete"
        if call.reply_length > len(response.body):
            return "the reply was too large"
        if len(self.exchanges) >= MOST_EXCHANGES or self.size_bytes >= MOST_BYTES:
            return "the recording is full"
        return None


class Recordings:
    """The recordings of a namespace, oldest first."""

    __slots__ = ("_last", "kept", "running")

    def __init__(self) -> None:
        self.kept: dict[str, Recording] = {}
        self.running: Recording | None = None
        self._last = 0

    def start(self, to: str | None, now_s: float, name: str) -> Recording:
        """Start a recording. None may be running."""
        assert self.running is None
        self._last += 1
        recording = self.running = Recording(f"r-{self._last}", name, to, now_s)
        self.kept[recording.id] = recording
        while len(self.kept) > MOST_RECORDINGS:
            del self.kept[next(iter(self.kept))]
        return recording

    def stop(self, recording: Recording, now_s: float) -> None:
        """Stop the recording; a finished one stays finished."""
        if recording.stopped_s is None:
            recording.stopped_s = now_s
        if self.running is recording:
            self.running = None

    def remove(self, recording: Recording, now_s: float) -> None:
        """Stop the recording, and drop its calls."""
        self.stop(recording, now_s)
        self.kept.pop(recording.id, None)
