"""Clients as small programs, a scripted service and a virtual clock: what rules on attempts must hold of, or catch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.attempts import Grouping, compile_grouping
from mockserver.attempts.rules import AttemptRules
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.schema.attempts import AttemptsSpec
from support.calls import Calls

Delay = Callable[[int, float], float]
"""The wait before a retry: its number, from 1, and the wait before the last one."""
WORK_S = 0.001, 0.006
"""What a client does between two attempts beside waiting."""


@dataclass(frozen=True)
class Answer:
    """What the service answers, and how long that takes."""

    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_s: float = 0.03


UNAVAILABLE, CREATED = Answer(503), Answer(201)


class Service:
    """Answers by its script, the last entry from then on, and keeps the calls. `now_s` is the client's clock."""

    def __init__(self, *script: Answer, seed: int = 0) -> None:
        self.script = script
        self.random = random.Random(seed)
        self.now_s = 0.0
        self.calls = Calls()
        self.keys = 0

    def send(self, *, left_after_s: float | None = None, seen_s: float = 0.0, **request: Any) -> Answer:
        """
        Send a request now, and return when it is answered.

        With `left_after_s` the client gives up after that time, and the service sees it leave `seen_s` later.
        """
        answer = self.script[min(len(self.calls.made), len(self.script) - 1)]
        outcome, end_s, ends_s = Outcome.DONE, self.now_s + answer.takes_s, self.now_s + answer.takes_s
        if left_after_s is not None and left_after_s < answer.takes_s:
            end_s = self.now_s + left_after_s
            outcome, ends_s = Outcome.CLIENT_LEFT, end_s + seen_s
        self.calls(self.now_s, ends_s, answer.status, answer=answer.headers, outcome=outcome, **request)
        self.now_s = end_s
        return answer

    def sleep(self, seconds: float) -> None:
        """Let the client wait, and work a little."""
        self.now_s += seconds + self.random.uniform(*WORK_S)

    def new_key(self) -> dict[str, str]:
        """Return the header with a key that was not used before."""
        self.keys += 1
        return {"Idempotency-Key": f"key-{self.keys}"}

    def operation(self, delay: Delay, *, attempts: int = 5, body: Any = None) -> None:
        """Send one charge as an honest client does: one key, the same body, a wait after each 503."""
        headers = self.new_key()
        before_s = 0.0
        for number in range(1, attempts + 1):
            answer = self.send(json=body or {"amount": 5}, headers=headers)
            if answer.status < 500 or number == attempts:
                return
            before_s = delay(number, before_s)
            self.sleep(before_s)

    def judged(self, **rules: Any) -> list[str]:
        """Return what these rules say against the calls."""
        return judged(self.calls.made, **rules)


def judged(calls: Iterable[Call], **rules: Any) -> list[str]:
    """Return what the rules say against the calls; an empty list where all hold."""
    spec = AttemptsSpec.model_validate(rules)
    by, ignored = compile_grouping(spec)
    return [
        finding.text for finding in AttemptRules(spec, Grouping(by, ignored), ()).evaluate(calls).findings
    ]


# Waits, as clients compute them


def fixed(seconds: float) -> Delay:
    return lambda _number, _before_s: seconds


def exponential(
    rng: random.Random, first_s: float, low: float = 1.0, high: float = 1.0, *, cap_s: float = 1e9
) -> Delay:
    """Return the wait `first * 2^(n-1)` up to the cap, times a random factor."""
    return lambda number, _: min(cap_s, first_s * 2 ** (number - 1)) * rng.uniform(low, high)


def decorrelated(rng: random.Random, first_s: float, cap_s: float) -> Delay:
    return lambda _, before_s: min(cap_s, rng.uniform(first_s, max(first_s, before_s) * 3))


def stripe(rng: random.Random) -> Delay:
    """As stripe-python: half of it random, and no less than the first wait."""
    jittered = exponential(rng, 0.5, 0.5, 1.0, cap_s=5.0)
    return lambda number, before_s: max(0.5, jittered(number, before_s))


def google(rng: random.Random) -> Delay:
    """As Google Cloud documents it: 2^n seconds and up to one more."""
    return lambda number, _: min(64.0, 2 ** (number - 1) + rng.random())
