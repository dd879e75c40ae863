"""One attempt of a delivery: signed with the current time, checked by egress, sent, and recorded."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from mockserver.model.durations import format_duration
from mockserver.model.headers import Pairs
from mockserver.outbound.egress import Egress, EgressRefusedError, UnresolvedHostError
from mockserver.outbound.sending import WebhookResponse, send
from mockserver.responses.signing import sign
from mockserver.store.delivery import STOPPED, Delivery, DeliveryState, Try

log = logging.getLogger("mockserver")

_MOST_AT_ONCE = 100


class WebhookSender:
    """
    Makes the attempts of deliveries, a limited number at a time.

    `wall` and `mono` are the real clocks: for timestamps of signatures, and for durations.
    """

    def __init__(
        self, egress: Egress, wall: Callable[[], float], mono: Callable[[], float], timeout_s: float
    ) -> None:
        self._egress = egress
        self._wall = wall
        self._mono = mono
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self.tries: Counter[str] = Counter()
        """Number of attempts by result: delivered, refused (an answer other than 2xx) or unanswered."""

    async def attempt(self, delivery: Delivery, now_s: Callable[[], float]) -> bool:
        """
        Make one attempt, and add it to the delivery. Return whether it was final: another one can't succeed.

        `now_s` is the virtual clock. If the task is cancelled, the delivery is dropped.
        """
        delivery.state = DeliveryState.SENDING
        try:
            async with self._slots:
                at_s, sent_at_s, started_at_s = now_s(), self._wall(), self._mono()
                answer, final = await self._exchange(delivery, int(sent_at_s))
        except asyncio.CancelledError:
            drop(delivery, STOPPED)
            raise
        duration_ms = round((self._mono() - started_at_s) * 1000, 3)
        attempt = Try(at_s, sent_at_s, duration_ms, answer.status, answer.error, answer.body)
        delivery.tries.append(attempt)
        result = "delivered" if attempt.arrived else "unanswered" if attempt.status is None else "refused"
        self.tries[result] += 1
        delivery.error = (
            None if attempt.arrived else attempt.error or f"the receiver answered {attempt.status}"
        )
        return final

    async def _exchange(self, delivery: Delivery, stamp_s: int) -> tuple[WebhookResponse, bool]:
        deadline_at_s = asyncio.get_running_loop().time() + self._timeout_s
        try:
            headers, body = signed(delivery, stamp_s)
            async with asyncio.timeout_at(deadline_at_s):
                target = await self._egress.resolve(delivery.url)
            answer = await send(target, delivery.method, headers, body, deadline_at_s=deadline_at_s)
        except TimeoutError:
            return WebhookResponse(error=f"timed out after {_seconds(self._timeout_s)}"), False
        except EgressRefusedError as error:
            return WebhookResponse(error=f"refused by egress: {error}"), True
        except UnresolvedHostError as error:
            return WebhookResponse(error=str(error)), False
        except Exception as error:  # a bug here must not leave a delivery without an end
            log.exception("webhook %s could not be sent", delivery.id)
            return WebhookResponse(error=f"it can't be sent: {error}"), True
        return answer, False


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else format_duration(seconds)


def signed(delivery: Delivery, stamp_s: int) -> tuple[Pairs, bytes]:
    """Return headers and body, signed with that Unix time."""
    if delivery.sign is None:
        return delivery.headers, delivery.body
    made = sign(delivery.sign, delivery.body, stamp_s, delivery.message_id)
    names = {name.lower() for name, _ in made.headers}
    kept = tuple((name, value) for name, value in delivery.headers if name.lower() not in names)
    return (*kept, *made.headers), made.body


def drop(delivery: Delivery, reason: str) -> None:
    """Mark a delivery as dropped: it is not sent any more."""
    delivery.state = DeliveryState.DROPPED
    delivery.error = reason
