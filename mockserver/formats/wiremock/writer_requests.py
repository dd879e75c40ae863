"""A request line and a `match` of ours as a request pattern of WireMock."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from mockserver.formats.mocks.conditions import escaped, printed
from mockserver.formats.mocks.paths import ANY_PATH
from mockserver.formats.path_pieces import PLAIN, path_regex, pieces
from mockserver.formats.reading import json_line
from mockserver.formats.wiremock.bodies import OVER_LINES
from mockserver.formats.wiremock.json_bodies import DRAFTS
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document

_PARTS = {"headers": "headers", "query": "queryParameters", "cookies": "cookies", "form": "formParameters"}
_ENDS = ("starts_with", "ends_with")


def request_out(document: Document, route: dict[str, Any], at: LossPlace) -> dict[str, Any] | None:
    """None, and noted, where a request line can't be said there."""
    methods, _, path = route["request"].partition(" ")
    conditions: dict[str, Any] = {}
    if methods in ("GET,HEAD", "HEAD,GET"):
        conditions["method"] = "GET_OR_HEAD"
    else:
        conditions["method"] = methods
    conditions |= _url(str(document.get("base") or "") + path.strip())
    if isinstance(document.get("host"), str):
        conditions["host"] = {"equalTo": document["host"]}
    _match(route.get("match") or {}, conditions, at.at("match"))
    return conditions


def _url(path: str) -> dict[str, Any]:
    if path == ANY_PATH:
        return {}
    parts = pieces(path)
    if all(isinstance(part, str) for part in parts):
        return {"urlPath": unquote(path) if "%7B" in path or "%7D" in path else path}
    if all(isinstance(part, str) or part[1] == PLAIN for part in parts):
        return {
            "urlPathTemplate": "".join(part if isinstance(part, str) else f"{{{part[0]}}}" for part in parts)
        }
    return {"urlPathPattern": path_regex(path)}


def _match(match: dict[str, Any], conditions: dict[str, Any], at: LossPlace) -> None:
    for key, written in match.items():
        place = at.at(key)
        if key in _PARTS:
            result = {name: text_out(item, place.at(name)) for name, item in written.items()}
            result = {name: item for name, item in result.items() if item is not None}
            if result:
                conditions[_PARTS[key]] = result
            continue
        make = _BODIES.get(key)
        if make is None:
            place.lost(f"`{key}` can't be matched there")
            continue
        patterns = [item for item in make(written, place) if item is not None]
        if patterns:
            conditions.setdefault("bodyPatterns", []).extend(patterns)


def text_out(condition: object, at: LossPlace) -> dict[str, Any] | None:
    """A condition on texts as a pattern; None, and noted, where there is none."""
    if condition in ("present", "absent"):
        return {"matches": ".*"} if condition == "present" else {"absent": True}
    if isinstance(condition, list):
        return {"hasExactly": [{"equalTo": as_text(item)} for item in condition]}
    if not isinstance(condition, dict):
        return {"equalTo": as_text(condition)}
    made = [_operator(key, operand, at.at(key)) for key, operand in condition.items()]
    if any(item is None for item in made):
        return None
    return made[0] if len(made) == 1 else {"and": made}


def _operator(key: str, operand: Any, at: LossPlace) -> dict[str, Any] | None:
    if key == "equals" and not isinstance(operand, (dict, list)):
        return {"equalTo": as_text(operand)}
    if key == "contains" and not isinstance(operand, (dict, list)):
        return {"contains": as_text(operand)}
    if key == "matches":
        return {"matches": operand.removeprefix(OVER_LINES)}
    if key == "ignore_case":
        return {"equalTo": operand, "caseInsensitive": True}
    if key in _ENDS:
        quoted = escaped(as_text(operand))
        return {"matches": f"{quoted}.*" if key == "starts_with" else f".*{quoted}"}
    if key == "one_of":
        return {"or": [{"equalTo": as_text(item)} for item in operand]}
    if key in ("any_of", "all_of", "unordered"):
        made = [text_out(item, at.at(i)) for i, item in enumerate(operand)]
        return (
            None
            if None in made
            else {{"any_of": "or", "all_of": "and", "unordered": "hasExactly"}[key]: made}
        )
    if key in ("present", "absent"):
        return text_out(key if operand else {"present": "absent", "absent": "present"}[key], at)
    if key == "not":
        return _not(operand, at)
    at.lost(f"the operator `{key}` is not known there")
    return None


def _not(operand: object, at: LossPlace) -> dict[str, Any] | None:
    if isinstance(operand, dict) and set(operand) == {"contains"}:
        return {"doesNotContain": as_text(operand["contains"])}
    if isinstance(operand, dict) and set(operand) == {"matches"}:
        return {"doesNotMatch": operand["matches"].removeprefix(OVER_LINES)}
    made = text_out(operand, at)
    return None if made is None else {"not": made}


def _body_text(written: object, at: LossPlace) -> list[dict[str, Any] | None]:
    if isinstance(written, dict) and set(written) == {"all_of"}:
        return [text_out(item, at) for item in written["all_of"]]
    return [text_out(written, at)]


class _Flags:
    """Which of the two flags of `equalToJson` a tree needs."""

    def __init__(self, *, exact: bool) -> None:
        self.exact = exact
        self.unordered = False
        self.ordered = False


def _tree(*, exact: bool) -> object:
    def made(written: object, at: LossPlace) -> list[dict[str, Any] | None]:
        if isinstance(written, dict) and set(written) == {"$all_of"}:
            return [pattern for item in written["$all_of"] for pattern in made(item, at)]
        if isinstance(written, dict) and set(written) == {"$any_of"}:
            return [{"or": [pattern for item in written["$any_of"] for pattern in made(item, at)]}]
        flags = _Flags(exact=exact)
        value = _plain(written, flags, at)
        if value is _NO_TREE:
            return [None]
        if flags.unordered and flags.ordered:
            at.lost("lists in order and lists in any order can't be combined there")
        pattern: dict[str, Any] = {"equalToJson": json_line(value)}
        if flags.unordered:
            pattern["ignoreArrayOrder"] = True
        if not exact:
            pattern["ignoreExtraElements"] = True
        return [pattern]

    return made


_NO_TREE = object()
_TYPES = {"string": "any-string", "number": "any-number", "boolean": "any-boolean"}


def _plain(written: object, flags: _Flags, at: LossPlace) -> object:
    """The literal tree that a condition stands for, placeholders in it; _NO_TREE, and noted, where it is none."""
    if isinstance(written, list):
        flags.ordered |= len(written) > 1
        if not flags.exact:
            at.lost("a list fixes its length here, and there others may be among its items")
        return _all_plain(written, flags, at)
    if written == "$present":
        return "${json-unit.ignore}"
    if isinstance(written, str) and written.startswith("$"):
        at.lost(f"{written} can't be matched there")
        return _NO_TREE
    if not isinstance(written, dict):
        return written
    if any(key.startswith("$") for key in written):
        return _operated(written, flags, at)
    fields = {key: _plain(item, flags, at.at(key)) for key, item in written.items()}
    return _NO_TREE if any(field is _NO_TREE for field in fields.values()) else fields


def _all_plain(items: list[Any], flags: _Flags, at: LossPlace) -> object:
    made = [_plain(item, flags, at.at(i)) for i, item in enumerate(items)]
    return _NO_TREE if any(item is _NO_TREE for item in made) else made


def _operated(written: dict[str, Any], flags: _Flags, at: LossPlace) -> object:
    key, operand = next(iter(written.items()))
    if len(written) == 1:
        if key == "$equals":
            return operand
        if key == "$fields":
            fields = {name: _plain(item, flags, at.at(name)) for name, item in operand.items()}
            return _NO_TREE if any(field is _NO_TREE for field in fields.values()) else fields
        if key == "$unordered" and flags.exact:
            flags.unordered |= len(operand) > 1
            return _all_plain(operand, flags, at)
        if key == "$type" and operand in _TYPES:
            return f"${{json-unit.{_TYPES[operand]}}}"
        if key == "$matches":
            return f"${{json-unit.regex}}{operand}"
        if not flags.exact and key == "$type" and operand == "array":
            return []
        if not flags.exact and key in ("$contains", "$all_of"):
            return _contained(key, operand, flags, at)
    at.lost(f"{', '.join(written)} can't be matched there")
    return _NO_TREE


def _contained(key: str, operand: Any, flags: _Flags, at: LossPlace) -> object:
    items = [operand] if key == "$contains" else [item.get("$contains", _NO_TREE) for item in operand]
    if any(item is _NO_TREE for item in items):
        at.lost("$all_of can't be matched there")
        return _NO_TREE
    flags.unordered |= len(items) > 1
    return _all_plain(items, flags, at)


def _queries(kind: str) -> object:
    def patterns(written: dict[str, Any], at: LossPlace) -> list[dict[str, Any] | None]:
        return [
            _queried(kind, query, item, place)
            for query, condition in written.items()
            for item, place in _every(kind, condition, at.at(query))
        ]

    return patterns


def _every(kind: str, condition: object, at: LossPlace) -> list[tuple[Any, LossPlace]]:
    """The conditions on what a query finds that are each a pattern of its own there, and where they stand."""
    if isinstance(condition, dict) and set(condition) == {"all_of"}:
        parts = condition["all_of"]
        if kind == "matchesJsonPath" or "present" in parts:
            return [(part, at.at("all_of", i)) for i, part in enumerate(parts)]
    return [(condition, at)]


def _queried(kind: str, query: str, condition: object, at: LossPlace) -> dict[str, Any] | None:
    if condition == "present":
        return {kind: query}
    if kind == "matchesJsonPath" and isinstance(condition, dict) and set(condition) == {"contains"}:
        condition = condition["contains"]
        text = printed(condition)
        condition = condition if text is None else {"equals": text}
    made = text_out(condition, at)
    return None if made is None else {kind: {"expression": query, **made}}


def _schema(written: object, at: LossPlace) -> list[dict[str, Any] | None]:
    if isinstance(written, str):
        at.lost("a schema in a file is not converted", "Write it inline")
        return [None]
    made: dict[str, Any] = {"matchesJsonSchema": json_line(written)}
    named = written.get("$schema") if isinstance(written, dict) else None
    version = next((name for name, draft in DRAFTS.items() if draft == named), None)
    return [made | {"schemaVersion": version} if version else made]


_BODIES: dict[str, Any] = {
    "text": _body_text,
    "json": _tree(exact=False),
    "json_exact": _tree(exact=True),
    "jsonpath": _queries("matchesJsonPath"),
    "xml": _queries("matchesXPath"),
    "schema": _schema,
}
