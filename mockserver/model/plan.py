"""
Plans: what to do with a connection, as data. The engine decides, `http/` performs.

A plan is a tuple of steps, performed in order. If nothing varies it is made once, at load, and shared by all calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from mockserver.model.framing import FRAMING
from mockserver.model.http import Pairs, Response

if TYPE_CHECKING:
    from mockserver.model.websocket import Script, Variables


class Outcome(StrEnum):
    """The outcome of a call; `OPEN` until it ends."""

    OPEN = "open"
    DONE = "done"
    RESET = "reset"
    CLOSE = "close"
    TRUNCATE = "truncate"
    GARBAGE = "garbage"
    MALFORMED_CHUNK = "malformed_chunk"
    INVALID_FRAME = "invalid_frame"
    CLIENT_LEFT = "client_left"
    INCOMPLETE = "incomplete"
    LOST = "lost"
    """With a shared store: it is unknown what the client has received, since its replica or the store failed."""


OPEN, DONE, CLIENT_LEFT = Outcome.OPEN, Outcome.DONE, Outcome.CLIENT_LEFT
"""Those that every call is compared with: a name is read faster than an attribute of the class."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait that long. At least 0."""

    seconds: float


@dataclass(slots=True)
class Send:
    """
    Send head and body. With `upto` only that many bytes of the body follow a head that promises all of it (`promise`
    bytes if that is not its length).
    """

    response: Response
    upto: int | None = None
    promise: int | None = None


@dataclass(frozen=True, slots=True)
class Drip:
    """
    Send the head, then the body in pieces, each after its own wait in seconds.

    `chunked`: the length is not known beforehand; `ended`: the response is complete.
    """

    response: Response
    pieces: Sequence[tuple[float, bytes]]
    chunked: bool = False
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Raw:
    """Send raw bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hang:
    """
    Send nothing more, until the client disconnects or the server's limit is reached. `closes_window`: on HTTP/2 the
    client can send no more bodies on the connection either.
    """

    closes_window: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """
    Close the connection: `reset` by TCP RST, `close` and `truncate` by FIN. On HTTP/2 `reset` and `truncate` end the
    stream, `close` the connection; `code` is the error code that the client is told. `outcome` is that of the call.
    """

    how: Literal["reset", "close", "truncate"]
    outcome: Outcome
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """
    Forward the request to the real service at `to`, a URL without a slash at its end.

    `came` is called with the response: its head, or with `whole` all of it (up to `whole_bytes`). It stores the
    response on the call. True: forward the body piece by piece after that head; False: the call has a new plan. The
    call log gets the first `keep_bytes` of a forwarded body; if it `is_recorded`, the service is asked only for content
    codings that can be decoded.
    """

    to: str
    came: Callable[[Response], bool]
    whole_bytes: int = 0
    keep_bytes: int = 0
    is_recorded: bool = False


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Accept a WebSocket handshake with that head, then perform the script, or answer operations of GraphQL."""

    response: Response
    script: Script
    variables: Variables
    speaks_graphql: bool = False


@dataclass(frozen=True, slots=True)
class Converse:
    """
    Exchange messages with a client that has not sent its whole body: `talk` starts a generator for the call, which yields
    what to do. A number: wait that many seconds; bytes: send them; None: receive, and get the next message, or None if the
    client sends nothing more. At its end the call has its response, whose trailers are sent.
    """

    response: Response
    talk: Callable[[Any], Any]


Step = Wait | Send | Drip | Raw | Hang | Break | Forward | Upgrade | Converse
Plan = tuple[Step, ...]


def keeps_connection(headers: Pairs) -> bool:
    """Whether a response with these headers is framed by its own length and keeps the connection open."""
    return not any(name.lower() in FRAMING for name, _ in headers)


def sends_head(plan: Plan) -> bool:
    """Whether a status line is sent: not for a fault before the first byte."""
    return any(isinstance(step, (Send, Drip, Forward, Upgrade)) for step in plan)


def is_one_send(plan: Plan) -> bool:
    """Whether a plan is one whole response that keeps the connection open."""
    if len(plan) != 1:
        return False
    step = plan[0]
    if step.__class__ is not Send or step.upto is not None:
        return False
    response = step.response
    if response.shape is not None or response.encoded is not None:
        return True
    return not response.trailers and keeps_connection(response.headers)
