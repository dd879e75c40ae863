"""Sends webhooks: what the engine schedules, and what the admin API asks of clock and deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mockserver.outbound.delivery import WebhookSender, drop
from mockserver.outbound.egress import Egress
from mockserver.outbound.webhook_queue import WebhookNamespace, WebhookQueue
from mockserver.store.clock import VirtualClock
from mockserver.store.delivery import STOPPED, Delivery, DeliveryState, Try

TAKEN_BACK = "taken back by a reset"
_CLOSE_S = 0.5


class WebhookService:
    """
    One for a server, on its loop. `limit` webhooks may wait or be under way in
    a namespace; more are failed at once, and `refused` is told. `wall` and `mono` are the real clocks:
    stamps of signatures, and how long a try took.

    Who moves a namespace's clock does it here, so that what is due goes out.
    """

    def __init__(
        self,
        egress: Egress,
        *,
        wall: Callable[[], float],
        mono: Callable[[], float],
        timeout_s: float = 10.0,
        limit: int = 10_000,
        refused: Callable[[], object] = lambda: None,
    ) -> None:
        self._sender = WebhookSender(egress, wall, mono, timeout_s)
        self._limit = limit
        self._refused = refused
        self._queues: dict[WebhookNamespace, WebhookQueue] = {}
        self._retired: set[WebhookQueue] = set()  # taken back by a reset, with tries still under way
        self._closed = False

    def tries(self) -> dict[str, int]:
        """How many tries were made since the server began, by result: delivered, refused or unanswered."""
        return dict(self._sender.tries)

    def schedule(self, ns: WebhookNamespace, delivery: Delivery) -> None:
        """Sends it when it is due. Returns at once."""
        queue = self._queue(ns)
        if self._closed or len(ns.timers) + queue.under_way >= self._limit:
            delivery.state = DeliveryState.FAILED
            delivery.error = STOPPED if self._closed else self._too_many()
            ns.tell()
        else:
            queue.push(delivery)
        self._tidy(ns, queue)

    def _too_many(self) -> str:
        self._refused()
        return f"not sent: {self._limit} webhooks of its namespace are pending; see --max-webhooks"

    async def deliver_before(self, ns: WebhookNamespace, delivery: Delivery) -> None:
        """Makes the first try now, and comes back when it is over. Further ones follow by the clock."""
        if self._closed:
            drop(delivery, STOPPED)
        else:
            await self._queue(ns).try_now(delivery)

    async def redeliver(self, ns: WebhookNamespace, delivery: Delivery) -> Try:
        """Sends it once more, now, after what is under way of the same call. It counts for no schedule."""
        return await self._queue(ns).try_again(delivery)

    async def advance(self, ns: WebhookNamespace, to_s: float, *, wait: bool = True) -> None:
        """
        Moves the clock to that moment, from timer to timer: each is fired at its
        own moment and over before the next, retries that fall into the span
        among them. With `wait` false it jumps, and what is due goes out behind it.
        """
        await self._move(ns, lambda: to_s, wait=wait)

    async def advance_by(self, ns: WebhookNamespace, seconds: float, *, wait: bool = True) -> None:
        """The same, from where the clock stands once nobody else moves it."""
        await self._move(ns, lambda: ns.clock.now_s() + seconds, wait=wait)

    async def _move(self, ns: WebhookNamespace, to_s: Callable[[], float], *, wait: bool) -> None:
        queue = self._queue(ns)
        await queue.move(to_s, wait=wait)
        self._tidy(ns, queue)

    async def change(self, ns: WebhookNamespace, deed: Callable[[VirtualClock], None]) -> None:
        """Freezes, resumes or sets the clock, once nobody else moves it."""
        await self._queue(ns).change(deed)

    def moved(self, ns: WebhookNamespace) -> None:
        """Clock or timers were changed by somebody else."""
        queue = self._queue(ns)
        queue.arm()
        self._tidy(ns, queue)

    def restored(self, ns: WebhookNamespace) -> None:
        """Timers of a snapshot were put back, after `forget`: what they hold waits again."""
        for attempt in ns.timers:
            attempt.delivery.state = DeliveryState.WAITING
            attempt.delivery.error = None
        self.moved(ns)

    def forget(self, ns: WebhookNamespace) -> None:
        """
        Takes back what waits, for a reset. A try under way comes to its end, but
        has no further one; a clock that is being advanced stays where it is.
        """
        queue = self._queues.pop(ns, None)
        if queue is not None:
            queue.end(TAKEN_BACK)
            if not queue.idle:
                self._retired.add(queue)
        for attempt in ns.timers.clear():
            drop(attempt.delivery, TAKEN_BACK)
        ns.tell()

    async def close(self) -> None:
        """Sends nothing more, and cuts what is under way."""
        self._closed = True
        tasks: set[asyncio.Task[object]] = set()
        for queue in (*self._queues.values(), *self._retired):
            queue.end(queue.over or STOPPED)
            tasks |= queue.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)

    def _queue(self, ns: WebhookNamespace) -> WebhookQueue:
        queue = self._queues.get(ns)
        if queue is None:
            queue = self._queues[ns] = WebhookQueue(
                ns, self._sender, self._limit, lambda queue: self._tidy(ns, queue)
            )
        return queue

    def _tidy(self, ns: WebhookNamespace, queue: WebhookQueue) -> None:
        """A queue with nothing on it goes, so that a deleted namespace leaves nothing."""
        if queue.idle:
            self._retired.discard(queue)
            if self._queues.get(ns) is queue:
                del self._queues[ns]
