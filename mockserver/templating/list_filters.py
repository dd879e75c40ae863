"""Filters of templates on lists and mappings: each pays for the items before it visits them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from mockserver.templating import methods
from mockserver.templating.access import subscript
from mockserver.templating.operators import add, check_ordered
from mockserver.templating.scope import RenderError, Scope, UndefinedError
from mockserver.templating.values import elements, kind_of, to_text

ATTRIBUTE_LIMIT = 200


def length(_scope: Scope, value: object) -> int:
    if isinstance(value, (str, bytes, list, tuple, Mapping)):
        return len(value)
    raise RenderError(f"{kind_of(value)} has no length")


def first(_scope: Scope, value: object) -> object:
    if isinstance(value, Mapping):
        value = list(islice(value, 1))
    return _at(value, 0, "first")


def last(scope: Scope, value: object) -> object:
    if isinstance(value, Mapping):
        value = elements(scope, value)
    return _at(value, -1, "last")


def _at(value: object, index: int, word: str) -> object:
    if not isinstance(value, (list, tuple, str)):
        raise RenderError(f"{kind_of(value)} has no {word} item")
    if not value:
        raise UndefinedError(f"the {word} item", why="there are none")
    return value[index]


def join(scope: Scope, value: object, d: str = "", attribute: str | int | None = None) -> str:
    result = elements(scope, value, "join")
    if attribute is not None:
        result = [by_attribute(item, attribute) for item in result]
    return methods.join_texts(scope, [to_text(scope, item) for item in result], to_text(scope, d))


def by_attribute(value: object, attribute: str | int) -> object:
    """Return the attribute of a value: a key, a position, or several of them joined by dots."""
    if isinstance(attribute, str) and len(attribute) > ATTRIBUTE_LIMIT:
        raise RenderError(f"an attribute has at most {ATTRIBUTE_LIMIT} characters")
    if isinstance(attribute, int):
        return subscript(value, attribute, str(attribute))
    for part in str(attribute).split("."):
        value = subscript(value, int(part) if part.isdecimal() and len(part) < 9 else part, str(attribute))
    return value


def to_list(scope: Scope, value: object) -> list[Any]:
    return elements(scope, value, "make a list of")


def _sort_key(scope: Scope, value: object, case_sensitive: bool) -> object:
    if isinstance(value, str):
        scope.read(len(value))
        return value if case_sensitive else methods.lower(scope, value)
    return value


def _ordered(scope: Scope, result: list[Any], reverse: bool) -> list[int]:
    """Return the sorted positions of `result`; equal items keep their order."""
    for item in result[1:]:
        check_ordered(scope, result[0], item)
    longest = max((len(item) for item in result if isinstance(item, str)), default=0)
    scope.take_steps(len(result) * (1 + len(result).bit_length() * longest // 4096))
    return sorted(range(len(result)), key=result.__getitem__, reverse=reverse)


def sort(
    scope: Scope,
    value: object,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> list[Any]:
    """Sort; `attribute` may have several names, separated by commas."""
    result = elements(scope, value, "sort")
    names = str(attribute).split(",") if attribute is not None else [None]
    scope.take_steps(len(result) * (len(names) - 1))
    for name in reversed(names):
        keys = [
            _sort_key(scope, item if name is None else by_attribute(item, name), case_sensitive)
            for item in result
        ]
        result = [result[index] for index in _ordered(scope, keys, reverse)]
    return result


def dictsort(
    scope: Scope, value: object, case_sensitive: bool = False, by: str = "key", reverse: bool = False
) -> list[Any]:
    """Return pairs of a mapping in the order of their keys, or `by='value'`."""
    if not isinstance(value, Mapping):
        raise RenderError(f"dictsort takes a mapping, not {kind_of(value)}")
    if by not in ("key", "value"):
        raise RenderError("dictsort goes by 'key' or by 'value'")
    pairs = methods.items(scope, value)
    keys = [_sort_key(scope, pair[by == "value"], case_sensitive) for pair in pairs]
    return [pairs[index] for index in _ordered(scope, keys, reverse)]


def items(scope: Scope, value: object) -> list[Any]:
    if not isinstance(value, Mapping):
        raise RenderError(f"items takes a mapping, not {kind_of(value)}")
    return methods.items(scope, value)


def unique(
    scope: Scope, value: object, case_sensitive: bool = False, attribute: str | int | None = None
) -> list[Any]:
    """Return each value once, the first of equal ones."""
    seen: dict[Any, Any] = {}
    for item in elements(scope, value, "go through"):
        key = item if attribute is None else by_attribute(item, attribute)
        if isinstance(key, (list, tuple, dict)):
            raise RenderError(f"unique can't tell {kind_of(key)} from another; give it an attribute")
        seen.setdefault(_hashed(_sort_key(scope, key, case_sensitive)), item)
    return list(seen.values())


_FREE_HASHES = 1 << 60


def _hashed(key: object) -> object:
    """
    Return a dictionary key. Python hashes a large number by its remainder, so a client could choose thousands with the
    same hash; hashes of texts are randomised.
    """
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(key, int) and not -_FREE_HASHES < key < _FREE_HASHES:
        return int, f"{key:x}"
    return key


def reverse(scope: Scope, value: object) -> object:
    if isinstance(value, str):
        scope.take_chars(len(value))
        return value[::-1]
    return elements(scope, value, "reverse")[::-1]


def total(scope: Scope, value: object, attribute: str | int | None = None, start: object = 0) -> object:
    result = start
    for item in elements(scope, value, "sum"):
        result = add(scope, result, item if attribute is None else by_attribute(item, attribute))
    return result


def smallest(
    scope: Scope, value: object, case_sensitive: bool = False, attribute: str | int | None = None
) -> object:
    return _extreme(scope, value, case_sensitive, attribute, False)


def largest(
    scope: Scope, value: object, case_sensitive: bool = False, attribute: str | int | None = None
) -> object:
    return _extreme(scope, value, case_sensitive, attribute, True)


def _extreme(
    scope: Scope, value: object, case_sensitive: bool, attribute: str | int | None, most: bool
) -> object:
    result = elements(scope, value, "compare the items of")
    if not result:
        raise UndefinedError("the largest item" if most else "the smallest item", why="there are none")
    keys = [
        _sort_key(scope, item if attribute is None else by_attribute(item, attribute), case_sensitive)
        for item in result
    ]
    return result[_ordered(scope, keys, most)[0]]


def batch(scope: Scope, value: object, linecount: int, fill_with: object = None) -> list[list[Any]]:
    """Return lists of `linecount` items each; the last is filled up if `fill_with` is given."""
    result = elements(scope, value, "batch")
    if not isinstance(linecount, int) or linecount < 1:
        raise RenderError("batch makes lists of 1 item or more")
    rows = [result[at : at + linecount] for at in range(0, len(result), linecount)]
    if rows and fill_with is not None:
        lacking = linecount - len(rows[-1])
        scope.take_steps(lacking)
        rows[-1] += [fill_with] * lacking
    return rows
