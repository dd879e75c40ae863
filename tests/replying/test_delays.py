"""Delays: 10,000 seeded draws of each distribution, judged as numbers."""

from math import erf, exp, log, sqrt
from random import Random
from statistics import mean, median, stdev

import pytest

from mockserver.responses.delays import delay_s
from mockserver.schema.delays import DelayRangeSpec

COUNT = 10_000
CRITICAL = 1.63 / sqrt(COUNT)
"""Kolmogorov and Smirnov's bound: a right distribution exceeds it in one seed of a hundred."""


def drawn(seed=7, **spec):
    chance = Random(seed)
    parsed = DelayRangeSpec(**spec)
    return [delay_s(parsed, chance) for _ in range(COUNT)]


def distance(found, cumulative):
    """The largest gap between the draws and the distribution they should have."""
    ordered = sorted(found)
    return max(abs((index + 0.5) / COUNT - cumulative(one)) for index, one in enumerate(ordered))


@pytest.mark.parametrize(("spec", "expected"), [(None, 0.0), (0.25, 0.25), (0.0, 0.0), (2, 2.0)])
def test_a_fixed_delay_is_what_it_says(spec, expected):
    assert delay_s(spec, Random(1)) == expected


def test_a_uniform_delay_is_uniform():
    found = drawn(min="100ms", max="1s")

    assert distance(found, lambda x: (x - 0.1) / 0.9) < CRITICAL
    assert 0.1 <= min(found) < 0.101
    assert 0.999 < max(found) <= 1.0
    assert mean(found) == pytest.approx(0.55, abs=0.01)


def test_a_lognormal_delay_is_lognormal():
    found = drawn(median="90ms", sigma=0.4, max="60s")

    assert distance(found, lambda x: (1 + erf(log(x / 0.09) / (0.4 * sqrt(2)))) / 2) < CRITICAL
    assert median(found) == pytest.approx(0.09, rel=0.02)
    assert mean(found) == pytest.approx(0.09 * exp(0.4**2 / 2), rel=0.02)
    assert stdev(map(log, found)) == pytest.approx(0.4, rel=0.02)


def test_a_lognormal_delay_is_cut_at_max():
    found = drawn(median="90ms", sigma=0.4, max="180ms")

    cut = sum(one == 0.18 for one in found) / COUNT
    assert max(found) == 0.18
    assert cut == pytest.approx(1 - (1 + erf(log(2) / (0.4 * sqrt(2)))) / 2, abs=0.006)


def test_a_median_of_nothing_is_no_delay():
    assert set(drawn(median="0", sigma=1.0, max="1s")) == {0.0}


def test_a_range_without_width_is_fixed():
    assert set(drawn(min="1s", max="1s")) == {1.0}


def test_the_same_seed_draws_the_same():
    assert drawn(seed=3, min="0", max="1s") == drawn(seed=3, min="0", max="1s")
    assert drawn(seed=3, min="0", max="1s") != drawn(seed=4, min="0", max="1s")
