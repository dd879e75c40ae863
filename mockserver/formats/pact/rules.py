"""
Convert matchers of Pact to conditions and back (github.com/pact-foundation/pact-specification, versions 2 to 4).

A rule has a path into the example, `$.items[0].sku` or `$.items[*].sku`. The most specific rule applies; a type rule
also applies to everything below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.formats.exchanges_to_routes import text_condition
from mockserver.formats.mocks.conditions import compiled
from mockserver.formats.mocks.trees import fields_of, literal_leaf

Path = tuple[str | int, ...]
_ANY = "*"
_TOKEN = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d+|\*)\]|\[(?:'([^']*)'|"([^"]*)")\]""")


@dataclass(slots=True)
class MatchingRule:
    """The rule of one path. `tokens` may contain `*`."""

    tokens: tuple[str, ...]
    matchers: list[Mapping[str, Any]]
    any_of: bool = False

    def weight(self, path: Path) -> int:
        """0 where it doesn't lead to the path or above it; higher the more exact it is."""
        if len(self.tokens) > len(path):
            return 0
        total = 1
        for token, part in zip(self.tokens, path, strict=False):
            if token not in (_ANY, str(part)):
                return 0
            total = total * 2 + (token != _ANY)
        return total * 1000 + len(self.tokens)


def tokens_of(path: str) -> tuple[str, ...]:
    """
    The parts of a path after its `$`.

    >>> tokens_of("$.items[*]['a.b'].c[0]")
    ('items', '*', 'a.b', 'c', '0')
    """
    return tuple("".join(result) for result in _TOKEN.findall(path.removeprefix("$")))


def rules_of(written: object) -> list[MatchingRule]:
    """From `{path: {matchers, combine}}`, or from version 2's `{path: matcher}`. Raises TypeError, ValueError."""
    if not isinstance(written, dict):
        return []
    return [MatchingRule(tokens_of(path), *_matchers(rule)) for path, rule in written.items()]


def rule_of(written: object) -> MatchingRule | None:
    """Return the rule of a path, a header or a query parameter."""
    return MatchingRule((), *_matchers(written)) if isinstance(written, dict) and written else None


def rule_at(path: Path, rules: list[MatchingRule]) -> MatchingRule | None:
    """Return the rule that applies at a path: the most exact one. Of rules above it, only `type` is inherited."""
    best = max(rules, key=lambda rule: rule.weight(path), default=None)
    if best is None or not best.weight(path):
        return None
    here = len(best.tokens) == len(path)
    return best if here or best.matchers[0].get("match", "type") == "type" else None


def _matchers(rule: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
    listed = rule.get("matchers")
    return (
        (list(listed), rule.get("combine") == "OR")
        if listed and isinstance(listed, list)
        else ([rule], False)
    )


# Trees


class Conditions:
    """Conditions on a JSON body from an example and rules. `lost` are the paths of what could not be said."""

    def __init__(self, rules: list[MatchingRule]) -> None:
        self.rules = rules
        self.lost: list[tuple[str, str]] = []

    def of(self, value: object, path: Path = ()) -> object:
        rule = rule_at(path, self.rules)
        if rule is None or all(matcher.get("match") == "equality" for matcher in rule.matchers):
            return self._literal(value, path)
        result = [self._one(matcher, value, path, len(rule.tokens) == len(path)) for matcher in rule.matchers]
        if len(result) == 1:
            return result[0]
        return {"$any_of" if rule.any_of else "$all_of": result}

    def _literal(self, value: object, path: Path) -> object:
        if isinstance(value, dict):
            return fields_of({key: self.of(item, (*path, key)) for key, item in value.items()})
        if isinstance(value, list):
            return [self.of(item, (*path, index)) for index, item in enumerate(value)]
        return literal_leaf(value)

    def _one(self, matcher: Mapping[str, Any], value: object, path: Path, here: bool) -> object:
        kind = str(matcher.get("match") or _kind_of(matcher))
        if kind == "type" and isinstance(value, dict):
            return self._literal(value, path)
        if isinstance(value, list) and kind in ("type", "eachValue", "arrayContains"):
            return self._some(matcher if here else {}, value, path)
        operators, reason = operators_of(kind, matcher, value)
        if reason:
            self.lost.append((_shown(path), reason))
        if operators is None:
            return self._literal(value, path)
        return {f"${name}": operand for name, operand in operators.items()} if operators else value

    def _some(self, matcher: Mapping[str, Any], value: list[Any], path: Path) -> object:
        """Return the condition for a list of any length; its items are not matched."""
        result: dict[str, Any] = {"$type": "array"}
        bounds = {
            f"${name}": matcher[key]
            for key, name in (("min", "gte"), ("max", "lte"))
            if type(matcher.get(key)) is int
        }
        if bounds:
            result["$length"] = bounds
        if value:
            self.lost.append((_shown(path), "what the list's items are like is not matched"))
        return result


def _kind_of(matcher: Mapping[str, Any]) -> str:
    """Version 2 leaves `match` out where another key says it."""
    return "regex" if "regex" in matcher else "type" if matcher.keys() & {"min", "max"} else "equality"


def _shown(path: Path) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


# Matchers


def operators_of(kind: str, matcher: Mapping[str, Any], value: object) -> tuple[dict[str, Any] | None, str]:
    """Return a matcher as operators, and its loss. None means equal to the example; an empty mapping means null."""
    match kind:
        case "type":
            return ({} if value is None else {"type": _type_of(value)}), ""
        case "regex":
            return _regex(str(matcher.get("regex", "")), value)
        case "include":
            return {"contains": matcher.get("value", value)}, ""
        case "integer" | "boolean" | "number" | "decimal":
            return {"type": "number" if kind == "decimal" else kind}, ""
        case "null":
            return {"type": "null"}, ""
        case "notEmpty":
            return {"length": {"$gte": 1}}, ""
        case "semver":
            return {"matches": r"\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?"}, ""
        case "date" | "time" | "datetime" | "timestamp":
            return _instant(str(matcher.get("format") or matcher.get(kind) or ""), value)
        case "equality":
            return None, ""
    return {"type": _type_of(value)}, f"the matcher {kind!r} matches only the type"


def _type_of(value: object) -> str:
    kinds = (
        (bool, "boolean"),
        (int, "number"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _regex(pattern: str, value: object) -> tuple[dict[str, Any], str]:
    """Return a pattern; the example decides whether it is anchored, since implementations differ."""
    regex = compiled(pattern)
    if regex is None:
        return {
            "type": _type_of(value)
        }, f"the expression {pattern!r} needs more than linear time, so only the type is matched"
    if isinstance(value, str) and not regex.fullmatch(value) and regex.search(value):
        pattern = f"(?s:.*)(?:{pattern})(?s:.*)"
    return {"matches": pattern}, ""


_WHOLE = {
    "X": r"(?:Z|[+-]\d\d(?::?\d\d)?)",
    "Z": r"(?:Z|[+-]\d\d:?\d\d)",
    "z": r"[\w:+-]+",
    "a": r"[AaPp][Mm]",
    "E": r"\w+",
}
_RUN = re.compile(r"'([^']*)'|([A-Za-z])\2*|(.)", re.DOTALL)


def _instant(form: str, value: object) -> tuple[dict[str, Any], str]:
    """Convert a format of DateTimeFormatter to a pattern; any text if the example does not match."""
    pattern = ""
    for match in _RUN.finditer(form):
        letter, run = match[2], match[0]
        if letter in _WHOLE:
            pattern += _WHOLE[letter]
        elif letter == "M" and len(run) > 2:
            pattern += r"\w+"
        elif letter and letter in "yMdHhmsSD":
            pattern += r"\d" + (f"{{{len(run)}}}" if len(run) > 1 else "{1,2}")
        else:
            pattern += re.escape(match[1] if match[1] is not None else run)
    if form and isinstance(value, str) and re.fullmatch(pattern, value):
        return {"matches": pattern}, ""
    return {"type": "string"}, f"the format {form!r} is not matched"


def texts_condition(values: list[str], rule: MatchingRule | None) -> tuple[Any, str]:
    """A condition on the texts of a header or a query parameter."""
    if rule is None or not values:
        return exact_texts(values), ""
    result: list[dict[str, Any]] = []
    reason = ""
    for matcher in rule.matchers:
        kind = str(matcher.get("match") or _kind_of(matcher))
        operators, lost = operators_of(kind, matcher, values[0])
        reason = reason or lost
        if operators is None:
            result.append({"equals": values[0]})
        elif kind in ("integer", "number", "decimal"):
            result.append({"matches": r"-?\d+" if kind == "integer" else r"-?\d+(?:\.\d+)?"})
        elif operators.keys() == {"type"} or not operators:
            result.append({"present": True})
        else:
            result.append(
                {name: {"gte": 1} if name == "length" else operand for name, operand in operators.items()}
            )
    if len(result) > 1:
        return {"any_of" if rule.any_of else "all_of": result}, reason
    if result[0] == {"present": True}:
        return "present", reason
    return (exact_text(result[0]["equals"]) if result[0].keys() == {"equals"} else result[0]), reason


def exact_texts(values: list[str]) -> object:
    """Exactly these; the one, where it is one."""
    return exact_text(values[0]) if len(values) == 1 else [exact_text(value) for value in values]


def exact_text(text: str) -> object:
    condition = text_condition(text)
    return text if condition == "present" and text != "present" else condition


# Back


def matcher_of(name: str, operand: Any) -> dict[str, Any] | None:
    """The matcher for a bare operator; None where there is none."""
    match name:
        case "type":
            return _type_matcher(operand)
        case "matches":
            return {"match": "regex", "regex": operand}
        case "contains" if isinstance(operand, str):
            return {"match": "include", "value": operand}
        case "starts_with":
            return {"match": "regex", "regex": f"^{re.escape(str(operand))}.*"}
        case "ends_with":
            return {"match": "regex", "regex": f".*{re.escape(str(operand))}$"}
        case "ignore_case":
            return {"match": "regex", "regex": f"(?i)^{re.escape(str(operand))}$"}
        case "one_of" if all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in operand):
            return {"match": "regex", "regex": f"^(?:{'|'.join(re.escape(str(item)) for item in operand)})$"}
        case "present" if operand is True:
            return {"match": "type"}
        case "length" if isinstance(operand, int):
            return {"match": "type", "min": operand, "max": operand}
        case "length" if isinstance(operand, dict) and operand.keys() <= {"$gte", "$lte", "gte", "lte"}:
            words = {"gte": "min", "lte": "max"}
            return {"match": "type"} | {words[key.removeprefix("$")]: bound for key, bound in operand.items()}
    return None


def _type_matcher(operand: object) -> dict[str, Any] | None:
    kinds = {"string": "type", "boolean": "boolean", "integer": "integer", "number": "number", "null": "null", "array": "type", "object": "type"}  # fmt: skip
    return {"match": kinds[operand]} if operand in kinds else None


def body_path(path: Path) -> str:
    """
    A path into the body as rules write it.

    >>> body_path(("a b", 0, "c"))
    "$['a b'][0].c"
    """
    return "$" + "".join(_written(part) for part in path)


def _written(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if re.fullmatch(r"[A-Za-z_]\w*", part) else f"['{part}']"


def set_rule(rules: dict[str, Any], key: str, matcher: dict[str, Any]) -> None:
    """Adds a matcher at a key of `{key: {combine, matchers}}`, once."""
    rule = rules.setdefault(key, {"combine": "AND", "matchers": []})
    same = next((item for item in rule["matchers"] if item["match"] == matcher["match"] == "type"), None)
    if same is not None:
        same.update(matcher)
    elif matcher not in rule["matchers"]:
        rule["matchers"].append(matcher)


def parts(rules: object, name: str) -> Iterator[tuple[str, Any]]:
    """The rules of `header` or `query`, by name."""
    result = rules.get(name) if isinstance(rules, dict) else None
    yield from result.items() if isinstance(result, dict) else ()
