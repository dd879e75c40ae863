"""
Example values for conditions, and the rules that an example does not express.

Formats with examples write the value; formats with rules, such as Pact, write both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mockserver.model.json_values import is_number
from mockserver.model.written import as_text
from mockserver.openapi.texts import as_python, by_pattern

NOTHING: Any = object()
"""The condition is `absent`."""


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
        result = Example([])
        for index, item in enumerate(condition):
            below = of_text(item)
            result.value.append("" if below.value is NOTHING else below.value)
            _take(result, below, index)
        return result
    if isinstance(condition, dict):
        result = _of_operators(condition)
        if result.value is not NOTHING and not isinstance(result.value, list):
            result.value = as_text(result.value)
        return result
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
        result = Example([])
        for index, item in enumerate(condition):
            below = of_tree(item)
            result.value.append(None if below.value is NOTHING else below.value)
            _take(result, below, index)
        return result
    if condition in ("$present", "$absent"):
        return _of_operators({condition[1:]: True})
    return Example(condition)


def _of_fields(fields: dict[str, Any]) -> Example:
    result = Example({})
    for key, item in fields.items():
        below = of_tree(item)
        if below.value is not NOTHING:
            result.value[key] = below.value
        _take(result, below, key)
    return result


def _take(result: Example, below: Example, key: str | int) -> None:
    result.rules += [((key, *path), name, operand) for path, name, operand in below.rules]
    result.lost += below.lost


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
    result = Example("text")
    for name, operand in operators.items():
        if name == "equals":
            result.value = operand
        else:
            result.rules.append(((), name, operand))
            result.value = _example(name, operand, result)
    return result


def _example(name: str, operand: Any, result: Example) -> object:
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
            return result.value
    if name not in ("any_of", "all_of", "not", "length"):
        result.lost.append(f"no example of {name}: {operand!r} could be made")
    return result.value


class _First(Random):
    """Always chooses the first possibility, so that examples are short and reproducible."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def randint(self, a: int, b: int) -> int:
        del b
        return a

    def shuffle(self, x: Any) -> None:
        """Keep the order."""


def matching(pattern: str) -> str | None:
    """
    Return a short text that the whole pattern matches; None if none was found.

    >>> matching("[A-Z]{2}-[0-9]+"), matching("(?:a|b)c?"), matching("x(?=y)")
    ('AA-0', 'a', None)
    """
    text = by_pattern(pattern, _First())
    return text if text is not None and re.fullmatch(as_python(pattern), text) else None
