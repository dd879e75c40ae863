"""Convert conditions on one value to predicates of mountebank. Predicates ignore case by default."""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mocks.conditions import escaped, printed, searching
from mockserver.model.written import as_text
from mockserver.recording.conversion import NotConvertibleError

Predicate = dict[str, Any]


def _javascript(pattern: str) -> tuple[str, bool]:
    """Return a pattern for JavaScript, unanchored if possible, and whether it ignores case."""
    flags = re.match(r"\(\?([is]+)\)", pattern)
    letters = flags[1] if flags else ""
    inner = searching(pattern[flags.end() :] if flags else pattern)
    inner = inner.replace("(?s:.*)", r"[\s\S]*").replace("(?P<", "(?<")
    if "s" in letters:
        inner = re.sub(r"(?<!\\)\.", r"[\\s\\S]", inner)
    if re.search(r"\(\?[a-zA-Z-]+[:)]", inner):
        raise NotConvertibleError(
            f"JavaScript's regular expressions have no flags inside, as {pattern!r} has"
        )
    return inner, "i" in letters


def matching(pattern: str, field: str, name: str | None) -> Predicate:
    source, ignore_case = _javascript(pattern)
    predicate: Predicate = {"matches": at(field, name, source)}
    return predicate if ignore_case else {**predicate, "caseSensitive": True}


def at(field: str, name: str | None, value: object) -> dict[str, Any]:
    return {field: value} if name is None else {field: {name: value}}


_WORDS = {"contains": "contains", "starts_with": "startsWith", "ends_with": "endsWith", "equals": "equals"}
_SHAPES = {(True, True): "contains", (False, True): "startsWith", (True, False): "endsWith"}


def predicates_of(condition: object, field: str, name: str | None, options: Predicate) -> list[Predicate]:
    """Predicates that hold together. Raises NotConvertibleError."""
    exact = {**options, "caseSensitive": True}
    if condition in ("present", "absent"):
        return [{"exists": at(field, name, condition == "present"), **options}]
    if isinstance(condition, list):
        if len(condition) == 1:
            return predicates_of(condition[0], field, name, options)
        raise NotConvertibleError("a list of values in their order can't be matched")
    if not isinstance(condition, dict):
        return [{"equals": at(field, name, as_text(condition)), **exact}]
    made: list[Predicate] = []
    for operator, operand in condition.items():
        made += _operator(operator, operand, field, name, options)
    return made


def _operator(
    operator: str, operand: Any, field: str, name: str | None, options: Predicate
) -> list[Predicate]:
    exact = {**options, "caseSensitive": True}
    match operator:
        case "equals" | "contains" | "starts_with" | "ends_with":
            return [{_WORDS[operator]: at(field, name, as_text(operand)), **exact}]
        case "ignore_case":
            return [{"equals": at(field, name, operand), **options}]
        case "matches":
            return [{**_shaped(operand, field, name), **options}]
        case "not":
            return [{"not": together(predicates_of(operand, field, name, options))}]
        case "any_of":
            return [{"or": [together(predicates_of(item, field, name, options)) for item in operand]}]
        case "one_of":
            return [
                {"or": [together(predicates_of({"equals": item}, field, name, options)) for item in operand]}
            ]
        case "all_of":
            return [item for part in operand for item in predicates_of(part, field, name, options)]
        case "present" | "absent":
            return [{"exists": at(field, name, (operator == "present") is operand), **options}]
        case "length" if operand == {"gte": 1} and field != "headers":
            return [{"exists": at(field, name, True), **options}]
    raise NotConvertibleError(f"mountebank has no `{operator}`")


def _shaped(pattern: str, field: str, name: str | None) -> Predicate:
    """A pattern that only compares without case is one of the plain predicates."""
    if pattern.startswith("(?is)"):
        inner = pattern[5:]
        before, after = inner.startswith(".*"), inner.endswith(".*")
        text = inner[2 if before else 0 : len(inner) - (2 if after else 0)]
        plain = re.sub(r"\\(\W)", r"\1", text)
        if (before, after) in _SHAPES and escaped(plain) == text:
            return {_SHAPES[before, after]: at(field, name, plain)}
    return matching(pattern, field, name)


def together(predicates: list[Predicate]) -> Predicate:
    return predicates[0] if len(predicates) == 1 else {"and": predicates}


def selected_by(condition: object, selector: Predicate, *, lists: bool) -> list[Predicate]:
    if not lists:
        return predicates_of(condition, "body", None, selector)
    if isinstance(condition, list):
        value = condition[0] if len(condition) == 1 else condition
        return [{"deepEquals": {"body": value}, "caseSensitive": True, **selector}]
    if isinstance(condition, dict) and len(condition) == 1:
        match next(iter(condition.items())):
            case ("contains", operand) if printed(operand) is not None:
                return [{"equals": {"body": operand["one_of"][0]}, "caseSensitive": True, **selector}]
            case ("contains", operand):
                return predicates_of(operand, "body", None, selector)
            case ("unordered", operand):
                return [{"deepEquals": {"body": operand}, "caseSensitive": True, **selector}]
            case ("not" | "any_of" | "all_of" as operator, operand):
                parts = operand if isinstance(operand, list) else [operand]
                inner = [together(selected_by(part, selector, lists=True)) for part in parts]
                return combined(operator, inner)
    return predicates_of(condition, "body", None, selector)


def combined(operator: str, parts: list[Predicate]) -> list[Predicate]:
    if operator == "all_of":
        return parts
    return [{"or": parts}] if operator == "any_of" else [{"not": parts[0]}]
