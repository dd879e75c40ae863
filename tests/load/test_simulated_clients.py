"""Each rule on load catches the client that is made to break it, and accuses no client that keeps it, over many seeds."""

import random

import pytest
from support.clients_under_load import (
    SEEDS,
    Breaker,
    Limiter,
    RetryBudget,
    Semaphore,
    Simulation,
    judged,
    outage,
)
from support.sampling import part

from mockserver.attempts.findings import HELD, FindingState

# amplification: half of the operations meet an outage


def retrying(simulation, *, tokens):
    """Retry twice, while there are tokens: a success gives a tenth of one, up to the number at the start."""
    most = tokens[0]

    def program():
        operation = simulation.operation()
        for left in (2, 1, 0):
            status = yield operation
            if status == 200:
                tokens[0] = min(tokens[0] + 0.1, most)
                return
            if not left or tokens[0] < 1:
                return
            tokens[0] -= 1
            yield simulation.random.uniform(0.05, 0.2)

    return program()


def amplification(seed, *, good):
    simulation = Simulation(seed, outage(1.0, 2.0))
    tokens = [4.0] if good else [1e9]
    for number in range(40):
        simulation.start(retrying(simulation, tokens=tokens), number * 0.05)
    return simulation, {"amplification": {"max": 1.2}}


# budget


def budget(seed, *, good):
    simulation = Simulation(seed, outage(0.5, 3.0))
    own = RetryBudget(0.2, 1.0, 3)

    def program():
        operation = simulation.operation()
        own.first(simulation.now_s)
        for _ in range(3):
            status = yield operation
            if status == 200 or (good and not own.may_retry(simulation.now_s)):
                return
            if not good:
                yield simulation.random.uniform(0.05, 0.2)

    for number in range(50):
        simulation.start(program(), number * 0.04)
    return simulation, {"budget": {"retries": "20%", "window": "1s", "min": 3}}


# breaker


def breaking(seed, breaker, *, workers=3, calls=30, takes_s=0.02):
    simulation = Simulation(seed, outage(0.3, 2.0), takes_s=takes_s)

    def program():
        for _ in range(calls):
            if breaker is None or breaker.lets_in(simulation.now_s):
                status = yield simulation.operation()
                if breaker is not None:
                    breaker.answered(simulation.now_s, ok=status == 200)
            yield simulation.random.uniform(0.05, 0.12)

    for _ in range(workers):
        simulation.start(program(), simulation.random.uniform(0, 0.1))
    return simulation, {"breaker": {"opens_after": 5, "stays_open": "500ms", "probes": 1}}


def breaker(seed, *, good):
    return breaking(seed, Breaker(5, 0.5) if good else None)


def short_breaker(seed, *, good):
    return breaking(seed, Breaker(5, 0.5 if good else 0.25))


def late_breaker(seed, *, good):
    return breaking(seed, Breaker(5 if good else 10, 0.5))


def breaker_with_many_probes(seed, *, good):
    return breaking(seed, Breaker(5, 0.5, 1 if good else 6), workers=6, calls=30, takes_s=0.08)


# in_flight


def in_flight(seed, *, good):
    simulation = Simulation(seed, outage(0, 0))
    semaphore = Semaphore(10 if good else 12)

    def program():
        yield semaphore
        yield simulation.operation()
        semaphore.release()

    for _ in range(40):
        simulation.start(program(), simulation.random.uniform(0, 0.02))
    return simulation, {"in_flight": {"max": 10}}


# spread


def spread(seed, *, good):
    simulation = Simulation(seed, outage(0, 2.5))

    def program():
        operation = simulation.operation()
        for _ in range(3):
            status = yield operation
            if status == 200:
                return
            yield simulation.random.uniform(0, 1) if good else 1.0

    for _ in range(15):
        simulation.start(program(), simulation.random.uniform(0, 0.02))
    return simulation, {"spread": {"window": "1s"}}


# rate


def rate(seed, *, good):
    simulation = Simulation(seed, outage(0, 0))
    limiter = Limiter(20 if good else 25)

    def program():
        yield limiter.wait_s(simulation.now_s)
        yield simulation.operation()

    for _ in range(50):
        simulation.start(program(), simulation.random.uniform(0, 0.3))
    return simulation, {"rate": {"max": "20/s"}}


CLIENTS = [
    amplification, budget, breaker, short_breaker, late_breaker, breaker_with_many_probes, in_flight, spread, rate,
]  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
def test_a_rule_accuses_no_client_that_keeps_it(client):
    found = {seed: judged(*client(seed, good=True)) for seed in SEEDS}

    assert {seed: finding.text for seed, finding in found.items() if finding is not HELD} == {}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_rule_catches_the_client_that_breaks_it(client):
    found = {seed: judged(*client(seed, good=False)) for seed in SEEDS}

    missed = {
        seed: finding.text for seed, finding in found.items() if finding.state is not FindingState.BROKEN
    }
    assert missed == {}
    assert all(finding.window for finding in found.values())


@pytest.mark.parametrize("client", CLIENTS)
def test_a_rule_accuses_no_client_in_the_middle(client):
    """A check that waits is evaluated at any moment, also with calls that are open."""
    for seed in part(SEEDS, 10):
        simulation, rules = client(seed, good=True)
        until_s = random.Random(seed).uniform(0, 3)

        finding = judged(simulation, rules, until_s)

        assert finding.state is not FindingState.BROKEN or finding.late, (seed, until_s, finding.text)
