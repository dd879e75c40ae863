"""A route's request line, match and `if` as mountebank's predicates."""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mocks.outgoing import Outgoing
from mockserver.formats.mocks.requests import METHODS
from mockserver.formats.mountebank.conditions import (
    Predicate,
    matching,
    predicates_of,
    selected_by,
)
from mockserver.formats.mountebank.trees import of_part, of_whole
from mockserver.model.written import as_text
from mockserver.recording.conversion import NotConvertibleError


def of_line(route: Outgoing) -> list[Predicate]:
    made: list[Predicate] = []
    if route.methods is not None:
        made.append(_methods(set(route.methods)))
    path = route.path
    if path.literal is not None:
        made.append({"equals": {"path": path.literal}, "caseSensitive": True})
    elif path.caseless is not None:
        made.append({"equals": {"path": path.caseless}})
    elif not path.is_any:
        made.append(matching(("(?i)" if path.ignore_case else "") + path.regex, "path", None))
    return made


def _methods(methods: set[str]) -> Predicate:
    others = [method for method in METHODS if method not in methods]
    if methods <= set(METHODS) and len(others) < len(methods):
        return {"not": _one_of_methods(others)}
    return _one_of_methods([item for item in (*METHODS, *sorted(methods - set(METHODS))) if item in methods])


def _one_of_methods(methods: list[str]) -> Predicate:
    ways = [{"equals": {"method": method}} for method in methods]
    return ways[0] if len(ways) == 1 else {"or": ways}


_COUNT = re.compile(r"request\.(query|form) \| length == (\d+)")
_TEXT = r"'((?:[^'\\]|\\.)*)'"
_PATHS = {
    "equals": re.compile(rf"S == {_TEXT}"),
    "contains": re.compile(rf"{_TEXT} in S"),
    "startsWith": re.compile(rf"S\.startswith\({_TEXT}\)"),
    "endsWith": re.compile(rf"S\.endswith\({_TEXT}\)"),
}
_SUBJECT = re.compile(r"\(request\.path(?:\[\d+:\])? \| lower\)|request\.path(?:\[\d+:\])?")


def of_expression(expression: str, match: dict[str, Any]) -> Predicate:
    """What the importer says by `if`. Raises NotConvertibleError for anything else."""
    if matched := _COUNT.fullmatch(expression):
        conditions = match.get(matched[1], {})
        values = {name: _only(condition) for name, condition in conditions.items()}
        if len(values) == int(matched[2]):
            match.pop(matched[1], None)
            cases = {value for _, value in values.values()} - {None}
            if len(cases) < 2:
                whole = {matched[1]: {name: value for name, (value, _) in values.items()}}
                return {"deepEquals": whole, **({} if cases == {False} else {"caseSensitive": True})}
    bare = (
        expression.removeprefix("not (").removesuffix(")") if expression.startswith("not (") else expression
    )
    plain, caseless = _SUBJECT.sub("S", bare), "| lower" in bare
    for operator, form in _PATHS.items():
        if matched := form.fullmatch(plain):
            said: Predicate = {operator: {"path": re.sub(r"\\(.)", r"\1", matched[1])}}
            said = said if caseless else {**said, "caseSensitive": True}
            return said if bare is expression else {"not": said}
    raise NotConvertibleError("mountebank has no `if`")


def _only(condition: object) -> tuple[Any, bool | None]:
    """The values under one name and nothing else, and whether their case counts (None: they have none)."""
    values = condition.get("unordered") if isinstance(condition, dict) else condition
    if not isinstance(values, list):
        raise NotConvertibleError("mountebank has no `if`")
    texts, cases = [], set()
    for value in values:
        plain = value["ignore_case"] if isinstance(value, dict) and list(value) == ["ignore_case"] else value
        if isinstance(plain, (dict, list)):
            raise NotConvertibleError("mountebank has no `if`")
        texts.append(as_text(plain))
        if texts[-1].lower() != texts[-1].upper():
            cases.add(plain is value)
    if len(cases) > 1:
        raise NotConvertibleError("mountebank has no `if`")
    return texts[0] if len(texts) == 1 else texts, cases.pop() if cases else None


def of_match(match: dict[str, Any]) -> list[Predicate]:
    made: list[Predicate] = []
    for part, conditions in match.items():
        match part:
            case "headers" | "query" | "form":
                for name, condition in conditions.items():
                    made += predicates_of(condition, part, name, {})
            case "text":
                made += predicates_of(conditions, "body", None, {})
            case "jsonpath":
                for selector, condition in conditions.items():
                    made += selected_by(condition, {"jsonpath": {"selector": selector}}, lists=True)
            case "xml":
                for selector, condition in conditions.items():
                    made += selected_by(
                        condition, {"xpath": {"selector": _bare_names(selector)}}, lists=False
                    )
            case "json":
                made += of_part(conditions)
            case "json_exact":
                cases: set[bool] = set()
                deep: Predicate = {"deepEquals": {"body": of_whole(conditions, cases)}}
                if len(cases) > 1:
                    raise NotConvertibleError(
                        "texts with and without case in one `json_exact` can't be converted"
                    )
                made.append(deep if cases == {False} else {**deep, "caseSensitive": True})
            case _:
                raise NotConvertibleError(f"mountebank can't match `{part}`")
    return made


_PREFIXED = re.compile(r"(@?)[A-Za-z_][\w.-]*:(?!:)([A-Za-z_][\w.-]*)(?!\()")


def _bare_names(query: str) -> str:
    """An XPath query that asks for names whatever their namespace, as ours do. Raises NotConvertibleError."""
    if not _PREFIXED.search(query):
        return query
    if "'" in query or '"' in query:
        raise NotConvertibleError(f"the prefixes of {query!r} can't be told from its texts", "Leave them out")
    return _PREFIXED.sub(r"\1*[local-name()='\2']", query)
