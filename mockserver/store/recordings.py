"""
Recordings: the calls that went on to a real service, kept whole, until they are made into a scenario.

One runs at a time in a namespace; what is over stays to be looked at.
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
"""Of one recording: what comes after that is counted, and not kept."""
MOST_RECORDINGS = 20
"""That a namespace keeps once they are over; the oldest goes first."""


@dataclass(slots=True)
class Recording:
    """
    `name` is the scenario's that it makes. `to` is where requests go that no route takes; None leaves them alone, and the
    recording has those of `proxy` routes. Times are in Unix seconds.
    """

    id: str
    name: str
    to: str | None
    started_s: float
    stopped_s: float | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    size_bytes: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Calls that are not in it, by reason."""
    open_calls: int = 0
    """Those under way: who holds an answer already may find its call here."""
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Called once none is under way any more."""

    def expect(self, call: Call) -> None:
        """A call that begins; it is taken when it is over, also where the recording has stopped by then."""
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
        """One that broke off says nothing about the service."""
        response = call.response
        why = self._unfit(call, response)
        if why is not None or response is None:
            self.left_out[why or "no reply"] = self.left_out.get(why or "no reply", 0) + 1
            return
        self.size_bytes += len(call.request.body) + len(response.body)
        self.exchanges.append(Exchange(call.request.again(), response, call.forwarded or ""))

    def _unfit(self, call: Call, response: Response | None) -> str | None:
        if call.error is not None:
            return "the real service could not be asked"
        if call.outcome is not Outcome.DONE or response is None:
            return "it broke off"
        if call.reply_length > len(response.body):
            return "the reply was too large"
        if len(self.exchanges) >= MOST_EXCHANGES or self.size_bytes >= MOST_BYTES:
            return "the recording is full"
        return None


class Recordings:
    """Those of a namespace, oldest first."""

    __slots__ = ("_last", "kept", "running")

    def __init__(self) -> None:
        self.kept: dict[str, Recording] = {}
        self.running: Recording | None = None
        self._last = 0

    def start(self, to: str | None, now_s: float, name: str) -> Recording:
        """A new one. There must be none that runs."""
        assert self.running is None
        self._last += 1
        recording = self.running = Recording(f"r-{self._last}", name, to, now_s)
        self.kept[recording.id] = recording
        while len(self.kept) > MOST_RECORDINGS:
            del self.kept[next(iter(self.kept))]
        return recording

    def stop(self, recording: Recording, now_s: float) -> None:
        """It takes no more; one that is over stays so."""
        if recording.stopped_s is None:
            recording.stopped_s = now_s
        if self.running is recording:
            self.running = None

    def remove(self, recording: Recording, now_s: float) -> None:
        """Stops it, and forgets what is in it."""
        self.stop(recording, now_s)
        self.kept.pop(recording.id, None)
