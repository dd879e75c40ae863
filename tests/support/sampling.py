"""How many cases a general test tries: all of them with `pytest --thorough`, and a part of them otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

QUICK_EXAMPLES = 10
FEWEST_EXAMPLES = 15
thorough = False
"""Set by conftest.py before test modules are imported."""


def part(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return at most `count` of the cases, at equal distances; all of them with --thorough."""
    if thorough:
        return cases
    return spread(cases, count)


def spread(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return at most `count` of the cases, at equal distances, the first among them."""
    return cases[:: max(1, -(-len(cases) // count))]


def fewer_examples(own: settings, *, quick: bool) -> settings:
    """Return the settings of a hypothesis test with fewer examples: a quarter of its own, or very few with `quick`."""
    if thorough and not quick:
        return own
    most = QUICK_EXAMPLES if quick else max(FEWEST_EXAMPLES, own.max_examples // 4)
    return settings(own, max_examples=min(own.max_examples, most))
