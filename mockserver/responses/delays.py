"""Delays of replies, fixed, from a template or from a random distribution."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from random import Random

from mockserver.model.durations import parse_duration_s
from mockserver.schema.delays import DelayRangeSpec
from mockserver.templating.templates import Scope, Template, TemplateError

Delay = float | DelayRangeSpec | Template


def seconds_of(delay: Delay, scope: Callable[[], Scope], chance: Callable[[], Random]) -> float:
    """Return seconds to wait, at least 0. Raises TemplateError."""
    if isinstance(delay, Template):
        text = delay.render(scope())
        try:
            return max(0.0, parse_duration_s(text.strip()))
        except ValueError as error:
            raise TemplateError(str(error), place="delay") from error
    if isinstance(delay, DelayRangeSpec):
        return delay_s(delay, chance())
    return float(delay)


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
