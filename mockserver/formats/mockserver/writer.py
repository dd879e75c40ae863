"""Scenarios as MockServer's expectations, for its initialisation file or `PUT /mockserver/expectation`."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mockserver.formats.mocks.conditions import escaped
from mockserver.formats.mocks.outgoing import Outgoing, OutgoingReply, converted, only_fixed_delay
from mockserver.formats.mocks.trees import plain, plain_subset
from mockserver.formats.reading import pretty
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Exported, Losses, NotConvertibleError

_PATTERN = re.compile(r"[\\^$|?*+()\[\]{}]|^!")
_GARBAGE = base64.b64encode(b"\x00\xff no HTTP \xff\x00").decode()


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """One file of expectations a scenario."""
    made = Exported()
    for name, document in scenarios.items():
        losses = Losses(name)
        routes = converted(document, losses, folder, partial(_expectations, losses=losses), sort=False)
        made.files[f"{name}.json"] = pretty([expectation for route in routes for expectation in route])
        made.lost += losses
    return made


def _expectations(route: Outgoing, losses: Losses) -> list[dict[str, Any]]:
    if route.when or any(answer.set for answer in route.answers):
        raise NotConvertibleError("expectations have no state")
    if route.then == "cycle":
        raise NotConvertibleError("an expectation that is used up stays so, and no sequence begins again")
    if route.expect is not None:
        losses.add(
            f"{route.place}.expect", "an expectation expects no number of calls", "Verify it in the test"
        )
    head: dict[str, Any] = {"id": route.name} if route.name else {}
    if route.priority:
        head["priority"] = route.priority
    made = []
    for request in _requests(route):
        if route.proxy is not None:
            made.append({**head, "httpRequest": request, "httpForward": _forward(route.proxy)})
            continue
        for number, answer in enumerate(route.answers):
            last = number + 1 == len(route.answers) and route.then == "repeat"
            times = {} if last else {"times": {"remainingTimes": answer.times, "unlimited": False}}
            action = _action(answer, f"{route.place}.reply[{number}]", losses)
            named = head if not made else {key: value for key, value in head.items() if key != "id"}
            made.append({**named, "httpRequest": request, **action, **times})
    return made


def _forward(url: str) -> dict[str, Any]:
    match = re.fullmatch(r"(https?)://([^/:]+)(?::(\d+))?/?", url)
    if not match:
        raise NotConvertibleError(
            f"requests can't be forwarded to {url}: an httpForward has host, port and scheme"
        )
    return {
        "host": match[2],
        "port": int(match[3] or (443 if match[1] == "https" else 80)),
        "scheme": match[1].upper(),
    }


def _requests(route: Outgoing) -> list[dict[str, Any]]:
    request: dict[str, Any] = {}
    if route.methods is not None:
        request["method"] = route.methods[0] if len(route.methods) == 1 else "|".join(route.methods)
    path = route.path
    if path.literal is not None:
        request["path"] = escaped(path.literal) if _PATTERN.search(path.literal) else path.literal
    elif not path.is_any:
        request["path"] = ("(?i)" if path.ignore_case else "") + path.regex
    if route.host is not None:
        request["headers"] = {"host": [_literal(route.host)]}
    for part, key in (("query", "queryStringParameters"), ("headers", "headers")):
        if part in route.match:
            request[key] = {**request.get(key, {}), **_names(route.match[part])}
    if "cookies" in route.match:
        request["cookies"] = {name: _one(values) for name, values in _names(route.match["cookies"]).items()}
    bodies = [
        _body(part, conditions)
        for part, conditions in route.match.items()
        if part not in ("query", "headers", "cookies")
    ]
    if len(bodies) > 1 or any(len(body) > 1 for body in bodies):
        raise NotConvertibleError("an expectation matches its body in one way only")
    if bodies:
        [request["body"]] = bodies[0]
    return [request]


def _one(values: list[str]) -> str:
    if len(values) != 1:
        raise NotConvertibleError("a cookie has one value")
    return values[0]


def _literal(text: str) -> str:
    return escaped(text) if _PATTERN.search(text) else text


def _names(conditions: dict[str, Any]) -> dict[str, list[str]]:
    made = {}
    for name, condition in conditions.items():
        if _PATTERN.search(name):
            raise NotConvertibleError(f"the name {name!r} would be read as a pattern")
        head, values = _values(condition)
        made[head + name] = values
    return made


def _values(condition: object) -> tuple[str, list[str]]:
    """Return the prefix of the name, and the values. Raises NotConvertibleError."""
    if condition == "absent":
        return "!", [".*"]
    if condition == "present":
        return "", [".*"]
    if isinstance(condition, list):
        raise NotConvertibleError("a list of values in their order can't be matched")
    if not isinstance(condition, dict):
        return "", [_literal(as_text(condition))]
    if set(condition) == {"present", "not"} and condition["present"] is True:
        return "", ["!" + _text_pattern(condition["not"])]
    if len(condition) != 1:
        parts = [_values({operator: operand}) for operator, operand in condition.items()]
        if any(head for head, _ in parts):
            raise NotConvertibleError("several operators with one that is negated can't be converted")
        return "", [value for _, values in parts for value in values]
    operator, operand = next(iter(condition.items()))
    match operator:
        case "not":
            return "?", ["!" + _text_pattern(operand)]
        case "any_of" if len(operand) == 2 and operand[0] == "absent":
            head, values = _values(operand[1])
            if head:
                raise NotConvertibleError("an optional value that is negated can't be converted")
            return "?", values
        case "all_of":
            parts = [_values(item) for item in operand]
            if any(head for head, _ in parts):
                raise NotConvertibleError("several conditions with one that is negated can't be converted")
            return "", [value for _, values in parts for value in values]
    return "", [_text_pattern(condition)]


def _text_pattern(condition: object) -> str:
    """A text, or the pattern that a condition comes to. Raises NotConvertibleError."""
    if not isinstance(condition, (dict, list)):
        if condition in ("present", "absent"):
            raise NotConvertibleError(f"`{condition}` can't be used inside of a condition")
        return _literal(as_text(condition))
    if isinstance(condition, dict) and len(condition) == 1:
        operator, operand = next(iter(condition.items()))
        match operator:
            case "equals":
                return _literal(as_text(operand))
            case "matches":
                return _java(str(operand))
            case "contains":
                return f".*{escaped(as_text(operand))}.*"
            case "starts_with":
                return f"{escaped(as_text(operand))}.*"
            case "ends_with":
                return f".*{escaped(as_text(operand))}"
            case "ignore_case":
                return f"(?i){escaped(operand)}"
            case "one_of":
                return "|".join(escaped(as_text(item)) for item in operand)
            case "present" if operand is True:
                return ".*"
    raise NotConvertibleError(f"{condition!r} can't be expressed as one pattern")


def _java(pattern: str) -> str:
    return pattern.replace("(?P<", "(?<")


def _body(part: str, conditions: Any) -> list[Any]:
    match part:
        case "text":
            return [_text_body(conditions)]
        case "json":
            return [{"type": "JSON", "json": plain_subset(conditions), "matchType": "ONLY_MATCHING_FIELDS"}]
        case "json_exact":
            return [{"type": "JSON", "json": plain(conditions), "matchType": "STRICT"}]
        case "schema" if isinstance(conditions, dict):
            return [{"type": "JSON_SCHEMA", "jsonSchema": conditions}]
        case "form":
            return [{"type": "PARAMETERS", "parameters": _names(conditions)}]
        case "xml_exact" if str(conditions).lstrip().startswith("<"):
            return [{"type": "XML", "xml": conditions}]
        case "xml_schema" if str(conditions).lstrip().startswith("<"):
            return [{"type": "XML_SCHEMA", "xmlSchema": conditions}]
        case "jsonpath" | "xml" if all(item in ("present", "absent") for item in conditions.values()):
            kind, key = {"jsonpath": ("JSON_PATH", "jsonPath"), "xml": ("XPATH", "xpath")}[part]
            return [
                {"type": kind, key: query, **({"not": True} if item == "absent" else {})}
                for query, item in conditions.items()
            ]
    raise NotConvertibleError(f"an expectation can't match this `{part}`")


def _text_body(conditions: object) -> Any:
    if not isinstance(conditions, (dict, list)) and conditions not in ("present", "absent"):
        return {"type": "STRING", "string": as_text(conditions)}
    if isinstance(conditions, dict) and list(conditions) == ["contains"]:
        return {"type": "STRING", "string": as_text(conditions["contains"]), "subString": True}
    if isinstance(conditions, dict) and list(conditions) == ["equals"]:
        return {"type": "STRING", "string": as_text(conditions["equals"])}
    if isinstance(conditions, dict) and list(conditions) == ["not"]:
        return {**_text_body(conditions["not"]), "not": True}
    return {"type": "REGEX", "regex": _text_pattern(conditions)}


def _action(answer: OutgoingReply, place: str, losses: Losses) -> dict[str, Any]:
    delay = only_fixed_delay(answer, place, losses)
    late = {"delay": {"timeUnit": "MILLISECONDS", "value": delay}} if delay is not None else {}
    if answer.fault in ("close", "reset"):
        if answer.fault == "reset":
            losses.add(f"{place}.fault", "the connection is closed, and not reset")
        return {"httpError": {"dropConnection": True, **late}}
    if answer.fault == "garbage":
        return {"httpError": {"dropConnection": True, "responseBytes": _GARBAGE, **late}}
    if answer.fault is not None:
        raise NotConvertibleError(f"an expectation has no fault like `{answer.fault}`")
    response: dict[str, Any] = {"statusCode": answer.status}
    if answer.headers:
        response["headers"] = answer.headers
    if answer.has_json:
        response["body"] = {"type": "JSON", "json": answer.json}
    elif answer.base64 is not None:
        response["body"] = {"type": "BINARY", "base64Bytes": answer.base64}
    elif answer.body:
        response["body"] = answer.body
    return {"httpResponse": {**response, **late}}
