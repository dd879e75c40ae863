"""Which values another run would not repeat; numbers of every kind are told at once."""

from __future__ import annotations

import math

import pytest
from support.cost import cheap

from mockserver.model.volatile import changes_by_nature


@pytest.mark.parametrize(
    "number", [10.5, 10.0, 1e3, 0.1, -2.5, 0, 7, 10**9 - 1, 1e9 - 0.5, 1e300, math.inf, -math.inf, math.nan]
)
def test_an_amount_stays(number):
    assert not cheap(
        0.5, lambda: changes_by_nature(number, "amount")
    )  # a search among all seconds takes minutes


@pytest.mark.parametrize(
    "number", [10**9, 1_767_225_600, 1_767_225_600.25, 1_767_225_600_250, 1.76722560025e12]
)
def test_an_instant_changes_in_seconds_and_in_milliseconds_with_a_fraction_or_without(number):
    assert changes_by_nature(number, "amount")


@pytest.mark.parametrize("number", [4_102_444_800, 4_102_444_800.0, 10**12 - 1, 4_102_444_800_000])
def test_a_number_between_and_beyond_the_instants_of_this_century_stays(number):
    assert not changes_by_nature(number, "amount")


@pytest.mark.parametrize("number", [7, 7.0, 10.5])
def test_a_number_changes_by_its_name(number):
    assert changes_by_nature(number, "user_id")
