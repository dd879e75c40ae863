"""
The pending webhooks of a namespace, sent by its clock, in the order of their times.

Webhooks of one call are sent one after the other; those of different calls don't wait for each other. While the clock
is advanced, all are sent one after the other, each at its own time.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from mockserver.outbound.delivery import WebhookSender, drop
from mockserver.store.clock import VirtualClock
from mockserver.store.delivery import Delivery, DeliveryAttempt, DeliveryState, Try
from mockserver.store.timers import Timers

T = TypeVar("T")

_LONGEST_SLEEP_S = 3600.0
"""Maximum timer, because the real clock may be set in the meantime."""


class WebhookNamespace(Protocol):
    """The part of a namespace that webhooks use. `tell` notifies waiting checks."""

    @property
    def clock(self) -> VirtualClock: ...

    @property
    def timers(self) -> Timers[DeliveryAttempt]: ...

    def tell(self) -> None: ...


class AttemptListener:
    """Hears of the attempts of webhooks, and does nothing: a base class."""

    def sending(self, ns: WebhookNamespace, delivery: Delivery, number: int) -> None:
        """An attempt of that number begins."""

    def sent(self, ns: WebhookNamespace, delivery: Delivery, attempt: Try | None, next_number: int) -> None:
        """Called after an attempt, or if the delivery was given up. `next_number` is that of the next attempt, 0 for none."""


class WebhookQueue:
    """
    The queue of a namespace. It exists while there is something to send.

    `end_reason` is the reason for its end: a reset, or the end of the server. `max_steps` limits the attempts of one
    advance, because each receiver may cause another webhook.
    """

    __slots__ = (
        "_armed_s", "_ended", "_handle", "_last", "_listener", "_lock", "_ns", "_running", "_sender",
        "_stepping", "_tasks", "_was_running", "end_reason", "max_steps",
    )  # fmt: skip

    def __init__(
        self,
        ns: WebhookNamespace,
        sender: WebhookSender,
        max_steps: int,
        ended: Callable[[WebhookQueue], None],
        listener: AttemptListener,
    ) -> None:
        self._ns = ns
        self._sender = sender
        self._ended = ended
        self._listener = listener
        self._handle: asyncio.TimerHandle | None = None
        self._armed_s = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running: set[asyncio.Task[Any]] = set()  # of these, the attempts that timers started
        self._last: dict[str, asyncio.Task[Any]] = {}  # the latest of each call
        self._lock = asyncio.Lock()
        self._stepping = False  # whether the clock is being advanced
        self._was_running = False  # whether the clock ran before it was advanced
        self.max_steps = max_steps
        self.end_reason: str | None = None

    @property
    def idle(self) -> bool:
        return not self._tasks and self._handle is None

    @property
    def in_progress(self) -> int:
        """Number of attempts in progress that timers started."""
        return len(self._running)

    # The timer

    def push(self, delivery: Delivery) -> None:
        """Add a delivery, to be sent when it is due."""
        self._ns.timers.push(delivery.due_s, DeliveryAttempt(delivery))
        if self._handle is None or delivery.due_s < self._armed_s:
            self.arm()

    def arm(self) -> None:
        """Set one timer of the event loop, for the earliest delivery; none if the clock is frozen before it."""
        self._disarm()
        ns = self._ns
        due_s = ns.timers.head()
        if due_s is None or self._stepping or self.end_reason:
            return
        ahead_s = max(0.0, due_s - ns.clock.now_s())
        if ahead_s and ns.clock.frozen:
            return
        self._armed_s = due_s
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(min(ahead_s, _LONGEST_SLEEP_S), self._fire)

    def _disarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        now_s = self._ns.clock.now_s()
        while (timer := self._ns.timers.pop_due(now_s)) is not None:
            work = functools.partial(self._try, timer.item, timer.due_s)
            task = self._in_order(timer.item.delivery.call, work)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self.arm()

    # The clock

    async def change(self, change_clock: Callable[[VirtualClock], None]) -> None:
        """Change the clock once nobody else is moving it."""
        await asyncio.shield(self._begin(lambda: self._change(change_clock)))

    async def _change(self, change_clock: Callable[[VirtualClock], None]) -> None:
        async with self._lock:
            if not self.end_reason:
                change_clock(self._ns.clock)
                self.arm()

    async def move(self, to_s: Callable[[], float], *, wait: bool) -> None:
        """Move the clock. `to_s` is called once nobody else is moving it."""
        if not wait and not self._lock.locked():
            self._ns.clock.move_to(to_s())
            self.arm()
            return
        task = self._begin(lambda: self._move(to_s))
        if wait:
            await asyncio.shield(task)

    async def _move(self, to_s: Callable[[], float]) -> None:
        async with self._lock:
            if self.end_reason:
                return
            clock, end_s = self._ns.clock, to_s()
            self._was_running = not clock.frozen
            self._stepping = True
            self._disarm()
            clock.freeze()  # so that `now` is a timer's own moment, however long its receiver takes
            try:
                await self._step_to(end_s)
            finally:
                self._stepping = False
                if not self.end_reason:
                    if self._was_running:
                        clock.resume()
                    self.arm()

    async def _step_to(self, end_s: float) -> None:
        ns = self._ns
        while self._running:
            await asyncio.wait(self._running)  # their retries may fall into the span
        for _ in range(self.max_steps):
            timer = None if self.end_reason else ns.timers.pop_due(end_s)
            if timer is None:
                break
            if timer.due_s > ns.clock.now_s():
                ns.clock.freeze(timer.due_s)
            await self._try(timer.item, timer.due_s)
        if not self.end_reason:
            ns.clock.freeze(end_s)

    # Attempts

    async def try_now(self, delivery: Delivery) -> None:
        """Make the first attempt immediately."""
        await asyncio.shield(
            self._begin(lambda: self._try(DeliveryAttempt(delivery), self._ns.clock.now_s()))
        )

    async def redeliver(self, delivery: Delivery) -> Try:
        """Make an additional attempt, after those in progress of the same call."""
        return await asyncio.shield(self._in_order(delivery.call, lambda: self._redeliver(delivery)))

    async def _try(self, attempt: DeliveryAttempt, due_s: float) -> None:
        """Make one attempt, and schedule the next. Gaps are counted from `due_s`, so that a schedule is exact."""
        delivery, ns = attempt.delivery, self._ns
        if self.end_reason:
            drop(delivery, self.end_reason)
            self._listener.sent(ns, delivery, None, 0)
            ns.tell()
            return
        self._listener.sending(ns, delivery, attempt.number)
        final = await self._sender.attempt(delivery, ns.clock.now_s)
        next_number = 0
        if delivery.arrived:
            delivery.state = DeliveryState.DELIVERED
        elif final or self.end_reason or attempt.number >= delivery.attempts:
            delivery.state = DeliveryState.FAILED
        else:
            delivery.state = DeliveryState.WAITING
            delivery.due_s = due_s + delivery.gap_s(attempt.number)
            next_number = attempt.number + 1
            ns.timers.push(delivery.due_s, DeliveryAttempt(delivery, next_number))
            self.arm()
        self._listener.sent(ns, delivery, delivery.tries[-1], next_number)
        ns.tell()

    async def _redeliver(self, delivery: Delivery) -> Try:
        ns = self._ns
        await self._sender.attempt(delivery, ns.clock.now_s)
        waits = any(attempt.delivery is delivery for attempt in ns.timers)
        if delivery.arrived:
            delivery.state = DeliveryState.DELIVERED
            if waits and not self.end_reason:
                ns.timers.remove(lambda attempt: attempt.delivery is delivery)
                self.arm()
        else:
            delivery.state = DeliveryState.WAITING if waits else DeliveryState.FAILED
        following = next((one.number for one in ns.timers if one.delivery is delivery), 0)
        self._listener.sent(ns, delivery, delivery.tries[-1], following)
        ns.tell()
        return delivery.tries[-1]

    # Tasks

    def _begin(self, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._ended(self)

    def _in_order(self, call: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Start work once the previous work of the same call is done."""

        def forget(task: asyncio.Task[T]) -> None:
            if self._last.get(call) is task:
                del self._last[call]

        earlier = self._last.get(call)
        task = self._last[call] = self._begin(lambda: _after(earlier, work))
        task.add_done_callback(forget)
        return task

    def end(self, reason: str) -> None:
        """Stop sending. Attempts in progress complete, but are not retried."""
        self.end_reason = reason
        self._disarm()
        if self._stepping and self._was_running:
            self._ns.clock.resume()

    def cancel(self) -> set[asyncio.Task[Any]]:
        """Cancel attempts in progress."""
        for task in self._tasks:
            task.cancel()
        return set(self._tasks)


async def _after(earlier: asyncio.Task[Any] | None, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    if earlier is not None and not earlier.done():
        await asyncio.wait((earlier,))
    return await work()
