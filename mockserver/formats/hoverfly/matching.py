"""
Convert request matchers of Hoverfly (docs.hoverfly.io, "Request matchers").

A field has a list of matchers, all of which must match; `doMatch` applies to the result of the matcher before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockserver.formats.mocks.conditions import (
    anywhere,
    both,
    escaped,
    literal,
    negated,
    pattern,
    value_or_text,
)
from mockserver.formats.mocks.requests import METHODS, Atom, PathTest
from mockserver.formats.mocks.sources import json_value, text_of
from mockserver.formats.mocks.trees import subset, tree
from mockserver.recording.conversion import Losses, NotConvertibleError

Matcher = dict[str, Any]
_PARTS = {
    "path",
    "method",
    "destination",
    "scheme",
    "query",
    "headers",
    "body",
    "requiresState",
    "deprecatedQuery",
}


def atoms_of(request: dict[str, Any], where: str, losses: Losses) -> list[Atom]:
    """Return the tests of a request, without destination, scheme and state. Raises NotConvertibleError."""
    losses.unknown(where, request, _PARTS)
    atoms: list[Atom] = []
    atoms += [Atom("method", _methods(matcher)) for matcher in request.get("method") or []]
    atoms += [Atom("path", _path(matcher)) for matcher in request.get("path") or []]
    for name, matchers in (request.get("headers") or {}).items():
        atoms += [Atom("headers", text_condition(item), name) for item in matchers]
    atoms += _query(request)
    for matcher in request.get("body") or []:
        atoms += _body(matcher)
    return atoms


def _query(request: dict[str, Any]) -> list[Atom]:
    if request.get("deprecatedQuery"):
        raise NotConvertibleError(
            "its deprecatedQuery compares the query as one text", "Export it from a newer Hoverfly"
        )
    query = request.get("query")
    if query == {}:
        return [Atom("if", "request.query | length == 0")]
    return [
        Atom("query", text_condition(matcher), name)
        for name, matchers in (query or {}).items()
        for matcher in matchers
    ]


def score(request: dict[str, Any]) -> int:
    """
    Return the score of a match (Hoverfly takes the highest): 2 for each exact matcher, 1 for each other, and 1 for
    missing body or query.
    """
    lists = [request.get(part) or [] for part in ("method", "path", "destination", "scheme")]
    lists += list((request.get("headers") or {}).values())
    body, query = request.get("body") or [], request.get("query")
    points = sum(_points(item) for item in lists) + len(request.get("requiresState") or {})
    points += _points(body) or 1
    return points + (sum(_points(item) for item in query.values()) if query else 1)


def _points(matchers: list[Matcher]) -> int:
    return sum(2 if kind_of(matcher) in ("exact", "containsexactly") else 1 for matcher in matchers)


def kind_of(matcher: Matcher) -> str:
    return str(matcher.get("matcher") or "exact").lower()


def exact_value(matchers: list[Matcher]) -> str | None:
    """The one text that fulfils them, if it is one."""
    single = len(matchers) == 1 and kind_of(matchers[0]) == "exact"
    return text_of(matchers[0].get("value")) if single else None


def may_meet(left: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a request may fulfil both: not where an exact method or path of one is none of the other's."""
    for part in ("method", "path"):
        conditions = [request.get(part) or [] for request in (left, other)]
        for first, second in (conditions, conditions[::-1]):
            exact = exact_value(first)
            if exact is not None and not all(_path(matcher).holds(exact) for matcher in second):
                return False
    return True


def meetings(requests: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """
    Numbers of two requests, the earlier first, that may be one: exact paths
    meet only their likes, so that a large recording takes no square of its size.
    """
    exact: dict[str, list[int]] = {}
    loose: list[int] = []
    for number, request in enumerate(requests):
        path = exact_value(request.get("path") or [])
        if path is None:
            yield from ((other, number) for other in range(number))
            loose.append(number)
        else:
            same = exact.setdefault(path, [])
            yield from ((other, number) for other in [*loose, *same])
            same.append(number)


def glob_test(glob: str) -> tuple[str, str]:
    """A glob as `(kind, text)` of a PathTest: equals, contains, starts, ends or whole."""
    inner = glob.strip("*")
    stars = (glob.startswith("*"), glob.endswith("*"))
    if "*" in inner or not inner:
        return "whole", ".*".join(escaped(part) for part in glob.split("*"))
    return {
        (False, False): "equals",
        (True, True): "contains",
        (False, True): "starts",
        (True, False): "ends",
    }[stars], inner


def _path(matcher: Matcher) -> PathTest:
    value = _plain(matcher)
    match kind_of(matcher):
        case "exact":
            return PathTest("equals", value)
        case "glob":
            return PathTest(*glob_test(value))
        case "regex":
            return PathTest("search", value)
        case "negate":
            return PathTest("equals", value, turned=True)
    raise NotConvertibleError(f"the matcher {matcher.get('matcher')!r} can't be applied to a path")


def _plain(matcher: Matcher) -> str:
    if matcher.get("doMatch"):
        raise NotConvertibleError(
            "its doMatch asks once more of the same text", "Write both conditions under all_of"
        )
    return text_of(matcher.get("value"))


def _methods(matcher: Matcher) -> frozenset[str]:
    if kind_of(matcher) == "exact":
        return frozenset([_plain(matcher)])
    test = _path(matcher)
    return frozenset(method for method in METHODS if test.holds(method))


def text_condition(matcher: Matcher) -> object:
    """Return the condition on one text, or on the values of one name. Raises NotConvertibleError."""
    if inner := matcher.get("doMatch"):
        if kind_of(matcher) in ("jsonpath", "xpath", "jwt", "jwtjsonpath"):
            raise NotConvertibleError(f"{matcher['matcher']} selects a part of a text that is not a body")
        return both(text_condition({**matcher, "doMatch": None}), text_condition(inner))
    value = matcher.get("value")
    match kind_of(matcher):
        case "exact":
            return literal(text_of(value))
        case "glob":
            return glob_condition(text_of(value))
        case "regex":
            return {"matches": anywhere(text_of(value))}
        case "negate":
            return both("present", negated(literal(text_of(value))))
        case "array" | "containsexactly" if isinstance(value, list):
            return _array([text_of(item) for item in value], matcher.get("config") or {})
    raise NotConvertibleError(f"the matcher {matcher.get('matcher')!r} has no counterpart for a text")


def glob_condition(glob: str) -> object:
    if glob and not glob.strip("*"):
        return "present"
    kind, text = glob_test(glob)
    match kind:
        case "equals":
            return literal(text)
        case "whole":
            return {"matches": pattern("(?s)" + text)}
    return {{"contains": "contains", "starts": "starts_with", "ends": "ends_with"}[kind]: text}


def _array(values: list[str], config: dict[str, Any]) -> object:
    flags = {key.lower().removesuffix("s"): on for key, on in config.items()}
    unknown, order, often = (flags.get(f"ignore{name}", False) for name in ("unknown", "order", "occurrence"))
    if unknown and order and (often or len(set(values)) == len(values)):
        parts = [literal(value) for value in values]
        return parts[0] if len(parts) == 1 else {"all_of": parts}
    if unknown or often:
        raise NotConvertibleError("an array that takes unknown or repeated values, but compares their order")
    return {"unordered": values} if order else values


def _body(matcher: Matcher) -> list[Atom]:
    value = matcher.get("value")
    match kind_of(matcher):
        case "json":
            return [Atom("json_exact", tree(json_value(value)))]
        case "jsonpartial":
            return [Atom("json", subset(json_value(value)))]
        case "jsonpath":
            query = text_of(value).strip("{}")
            return [Atom("jsonpath", _selection(matcher.get("doMatch"), text_item), query)]
        case "xpath":
            return [Atom("xml", _selection(matcher.get("doMatch"), text_condition), text_of(value))]
        case "form" if isinstance(value, dict):
            return [
                Atom("form", text_condition(item), name) for name, inner in value.items() for item in inner
            ]
        case "exact" | "glob" | "regex" | "negate":
            condition = text_condition(matcher)
            return [Atom("text", condition)]
    raise NotConvertibleError(
        f"the matcher {matcher.get('matcher')!r} has no counterpart for a body",
        "Write it with xml, json or text",
    )


def _selection(inner: Matcher | None, condition: Callable[[Matcher], Any]) -> object:
    return "present" if inner is None else condition(inner)


def text_item(matcher: Matcher) -> object:
    """Of the list of JSON values that a query finds: one of them, printed, fulfils it."""
    value = text_of(matcher.get("value"))
    match kind_of(matcher):
        case "exact":
            return {"contains": value_or_text(value)}
        case "glob":
            condition = glob_condition(value)
            return (
                {"contains": {"equals": condition}} if isinstance(condition, str) else {"contains": condition}
            )
        case "regex":
            return {"contains": {"matches": anywhere(value)}}
    raise NotConvertibleError(
        f"the matcher {matcher.get('matcher')!r} can't be applied to the result of a query"
    )
