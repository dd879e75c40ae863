"""
Likely slips: what a colleague would say on seeing what was wanted beside what came.

Every guess is a short remedy and a weight: how far off the value is, 1 being
simply another value.
"""

from __future__ import annotations

import json
from math import isclose
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

from mockserver.matching.values import has_type, is_number, kind, number
from mockserver.model.written import as_text

_COMPARED_CHARS = 64
_TYPO_EDITS = 2
_TYPO_CHARS = 4
_JSON_CHARS = 10_000


class Slip(NamedTuple):
    """A remedy, and how far off the value is."""

    hint: str
    weight: float = 1.0


NONE = Slip("")


def between(expected: Any, actual: Any) -> Slip:
    """The slip that may have made `actual` out of `expected`; NONE where nothing suggests itself."""
    if isinstance(expected, str) and isinstance(actual, str):
        return _texts(expected, actual)
    if is_number(expected) and is_number(actual):
        return _numbers(expected, actual)
    if kind(expected) != kind(actual):
        return wrong_kind(kind(expected), actual, same=_same_text(expected, actual))
    return NONE


def wrong_kind(wanted: str, actual: Any, *, same: bool = False) -> Slip:
    """`wanted` is such as 'a number'. `same`: but for its type the value would be right."""
    if isinstance(actual, str) and wanted in ("an object", "a list") and _is_json(actual):
        return Slip(f"it is JSON inside a text; send the {wanted.rsplit(maxsplit=1)[-1]} itself", 0.5)
    return Slip(f"send {wanted}", 0.3 if same else 1.0)


def _same_text(expected: Any, actual: Any) -> bool:
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
    if expected.casefold() == actual.casefold():
        return Slip("only the case differs", 0.3)
    if expected.strip() == actual.strip():
        return Slip("only white space differs", 0.3)
    if "%" in actual and expected in (unquote(actual), unquote_plus(actual)):
        return Slip("it came percent-encoded once more than needed", 0.3)
    if expected and actual.startswith(expected):
        return Slip(f"{_cut(actual[len(expected) :])} came after it", 0.5)
    if expected and actual.endswith(expected):
        return Slip(f"{_cut(actual[: -len(expected)])} came before it", 0.5)
    if actual and expected.endswith(" " + actual):
        return Slip(f"{expected[: -len(actual)]!r} is missing before it", 0.5)
    wanted, came = number(expected), number(actual)
    if wanted is not None and came is not None:
        return _numbers(wanted, came) if wanted != came else Slip("the same number, written differently", 0.3)
    letters = typos(expected, actual)
    return Slip("a typo?", 0.5 + 0.1 * letters) if letters else NONE


def _numbers(expected: float, actual: float) -> Slip:
    if actual and isclose(expected, actual * 100):
        return Slip("100 times too small: the smallest unit of the currency was wanted?", 0.8)
    if expected and isclose(actual, expected * 100):
        return Slip("100 times too large: the main unit of the currency was wanted?", 0.8)
    return NONE


def _cut(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:19] + "…")


def typos(expected: str, actual: str) -> int:
    """How many letters are wrong where a person would take one for the other misspelt; else 0."""
    if len(expected) < _TYPO_CHARS or len(actual) > _COMPARED_CHARS:
        return 0
    allowed = 1 if len(expected) <= _TYPO_CHARS + 1 else _TYPO_EDITS
    found = edits(expected.casefold(), actual.casefold(), allowed)
    return found if found <= allowed else 0


def edits(left: str, right: str, most: int) -> int:
    """
    How many letters were dropped, added, changed or swapped with their neighbour; `most + 1` stands for more.

    >>> edits("charges", "chagres", 2), edits("users", "user", 2), edits("a", "xyz", 2)
    (1, 1, 3)
    """
    if abs(len(left) - len(right)) > most or max(len(left), len(right)) > _COMPARED_CHARS:
        return 0 if left == right else most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def nearest_name(wanted: str, names: list[str]) -> str | None:
    """The one of `names` that was probably meant by `wanted`; separators and case count for nothing."""
    bare = _bare(wanted)
    close = [name for name in names if _bare(name) == bare]
    close += [name for name in names if typos(wanted, name) or typos(bare, _bare(name))]
    close += [name for name in names if len(bare) >= 3 and _bare(name).endswith(bare)]
    return close[0] if close else None


def _bare(name: str) -> str:
    return name[:_COMPARED_CHARS].casefold().replace("_", "").replace("-", "").replace("[]", "")


def not_numeric(actual: Any) -> Slip:
    """For a comparison that wanted a number of JSON."""
    if is_number(actual):
        return NONE
    return wrong_kind("a number", actual, same=isinstance(actual, str) and number(actual) is not None)


def among(part: str, items: list[Any]) -> Slip:
    """For a list that lacks a text: the item that was probably meant to be it."""
    guesses = [(between(part, item), item) for item in items[:_COMPARED_CHARS] if isinstance(item, str)]
    guess, item = min(guesses, key=lambda one: one[0].weight, default=(NONE, ""))
    return Slip(f"{_cut(item)} is there: {guess.hint}", guess.weight) if guess.weight < 1 else NONE


def not_text(actual: Any) -> Slip:
    """For a comparison that wanted a text of JSON."""
    return NONE if has_type(actual, "string") else wrong_kind("a text", actual)
