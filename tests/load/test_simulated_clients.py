"""Each rule on load catches the client that is made to break it, and accuses no client that keeps it, over many seeds."""

import pytest
from support.clients_under_load import Breaker, Limiter, RetryBudget, Semaphore, Simulation

from mockserver.attempts.findings import HELD, FindingState
from mockserver.load.breaker import breaker_findings
from mockserver.load.pressure import in_flight_findings, rate_findings, spread_findings
from mockserver.load.ratios import amplification_findings, budget_findings
from mockserver.schema.load import LoadSpec

SEEDS = range(200)
RULES = {
    "amplification": amplification_findings,
    "budget": budget_findings,
    "breaker": breaker_findings,
    "in_flight": in_flight_findings,
    "spread": spread_findings,
    "rate": rate_findings,
}


def judged(simulation, **rules):
    """What a rule found."""
    ((name, _),) = rules.items()
    spec = getattr(LoadSpec.model_validate(rules), name)
    (finding,) = RULES[name](spec, simulation.operations())
    return finding


def always(_at_s):
    return True


def outage(first_s, last_s):
    return lambda at_s: first_s <= at_s < last_s


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
    return judged(simulation, amplification={"max": 1.2})


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
    return judged(simulation, budget={"retries": "20%", "window": "1s", "min": 3})


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
    return judged(simulation, breaker={"opens_after": 5, "stays_open": "500ms", "probes": 1})


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
    return judged(simulation, in_flight={"max": 10})


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
    return judged(simulation, spread={"window": "1s"})


# rate


def rate(seed, *, good):
    simulation = Simulation(seed, outage(0, 0))
    limiter = Limiter(20 if good else 25)

    def program():
        yield limiter.wait_s(simulation.now_s)
        yield simulation.operation()

    for _ in range(50):
        simulation.start(program(), simulation.random.uniform(0, 0.3))
    return judged(simulation, rate={"max": "20/s"})


CLIENTS = [
    amplification, budget, breaker, short_breaker, late_breaker, breaker_with_many_probes, in_flight, spread, rate,
]  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
def test_a_rule_accuses_no_client_that_keeps_it(client):
    found = {seed: client(seed, good=True) for seed in SEEDS}

    assert {seed: finding.text for seed, finding in found.items() if finding is not HELD} == {}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_rule_catches_the_client_that_breaks_it(client):
    found = {seed: client(seed, good=False) for seed in SEEDS}

    missed = {
        seed: finding.text for seed, finding in found.items() if finding.state is not FindingState.BROKEN
    }
    assert missed == {}
    assert all(finding.window for finding in found.values())
