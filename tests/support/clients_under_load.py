"""Clients under load as small programs, a service and a network in virtual time: what rules on load must hold of, or catch."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import Any

from mockserver.attempts import Attempt, Operation
from mockserver.attempts.findings import Finding
from mockserver.load.breaker import breaker_findings
from mockserver.load.pressure import in_flight_findings, rate_findings, spread_findings
from mockserver.load.ratios import amplification_findings, budget_findings
from mockserver.model.plan import Outcome
from mockserver.schema.load import LoadSpec
from support.calls import Calls

Program = Generator[Any, Any, None]
SEEDS = range(200)
NETWORK_S = 0.0005, 0.008
"""How long a request or an answer is on its way."""


@dataclass(frozen=True, slots=True)
class Send:
    """A call of an operation. The client leaves after `timeout_s`, and sends another one beside it after `hedge_s`."""

    operation: int
    timeout_s: float = inf
    hedge_s: float = inf


@dataclass(slots=True)
class _Sent:
    """A request as the server sees it."""

    operation: int
    arrived_s: float
    ended_s: float
    status: int
    left_s: float = inf


class Simulation:
    """
    Runs programs that yield a wait in seconds, a `Send` or an operation's number, which sends one call of it.

    `down` tells when the service fails, `takes` how long an answer takes.
    """

    def __init__(
        self,
        seed: int,
        down: Callable[[float], bool],
        *,
        takes_s: float = 0.03,
        takes: Callable[[float, random.Random], float] | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self.now_s = 0.0
        self._down = down
        self._takes = takes or (lambda _, draws: takes_s * draws.uniform(0.5, 1.5))
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._operations = count(1)
        self.requests: list[_Sent] = []

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
            self._send(wanted if isinstance(wanted, Send) else Send(wanted), program)

    def _send(self, wanted: Send, program: Program) -> None:
        """Continue the program with the status of the first success or the last failure; None after the timeout."""
        under_way: list[_Sent] = []
        is_done = False

        def send() -> None:
            if is_done:
                return
            arrived_s = self.now_s + self._network_s()
            status = 503 if self._down(arrived_s) else 200
            sent = _Sent(wanted.operation, arrived_s, arrived_s + self._takes(arrived_s, self.random), status)
            under_way.append(sent)
            self.requests.append(sent)
            self.at(sent.ended_s + self._network_s(), lambda: answered(sent))

        def answered(sent: _Sent) -> None:
            if not is_done:
                under_way.remove(sent)
                if sent.status == 200 or not under_way:
                    done(sent.status)

        def done(status: int | None) -> None:
            nonlocal is_done
            if not is_done:
                is_done = True
                for sent in under_way:
                    sent.left_s = max(sent.arrived_s, self.now_s + self._network_s())
                self._step(program, status)

        send()
        for wait_s, then in ((wanted.hedge_s, send), (wanted.timeout_s, lambda: done(None))):
            if wait_s < inf:
                self.at(self.now_s + wait_s, then)

    def _network_s(self) -> float:
        return self.random.uniform(*NETWORK_S)

    def operations(self, until_s: float = inf) -> list[Operation]:
        """Run the programs, and return what they did until a time, as the server grouped it."""
        self.run()
        calls, operations = Calls(), {}
        for sent in sorted(self.requests, key=lambda sent: sent.arrived_s):
            if sent.arrived_s > until_s:
                break
            has_left = sent.left_s < sent.ended_s
            ended_s = min(sent.left_s, sent.ended_s)
            if ended_s > until_s:
                call = calls(sent.arrived_s, None, None)
            elif has_left:
                call = calls(sent.arrived_s, ended_s, None, outcome=Outcome.CLIENT_LEFT)
            else:
                call = calls(sent.arrived_s, ended_s, sent.status)
            number = sent.operation
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


_RULES: dict[str, Any] = {
    "amplification": amplification_findings,
    "budget": budget_findings,
    "breaker": breaker_findings,
    "in_flight": in_flight_findings,
    "spread": spread_findings,
    "rate": rate_findings,
}


def judged(simulation: Simulation, rules: dict[str, Any], until_s: float = inf) -> Finding:
    """What the one rule finds in what the clients did until a time."""
    ((name, _),) = rules.items()
    spec = getattr(LoadSpec.model_validate(rules), name)
    (finding,) = _RULES[name](spec, simulation.operations(until_s))
    return finding


def outage(first_s: float, last_s: float) -> Callable[[float], bool]:
    return lambda at_s: first_s <= at_s < last_s


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
        if self._opened_s is not None and not self._under_way:
            return  # it was sent before the breaker opened
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
