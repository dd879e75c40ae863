"""
`Call`: one request and its outcome.

It is created when the request is complete, recorded before the first byte of its response is sent, and closed once,
with the actual outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.model.grpc import METHOD, meaning, status_of
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome, Plan

if TYPE_CHECKING:
    from mockserver.model.websocket import WebSocketRecord


@dataclass(frozen=True, slots=True)
class Consultation:
    """
    A function that returns the response. `ask` calls it, and may return an awaitable; it must not run on the loop if it
    `blocks`. `answered` or `failed` gets the result, and sets the plan of the call.
    """

    ask: Callable[[], Any]
    blocks: bool
    answered: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Call:
    """
    One call. Times ending in `_at_s` are on the monotonic clock, None until they happen.

    `route_id` is None for an unmatched call; `step` counts from 1; `tags` are the route's. `fields` are the routes of GraphQL
    fields that take part, in order, each with the path of its field, such as `/Query.user`; `route_id` is the first. `let` are its shortened
    `let` values. `nearest` are the nearest routes of an unmatched call, with their differences. `cost` is that of the
    call log; `forgotten`: the log has dropped it. `home` is the namespace with its counts and log, until the call is
    closed. `plan` is what `http/` performs; it is dropped when the call closes. `status` is None until a status line is
    sent; `response` is None if there is none. `consult` returns the response, if set. `forwarded` is the real service
    that the request was forwarded to. `websocket` has the frames of an accepted WebSocket handshake.
    """

    __slots__ = (
        "__dict__", "claimed_at_s", "cost", "first_byte_at_s", "home", "last_byte_at_s", "namespace", "number",
        "outcome", "plan", "request", "response", "route_id", "scenario", "status", "step", "tags",
    )  # fmt: skip

    # Attributes of few calls, or of inspected calls: each takes memory once it is set.
    automatic = False
    replayed = False
    truncated = False
    forgotten = False
    fault: str | None = None
    error: dict[str, Any] | None = None
    consult: Consultation | None = None
    forwarded: str | None = None
    let: dict[str, Any] | None = None
    fields: Sequence[Sequence[str]] = ()
    effects: Sequence[Any] = ()
    webhooks: Sequence[Any] = ()
    due: Sequence[Any] = ()
    limit_headers: Sequence[tuple[str, str]] = ()
    nearest: list[Any] = []  # noqa: RUF012  (replaced, never changed)
    websocket: WebSocketRecord | None = None
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
        """Length of the request's body as received."""
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
    def route_ids(self) -> list[str]:
        """The routes that take part, each once: several only for GraphQL."""
        if self.fields:
            return [route_id for route_id, _ in self.fields]
        return [] if self.route_id is None else [self.route_id]

    @property
    def answer(self) -> int | str | None:
        """
        The key that it is counted by: the status that was sent, of a gRPC response by name, or the fault that replaced it.
        None until then.
        """
        if self.response is None and (self.status is None or self.request.method == METHOD):
            return self.fault  # a gRPC response that is being sent has its status at its end
        return self.shown_status

    @property
    def grpc_status(self) -> str | None:
        """The name of the gRPC status; None if there is none (yet)."""
        if self.status is None or self.request.method != METHOD:
            return None
        status = status_of(self.response)
        return None if status is None else status.name

    @property
    def shown_status(self) -> int | str | None:
        """The status for people: that of a gRPC response by name."""
        return self.grpc_status or self.status

    @property
    def meaning(self) -> int | None:
        """The HTTP status that says how the call ended: its own, or the equivalent of its gRPC status."""
        if self.response is None or self.request.method != METHOD or self.status is None:
            return self.status
        return meaning(self.response)

    @property
    def complete(self) -> bool:
        return self.request.complete

    @property
    def ended_at_s(self) -> float | None:
        """When it ended for the client: the last byte, the break, or the disconnect of a client that received no reply."""
        return self.last_byte_at_s if self.last_byte_at_s is not None else self.left_at_s

    def at_end(self, then: Callable[[], None]) -> None:
        """Add a function to call when nobody waits for the reply any more: it is completed, or the client is gone."""
        if self.ends is None:
            self.ends = []
        self.ends.append(then)

    def over(self) -> None:
        """Call the functions for the end of the reply."""
        ends, self.ends = self.ends, None
        for end in ends or ():
            end()

    def at_finish(self, then: Callable[[], None]) -> None:
        """Add a function that is called when the call and its outcome can't change any more."""
        if self.finishes is None:
            self.finishes = []
        self.finishes.append(then)

    def finished(self) -> None:
        """Call those functions, after the ones for the end of the reply."""
        self.over()
        finishes, self.finishes = self.finishes, None
        for finish in finishes or ():
            finish()

    def __repr__(self) -> str:
        request = self.request
        return f"<Call {self.id} {request.method} {request.path} {self.status} {self.outcome.value}>"


def call_id(number: int) -> str:
    """
    Return the text form of a call's number.

    >>> call_id(17)
    'c-000017'
    """
    return f"c-{number:06d}"
