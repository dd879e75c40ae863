"""Delays of replies, fixed or from a random distribution."""

from __future__ import annotations

from math import log
from random import Random

from mockserver.schema.reply import DelayRangeSpec


def delay_s(spec: float | DelayRangeSpec | None, chance: Random) -> float:
    """
    Return seconds to wait, at least 0.

    A lognormal delay is limited to `spec.max_s`: otherwise one request in a thousand would exceed every client's
    timeout.
    """
    if spec is None:
        return 0.0
    if not isinstance(spec, DelayRangeSpec):
        return max(0.0, float(spec))
    if spec.median_s is not None and spec.sigma is not None:
        return _lognormal_s(spec.median_s, spec.sigma, spec.max_s, chance)
    return chance.uniform(spec.min_s or 0.0, spec.max_s)


def _lognormal_s(median_s: float, sigma: float, max_s: float, chance: Random) -> float:
    """The median of a lognormal distribution is e to the mean of its logarithm."""
    if median_s <= 0:
        return 0.0
    return min(chance.lognormvariate(log(median_s), sigma), max_s)
