"""
What is to be done with a connection, as data. The engine decides, `http/` performs.

A plan is a tuple of steps, performed in order. Where nothing varies it is made
once, at load, and shared by every call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from mockserver.model.framing import FRAMING
from mockserver.model.http import Pairs, Response


class Outcome(StrEnum):
    """How a call ended; `OPEN` until it has."""

    OPEN = "open"
    DONE = "done"
    RESET = "reset"
    CLOSE = "close"
    TRUNCATE = "truncate"
    GARBAGE = "garbage"
    MALFORMED_CHUNK = "malformed_chunk"
    CLIENT_LEFT = "client_left"
    INCOMPLETE = "incomplete"
    LOST = "lost"
    """With a shared store: nobody knows what the client has seen, since its replica or the store went away."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens for so long. At least 0."""

    seconds: float


@dataclass(slots=True)
class Send:
    """
    The head and the body. With `upto` only so many bytes of the body follow a
    head that promises all of it (`promise` bytes where that is not its length).
    """

    response: Response
    upto: int | None = None
    promise: int | None = None


@dataclass(frozen=True, slots=True)
class Drip:
    """
    The head, then the body in pieces, each after its own wait in seconds.

    `chunked` says that the length is not known beforehand, `ended` that the
    reply comes to its proper end.
    """

    response: Response
    pieces: Sequence[tuple[float, bytes]]
    chunked: bool = False
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that go out as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing more, until the client leaves or the server's limit is reached."""


@dataclass(frozen=True, slots=True)
class Break:
    """The end of the connection: `reset` by TCP RST, `close` by FIN. `outcome` is what the record says."""

    how: Literal["reset", "close"]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Forward:
    """
    The request goes on to the real service at `to`, a URL without a slash at its end.

    `came` is told the reply: its head, or with `whole` all of it (up to so many
    bytes, 0 for no need of it). It says what is sent, on the call: True, the
    reply goes back under the head that stands there, piece by piece; False, the call has a plan of its own now.
    Of a body that is passed on the record gets the first `keep_bytes`; where it `is_recorded`, the
    service is asked for no content-coding that couldn't be taken off again.
    """

    to: str
    came: Callable[[Response], bool]
    whole_bytes: int = 0
    keep_bytes: int = 0
    is_recorded: bool = False


Step = Wait | Send | Drip | Raw | Hang | Break | Forward
Plan = tuple[Step, ...]


def keeps_connection(headers: Pairs) -> bool:
    """Whether a response with these headers is framed by its own length and leaves the connection as it is."""
    return not any(name.lower() in FRAMING for name, _ in headers)


def sends_head(plan: Plan) -> bool:
    """Whether a status line leaves at all: a fault before the first byte sends none."""
    return any(isinstance(step, (Send, Drip, Forward)) for step in plan)


def is_one_send(plan: Plan) -> bool:
    """Whether a plan is over as soon as it is begun: one whole response, that leaves the connection as it is."""
    if len(plan) != 1:
        return False
    step = plan[0]
    if step.__class__ is not Send or step.upto is not None:
        return False
    response = step.response
    return response.shape is not None or response.encoded is not None or keeps_connection(response.headers)
