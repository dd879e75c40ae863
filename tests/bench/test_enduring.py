"""As fast and as small after a million: judged by the portions that were measured."""

import pytest

from benchmarks import enduring
from benchmarks.asks import ServerFailedError
from benchmarks.enduring import Portion

MIB = 2**20


def verdicts(times_us, mib, fresh_us=(100,) * 40):
    portions = [
        Portion((i + 1) * 25_000, us, fresh, size * MIB)
        for i, (us, fresh, size) in enumerate(zip(times_us, fresh_us, mib, strict=True))
    ]
    return [result.met for result in enduring.judged(portions)]


def test_time_may_rise_by_a_tenth_from_first_to_last():
    flat = [100] * 40

    assert verdicts([500, *([100] * 35), *([109] * 4)], flat) == [True, True]
    assert verdicts([500, *([100] * 35), *([112] * 4)], flat) == [False, True]


def test_what_the_machine_does_to_both_servers_does_not_count():
    flat, slower = [100] * 40, [*([100] * 36), *([130] * 4)]

    assert verdicts(slower, flat, fresh_us=slower) == [True, True]
    assert verdicts(flat, flat, fresh_us=[*([100] * 36), *([80] * 4)]) == [False, True]


def test_memory_is_compared_from_when_the_bounds_were_reached():
    """100,000 entries of a kind and twice as many moments: the ninth portion is the first that only replaces others."""
    times_us, rising = [100] * 40, [50, 55, 60, 65, 70, 75, 80, 85]

    assert verdicts(times_us, [*rising, *([90] * 32)]) == [True, True]
    assert verdicts(times_us, [*rising, 90, *([95] * 31)]) == [True, False]


def test_a_portion_that_does_not_fit_into_the_bounds_is_refused():
    with pytest.raises(ServerFailedError, match="more than the default limits allow"):
        next(enduring.portions(40 * 50_000))
