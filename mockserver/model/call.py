"""
`Call`: one request and what became of it, the one value that travels through the house.

It is made when the request is whole, recorded before the first byte of its
answer leaves, and closed once, with what really happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome, Plan


@dataclass(frozen=True, slots=True)
class Consultation:
    """
    A function that says what is answered. `ask` runs it, and may give an
    awaitable; it may not run on the loop if it `blocks`. One of the other two,
    told what came of it, gives the call its plan.
    """

    ask: Callable[[], Any]
    blocks: bool
    answered: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Call:
    """
    One call. Times ending in `_at_s` are on the monotonic clock, None until they happen.

    `route_id` is None for an unmatched call; `step` counts from 1; `tags` are
    the route's. `let` are the values that it made for this call, in small. `nearest` are the
    routes that nearly took an unmatched call, with what kept each out. `cost` is the record's. `forgotten`: the record has dropped it. `home` is the namespace with its
    counts and record, until the call is closed. `plan` is what `http/` performs; it is dropped when the call closes.
    `status` is None where no status line was sent, and until it is; `response` where none will be.
    `consult`: whom `http/` asks first what is to be answered. `forwarded`: the real service that the request went on to.
    """

    __slots__ = (
        "__dict__", "claimed_at_s", "cost", "first_byte_at_s", "home", "last_byte_at_s", "namespace", "number",
        "outcome", "plan", "request", "response", "route_id", "scenario", "status", "step", "tags",
    )  # fmt: skip

    # What few calls have, or only calls that are looked at: each takes memory once it is set.
    automatic = False
    replayed = False
    truncated = False
    forgotten = False
    fault: str | None = None
    error: dict[str, Any] | None = None
    consult: Consultation | None = None
    forwarded: str | None = None
    let: dict[str, Any] | None = None
    effects: Sequence[Any] = ()
    webhooks: Sequence[Any] = ()
    due: Sequence[Any] = ()
    nearest: list[Any] = []  # noqa: RUF012  (replaced, never changed)
    left_at_s: float | None = None
    body_sha256: str | None = None
    reply_length = 0
    reply_sha256: str | None = None
    _body_length: int | None = None
    ends: list[Callable[[], None]] | None = None
    finishes: list[Callable[[], None]] | None = None

    def __init__(self, number: int, namespace: str, request: Request) -> None:
        self.number = number
        self.namespace = namespace
        self.request = request
        self.route_id: str | None = None
        self.scenario: str | None = None
        self.step: int | None = None
        self.tags: tuple[str, ...] = ()
        self.outcome = Outcome.OPEN
        self.plan: Plan = ()
        self.response: Response | None = None
        self.status: int | None = None
        self.claimed_at_s: float | None = None
        self.first_byte_at_s: float | None = None
        self.last_byte_at_s: float | None = None
        self.cost = 0
        self.home: Any = None

    @property
    def body_length(self) -> int:
        """Of the request's body as it came."""
        return len(self.request.body) if self._body_length is None else self._body_length

    @body_length.setter
    def body_length(self, length: int) -> None:
        self._body_length = length

    @property
    def id(self) -> str:
        return call_id(self.number)

    @property
    def matched(self) -> bool:
        return self.route_id is not None

    @property
    def answer(self) -> int | str | None:
        """What it is counted by: the status that was sent, or the fault in its place. None until then."""
        return self.fault if self.status is None and self.response is None else self.status

    @property
    def complete(self) -> bool:
        return self.request.complete

    @property
    def ended_at_s(self) -> float | None:
        """When it was over for the client: the last byte, the break, or, where it took no reply, its leaving."""
        return self.last_byte_at_s if self.last_byte_at_s is not None else self.left_at_s

    def at_end(self, then: Callable[[], None]) -> None:
        """Something that is to be done when nobody waits for the reply any more: it is completed, or the client has left."""
        if self.ends is None:
            self.ends = []
        self.ends.append(then)

    def over(self) -> None:
        """Does what was to be done at the end."""
        ends, self.ends = self.ends, None
        for end in ends or ():
            end()

    def at_finish(self, then: Callable[[], None]) -> None:
        """Something that is to be done when nothing more happens to the call, and its outcome stays."""
        if self.finishes is None:
            self.finishes = []
        self.finishes.append(then)

    def finished(self) -> None:
        """Does that, after what is to be done at the end."""
        self.over()
        finishes, self.finishes = self.finishes, None
        for finish in finishes or ():
            finish()

    def __repr__(self) -> str:
        request = self.request
        return f"<Call {self.id} {request.method} {request.path} {self.status} {self.outcome.value}>"


def call_id(number: int) -> str:
    """
    The text form of a call's number.

    >>> call_id(17)
    'c-000017'
    """
    return f"c-{number:06d}"
