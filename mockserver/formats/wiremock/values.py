"""
Convert text patterns of WireMock (`equalTo`, `contains`, `matches`, …) to conditions.

For absent values and `doesNotContain` or `doesNotMatch`, see docs/wiremock.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.formats.mocks.conditions import compiled, literal
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.model.written import as_text

ANYTHING = object()
"""A pattern without a condition: it always matches."""
FAILED = object()
"""A pattern that can't be converted; the loss was added."""

_FLAGS = frozenset({"caseInsensitive"})


def text_condition(pattern: Any, at: LossPlace) -> Any:
    """The condition on a text; ANYTHING or FAILED where there is none."""
    if not isinstance(pattern, dict):
        at.lost("a pattern is a mapping such as {equalTo: x}")
        return FAILED
    result = []
    for key, operand in pattern.items():
        if key in _FLAGS:
            continue
        make = _OPERATORS.get(key)
        if make is None:
            at.at(key).lost(f"`{key}` can't be applied to a text here")
            return FAILED
        made = make(operand, pattern, at.at(key))
        if made is FAILED:
            return FAILED
        if made is not ANYTHING:
            result.append(made)
    return together(result)


def together(conditions: list[Any]) -> object:
    """All of them."""
    if not conditions:
        return ANYTHING
    return conditions[0] if len(conditions) == 1 else {"all_of": conditions}


def queried(
    pattern: dict[str, Any],
    key: str,
    at: LossPlace,
    condition: Callable[[dict[str, Any], LossPlace], Any],
    query_of: Callable[[str, LossPlace], str] = lambda query, _: query,
) -> dict[str, Any]:
    """Return the condition on what `{expression: ..., equalTo: ...}` finds, by its query; empty, and noted, if there is none."""
    written, at = pattern[key], at.at(key)
    query = written.get("expression") if isinstance(written, dict) else None
    if not isinstance(query, str):
        at.lost("expected a query, or {expression: ..., equalTo: ...}")
        return {}
    rest = {name: value for name, value in written.items() if name != "expression"}
    query, made = query_of(query, at), condition(rest, at)
    return {} if made is FAILED else {query: "present" if made is ANYTHING else made}


def is_regex(source: object, at: LossPlace) -> bool:
    """Whether RE2 takes it; notes it where not."""
    if compiled(source) is not None:
        return True
    at.lost(
        f"{source!r} is not a regular expression of RE2",
        "RE2 has no look-around and no back references: write the condition otherwise",
    )
    return False


def _equal(operand: object, pattern: dict[str, Any], _: LossPlace) -> object:
    text = operand if isinstance(operand, str) else as_text(operand)
    return {"ignore_case": text} if pattern.get("caseInsensitive") else literal(text)


def _contains(operand: object, _: dict[str, Any], __: LossPlace) -> object:
    return {"contains": as_text(operand)}


def _matches(operand: object, _: dict[str, Any], at: LossPlace) -> object:
    # Theirs lets a dot be a line end.
    return {"matches": operand} if is_regex(operand, at) else FAILED


def _negated(make: Any) -> object:
    def made(operand: Any, pattern: dict[str, Any], at: LossPlace) -> object:
        result = make(operand, pattern, at)
        return result if result is FAILED else {"not": result}

    return made


def _absent(operand: object, _: dict[str, Any], __: LossPlace) -> object:
    return "absent" if operand else "present"


def _not(operand: object, _: dict[str, Any], at: LossPlace) -> object:
    result = text_condition(operand, at)
    return {"not": "present"} if result is ANYTHING else result if result is FAILED else {"not": result}


def _each(operand: object, at: LossPlace) -> list[Any] | None:
    """The condition of every pattern in a list; None where one fails."""
    if not isinstance(operand, list):
        at.lost("expected a list of patterns")
        return None
    made = [text_condition(item, at.at(i)) for i, item in enumerate(operand)]
    return None if any(item is FAILED for item in made) else made


def _and(operand: object, _: dict[str, Any], at: LossPlace) -> object:
    made = _each(operand, at)
    return FAILED if made is None else together([item for item in made if item is not ANYTHING])


def _or(operand: object, _: dict[str, Any], at: LossPlace) -> object:
    made = _each(operand, at)
    if made is None:
        return FAILED
    return ANYTHING if any(item is ANYTHING for item in made) else {"any_of": made}


def _exactly(operand: object, _: dict[str, Any], at: LossPlace) -> object:
    made = _each(operand, at)
    return FAILED if made is None else {"unordered": [_present(item) for item in made]}


def _includes(operand: object, _: dict[str, Any], at: LossPlace) -> object:
    made = _each(operand, at)
    return FAILED if made is None else together([_present(item) for item in made])


def _present(condition: object) -> object:
    return "present" if condition is ANYTHING else condition


_OPERATORS: dict[str, Any] = {
    "equalTo": _equal,
    "contains": _contains,
    "doesNotContain": _negated(_contains),
    "matches": _matches,
    "doesNotMatch": _negated(_matches),
    "absent": _absent,
    "not": _not,
    "and": _and,
    "or": _or,
    "hasExactly": _exactly,
    "includes": _includes,
    "anything": lambda *_: ANYTHING,
}
