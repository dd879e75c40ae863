"""How many cases a general test tries: all of them with `pytest --thorough`, and a part of them otherwise."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

QUICK_EXAMPLES = 10
FEWEST_EXAMPLES = 15
thorough = False
"""Set by conftest.py before test modules are imported."""


def part(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return at most `count` of the cases, the same ones every time; all of them with --thorough."""
    return cases if thorough else chosen(cases, count)


def chosen(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return at most `count` of the cases, in their order. They are drawn: equal distances would miss values of a product."""
    numbers = random.Random(0).sample(range(len(cases)), min(count, len(cases)))
    return [cases[number] for number in sorted(numbers)]


def fewer_examples(own: settings, *, quick: bool) -> settings:
    """Return the settings of a hypothesis test with fewer examples: a quarter of its own, or very few with `quick`."""
    if thorough and not quick:
        return own
    most = QUICK_EXAMPLES if quick else max(FEWEST_EXAMPLES, own.max_examples // 4)
    return settings(own, max_examples=min(own.max_examples, most))
