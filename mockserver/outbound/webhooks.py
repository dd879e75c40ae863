"""The webhook service: sends what the engine schedules, and moves clocks for the admin API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mockserver.outbound.delivery import WebhookSender, drop
from mockserver.outbound.egress import Egress
from mockserver.outbound.webhook_queue import AttemptListener, WebhookNamespace, WebhookQueue
from mockserver.store.clock import VirtualClock
from mockserver.store.delivery import STOPPED, Delivery, DeliveryState, Try

_NOBODY = AttemptListener()
TAKEN_BACK = "taken back by a reset"
_CLOSE_S = 0.5


class WebhookService:
    """
    The webhooks of all namespaces of a server, on its event loop.

    At most `limit` webhooks of a namespace may be pending; more fail immediately, and `refused` is called. `wall` and
    `mono` are the real clocks: for timestamps of signatures, and for durations. Clocks of namespaces must be moved by
    this service, so that due webhooks are sent.
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
        self._retired: set[WebhookQueue] = set()  # ended by a reset, with attempts still in progress
        self._closed = False
        self.listener: AttemptListener = _NOBODY
        """Called for each attempt."""

    def tries(self) -> dict[str, int]:
        """Return the number of attempts since the start of the server, by result: delivered, refused or unanswered."""
        return dict(self._sender.tries)

    def schedule(self, ns: WebhookNamespace, delivery: Delivery) -> None:
        """Send it when it is due. Returns immediately."""
        queue = self._queue(ns)
        if self._closed or len(ns.timers) + queue.in_progress >= self._limit:
            delivery.state = DeliveryState.FAILED
            delivery.error = STOPPED if self._closed else self._too_many()
            self.listener.sent(ns, delivery, None, 0)
            ns.tell()
        else:
            queue.push(delivery)
        self._tidy(ns, queue)

    def _too_many(self) -> str:
        self._refused()
        return f"not sent: {self._limit} webhooks of its namespace are pending; see --max-webhooks"

    async def deliver_before(self, ns: WebhookNamespace, delivery: Delivery) -> None:
        """Make the first attempt now, and wait for it. Retries follow by the clock."""
        if self._closed:
            drop(delivery, STOPPED)
        else:
            await self._queue(ns).try_now(delivery)

    async def redeliver(self, ns: WebhookNamespace, delivery: Delivery) -> Try:
        """Send it again now, after attempts in progress of the same call. It does not change the schedule."""
        return await self._queue(ns).redeliver(delivery)

    async def advance(self, ns: WebhookNamespace, to_s: float, *, wait: bool = True) -> None:
        """
        Move the clock to that time.

        Each timer fires at its own time, and completes before the next one, including retries. With `wait` false, the
        clock jumps, and due webhooks are sent afterwards.
        """
        await self._move(ns, lambda: to_s, wait=wait)

    async def advance_by(self, ns: WebhookNamespace, seconds: float, *, wait: bool = True) -> None:
        """Like `advance`, by a number of seconds from the time at which nobody else moves the clock."""
        await self._move(ns, lambda: ns.clock.now_s() + seconds, wait=wait)

    async def _move(self, ns: WebhookNamespace, to_s: Callable[[], float], *, wait: bool) -> None:
        queue = self._queue(ns)
        await queue.move(to_s, wait=wait)
        self._tidy(ns, queue)

    async def change(self, ns: WebhookNamespace, change_clock: Callable[[VirtualClock], None]) -> None:
        """Freeze, resume or reset the clock, once nobody else is moving it."""
        await self._queue(ns).change(change_clock)

    def moved(self, ns: WebhookNamespace) -> None:
        """Set the timer again, after clock or timers were changed elsewhere."""
        queue = self._queue(ns)
        queue.arm()
        self._tidy(ns, queue)

    def restored(self, ns: WebhookNamespace) -> None:
        """Mark the deliveries of restored timers as waiting, after `forget`."""
        for attempt in ns.timers:
            attempt.delivery.state = DeliveryState.WAITING
            attempt.delivery.error = None
        self.moved(ns)

    def forget(self, ns: WebhookNamespace) -> None:
        """
        Drop pending deliveries, for a reset.

        An attempt in progress completes, but is not retried; a clock that is being advanced stops.
        """
        queue = self._queues.pop(ns, None)
        if queue is not None:
            queue.end(TAKEN_BACK)
            if not queue.idle:
                self._retired.add(queue)
        for attempt in ns.timers.clear():
            drop(attempt.delivery, TAKEN_BACK)
        ns.tell()

    def abandon(self, ns: WebhookNamespace) -> None:
        """Stop sending webhooks of a namespace that moved to another replica."""
        queue = self._queues.pop(ns, None)
        if queue is not None:
            queue.end(TAKEN_BACK)
            queue.cancel()

    async def close(self) -> None:
        """Stop sending, and cancel attempts in progress."""
        self._closed = True
        tasks: set[asyncio.Task[object]] = set()
        for queue in (*self._queues.values(), *self._retired):
            queue.end(queue.end_reason or STOPPED)
            tasks |= queue.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)

    def _queue(self, ns: WebhookNamespace) -> WebhookQueue:
        queue = self._queues.get(ns)
        if queue is None:
            queue = self._queues[ns] = WebhookQueue(
                ns, self._sender, self._limit, lambda queue: self._tidy(ns, queue), self.listener
            )
        return queue

    def _tidy(self, ns: WebhookNamespace, queue: WebhookQueue) -> None:
        """Remove an idle queue, so that a deleted namespace leaves nothing."""
        if queue.idle:
            self._retired.discard(queue)
            if self._queues.get(ns) is queue:
                del self._queues[ns]
