"""Ten thousand connections that say nothing, a thousand that say it slowly, and a client that is served all the same."""

import asyncio
import statistics

import pytest

from benchmarks import siege
from benchmarks.crowd import allowed

ONE = "routes: [{request: ANY /one, reply: {json: {ok: true}}}]"
IDLE, SLOW = 10_000, 1_000


@pytest.mark.slow
def test_an_honest_client_is_served_among_idle_connections_and_slow_senders(process):
    """scripts/bench measures how soon; here half of the answers may take as long as all may there."""
    server = process(scenarios=ONE)
    idle = min(IDLE, allowed(IDLE + SLOW) - SLOW)

    found = asyncio.run(siege.siege(server.address[1], idle, SLOW, asks=50))

    assert found.errors == []
    assert statistics.median(found.times_s) < siege.GOAL_S
    assert server.admin.get("/counts")["total"] == 50


def test_what_goes_wrong_under_siege_is_told(serving):
    server = serving(ONE, max_connections=3)

    found = asyncio.run(siege.siege(server.address[1], 5, 2, asks=1))

    assert any("was answered b'HTTP/1.1 503" in line for line in found.errors)
    assert siege.judged(found).met is False


def test_a_client_that_waits_too_long_misses_the_goal():
    assert siege.judged(siege.Tally(1, 1, [0.01] * 99)).met is True
    assert siege.judged(siege.Tally(1, 1, [0.01] * 97 + [0.06] * 2)).met is False
    assert siege.judged(siege.Tally(1, 1)).met is False
