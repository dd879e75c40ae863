"""
One webhook delivery: what is sent, when, and the result of each attempt.

It is made with its call's response, with its body ready; `outbound/` sends it by the namespace's clock, and stores the
receiver's response.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from mockserver.model.headers import Pairs
from mockserver.model.instants import instant
from mockserver.schema.webhook import SignSpec

STOPPED = "the server stopped"
"""The error of a delivery that was pending when the server stopped."""


class DeliveryState(StrEnum):
    """State of a delivery. `dropped`: a reset cancelled it before it arrived."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


Outcome = Literal["delivered", "refused", "failed", "dropped"]
"""`refused`: the last response was not 2xx; `failed`: no response; `dropped`: cancelled."""


@dataclass(frozen=True, slots=True)
class Try:
    """
    One attempt. `at_s` is Unix time of the virtual clock, `sent_at_s` of the real one. `status` is None without a
    response, and `error` is the reason; `answer` is the start of the response body.
    """

    at_s: float
    sent_at_s: float
    duration_ms: float
    status: int | None = None
    error: str | None = None
    answer: bytes = b""

    @property
    def arrived(self) -> bool:
        """Whether the receiver accepted it with a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def view(self) -> dict[str, Any]:
        return {
            "at": instant(self.at_s),
            "sent_at": instant(self.sent_at_s),
            "duration_ms": self.duration_ms,
            "status": self.status,
            "error": self.error,
            "answer": self.answer.decode(errors="replace"),
        }


class Delivery:
    """
    A webhook of one call. `body` is what is signed and sent; `attempts` is the maximum number of attempts, `backoff_s`
    the delays between them, the last of which repeats. `due_s` is the time of the next attempt, or of the last one, by
    the virtual clock. `message_id` is the same for every attempt, and for every delivery of one `repeat`.
    """

    __slots__ = (
        "again", "attempts", "backoff_s", "body", "call", "created_s", "due_s", "error", "headers", "message_id", "method",
        "namespace", "number", "route", "sign", "state", "tries", "url",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        *,
        namespace: str,
        call: str,
        route: str,
        url: str,
        body: bytes,
        message_id: str,
        created_s: float,
        due_s: float,
        method: str = "POST",
        headers: Pairs = (),
        sign: SignSpec | None = None,
        attempts: int = 1,
        backoff_s: tuple[float, ...] = (1.0,),
    ) -> None:
        self.number = number
        self.namespace = namespace
        self.call = call
        self.route = route
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.sign = sign
        self.message_id = message_id
        self.created_s = created_s
        self.due_s = due_s
        self.attempts = attempts
        self.backoff_s = backoff_s
        self.tries: list[Try] = []
        self.state = DeliveryState.WAITING
        self.error: str | None = None
        """Why the last attempt failed, or why there was none."""
        self.again = False
        """Whether a replica that has gone may have sent the next attempt already."""

    @property
    def id(self) -> str:
        """
        The text form of its number.

        >>> Delivery(1, namespace="default", call="c-000001", route="a/b", url="http://app/", body=b"",
        ...          message_id="m", created_s=0, due_s=0).id
        'w-000001'
        """
        return f"w-{self.number:06d}"

    @property
    def arrived(self) -> bool:
        """Whether an attempt got a 2xx."""
        return any(item.arrived for item in self.tries)

    @property
    def outcome(self) -> Outcome | None:
        """The outcome; None while pending."""
        if self.arrived:
            return "delivered"
        if self.state is DeliveryState.DROPPED:
            return "dropped"
        if self.state is not DeliveryState.FAILED:
            return None
        return "refused" if any(item.status is not None for item in self.tries) else "failed"

    def twin(self, number: int) -> Delivery:
        """Return an independent delivery of the same message, without attempts."""
        return Delivery(
            number,
            namespace=self.namespace,
            call=self.call,
            route=self.route,
            url=self.url,
            body=self.body,
            message_id=self.message_id,
            created_s=self.created_s,
            due_s=self.due_s,
            method=self.method,
            headers=self.headers,
            sign=self.sign,
            attempts=self.attempts,
            backoff_s=self.backoff_s,
        )

    def gap_s(self, attempt: int) -> float:
        """Return the delay between the start of that attempt, counted from 1, and the next."""
        return self.backoff_s[min(attempt, len(self.backoff_s)) - 1]

    def view(self) -> dict[str, Any]:
        """Return it as JSON, not masked."""
        return {
            "id": self.id,
            "number": self.number,
            "namespace": self.namespace,
            "call": self.call,
            "route": self.route,
            "state": self.state.value,
            "error": self.error,
            "method": self.method,
            "url": self.url,
            "headers": [list(pair) for pair in self.headers],
            "body": _body_view(self.body),
            "sign": {"scheme": self.sign.scheme, "fault": self.sign.fault} if self.sign else None,
            "message_id": self.message_id,
            "created": instant(self.created_s),
            "due": instant(self.due_s),
            "attempts": self.attempts,
            "tries": [item.view() for item in self.tries],
            "again": self.again,
        }

    def __repr__(self) -> str:
        return f"<Delivery {self.id} {self.method} {self.url} {self.state.value}, tries: {len(self.tries)}>"


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """An item of a namespace's timers: the attempt of that number, counted from 1, of a delivery."""

    delivery: Delivery
    number: int = 1


def _body_view(body: bytes) -> dict[str, Any]:
    try:
        return {"text": body.decode(), "base64": None, "length": len(body)}
    except UnicodeDecodeError:
        return {"text": None, "base64": base64.b64encode(body).decode(), "length": len(body)}
