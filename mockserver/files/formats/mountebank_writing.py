"""
Scenarios as mountebank imposters: one each, all in `imposters.json`, for `mb --configfile`.

Everything is written with `caseSensitive: true` but what ignores case here,
so that a request is compared the same on both sides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockserver.files.formats.carried import Document, Exported
from mockserver.files.formats.mock_conditions import escaped
from mockserver.files.formats.mock_outgoing import Answer, Outgoing, only_fixed_delay, outgoing
from mockserver.files.formats.mock_replies import ENDLESS
from mockserver.files.formats.mock_requests import METHODS
from mockserver.files.formats.mock_sources import Losses, Uncarried

FIRST_PORT = 4545
_FAULTS = {"reset": "CONNECTION_RESET_BY_PEER", "garbage": "RANDOM_DATA_THEN_CLOSE"}
_ANY = ("(?s:.*)", ".*")
Predicate = dict[str, Any]


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """One imposter a scenario, on ports from 4545 up, or on those that they came from."""
    made = Exported()
    imposters = []
    taken: set[int] = set()
    for name, document in scenarios.items():
        losses = Losses(name)
        origin = document.get("x-mountebank") or {}
        port = origin.get("port") or FIRST_PORT
        while port in taken:
            port += 1
        taken.add(port)
        imposters.append(_imposter(name, document, port, losses, folder))
        made.lost += losses.found
    text = json.dumps({"imposters": imposters}, indent=2, ensure_ascii=False)
    made.files["imposters.json"] = (text + "\n").encode()
    return made


def _imposter(
    name: str, document: Document, port: int, losses: Losses, folder: Path | None
) -> dict[str, Any]:
    origin = document.get("x-mountebank")
    stubs = []
    imposter: dict[str, Any] = {
        "protocol": (origin or {}).get("protocol", "http"),
        "port": port,
        "name": name,
    }
    if document.get("cors"):
        imposter["allowCORS"] = True
    plain = {key: value for key, value in document.items() if key != "cors"}
    # A base that came with the import only kept several imposters apart.
    for route in outgoing(plain, losses, folder, base="" if origin is not None else None, ifs=True):
        try:
            if _is_default(route):
                imposter["defaultResponse"] = _is(route.answers[0])["is"]
            else:
                stubs.append(_stub(route, losses))
        except Uncarried as why:
            losses.failed(route.place, why, ", so the route is left out")
    return {**imposter, "stubs": stubs}


def _is_default(route: Outgoing) -> bool:
    return route.name == "default response" and len(route.answers) == 1 and not route.match and not route.when


def _stub(route: Outgoing, losses: Losses) -> dict[str, Any]:
    if route.when or any(answer.set for answer in route.answers):
        raise Uncarried("mountebank has no state")
    match = dict(route.match)
    counted = [_expression(expression, match) for expression in route.expressions]
    predicates = [*_line(route), *_predicates(match), *counted]
    stub: dict[str, Any] = {"predicates": predicates} if predicates else {}
    if route.expect is not None:
        losses.add(f"{route.place}.expect", "mountebank expects no number of calls")
    if route.proxy is not None:
        return {**stub, "responses": [{"proxy": {"to": route.proxy, "mode": "proxyTransparent"}}]}
    responses = [_response(route, number, answer, losses) for number, answer in enumerate(route.answers)]
    if route.then == "stop":
        losses.add(f"{route.place}.then", "a stub never stops: it begins anew")
    elif route.then == "repeat" and len(responses) > 1:
        responses[-1]["repeat"] = ENDLESS
    return {**stub, "responses": responses}


def _line(route: Outgoing) -> list[Predicate]:
    made: list[Predicate] = []
    if route.methods is not None:
        made.append(_methods(set(route.methods)))
    path = route.path
    if path.literal is not None:
        made.append({"equals": {"path": path.literal}, "caseSensitive": True})
    elif path.caseless is not None:
        made.append({"equals": {"path": path.caseless}})
    elif not path.is_any:
        made.append(_matching(("(?i)" if path.ignore_case else "") + path.regex, "path", None))
    return made


def _methods(methods: set[str]) -> Predicate:
    others = [method for method in METHODS if method not in methods]
    if methods <= set(METHODS) and len(others) < len(methods):
        return {"not": _one_of_methods(others)}
    return _one_of_methods([one for one in (*METHODS, *sorted(methods - set(METHODS))) if one in methods])


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


def _expression(expression: str, match: dict[str, Any]) -> Predicate:
    """What the importer says by `if`. Raises Uncarried for anything else."""
    if found := _COUNT.fullmatch(expression):
        asked = match.get(found[1], {})
        values = {name: _only(condition) for name, condition in asked.items()}
        if len(values) == int(found[2]):
            match.pop(found[1], None)
            cases = {one for _, one in values.values()} - {None}
            if len(cases) < 2:
                whole = {found[1]: {name: value for name, (value, _) in values.items()}}
                return {"deepEquals": whole, **({} if cases == {False} else {"caseSensitive": True})}
    bare = (
        expression.removeprefix("not (").removesuffix(")") if expression.startswith("not (") else expression
    )
    plain, caseless = _SUBJECT.sub("S", bare), "| lower" in bare
    for operator, form in _PATHS.items():
        if found := form.fullmatch(plain):
            said: Predicate = {operator: {"path": re.sub(r"\\(.)", r"\1", found[1])}}
            said = said if caseless else {**said, "caseSensitive": True}
            return said if bare is expression else {"not": said}
    raise Uncarried("mountebank has no `if`")


def _only(condition: Any) -> tuple[Any, bool | None]:
    """The values under one name and nothing else, and whether their case counts (None: they have none)."""
    values = condition.get("unordered") if isinstance(condition, dict) else condition
    if not isinstance(values, list):
        raise Uncarried("mountebank has no `if`")
    texts, cases = [], set()
    for value in values:
        plain = value["ignore_case"] if isinstance(value, dict) and list(value) == ["ignore_case"] else value
        if isinstance(plain, (dict, list)):
            raise Uncarried("mountebank has no `if`")
        texts.append(_text(plain))
        if texts[-1].lower() != texts[-1].upper():
            cases.add(plain is value)
    if len(cases) > 1:
        raise Uncarried("mountebank has no `if`")
    return texts[0] if len(texts) == 1 else texts, cases.pop() if cases else None


def _javascript(pattern: str) -> tuple[str, bool]:
    """A pattern of RE2 as one of JavaScript, unanchored where it is, and whether it ignores case."""
    flags = re.match(r"\(\?([is]+)\)", pattern)
    letters = flags[1] if flags else ""
    inner = pattern[flags.end() :] if flags else pattern
    start, end = "^", "$"
    for anything in ("(?s:.*)",):
        if inner.startswith(anything):
            inner, start = inner.removeprefix(anything), ""
        if inner.endswith(anything):
            inner, end = inner.removesuffix(anything), ""
    if start and end and "|" in inner:
        inner = f"(?:{inner})"
    inner = inner.replace("(?s:.*)", r"[\s\S]*").replace("(?P<", "(?<")
    if "s" in letters:
        inner = re.sub(r"(?<!\\)\.", r"[\\s\\S]", inner)
    if re.search(r"\(\?[a-zA-Z-]+[:)]", inner):
        raise Uncarried(f"JavaScript's regular expressions have no flags inside, as {pattern!r} has")
    return f"{start}{inner}{end}", "i" in letters


def _matching(pattern: str, field: str, name: str | None) -> Predicate:
    source, ignore_case = _javascript(pattern)
    predicate: Predicate = {"matches": _at(field, name, source)}
    return predicate if ignore_case else {**predicate, "caseSensitive": True}


def _at(field: str, name: str | None, value: Any) -> dict[str, Any]:
    return {field: value} if name is None else {field: {name: value}}


def _predicates(match: dict[str, Any]) -> list[Predicate]:
    made: list[Predicate] = []
    for part, asked in match.items():
        match part:
            case "headers" | "query" | "form":
                for name, condition in asked.items():
                    made += _condition(condition, part, name, {})
            case "text":
                made += _condition(asked, "body", None, {})
            case "jsonpath":
                for selector, condition in asked.items():
                    made += _found(condition, {"jsonpath": {"selector": selector}}, lists=True)
            case "xml":
                for selector, condition in asked.items():
                    made += _found(condition, {"xpath": {"selector": _bare_names(selector)}}, lists=False)
            case "json":
                made += _tree(asked)
            case "json_exact":
                cases: set[bool] = set()
                deep: Predicate = {"deepEquals": {"body": _exact(asked, cases)}}
                if len(cases) > 1:
                    raise Uncarried("texts with and without case in one `json_exact` can't be carried")
                made.append(deep if cases == {False} else {**deep, "caseSensitive": True})
            case _:
                raise Uncarried(f"mountebank can't ask for `{part}`")
    return made


_PREFIXED = re.compile(r"(@?)[A-Za-z_][\w.-]*:(?!:)([A-Za-z_][\w.-]*)(?!\()")


def _bare_names(query: str) -> str:
    """An XPath query that asks for names whatever their namespace, as ours do. Raises Uncarried."""
    if not _PREFIXED.search(query):
        return query
    if "'" in query or '"' in query:
        raise Uncarried(f"the prefixes of {query!r} can't be told from its texts", "Leave them out")
    return _PREFIXED.sub(r"\1*[local-name()='\2']", query)


_WORDS = {"contains": "contains", "starts_with": "startsWith", "ends_with": "endsWith", "equals": "equals"}
_SHAPES = {(True, True): "contains", (False, True): "startsWith", (True, False): "endsWith"}


def _condition(condition: Any, field: str, name: str | None, options: Predicate) -> list[Predicate]:
    """Predicates that hold together. Raises Uncarried."""
    exact = {**options, "caseSensitive": True}
    if condition in ("present", "absent"):
        return [{"exists": _at(field, name, condition == "present"), **options}]
    if isinstance(condition, list):
        if len(condition) == 1:
            return _condition(condition[0], field, name, options)
        raise Uncarried("a list of values in their order can't be asked for")
    if not isinstance(condition, dict):
        return [{"equals": _at(field, name, _text(condition)), **exact}]
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
            return [{_WORDS[operator]: _at(field, name, _text(operand)), **exact}]
        case "ignore_case":
            return [{"equals": _at(field, name, operand), **options}]
        case "matches":
            return [{**_shaped(operand, field, name), **options}]
        case "not":
            return [{"not": _together(_condition(operand, field, name, options))}]
        case "any_of":
            return [{"or": [_together(_condition(one, field, name, options)) for one in operand]}]
        case "one_of":
            return [{"or": [_together(_condition({"equals": one}, field, name, options)) for one in operand]}]
        case "all_of":
            return [one for part in operand for one in _condition(part, field, name, options)]
        case "present" | "absent":
            return [{"exists": _at(field, name, (operator == "present") is operand), **options}]
        case "length" if operand == {"gte": 1} and field != "headers":
            return [{"exists": _at(field, name, True), **options}]
    raise Uncarried(f"mountebank has no `{operator}`")


def _shaped(pattern: str, field: str, name: str | None) -> Predicate:
    """A pattern that only compares without case is one of the plain predicates."""
    if pattern.startswith("(?is)"):
        inner = pattern[5:]
        before, after = inner.startswith(".*"), inner.endswith(".*")
        text = inner[2 if before else 0 : len(inner) - (2 if after else 0)]
        plain = re.sub(r"\\(\W)", r"\1", text)
        if (before, after) in _SHAPES and escaped(plain) == text:
            return {_SHAPES[before, after]: _at(field, name, plain)}
    return _matching(pattern, field, name)


def _together(predicates: list[Predicate]) -> Predicate:
    return predicates[0] if len(predicates) == 1 else {"and": predicates}


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _found(condition: Any, selector: Predicate, *, lists: bool) -> list[Predicate]:
    if not lists:
        return _condition(condition, "body", None, selector)
    if isinstance(condition, list):
        value = condition[0] if len(condition) == 1 else condition
        return [{"deepEquals": {"body": value}, "caseSensitive": True, **selector}]
    if isinstance(condition, dict) and len(condition) == 1:
        match next(iter(condition.items())):
            case ("contains", {"one_of": [int() as number, str() as text]}) if _text(number) == text:
                return [{"equals": {"body": number}, "caseSensitive": True, **selector}]
            case ("contains", operand):
                return _condition(operand, "body", None, selector)
            case ("unordered", operand):
                return [{"deepEquals": {"body": operand}, "caseSensitive": True, **selector}]
            case ("not" | "any_of" | "all_of" as operator, operand):
                parts = operand if isinstance(operand, list) else [operand]
                inner = [_together(_found(one, selector, lists=True)) for one in parts]
                return _combined(operator, inner)
    return _condition(condition, "body", None, selector)


def _combined(operator: str, parts: list[Predicate]) -> list[Predicate]:
    if operator == "all_of":
        return parts
    return [{"or": parts}] if operator == "any_of" else [{"not": parts[0]}]


def _exact(value: Any, cases: set[bool]) -> Any:
    """
    A tree for deepEquals, which compares lists without order. Notes in `cases`
    whether texts count with their case; other operators have no counterpart.
    """
    if isinstance(value, dict):
        match next(iter(value.items())) if len(value) == 1 else ("", None):
            case ("$fields", fields):
                return {key: _exact(item, cases) for key, item in fields.items()}
            case ("$unordered", items):
                return [_exact(item, cases) for item in items]
            case ("$equals", text):
                return text
            case ("$ignore_case", text):
                cases.add(False)
                return text
        if any(key.startswith("$") for key in value):
            raise Uncarried("operators inside of `json_exact` can't be carried")
        return {key: _exact(item, cases) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > 1:
            raise Uncarried("mountebank compares a list without its order")
        return [_exact(item, cases) for item in value]
    if isinstance(value, str) and value.lower() != value.upper():
        cases.add(True)
    return value


def _tree(tree: Any) -> list[Predicate]:
    """
    A part of a JSON body: every leaf becomes a predicate of its kind, and
    those of one kind are put together again.
    """
    if isinstance(tree, dict) and list(tree) in (["$any_of"], ["$not"], ["$all_of"]):
        operator, operand = next(iter(tree.items()))
        inner = [_together(_tree(one)) for one in (operand if isinstance(operand, list) else [operand])]
        return _combined(operator[1:], inner)
    if not isinstance(tree, dict):
        raise Uncarried("a JSON body that is no object can't be asked for in part")
    made: list[Predicate] = []
    leaves = sorted(_leaves(tree, ()), key=lambda leaf: "caseSensitive" not in leaf[1])
    for path, predicate in leaves:
        operator = next(iter(predicate))
        value = predicate[operator]["body"]
        options = {key: item for key, item in predicate.items() if key != operator}
        for name in reversed(path):
            value = {name: value} if isinstance(name, str) else [value]
        caseless = operator == "equals" and not isinstance(predicate[operator]["body"], str)
        twin = next(
            (one for one in made if operator in one and (caseless or _options(one, operator) == options)),
            None,
        )
        if twin is None or not _merge(twin[operator]["body"], value):
            made.append({operator: {"body": value}, **options})
    return made


def _options(predicate: Predicate, operator: str) -> Predicate:
    return {key: item for key, item in predicate.items() if key != operator}


def _merge(into: Any, value: Any) -> bool:
    """Puts one leaf's branch into a tree; False where something stands there already."""
    while isinstance(into, dict) and isinstance(value, dict):
        name, value = next(iter(value.items()))
        if name not in into:
            into[name] = value
            return True
        into = into[name]
    if isinstance(into, list) and isinstance(value, list):
        into += value
        return True
    return False


def _leaves(tree: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Predicate]]:
    if isinstance(tree, dict) and list(tree) == ["$fields"]:
        tree = tree["$fields"]
    elif isinstance(tree, dict) and any(key.startswith("$") for key in tree):
        return _operators(tree, path)
    if isinstance(tree, dict):
        if not tree:
            raise Uncarried("an object that may hold anything can't be asked for")
        return [one for key, item in tree.items() for one in _leaves(item, (*path, key))]
    if isinstance(tree, list):
        raise Uncarried("a list of a JSON body in its order can't be asked for in part")
    return [(path, _leaf(tree))]


def _operators(
    tree: dict[str, Any], path: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], Predicate]]:
    made: list[tuple[tuple[str | int, ...], Predicate]] = []
    for key, operand in tree.items():
        if key == "$all_of" and all(isinstance(one, dict) and list(one) == ["$contains"] for one in operand):
            made += [leaf for one in operand for leaf in _leaves(one["$contains"], (*path, 0))]
        elif key == "$contains" and not isinstance(operand, str):
            made += _leaves(operand, (*path, 0))
        else:
            found = _condition({key[1:]: operand}, "body", None, {})
            if any(next(iter(one)) in ("not", "or", "and") for one in found):
                raise Uncarried(f"`{key}` inside of a JSON body can't be carried")
            made += [(path, one) for one in found]
    return made


def _leaf(value: Any) -> Predicate:
    if value in ("$present", "$absent"):
        return {"exists": {"body": value == "$present"}}
    if not isinstance(value, str):  # has no case
        return {"equals": {"body": value}}
    return {"equals": {"body": value}, "caseSensitive": True}


def _response(route: Outgoing, number: int, answer: Answer, losses: Losses) -> dict[str, Any]:
    place = f"{route.place}.reply[{number}]"
    response: dict[str, Any]
    if answer.fault is not None:
        if answer.fault not in _FAULTS:
            raise Uncarried(f"mountebank has no fault like `{answer.fault}`")
        response = {"fault": _FAULTS[answer.fault]}
    else:
        response = _is(answer)
    if answer.times > 1:
        response["repeat"] = answer.times
    delay = only_fixed_delay(answer, place, losses)
    if delay is not None:
        response["behaviors"] = [{"wait": delay}]
    return response


def _is(answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {"statusCode": answer.status}
    if answer.headers:
        made["headers"] = {
            name: values[0] if len(values) == 1 else values for name, values in answer.headers.items()
        }
    if answer.has_json and isinstance(answer.json, (dict, list)):
        made["body"] = answer.json
    elif answer.base64 is not None:
        made["body"], made["_mode"] = answer.base64, "binary"
    elif answer.body:
        made["body"] = answer.body
    return {"is": made}
