"""
Hints at likely mistakes, from the expected and the actual value.

Each has a weight: the distance of the value, with 1 for any other value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import isclose
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

from mockserver.matching.values import has_type, kind, number
from mockserver.model.json_values import is_number
from mockserver.model.written import as_text

_COMPARED_CHARS = 64
_TYPO_EDITS = 2
_TYPO_CHARS = 4
_JSON_CHARS = 10_000
LONG_CHARS = 10_000
"""Longer texts are only compared by their beginnings and ends."""
MOST_GUESSES = 50
"""Maximum number of values with one name that are compared with the expected value."""
MOST_NAMES = 300
"""Maximum number of names that are compared with a missing one."""
MOST_STEPS = 1_500
"""Maximum number of compared names and letters for one explanation: about 2 ms."""


class _Guessing:
    """The remaining steps for one explanation, and the names that were found."""

    __slots__ = ("left", "names")

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.names: dict[tuple[str, tuple[str, ...]], str | None] = {}


_guessing: ContextVar[_Guessing | None] = ContextVar("guessing", default=None)


@contextmanager
def bounded(steps: int = MOST_STEPS) -> Iterator[None]:
    """
    Limit the steps of all comparisons inside; beyond it, no text is similar to another.

    Repeated searches cost nothing.
    """
    token = _guessing.set(_Guessing(steps))
    try:
        yield
    finally:
        _guessing.reset(token)


def _spent(steps: int) -> bool:
    """Use steps. Return whether none is left."""
    state = _guessing.get()
    if state is None:
        return False
    state.left -= steps
    return state.left < 0


class Slip(NamedTuple):
    """A hint, and the distance of the value."""

    hint: str
    weight: float = 1.0


NONE = Slip("")


def between(expected: Any, actual: Any) -> Slip:
    """Return the mistake that may have turned `expected` into `actual`; NONE if there is no likely one."""
    if isinstance(expected, str) and isinstance(actual, str):
        return _texts(expected, actual)
    if is_number(expected) and is_number(actual):
        return _numbers(expected, actual)
    if kind(expected) != kind(actual):
        return wrong_kind(kind(expected), actual, same=_same_text(expected, actual))
    return NONE


def wrong_kind(wanted: str, actual: object, *, same: bool = False) -> Slip:
    """
    Return the hint for a value of the wrong type.

    `wanted` is, for example, 'a number'. `same`: only the type is wrong.
    """
    if isinstance(actual, str) and wanted in ("an object", "a list") and _is_json(actual):
        return Slip(f"it is JSON inside a text; send the {wanted.rsplit(maxsplit=1)[-1]} itself", 0.5)
    return Slip(f"send {wanted}", 0.3 if same else 1.0)


def _same_text(expected: object, actual: object) -> bool:
    if isinstance(expected, (dict, list)) or isinstance(actual, (dict, list)):
        return False
    if is_number(expected) and isinstance(actual, str):
        return bool(number(actual) == expected)
    if is_number(actual) and isinstance(expected, str):
        return bool(number(expected) == actual)
    return as_text(expected).lower() == as_text(actual).lower()


def _is_json(text: str) -> bool:
    if len(text) > _JSON_CHARS or text[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _texts(expected: str, actual: str) -> Slip:
    if len(expected) + len(actual) > LONG_CHARS:
        return _around(expected, actual)
    if expected.casefold() == actual.casefold():
        return Slip("only the case differs", 0.3)
    if expected.strip() == actual.strip():
        return Slip("only white space differs", 0.3)
    if "%" in actual and expected in (unquote(actual), unquote_plus(actual)):
        return Slip("it came percent-encoded once more than needed", 0.3)
    around = _around(expected, actual)
    if around is not NONE:
        return around
    wanted, came = number(expected), number(actual)
    if wanted is not None and came is not None:
        return _numbers(wanted, came) if wanted != came else Slip("the same number, written differently", 0.3)
    letters = typos(expected, actual)
    return Slip("a typo?", 0.5 + 0.1 * letters) if letters else NONE


def _around(expected: str, actual: str) -> Slip:
    if expected and actual.startswith(expected):
        return Slip(f"{_cut(actual[len(expected) : len(expected) + 99])} came after it", 0.5)
    if expected and actual.endswith(expected):
        return Slip(f"{_cut(actual[: -len(expected)][:99])} came before it", 0.5)
    if actual and expected.endswith(" " + actual):
        return Slip(f"{_cut(expected[: -len(actual)][:99])} is missing before it", 0.5)
    return NONE


def _numbers(expected: float, actual: float) -> Slip:
    if actual and isclose(expected, actual * 100):
        return Slip("100 times too small: the smallest unit of the currency was wanted?", 0.8)
    if expected and isclose(actual, expected * 100):
        return Slip("100 times too large: the main unit of the currency was wanted?", 0.8)
    return NONE


def _cut(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:19] + "…")


def typos(expected: str, actual: str) -> int:
    """Return the number of wrong letters if it looks like a misspelling; else 0."""
    if len(expected) < _TYPO_CHARS or len(actual) > _COMPARED_CHARS:
        return 0
    allowed = 1 if len(expected) <= _TYPO_CHARS + 1 else _TYPO_EDITS
    count = edits(expected.casefold(), actual.casefold(), allowed)
    return count if count <= allowed else 0


def edits(left: str, right: str, most: int) -> int:
    """
    Return how many letters were dropped, added, changed or swapped with their neighbour; `most + 1` stands for more.

    >>> edits("charges", "chagres", 2), edits("users", "user", 2), edits("a", "xyz", 2)
    (1, 1, 3)
    """
    if abs(len(left) - len(right)) > most or max(len(left), len(right)) > _COMPARED_CHARS:
        return 0 if left == right else most + 1
    beyond = most + 1
    if _spent(1) or len(set(left) ^ set(right)) > 2 * most:
        return beyond
    left, right = _unlike_parts(left, right)
    if not left or not right:
        return len(left) + len(right)  # at most `most`, as the lengths are no further apart
    if most == 1:  # what is unlike is one letter, or two that are swapped
        return 1 if len(left) == len(right) == 1 or (len(left) == 2 and left == right[::-1]) else beyond
    before: list[int] = []
    row = [j if j <= most else beyond for j in range(len(right) + 1)]
    for i, a in enumerate(left, 1):
        # Only what is within `most` of the diagonal can come to so few edits.
        first, last = max(1, i - most), min(len(right), i + most)
        row, before, older = [beyond] * (len(right) + 1), row, before
        row[0] = i if i <= most else beyond
        for j in range(first, last + 1):
            b = right[j - 1]
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row[j] = cost
        if min(row) > most:
            _spent(i)
            return beyond
    _spent(len(left))
    return min(row[-1], beyond)


def _unlike_parts(left: str, right: str) -> tuple[str, str]:
    """Return both without their common beginning and end."""
    start, ours, theirs = 0, len(left), len(right)
    while start < ours and start < theirs and left[start] == right[start]:
        start += 1
    while ours > start and theirs > start and left[ours - 1] == right[theirs - 1]:
        ours -= 1
        theirs -= 1
    return left[start:ours], right[start:theirs]


def nearest_name(wanted: str, names: Sequence[str]) -> str | None:
    """Return the name that was probably meant by `wanted`, ignoring separators and case."""
    few = tuple(names[:MOST_NAMES])
    state = _guessing.get()
    if state is None:
        return _nearest_name(wanted, few)
    if (wanted, few) not in state.names:
        state.names[wanted, few] = _nearest_name(wanted, few)
    return state.names[wanted, few]


def _nearest_name(wanted: str, names: tuple[str, ...]) -> str | None:
    bare = _bare(wanted)
    bares = [(name, _bare(name)) for name in names]
    close = [name for name, other in bares if other == bare]
    if close:
        return close[0]
    for name, other in bares:
        if _spent(1):
            return None
        if typos(wanted, name) or typos(bare, other):
            return name
    return next((name for name, other in bares if len(bare) >= 3 and other.endswith(bare)), None)


def _bare(name: str) -> str:
    return name[:_COMPARED_CHARS].casefold().replace("_", "").replace("-", "").replace("[]", "")


def not_numeric(actual: object) -> Slip:
    """Return the hint for a comparison that expected a JSON number."""
    if is_number(actual):
        return NONE
    return wrong_kind("a number", actual, same=isinstance(actual, str) and number(actual) is not None)


def among(part: str, items: list[Any]) -> Slip:
    """Return the hint for a list that lacks a text: the most similar item."""
    guesses = [(between(part, item), item) for item in items[:_COMPARED_CHARS] if isinstance(item, str)]
    guess, item = min(guesses, key=lambda pair: pair[0].weight, default=(NONE, ""))
    return Slip(f"{_cut(item)} is there: {guess.hint}", guess.weight) if guess.weight < 1 else NONE


def not_text(actual: object) -> Slip:
    """Return the hint for a comparison that expected a JSON text."""
    return NONE if has_type(actual, "string") else wrong_kind("a text", actual)
