"""Convert rules, by which Mockoon selects a response, to conditions of routes."""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mockoon.helpers import access, path_steps
from mockserver.formats.mocks.conditions import anywhere, dollared, literal, value_or_text
from mockserver.formats.mocks.requests import METHODS, Alternatives, Atom, all_of, any_of, quoted
from mockserver.formats.mocks.sources import text_of
from mockserver.recording.conversion import Losses, NotConvertibleError

_RULE = {"target", "modifier", "value", "invert", "operator", "enabled"}
_NAMED = {"query": "query", "header": "headers", "cookie": "cookies"}


def alternatives(
    response: dict[str, Any], schemas: dict[str, Any], losses: Losses, place: str
) -> Alternatives:
    """
    Return the conditions of a response with rules; `schemas` are data buckets, by id and name.

    With OR, a rule that can't be converted is lost alone. Raises NotConvertibleError if no rule is left.
    """
    together = response.get("rulesOperator") == "AND"
    made: list[Alternatives] = []
    for number, rule in enumerate(response["rules"]):
        losses.unknown(f"{place}.rules[{number}]", rule, _RULE)
        try:
            atom = _atom(rule, schemas)
        except NotConvertibleError as error:
            if together:
                raise
            losses.failed(f"{place}.rules[{number}]", error, ", so this rule is left out")
            continue
        made.append([[atom.turned() if rule.get("invert") is True else atom]])
    if not made:
        raise NotConvertibleError("none of its rules can be converted")
    return all_of(made) if together else any_of(made)


def call_number(response: dict[str, Any]) -> int | None:
    """Return the number of the call that a response is for, if it is its only rule."""
    rules = response.get("rules") or []
    if len(rules) != 1:
        return None
    rule = rules[0]
    simple = rule.get("target") == "request_number" and rule.get("operator", "equals") == "equals"
    text = str(rule.get("value"))
    return int(text) if simple and not rule.get("invert") and re.fullmatch(r"[1-9]\d{0,3}", text) else None


def _atom(rule: dict[str, Any], schemas: dict[str, Any]) -> Atom:
    target = str(rule.get("target"))
    modifier, value = text_of(rule.get("modifier") or ""), text_of(rule.get("value") or "")
    operator = str(rule.get("operator") or ("regex" if rule.get("isRegex") else "equals"))
    if "{{" in modifier or (operator != "valid_json_schema" and "{{" in value):
        raise NotConvertibleError("a rule with a template can't be converted")
    match target:
        case "query" | "header" | "cookie":
            return _named(_NAMED[target], modifier, operator, value)
        case "params":
            if operator != "equals":
                raise NotConvertibleError(f"a path parameter can't be compared by {operator!r}")
            return Atom("if", f"path{access([modifier])} == {quoted(value)}")
        case "method":
            return Atom("method", frozenset(method for method in METHODS if _fits(method, operator, value)))
        case "body" if modifier:
            return _field(modifier, operator, value)
        case "body" if operator == "valid_json_schema":
            if value not in schemas:
                raise NotConvertibleError(f"the data bucket {value!r} is not a JSON Schema")
            return Atom("schema", schemas[value])
        case "body":
            return Atom("text", _text(operator, value))
        case "request_number":
            raise NotConvertibleError(
                "the number of the call is converted if each response has it as its only rule, with `equals`",
                "Write a list of replies",
            )
    raise NotConvertibleError(f"a rule on {target!r} can't be converted")


def _fits(method: str, operator: str, value: str) -> bool:
    if operator == "equals":
        return method.lower() == value.lower()
    flags = re.IGNORECASE if operator == "regex_i" else re.NOFLAG
    try:
        return re.search(value, method.lower(), flags) is not None
    except re.error:
        raise NotConvertibleError(f"the regular expression {value!r} is not valid") from None


def _text(operator: str, value: str) -> object:
    """Return the condition on a text. Raises NotConvertibleError."""
    match operator:
        case "equals":
            return literal(value)
        case "regex" | "regex_i":
            return {"matches": anywhere(value, ignore_case=operator == "regex_i")}
        case "null":
            return "absent"
    raise NotConvertibleError(f"the operator {operator!r} can't be applied to a text")


def _named(part: str, modifier: str, operator: str, value: str) -> Atom:
    first, *rest = path_steps(modifier)
    if not modifier or any(step.isdigit() for step in rest):
        raise NotConvertibleError(f"{modifier!r} names no {part}")
    name = first + "".join(f"[{step}]" for step in rest) if part == "query" else modifier
    return Atom(part, _text("equals" if operator == "array_includes" else operator, value), name)


def _field(path: str, operator: str, value: str) -> Atom:
    """The condition on a field of a JSON body."""
    steps = path_steps(path)
    indexed = path.startswith("$") or any(step.isdigit() for step in steps)
    if indexed:
        query = path if path.startswith("$") else "$" + _query(steps)
        return Atom("jsonpath", _found(operator, value), query)
    tree: object = _leaf(operator, value)
    for step in reversed(steps):
        tree = {"$fields": {step: tree}} if step.startswith("$") else {step: tree}
    return Atom("json", tree)


def _query(steps: list[str]) -> str:
    return "".join(f"[{step}]" if step.isdigit() else f"['{step}']" for step in steps)


def _leaf(operator: str, value: str) -> object:
    match operator:
        case "null":
            return {"$any_of": ["$absent", None]}
        case "empty_array":
            return {"$type": "array", "$length": 0}
        case "array_includes":
            return {"$contains": dollared(value_or_text(value))}
        case "equals":
            return dollared(_printed(value))
    return dollared(_text(operator, value))


def _printed(value: str) -> object:
    """Return the condition for a value that prints as this text; null prints as an empty one."""
    if value == "":
        return {"one_of": ["", None]}
    return {"one_of": [value == "true", value]} if value in ("true", "false") else value_or_text(value)


def _found(operator: str, value: str) -> object:
    """Return the condition on the values that a query finds."""
    match operator:
        case "null":
            return {"any_of": ["absent", {"contains": None}]}
        case "empty_array":
            return {"contains": {"type": "array", "length": 0}}
        case "array_includes":
            return {"contains": {"contains": value_or_text(value)}}
        case "equals":
            return {"contains": _printed(value)}
    return {"contains": _text(operator, value)}
