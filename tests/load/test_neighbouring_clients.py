"""
Clients beside those of test_simulated_clients: with hedges, timeouts, slow calls, few of them, or waits after the decision.

Each keeps the rule as a library does that exists, in a way that is easily taken for the opposite, or breaks it so.
"""

import random
from math import inf

import pytest
from support.clients_under_load import (
    SEEDS,
    Breaker,
    RetryBudget,
    Semaphore,
    Send,
    Simulation,
    judged,
    outage,
)
from support.sampling import part

from mockserver.attempts.findings import HELD, FindingState

SOME = part(SEEDS, 25)


def slow(share, slow_s, fast_s=(0.01, 0.03)):
    """Answers of which a share takes long."""
    return lambda _, draws: draws.uniform(*slow_s) if draws.random() < share else draws.uniform(*fast_s)


def hanging(first_s, last_s):
    """A service that does not answer for some time."""
    return lambda at_s, draws: 9.0 if first_s <= at_s < last_s else draws.uniform(0.01, 0.06)


# breaker


class GenerationBreaker:
    """A circuit breaker that ignores answers to calls that it let in before its state changed."""

    def __init__(self, opens_after, stays_open_s):
        self._opens_after, self._stays_open_s = opens_after, stays_open_s
        self._row = self._generation = 0
        self._opened_s = None
        self._probing = False

    def lets_in(self, now_s):
        """Return the generation of the call; None to refuse it."""
        if self._opened_s is not None:
            if now_s - self._opened_s < self._stays_open_s or self._probing:
                return None
            self._probing = True
        return self._generation

    def answered(self, now_s, generation, *, ok):
        if generation != self._generation:
            return
        self._row = 0 if ok else self._row + 1
        if self._probing or self._row >= self._opens_after:
            self._generation += 1
            self._probing = False
            self._opened_s = None if ok else now_s


def breaking(simulation, breaker, *, workers=3, **send):
    def program():
        for _ in range(30):
            if breaker is None or breaker.lets_in(simulation.now_s):
                status = yield Send(simulation.operation(), **send)
                if breaker is not None:
                    breaker.answered(simulation.now_s, ok=status == 200)
            yield simulation.random.uniform(0.05, 0.12)

    for _ in range(workers):
        simulation.start(program(), simulation.random.uniform(0, 0.1))
    return simulation, {"breaker": {"opens_after": 5, "stays_open": "500ms"}}


def breaker_around_hedges(seed, *, good):
    simulation = Simulation(seed, outage(0.3, 2.0), takes=slow(0.4, (0.15, 0.3)))
    return breaking(simulation, Breaker(5, 0.5) if good else None, hedge_s=0.05)


def breaker_with_timeouts(seed, *, good):
    simulation = Simulation(seed, outage(0, 0), takes=hanging(0.3, 2.0))
    return breaking(simulation, Breaker(5, 0.5) if good else None, timeout_s=0.2)


def generations(seed, *, good):
    """A tenth of the calls ends long after the state of the breaker has changed."""
    simulation = Simulation(seed, outage(0.5, 1.6), takes=slow(0.1, (0.6, 1.6)))
    breaker = GenerationBreaker(5, 0.5)

    def program():
        for _ in range(30):
            generation = breaker.lets_in(simulation.now_s) if good else 0
            if generation is not None:
                status = yield simulation.operation()
                breaker.answered(simulation.now_s, generation, ok=status == 200)
            yield simulation.random.uniform(0.05, 0.12)

    for _ in range(6):
        simulation.start(program(), simulation.random.uniform(0, 0.1))
    return simulation, {"breaker": {"opens_after": 5, "stays_open": "500ms"}}


# in_flight


def in_flight_with_timeouts(seed, *, good):
    """The server sees the next call before it sees that the client has left the one before."""
    simulation = Simulation(seed, outage(0, 0), takes=hanging(0.05, 0.3))
    semaphore = Semaphore(10 if good else 12)

    def program():
        yield semaphore
        yield Send(simulation.operation(), timeout_s=0.1)
        semaphore.release()

    for _ in range(60):
        simulation.start(program(), simulation.random.uniform(0, 0.02))
    return simulation, {"in_flight": {"max": 10}}


# spread


def spreading(seed, *, good, number, clients=10, stragglers=0, hedge_s=inf, wait_s=1.0, window_s=1.0):
    takes = slow(0, (), (0.14, 0.2) if hedge_s < inf else (0.02, 0.02 + window_s / 50))
    simulation = Simulation(seed, outage(0, 2.5), takes=takes)

    def program(*, is_good):
        operation = simulation.operation()
        for _ in range(3):
            status = yield Send(operation, hedge_s=hedge_s)
            if status == 200:
                return
            yield simulation.random.uniform(0, window_s) if is_good else wait_s

    for _ in range(stragglers):
        simulation.start(program(is_good=True), simulation.random.uniform(0, 0.02))
    for _ in range(number):
        simulation.start(program(is_good=good), simulation.random.uniform(0.08, 0.13) if stragglers else 0.0)
    return simulation, {"spread": {"window": window_s, "clients": clients}}


def spread_of_few(seed, *, good):
    return spreading(seed, good=good, number=5, clients=5)


def spread_of_ten(seed, *, good):
    return spreading(seed, good=good, number=10)


def spread_of_many(seed, *, good):
    return spreading(seed, good=good, number=40)


def spread_at_once(seed, *, good):
    return spreading(seed, good=good, number=15, wait_s=0.0)


def spread_with_hedges(seed, *, good):
    """All hedges come after the same time, beside the calls that they are for."""
    return spreading(seed, good=good, number=15, hedge_s=0.1)


def spread_within_a_short_time(seed, *, good):
    return spreading(seed, good=good, number=15, wait_s=0.1, window_s=0.1)


def spread_beside_others(seed, *, good):
    """Some other clients failed just before, and distribute their retries."""
    return spreading(seed, good=good, number=12, stragglers=6)


# budget


def budgeting(simulation, *, good, starts, wait_s, timeout_s=inf):
    """Ask the budget when a call fails, and then wait."""
    own = RetryBudget(0.2, 1.0, 3)

    def program():
        operation = simulation.operation()
        own.first(simulation.now_s)
        for _ in range(3):
            status = yield Send(operation, timeout_s=timeout_s)
            if status == 200 or (good and not own.may_retry(simulation.now_s)):
                return
            yield simulation.random.uniform(*wait_s)

    for at_s in starts:
        simulation.start(program(), at_s)
    return simulation, {"budget": {"retries": "20%", "window": "1s", "min": 3}}


def budget_before_waits(seed, *, good):
    """When the retries come, the calls beside which they were allowed are long ago."""
    simulation = Simulation(seed, outage(0.5, 3.0), takes=slow(0.3, (0.15, 0.3)))
    starts = [number * 0.02 for number in range(100)]
    return budgeting(simulation, good=good, starts=starts, wait_s=(0.5, 2.0))


def budget_of_a_burst(seed, *, good):
    """All calls time out together, after the last of them has left the window."""
    simulation = Simulation(seed, outage(0, 0), takes=hanging(0, 2))
    starts = [number * 0.006 for number in range(50)]
    return budgeting(simulation, good=good, starts=starts, wait_s=(0.0, 0.1), timeout_s=1.5)


NEIGHBOURS = [
    breaker_around_hedges, breaker_with_timeouts, generations, in_flight_with_timeouts, spread_of_few, spread_of_ten,
    spread_of_many, spread_at_once, spread_with_hedges, spread_beside_others, spread_within_a_short_time, budget_before_waits, budget_of_a_burst,
]  # fmt: skip


@pytest.mark.parametrize("client", NEIGHBOURS)
def test_a_rule_accuses_no_neighbour_that_keeps_it(client):
    found = {seed: judged(*client(seed, good=True)) for seed in SOME}

    broken = {seed: each.text for seed, each in found.items() if each.state is FindingState.BROKEN}
    assert broken == {}
    held = sum(finding is HELD for finding in found.values())
    assert held >= (len(SOME) // 3 if client is generations else len(SOME)), "it has nothing to judge"


@pytest.mark.parametrize("client", NEIGHBOURS)
def test_a_rule_catches_the_neighbour_that_breaks_it(client):
    found = {seed: judged(*client(seed, good=False)) for seed in SOME}

    missed = {seed: each.text for seed, each in found.items() if each.state is not FindingState.BROKEN}
    if client is generations:  # a slow success may be in every row of failures
        missed = {seed: text for seed, text in missed.items() if not text.startswith("nothing to judge")}
    assert missed == {}


@pytest.mark.parametrize("client", NEIGHBOURS)
def test_a_rule_accuses_no_neighbour_in_the_middle(client):
    for seed in part(SEEDS, 15):
        simulation, rules = client(seed, good=True)
        until_s = random.Random(seed).uniform(0, 3)

        finding = judged(simulation, rules, until_s)

        assert finding.state is not FindingState.BROKEN or finding.late, (seed, until_s, finding.text)


def test_hedges_of_a_healthy_service_are_no_failures():
    simulation = Simulation(1, outage(0, 0), takes=slow(0.4, (0.15, 0.3)))

    finding = judged(*breaking(simulation, None, hedge_s=0.05))

    assert finding.text.startswith("nothing to judge: breaker: at most 0 failures in a row")
