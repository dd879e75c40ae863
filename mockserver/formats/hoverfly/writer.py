"""Scenarios as one Hoverfly simulation, schema v5.2; a sequence becomes pairs that ask for a `sequence:` state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockserver.formats.hoverfly.matching import may_meet, meetings, score
from mockserver.formats.mocks.conditions import escaped, printed, searching
from mockserver.formats.mocks.outgoing import Outgoing, OutgoingReply, outgoing
from mockserver.formats.mocks.trees import plain, plain_subset
from mockserver.formats.reading import json_line, pretty
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Exported, Losses, NotConvertibleError

Matcher = dict[str, Any]
SCHEMA_VERSION = "v5.2"
MOST_STEPS = 1000


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """All of them in `simulation.json`."""
    made = Exported()
    pairs: list[dict[str, Any]] = []
    written: dict[str, Any] = {}
    sequences = 0
    for name, document in scenarios.items():
        losses = Losses(name)
        written |= document.get("vars") or {}
        for key, value in (document.get("state") or {}).items():
            if not key.startswith("sequence:") or value != "1":
                losses.add(
                    f"state.{key}", "a simulation starts without state", "Set it with: hoverctl state set"
                )
        routes = []
        for route in outgoing(document, losses, folder, ifs=True):
            sequences += len(route.answers) > 1 or route.then == "stop"
            try:
                routes.append((route.place, _pairs(route, f"sequence:{sequences}", losses)))
            except NotConvertibleError as error:
                losses.failed(route.place, error, ", so the route is left out")
        pairs += _in_order(routes, losses)
        made.lost += losses
    data: dict[str, Any] = {"pairs": pairs, "globalActions": {"delays": [], "delaysLogNormal": []}}
    if written:
        data["literals"] = [{"name": key, "value": value} for key, value in written.items()]
    simulation = {"data": data, "meta": {"schemaVersion": SCHEMA_VERSION}}
    made.files["simulation.json"] = pretty(simulation)
    return made


def _in_order(routes: list[tuple[str, list[dict[str, Any]]]], losses: Losses) -> list[dict[str, Any]]:
    """
    Return the pairs in the order of Hoverfly, where the last of equals wins; routes that would still win are lost.
    """
    turned = False
    for first, later in meetings([pairs[0]["request"] for _, pairs in routes]):
        (place, ours), (other, theirs) = routes[first], routes[later]
        if not may_meet(ours[0]["request"], theirs[0]["request"]):
            continue
        turned = True
        if max(score(item["request"]) for item in theirs) > min(score(item["request"]) for item in ours):
            losses.add(other, f"Hoverfly takes the strongest match, and this one is stronger than {place}")
    made: list[dict[str, Any]] = []
    for _, pairs in reversed(routes) if turned else routes:
        made += pairs
    return made


def _pairs(route: Outgoing, key: str, losses: Losses) -> list[dict[str, Any]]:
    if route.proxy is not None:
        raise NotConvertibleError("Hoverfly forwards by its mode, and not by a pair", "Run it in spy mode")
    if route.expect is not None:
        losses.add(f"{route.place}.expect", "Hoverfly expects no number of calls")
    request = _request(route)
    required = {name: _state(value) for name, value in route.when.items()}
    if len(route.answers) == 1 and route.then != "stop":
        response = _response(route, 0, route.answers[0], losses)
        return [_pair(request, required, response, _changes(route.answers[0]))]
    answers = [answer for answer in route.answers for _ in range(answer.times)]
    if len(answers) > MOST_STEPS:
        raise NotConvertibleError(
            f"its sequence has more than {MOST_STEPS} steps, each of which needs a pair"
        )
    made = []
    for number, answer in enumerate(answers, 1):
        last = number == len(answers)
        after = (
            {"cycle": "1", "stop": str(number + 1), "repeat": None}[route.then] if last else str(number + 1)
        )
        changes = {**_changes(answer), **({key: after} if after else {})}
        made.append(
            _pair(
                request, {**required, key: str(number)}, _response(route, number - 1, answer, losses), changes
            )
        )
    return made


def _pair(
    request: dict[str, Any],
    required: dict[str, str],
    response: dict[str, Any],
    changes: dict[str, str | None],
) -> dict[str, Any]:
    set_ = {key: value for key, value in changes.items() if value is not None}
    removed = [key for key, value in changes.items() if value is None]
    return {
        "request": {**request, **({"requiresState": required} if required else {})},
        "response": {
            **response,
            **({"transitionsState": set_} if set_ else {}),
            **({"removesState": removed} if removed else {}),
        },
    }


def _state(value: object) -> str:
    if isinstance(value, dict) and list(value) == ["equals"]:
        value = value["equals"]
    elif value in ("present", "absent") or isinstance(value, (dict, list)):
        raise NotConvertibleError("Hoverfly compares state only with a text")
    if not isinstance(value, str):
        raise NotConvertibleError("Hoverfly's state is text")
    return value


def _changes(answer: OutgoingReply) -> dict[str, str | None]:
    if any(not isinstance(value, (str, type(None))) or "{{" in str(value) for value in answer.set.values()):
        raise NotConvertibleError("Hoverfly's state is constant text")
    return answer.set


def _exact(value: str) -> Matcher:
    return {"matcher": "exact", "value": value}


def _regex(value: str) -> Matcher:
    return {"matcher": "regex", "value": value}


def _request(route: Outgoing) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if route.host is not None:
        made["destination"] = [_exact(route.host)]
    if route.methods is not None:
        single = len(route.methods) == 1
        made["method"] = [_exact(route.methods[0]) if single else _regex(f"^({'|'.join(route.methods)})$")]
    path = route.path
    if path.literal is not None:
        made["path"] = [_exact(path.literal)]
    elif not path.is_any:
        source = path.regex.replace("(?<", "(?P<")
        made["path"] = [_regex(searching(("(?i)" if path.ignore_case else "") + source, ".*"))]
    for expression in route.expressions:
        if expression != "request.query | length == 0" or "query" in route.match:
            raise NotConvertibleError("Hoverfly has no `if`")
        made["query"] = {}
    for part, conditions in route.match.items():
        _ask(made, part, conditions)
    return made


def _ask(made: dict[str, Any], part: str, conditions: Any) -> None:
    match part:
        case "headers" if list(conditions) == ["host"]:
            made["destination"] = _matchers(conditions["host"])
        case "headers" | "query":
            made[part] = {name: _matchers(condition) for name, condition in conditions.items()}
        case "text":
            made.setdefault("body", []).extend(_matchers(conditions))
        case "form":
            form = {name: _matchers(condition) for name, condition in conditions.items()}
            made.setdefault("body", []).append({"matcher": "form", "value": form})
        case "json":
            made.setdefault("body", []).append(
                {"matcher": "jsonpartial", "value": json_line(plain_subset(conditions))}
            )
        case "json_exact":
            made.setdefault("body", []).append({"matcher": "json", "value": json_line(plain(conditions))})
        case "jsonpath":
            for query, condition in conditions.items():
                made.setdefault("body", []).append(_query("jsonpath", query, _item(condition)))
        case "xml":
            for query, condition in conditions.items():
                inner = None if condition == "present" else _matchers(condition)
                if inner is not None and len(inner) > 1:
                    raise NotConvertibleError("several conditions on one XPath query can't be converted")
                made.setdefault("body", []).append(_query("xpath", query, inner[0] if inner else None))
        case _:
            raise NotConvertibleError(f"Hoverfly can't match `{part}`")


def _query(kind: str, query: str, inner: Matcher | None) -> Matcher:
    return {"matcher": kind, "value": query, **({"doMatch": inner} if inner else {})}


def _matchers(condition: object) -> list[Matcher]:
    """Matchers that all hold. Raises NotConvertibleError."""
    if condition == "present":
        return [{"matcher": "glob", "value": "*"}]
    if isinstance(condition, list):
        if any(isinstance(item, (dict, list)) for item in condition):
            raise NotConvertibleError("a list of conditions can't be converted")
        return [{"matcher": "containsexactly", "value": [as_text(item) for item in condition]}]
    if not isinstance(condition, dict):
        if condition == "absent":
            raise NotConvertibleError("Hoverfly can't match what is absent")
        return [_exact(as_text(condition))]
    made: list[Matcher] = []
    for operator, operand in condition.items():
        made += _operator(operator, operand)
    return made


def _operator(operator: str, operand: Any) -> list[Matcher]:
    match operator:
        case "equals" if not isinstance(operand, (dict, list)):
            return [_exact(as_text(operand))]
        case "contains" | "starts_with" | "ends_with":
            return [_glob(operator, as_text(operand))]
        case "matches":
            return [_regex(searching(operand))]
        case "ignore_case":
            return [_regex(f"(?i)^{escaped(operand)}$")]
        case "not" if isinstance(operand, str) and operand not in ("present", "absent"):
            return [{"matcher": "negate", "value": operand}]
        case "present" if operand is True:
            return [{"matcher": "glob", "value": "*"}]
        case "all_of" if all(isinstance(item, str) for item in operand):
            return [
                {"matcher": "array", "value": operand, "config": {"ignoreUnknown": True, "ignoreOrder": True}}
            ]
        case "all_of":
            return [matcher for part in operand for matcher in _matchers(part)]
        case "unordered" if all(isinstance(item, str) for item in operand):
            return [{"matcher": "array", "value": operand, "config": {"ignoreOrder": True}}]
        case "one_of" | "any_of" if all(
            isinstance(item, str) and item not in ("present", "absent") for item in operand
        ):
            return [_regex(f"^({'|'.join(escaped(item) for item in operand)})$")]
    raise NotConvertibleError(f"Hoverfly has no `{operator}` like this")


def _glob(operator: str, text: str) -> Matcher:
    if "*" in text or not text:
        inner = escaped(text)
        return _regex({"contains": inner, "starts_with": f"^{inner}", "ends_with": f"{inner}$"}[operator])
    return {
        "matcher": "glob",
        "value": {"contains": f"*{text}*", "starts_with": f"{text}*", "ends_with": f"*{text}"}[operator],
    }


def _item(condition: object) -> Matcher | None:
    """A condition on the list of what a JSONPath finds."""
    if condition == "present":
        return None
    if isinstance(condition, list) and len(condition) == 1 and not isinstance(condition[0], (dict, list)):
        return _exact(as_text(condition[0]))
    if isinstance(condition, dict) and list(condition) == ["contains"]:
        operand = condition["contains"]
        if (text := printed(operand)) is not None:
            return _exact(text)
        result = _matchers(operand)
        if len(result) == 1:
            return result[0]
    raise NotConvertibleError("this condition on what a JSONPath finds can't be converted")


def _response(route: Outgoing, number: int, answer: OutgoingReply, losses: Losses) -> dict[str, Any]:
    if answer.fault is not None:
        raise NotConvertibleError("Hoverfly has no faults")
    coded = answer.base64 is not None
    made: dict[str, Any] = {"status": answer.status, "body": answer.body, "encodedBody": coded}
    if answer.headers:
        made["headers"] = answer.headers
    made["templated"] = False
    if answer.delay_ms is not None:
        made["fixedDelay"] = round(answer.delay_ms)
    if (drawn := answer.delay_range) is not None:
        if "median" in drawn:
            mean = drawn["median"] * math.exp(drawn["sigma"] ** 2 / 2)
            made["logNormalDelay"] = {
                "min": 0,
                "max": round(drawn["max"]),
                "mean": round(mean),
                "median": round(drawn["median"]),
            }
        else:
            place = f"{route.place}.reply[{number}].delay"
            middle = round((drawn.get("min", 0) + drawn["max"]) / 2)
            losses.add(place, f"a uniform delay can't be converted: it is {middle} ms throughout")
            made["fixedDelay"] = middle
    return made
