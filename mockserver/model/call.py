"""
`Call`: one request and its outcome.

It is created when the request is complete, recorded before the first byte of its response is sent, and closed once,
with the actual outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mockserver.model.attribute import Attribute
from mockserver.model.grpc import METHOD, meaning, status_of
from mockserver.model.http import Request, Response
from mockserver.model.plan import OPEN, Plan

if TYPE_CHECKING:
    from mockserver.model.websocket import WebSocketRecord

T = TypeVar("T")


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


def _rare(name: str, default: T) -> Attribute[T]:
    """An attribute of few calls: it takes memory once it is set."""

    def get(call: Call) -> T:
        return default if call.rare is None else call.rare.get(name, default)

    def put(call: Call, value: T) -> None:
        call.rare = call.rare or {}
        call.rare[name] = value

    return Attribute(get, put)


class Call:
    """
    One call. Times ending in `_at_s` are on the monotonic clock, None until they happen.

    `route_id` is None for an unmatched call; `step` counts from 1; `tags` are the route's. `fields` are the routes of GraphQL
    fields that take part, in order, each with the path of its field, such as `/Query.user`; `route_id` is the first. `let` are its shortened
    `let` values. `nearest` are the nearest routes of an unmatched call, with their differences. `cost` is that of the
    call log, 0 outside of it. `home` is the namespace with its counts and log, until the call is
    closed. `plan` is what `http/` performs; it is dropped when the call closes. `status` is None until a status line is
    sent; `response` is None if there is none. `consult` returns the response, if set. `forwarded` is the real service
    that the request was forwarded to. `websocket` has the frames of an accepted WebSocket handshake. `rare` has the
    attributes that few calls have, None if there are none.
    """

    __slots__ = (
        "claimed_at_s", "cost", "first_byte_at_s", "home", "last_byte_at_s", "namespace", "number", "outcome", "plan", "rare",
        "request", "response", "route_id", "scenario", "status", "step", "tags",
    )  # fmt: skip

    automatic: Attribute[bool] = _rare("automatic", False)
    replayed: Attribute[bool] = _rare("replayed", False)
    truncated: Attribute[bool] = _rare("truncated", False)
    fault: Attribute[str | None] = _rare("fault", None)
    error: Attribute[dict[str, Any] | None] = _rare("error", None)
    consult: Attribute[Consultation | None] = _rare("consult", None)
    forwarded: Attribute[str | None] = _rare("forwarded", None)
    let: Attribute[dict[str, Any] | None] = _rare("let", None)
    fields: Attribute[Sequence[Sequence[str]]] = _rare("fields", ())
    effects: Attribute[Sequence[Any]] = _rare("effects", ())
    webhooks: Attribute[Sequence[Any]] = _rare("webhooks", ())
    due: Attribute[Sequence[Any]] = _rare("due", ())
    limit_headers: Attribute[Sequence[tuple[str, str]]] = _rare("limit_headers", ())
    nearest: Attribute[list[Any]] = _rare("nearest", [])  # replaced, never changed
    websocket: Attribute[WebSocketRecord | None] = _rare("websocket", None)
    left_at_s: Attribute[float | None] = _rare("left_at_s", None)
    body_sha256: Attribute[str | None] = _rare("body_sha256", None)
    reply_length: Attribute[int] = _rare("reply_length", 0)
    reply_sha256: Attribute[str | None] = _rare("reply_sha256", None)
    _body_length: Attribute[int | None] = _rare("_body_length", None)

    def __init__(self, number: int, namespace: str, request: Request) -> None:
        self.number = number
        self.namespace = namespace
        self.request = request
        self.route_id: str | None = None
        self.scenario: str | None = None
        self.step: int | None = None
        self.tags: tuple[str, ...] = ()
        self.outcome = OPEN
        self.plan: Plan = ()
        self.response: Response | None = None
        self.status: int | None = None
        self.claimed_at_s: float | None = None
        self.first_byte_at_s: float | None = None
        self.last_byte_at_s: float | None = None
        self.cost = 0
        self.home: Any = None
        self.rare: dict[str, Any] | None = None

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
    def ended_at_s(self) -> float | None:
        """When it ended for the client: the last byte, the break, or the disconnect of a client that received no reply."""
        return self.last_byte_at_s if self.last_byte_at_s is not None else self.left_at_s

    def at_end(self, then: Callable[[], None]) -> None:
        """Add a function to call when nobody waits for the reply any more: it is completed, or the client is gone."""
        self.rare = self.rare or {}
        self.rare.setdefault("ends", []).append(then)

    def at_finish(self, then: Callable[[], None]) -> None:
        """Add a function that is called when the call and its outcome can't change any more."""
        self.rare = self.rare or {}
        self.rare.setdefault("finishes", []).append(then)

    def over(self, *whens: str) -> None:
        """Call the functions for the end of the reply, `ends`, or those of `at_finish`, `finishes`."""
        rare = self.rare
        for when in whens:
            if rare is not None and when in rare:
                for then in rare.pop(when):
                    then()

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
