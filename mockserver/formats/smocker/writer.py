"""Write mocks of Smocker, one YAML file for each scenario, in reverse order of matching."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mockserver.formats.mocks.conditions import printed, searching
from mockserver.formats.mocks.outgoing import Outgoing, OutgoingReply, converted
from mockserver.formats.mocks.trees import plain
from mockserver.formats.reading import json_line
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Exported, Losses, NotConvertibleError
from mockserver.scenarios.yaml.writer import dump

_NAMES = {
    "equals": "Equal", "matches": "Match", "contains": "ContainSubstring", "starts_with": "StartWith",
    "ends_with": "EndWith",
}  # fmt: skip


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """One file of mocks a scenario."""
    made = Exported()
    for name, document in scenarios.items():
        losses = Losses(name)
        routes = converted(document, losses, folder, partial(_mocks, losses=losses))
        mocks = [mock for route in routes for mock in route]
        made.files[f"{name}.yml"] = dump(mocks[::-1]).encode()
        made.lost += losses
    return made


def _mocks(route: Outgoing, losses: Losses) -> list[dict[str, Any]]:
    if route.when or any(answer.set for answer in route.answers):
        raise NotConvertibleError("mocks have no state")
    if route.then == "cycle":
        raise NotConvertibleError("a mock that is used up stays so, and no sequence begins again")
    request = _request(route)
    if route.proxy is not None:
        return [{"request": request, "proxy": {"host": route.proxy}}]
    made = []
    for number, answer in enumerate(route.answers):
        mock = {"request": request, "response": _response(answer, f"{route.place}.reply[{number}]", losses)}
        if number + 1 < len(route.answers) or route.then == "stop":
            mock["context"] = {"times": answer.times}
        made.append(mock)
    _expected(route, losses)
    return made


def _expected(route: Outgoing, losses: Losses) -> None:
    """Smocker expects just what is used up."""
    steps = route.answers if route.then == "stop" else route.answers[:-1]
    used_up = sum(answer.times for answer in steps)
    if route.expect not in (None, used_up if route.then == "stop" else {"min": used_up}):
        losses.add(f"{route.place}.expect", f"Smocker expects the {used_up} calls that use it up")


def _should(operator: str, value: str, *, turned: bool = False) -> object:
    if operator == "equals" and not turned:
        return value
    return {"matcher": f"Should{'Not' if turned else ''}{_NAMES[operator]}", "value": value}


def _request(route: Outgoing) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if route.methods is not None:
        single = len(route.methods) == 1
        made["method"] = route.methods[0] if single else _should("matches", f"^({'|'.join(route.methods)})$")
    path = route.path
    if path.literal is not None:
        made["path"] = path.literal
    elif not path.is_any:
        source = ("(?i)" if path.ignore_case else "") + path.regex.replace("(?<", "(?P<")
        made["path"] = _should("matches", searching(source, ".*"))
    if route.host is not None:
        raise NotConvertibleError("a mock can't match a host")
    for part, conditions in route.match.items():
        if part in ("query", "headers"):
            key = "query_params" if part == "query" else "headers"
            made[key] = {name: _listed(_matchers(condition)) for name, condition in conditions.items()}
        else:
            made["body"] = _merged(made.get("body"), _body(part, conditions))
    return made


def _merged(before: object, body: object) -> object:
    if before is None:
        return body
    if isinstance(before, dict) and isinstance(body, dict) and not {"matcher"} & {*before, *body}:
        return {**before, **body}
    raise NotConvertibleError("a mock matches its body in one way only")


def _listed(matchers: list[Any]) -> object:
    return matchers[0] if len(matchers) == 1 else matchers


def _matchers(condition: object) -> list[Any]:
    """Matchers of a value that has to be there; all of them hold. Raises NotConvertibleError."""
    if condition == "present":
        return [_should("matches", ".*")]
    if condition == "absent" or isinstance(condition, list):
        raise NotConvertibleError("a mock can't match what is absent, or values in their order")
    if not isinstance(condition, dict):
        return [as_text(condition)]
    if set(condition) == {"present", "not"}:
        return [_turned(condition["not"])]
    made = []
    for operator, operand in condition.items():
        if operator == "all_of":
            made += [matcher for part in operand for matcher in _matchers(part)]
        elif operator == "length" and operand == {"gte": 1}:
            made.append({"matcher": "ShouldNotBeEmpty", "value": ""})
        else:
            made.append(_should(_known(operator), _value(operator, operand)))
    return made


def _known(operator: str) -> str:
    if operator not in _NAMES:
        raise NotConvertibleError(f"Smocker has no `{operator}`")
    return operator


def _value(operator: str, operand: Any) -> str:
    return searching(operand) if operator == "matches" else as_text(operand)


def _turned(condition: object) -> object:
    if not isinstance(condition, dict):
        if condition in ("present", "absent") or isinstance(condition, list):
            raise NotConvertibleError("what is negated can't be converted")
        return _should("equals", as_text(condition), turned=True)
    if len(condition) != 1:
        raise NotConvertibleError("several operators that are negated together can't be converted")
    operator, operand = next(iter(condition.items()))
    return _should(_known(operator), _value(operator, operand), turned=True)


def _body(part: str, conditions: Any) -> object:
    match part:
        case "text":
            if isinstance(conditions, dict) and list(conditions) == ["not"]:
                return _turned(conditions["not"])
            matchers = _matchers(conditions)
            if len(matchers) > 1:
                raise NotConvertibleError("a mock matches its body in one way only")
            whole = matchers[0]
            return whole if isinstance(whole, dict) else {"matcher": "ShouldEqual", "value": whole}
        case "json_exact":
            return {"matcher": "ShouldEqualJSON", "value": json_line(plain(conditions))}
        case "jsonpath":
            return {_field(path): _selection(condition) for path, condition in conditions.items()}
        case "json":
            return dict(_leaves(conditions, ""))
    raise NotConvertibleError(f"a mock can't match `{part}`")


def _field(path: str) -> str:
    if not path.startswith("$.") or any(part in path for part in ("..", "*", "?", "'", '"', "@")):
        raise NotConvertibleError(f"the query {path!r} is not a plain path to one field")
    return path[2:]


def _selection(condition: object) -> object:
    if isinstance(condition, dict) and list(condition) == ["not"]:
        inner = condition["not"]
        if isinstance(inner, dict) and list(inner) == ["contains"]:
            result = printed(inner["contains"])
            return (
                _should("equals", result, turned=True) if result is not None else _turned(inner["contains"])
            )
    if isinstance(condition, dict) and list(condition) == ["contains"]:
        result = printed(condition["contains"])
        if result is not None:
            return result
        matchers = _matchers(condition["contains"])
        if len(matchers) == 1:
            return matchers[0]
    raise NotConvertibleError("this condition on what a JSONPath finds can't be converted")


def _leaves(tree: object, path: str) -> list[tuple[str, Any]]:
    """The fields of an object, each by its path."""
    if isinstance(tree, dict) and tree and not any(key.startswith("$") or "." in key for key in tree):
        return [
            leave for key, item in tree.items() for leave in _leaves(item, f"{path}.{key}" if path else key)
        ]
    if isinstance(tree, (dict, list)) or tree is None or tree in ("$present", "$absent") or not path:
        raise NotConvertibleError("a mock compares only single fields of a JSON body, as texts")
    return [(path, as_text(tree))]


def _response(answer: OutgoingReply, place: str, losses: Losses) -> dict[str, Any]:
    if answer.fault is not None:
        raise NotConvertibleError("Smocker has no faults")
    if answer.base64 is not None:
        raise NotConvertibleError("Smocker sends only texts")
    made: dict[str, Any] = {"status": answer.status}
    if answer.headers:
        made["headers"] = {name: _listed(values) for name, values in answer.headers.items()}
    if answer.body:
        made["body"] = answer.body
    if answer.delay_ms:
        made["delay"] = f"{answer.delay_ms:g}ms"
    if (drawn := answer.delay_range) is not None:
        if "median" in drawn:
            losses.add(
                f"{place}.delay",
                f"a lognormal delay can't be converted: it is {drawn['median']:g} ms throughout",
            )
            made["delay"] = f"{drawn['median']:g}ms"
        else:
            made["delay"] = {key: f"{drawn.get(key, 0):g}ms" for key in ("min", "max")}
    return made
