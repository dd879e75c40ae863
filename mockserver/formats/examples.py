"""
A value that a condition holds for, and what the condition asks of others.

Formats that hold examples write the value; formats with rules of their own, such
as Pact, write both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mockserver.errors import MockServerError
from mockserver.model.json_values import is_number
from mockserver.model.written import as_text

# `re` keeps its parser to itself, but no other reads the same language.
from re import _parser  # type: ignore[attr-defined]  # isort: skip


NOTHING: Any = object()
"""No value is asked for: `absent`."""


@dataclass(slots=True)
class Example:
    """
    `rules` are (key path below the value, operator, operand) of everything but
    equality; `lost` those for which no example could be made.
    """

    value: Any
    rules: list[tuple[tuple[str | int, ...], str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def of_text(condition: object) -> Example:
    """For headers, query, cookies, form and text: a text, or a list of exactly these."""
    if isinstance(condition, list):
        found = Example([])
        for index, one in enumerate(condition):
            below = of_text(one)
            found.value.append("" if below.value is NOTHING else below.value)
            _take(found, below, index)
        return found
    if isinstance(condition, dict):
        found = _of_operators(condition)
        if found.value is not NOTHING and not isinstance(found.value, list):
            found.value = as_text(found.value)
        return found
    if condition in ("present", "absent"):
        return _of_operators({condition: True})
    return Example(as_text(condition))


def of_tree(condition: object) -> Example:
    """For `json` and `json_exact`: operators carry a dollar."""
    if isinstance(condition, dict):
        if condition.keys() == {"$fields"}:
            return _of_fields(condition["$fields"])
        if condition and all(key.startswith("$") for key in condition):
            return _of_operators({key[1:]: item for key, item in condition.items()})
        return _of_fields(condition)
    if isinstance(condition, list):
        found = Example([])
        for index, item in enumerate(condition):
            below = of_tree(item)
            found.value.append(None if below.value is NOTHING else below.value)
            _take(found, below, index)
        return found
    if condition in ("$present", "$absent"):
        return _of_operators({condition[1:]: True})
    return Example(condition)


def _of_fields(fields: dict[str, Any]) -> Example:
    found = Example({})
    for key, item in fields.items():
        below = of_tree(item)
        if below.value is not NOTHING:
            found.value[key] = below.value
        _take(found, below, key)
    return found


def _take(found: Example, below: Example, key: str | int) -> None:
    found.rules += [((key, *path), name, operand) for path, name, operand in below.rules]
    found.lost += below.lost


_TYPES = {
    "string": "text",
    "number": 1.5,
    "integer": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def _of_operators(operators: dict[str, Any]) -> Example:
    found = Example("text")
    for name, operand in operators.items():
        if name == "equals":
            found.value = operand
        else:
            found.rules.append(((), name, operand))
            found.value = _example(name, operand, found)
    return found


def _example(name: str, operand: Any, found: Example) -> object:
    match name:
        case "absent" if operand is True:
            return NOTHING
        case "contains" | "starts_with" | "ends_with" | "ignore_case" | "unordered" | "gte" | "lte":
            return operand
        case "one_of":
            return operand[0] if operand else "text"
        case "type":
            return _TYPES.get(operand[0] if isinstance(operand, list) and operand else str(operand), "text")
        case "gt" if is_number(operand):
            return operand + 1
        case "lt" if is_number(operand):
            return operand - 1
        case "matches" if isinstance(operand, str):
            text = matching(operand)
            if text is not None:
                return text
        case "present":
            return found.value
    if name not in ("any_of", "all_of", "not", "length"):
        found.lost.append(f"no example of {name}: {operand!r} could be made")
    return found.value


# Regular expressions


def matching(pattern: str) -> str | None:
    """
    A short text that the whole pattern matches; None where none was found.

    >>> matching("[A-Z]{2}-[0-9]+"), matching("(?:a|b)c?"), matching("x(?=y)")
    ('AA-0', 'a', None)
    """
    try:
        text = _written(_parser.parse(pattern))
        return text if re.fullmatch(pattern, text) else None
    except (re.error, _NoExampleError, RecursionError, OverflowError):
        return None


class _NoExampleError(MockServerError):
    """A part of a pattern that no example is made of."""


def _written(parts: Any) -> str:
    return "".join(_part(str(name), operand) for name, operand in parts)


def _part(name: str, operand: Any) -> str:
    match name:
        case "LITERAL":
            return chr(operand)
        case "ANY":
            return "a"
        case "NOT_LITERAL":
            return "a" if chr(operand) != "a" else "b"
        case "IN":
            return _one_of(operand)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, inner = operand
            if least > 1000:
                raise _NoExampleError
            return _written(inner) * int(least)
        case "SUBPATTERN":
            return _written(operand[3])
        case "ATOMIC_GROUP":
            return _written(operand)
        case "BRANCH":
            return _written(operand[1][0])
        case "AT":
            return ""
        case "CATEGORY":
            return _CATEGORIES[str(operand)]
    raise _NoExampleError


_CATEGORIES = {
    "CATEGORY_DIGIT": "0",
    "CATEGORY_WORD": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_NOT_WORD": "-",
    "CATEGORY_NOT_SPACE": "a",
}


def _one_of(members: Any) -> str:
    if str(members[0][0]) != "NEGATE":
        name, operand = members[0]
        return chr(operand[0]) if str(name) == "RANGE" else _part(str(name), operand)
    refused = re.compile("".join(["[", *(_source(*one) for one in members[1:]), "]"]))
    for char in "a0A-_ ~é":
        if not refused.match(char):
            return char
    raise _NoExampleError


def _source(name: object, operand: Any) -> str:
    match str(name):
        case "LITERAL":
            return re.escape(chr(operand))
        case "RANGE":
            return f"{re.escape(chr(operand[0]))}-{re.escape(chr(operand[1]))}"
        case "CATEGORY":
            return {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}.get(
                str(operand).removeprefix("CATEGORY_"), ""
            )
    raise _NoExampleError
