"""Clients under load as small programs, a service and a network in virtual time: what rules on load must hold of, or catch."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Generator
from itertools import count
from typing import Any

from mockserver.attempts import Attempt, Operation
from support.calls import Calls

Program = Generator[Any, Any, None]
NETWORK_S = 0.0005, 0.008
"""How long a request or an answer is on its way."""


class Simulation:
    """Runs programs that yield a wait in seconds or a `Send`. `down` tells when the service fails."""

    def __init__(self, seed: int, down: Callable[[float], bool], *, takes_s: float = 0.03) -> None:
        self.random = random.Random(seed)
        self.now_s = 0.0
        self._down = down
        self._takes_s = takes_s
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._operations = count(1)
        self.requests: list[tuple[float, float, int, int]] = []

    def operation(self) -> int:
        """Return a new operation's number."""
        return next(self._operations)

    def at(self, at_s: float, then: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), then))

    def start(self, program: Program, at_s: float = 0.0) -> None:
        self.at(at_s, lambda: self._step(program, None))

    def run(self) -> None:
        while self._queue:
            self.now_s, _, then = heapq.heappop(self._queue)
            then()

    def _step(self, program: Program, value: Any) -> None:
        try:
            wanted = program.send(value)
        except StopIteration:
            return
        if isinstance(wanted, Semaphore):
            wanted.acquire(self, lambda: self._step(program, None))
        elif isinstance(wanted, float):
            self.at(self.now_s + wanted, lambda: self._step(program, None))
        else:
            self._send(wanted, program)

    def _send(self, operation: int, program: Program) -> None:
        arrived_s = self.now_s + self.random.uniform(*NETWORK_S)
        status = 503 if self._down(arrived_s) else 200
        ended_s = arrived_s + self._takes_s * self.random.uniform(0.5, 1.5)
        self.requests.append((arrived_s, ended_s, status, operation))
        self.at(ended_s + self.random.uniform(*NETWORK_S), lambda: self._step(program, status))

    def operations(self) -> list[Operation]:
        """Run the programs, and return what they did, as the server grouped it."""
        self.run()
        calls, operations = Calls(), {}
        for arrived_s, ended_s, status, number in sorted(self.requests):
            call = calls(arrived_s, ended_s, status)
            operation = operations.setdefault(number, Operation(number, call.route_id, str(number)))
            operation.attempts.append(Attempt(call, None))  # type: ignore[arg-type]  (no rule on load looks at it)
        return list(operations.values())


class Semaphore:
    """Lets so many programs in at a time: `yield semaphore`, and `release` at the end."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[Callable[[], None]] = deque()

    def acquire(self, simulation: Simulation, then: Callable[[], None]) -> None:
        if self._free:
            self._free -= 1
            simulation.at(simulation.now_s, then)
        else:
            self._waiting.append(then)

    def release(self) -> None:
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._free += 1


# What clients have in them


class RetryBudget:
    """A share of the first attempts of the last `window_s` may be retries, and always `least`."""

    def __init__(self, share: float, window_s: float, least: int) -> None:
        self._share, self._window_s, self._least = share, window_s, least
        self._firsts: deque[float] = deque()
        self._retries: deque[float] = deque()

    def first(self, now_s: float) -> None:
        self._firsts.append(now_s)

    def may_retry(self, now_s: float) -> bool:
        for times in (self._firsts, self._retries):
            while times and times[0] <= now_s - self._window_s:
                times.popleft()
        allowed = len(self._retries) < max(self._least, int(self._share * len(self._firsts)))
        if allowed:
            self._retries.append(now_s)
        return allowed


class Breaker:
    """A circuit breaker, as libraries have it."""

    def __init__(self, opens_after: int, stays_open_s: float, probes: int = 1) -> None:
        self._opens_after, self._stays_open_s, self._probes = opens_after, stays_open_s, probes
        self._row = 0
        self._opened_s: float | None = None
        self._under_way = 0

    def lets_in(self, now_s: float) -> bool:
        if self._opened_s is None:
            return True
        if now_s - self._opened_s < self._stays_open_s or self._under_way >= self._probes:
            return False
        self._under_way += 1
        return True

    def answered(self, now_s: float, *, ok: bool) -> None:
        probing = self._opened_s is not None and self._under_way > 0
        self._under_way = 0
        if ok:
            self._row, self._opened_s = 0, None
            return
        self._row += 1
        if probing or (self._row >= self._opens_after and self._opened_s is None):
            self._opened_s = now_s


class Limiter:
    """At most so many calls in any second."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._sent: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """Take the next place, and return how long it is until then."""
        at_s = now_s if len(self._sent) < self._calls else max(now_s, self._sent.popleft() + 1.0)
        self._sent.append(at_s)
        return at_s - now_s
