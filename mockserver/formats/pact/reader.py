"""
Read Pact contracts, versions 2 to 4 (github.com/pact-foundation/pact-specification).

The mock is the provider: each interaction becomes a route that matches exactly the request of the consumer, and
answers with the example.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from mockserver.errors import invalid, shown
from mockserver.formats.exchanges_to_routes import RecordedRequest, route_path
from mockserver.formats.mocks.conditions import compiled, split
from mockserver.formats.mocks.sources import FAILURES
from mockserver.formats.pact.rules import (
    Conditions,
    exact_texts,
    rule_of,
    rules_of,
    texts_condition,
    tokens_of,
)
from mockserver.formats.pact.texts import template_of
from mockserver.formats.pact.writer import CONSUMER, GIVEN, PROVIDER
from mockserver.formats.path_pieces import PLAIN
from mockserver.formats.reading import json_bytes, json_file, name_of, scenario_name
from mockserver.model.http import grouped
from mockserver.model.plural import counted
from mockserver.model.written import as_text, written_float
from mockserver.recording.conversion import Document, Imported, Losses, Lost
from mockserver.recording.exchanges import Lines, RecordedExchange, known_method, value_of
from mockserver.recording.written_replies import Beside, reply_of

_HTTP = "Synchronous/HTTP"
_NOTHING: Any = object()


@dataclass(slots=True)
class _Interaction:
    request: RecordedRequest
    route: Document
    given: list[str]


def read(source: Path) -> Imported:
    """Read a pact. Raises InvalidInputError for any other file."""
    pact = pact_in(source)
    consumer, provider = (
        str((isinstance(pact.get(side), dict) and pact[side].get("name")) or side)
        for side in ("consumer", "provider")
    )
    name = scenario_name(provider) if provider != "provider" else name_of(source)
    imported = Imported()
    beside = Beside(name)
    result: list[_Interaction] = []
    for place, interaction in http_interactions(pact, imported.lost):
        try:
            result.append(_interaction(place, interaction, beside, imported.lost))
        except FAILURES as error:
            imported.lost.add(place, f"it can't be read: {error!r}", "Leave it out, or fix it")
    scenario: Document = {
        "description": f"What {consumer} asks of {provider}.",
        CONSUMER: consumer,
        PROVIDER: provider,
    }
    remarks = _told_apart(result, scenario, imported.lost)
    scenario["routes"] = [item.route for item in _in_order(result)]
    imported.scenarios[name] = scenario
    imported.files = beside.files
    imported.remarks[name] = remarks
    return imported


def pact_in(source: Path) -> dict[str, Any]:
    """Return the content of a pact. Raises InvalidInputError for any other file."""
    pact = json_file(source, "a pact")
    if not isinstance(pact, dict) or not isinstance(pact.get("provider"), dict) or not ("interactions" in pact or "messages" in pact):  # fmt: skip
        raise invalid((), f"{source} is not a pact: it has no provider with interactions", "Name the file that a pact test wrote")  # fmt: skip
    return pact


def http_interactions(pact: Mapping[str, Any], lost: Losses) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, message in enumerate(_listed(pact, "messages")):
        told = message.get("description") if isinstance(message, dict) else ""
        lost.add(
            f"messages[{index}]", f"the message {told!r} is not HTTP", "Routes answer requests; see webhook"
        )
    for index, interaction in enumerate(_listed(pact, "interactions")):
        place = f"interactions[{index}]"
        if not isinstance(interaction, dict):
            lost.add(place, "it is not an interaction", "Leave it out")
            continue
        kind = interaction.get("type", _HTTP)
        if kind != _HTTP or interaction.get("transport", "http") not in ("http", "https"):
            told = interaction.get("description")
            lost.add(place, f"{told!r} of type {kind} is not HTTP", "Routes answer requests; see webhook")
            continue
        if interaction.get("pending"):
            lost.add(f"{place}.pending", "the mock answers it like any other")
        yield place, interaction


def _listed(pact: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list of the pact. Raises InvalidInputError."""
    result = pact.get(key) or []
    if not isinstance(result, list):
        raise invalid((key,), f"expected a list, got {shown(result)}", "Name the file that a pact test wrote")
    return result


def _interaction(place: str, written: Mapping[str, Any], beside: Beside, lost: Losses) -> _Interaction:
    request, response = written["request"], written["response"]
    recorded = _recorded(f"{place}.request", request, lost)
    given = _given(place, written, lost)
    route: Document = {
        "name": str(written.get("description") or recorded.place)[:150].strip() or recorded.place
    }
    route["request"] = recorded.place
    if recorded.match:
        route["match"] = recorded.match
    route["reply"] = _reply(f"{place}.response", recorded, response, beside, lost)
    if given:
        route["tags"] = [f"{GIVEN}{state}" for state in given]
    return _Interaction(recorded, route, given)


def states_of(written: Mapping[str, Any]) -> list[Any]:
    """The provider states; version 2 has one, as text."""
    states = written.get("providerStates", written.get("providerState", written.get("provider_state"))) or []
    return [states] if isinstance(states, str) else list(states)


def _given(place: str, written: Mapping[str, Any], lost: Losses) -> list[str]:
    """The names of provider states."""
    result = []
    for index, state in enumerate(states_of(written)):
        if isinstance(state, str):
            result.append(state)
            continue
        result.append(str(state["name"]))
        if state.get("params"):
            lost.add(f"{place}.providerStates[{index}].params", f"{state['params']} is not kept: a state is only named")  # fmt: skip
    return [state for state in result if state]


# The request


def _recorded(place: str, request: Mapping[str, Any], lost: Losses) -> RecordedRequest:
    rules = rules_by_category(request)
    if request.get("generators"):
        lost.add(f"{place}.generators", "they are for whoever sends the request")
    method = known_method(request.get("method", "GET"))
    path = path_of(request)
    pattern = route_path(path)
    rule = rule_of(rules.get("path"))
    if rule is not None:
        pattern, reason = path_pattern(path, rule.matchers)
        if reason:
            lost.add(f"{place}.matchingRules.path", reason)
    query = _texts(f"{place}.query", query_values(request.get("query")), rules.get("query"), lost)
    headers = header_conditions(
        f"{place}.headers", header_lines(request.get("headers")), rules.get("header"), lost
    )
    body, content_type = body_of(request)
    return RecordedRequest(
        method, pattern, headers, query, _body_match(place, body, content_type, rules.get("body"), lost)
    )


def rules_by_category(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return matching rules by category. Version 2 has all in one mapping, below `$.body`, `$.header`, `$.query`, `$.path`."""
    written = part.get("matchingRules") or {}
    if not any(str(key).startswith("$.") for key in written):
        return dict(written)
    result: dict[str, Any] = {}
    for path, matcher in written.items():
        category, *rest = tokens_of(path)
        category = {"headers": "header"}.get(category, category)
        if category == "path":
            result["path"] = matcher
        elif category == "body":
            result.setdefault("body", {})["$" + str(path).removeprefix("$.body")] = matcher
        elif rest:
            result.setdefault(category, {})[rest[0]] = matcher
    return result


def path_of(request: Mapping[str, Any]) -> str:
    """Return the path of a request. Raises ValueError."""
    path = str(request.get("path") or "/")
    if not path.startswith("/"):
        raise ValueError(f"the path {path!r} does not begin with a slash")
    return path


def query_values(query: Any) -> dict[str, list[str]]:
    if isinstance(query, str):
        return grouped(parse_qsl(query, keep_blank_values=True))
    return {str(name): [as_text(item) for item in (value if isinstance(value, list) else [value])] for name, value in (query or {}).items() if value != []}  # fmt: skip


def header_lines(headers: Any) -> Lines:
    return [
        (str(name), as_text(item))
        for name, value in (headers or {}).items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _texts(place: str, values: Mapping[str, list[str]], rules: Any, lost: Losses) -> dict[str, Any]:
    by_name = {tokens_of(str(name))[0] if str(name).startswith("$") else str(name): rule for name, rule in (rules or {}).items()}  # fmt: skip
    result = {}
    for name, some in values.items():
        result[name], reason = texts_condition(some, rule_of(by_name.get(name)))
        if reason:
            lost.add(f"{place}.{name}", reason)
    return result


def header_conditions(place: str, lines: Lines, rules: Any, lost: Losses) -> dict[str, Any]:
    """Return conditions on headers. A Content-Type without parameters matches any parameters."""
    values = grouped((name.lower(), value) for name, value in lines)
    lowered = {str(name).lower().removeprefix("$."): rule for name, rule in (rules or {}).items()}
    result = _texts(place, values, lowered, lost)
    kind = result.get("content-type")
    if isinstance(kind, str) and ";" not in kind and kind != "present":
        result["content-type"] = {"starts_with": kind}
    return result


def body_of(part: Mapping[str, Any]) -> tuple[Any, str]:
    """
    Return the body, JSON as data, and its Content-Type. Ellipsis is an unspecified body.

    Version 4 stores the type with the content, earlier versions in the header.
    """
    header = value_of(header_lines(part.get("headers")), "content-type")
    body = part.get("body", ...)
    if isinstance(body, dict) and "content" in body and body.keys() <= {"content", "contentType", "encoded", "contentTypeHint"}:  # fmt: skip
        kind = str(body.get("contentType") or header or "application/json")
        content = body["content"]
        if body.get("encoded") in ("base64", True) and isinstance(content, str):
            return base64.b64decode(content), kind
        if body.get("encoded") == "json" and isinstance(content, str):
            return json.loads(content, parse_float=written_float), kind
        return content, kind
    if body == {} and "matchingRules" in part:
        return ..., header
    return (... if body is None else body), header or (
        "text/plain" if isinstance(body, str) else "application/json"
    )


def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower().endswith("json")


def _body_match(place: str, body: object, content_type: str, rules: object, lost: Losses) -> dict[str, Any]:
    if body is ...:
        return {}
    if isinstance(body, bytes):
        from hashlib import sha256

        return {"body_sha256": sha256(body).hexdigest()}
    if not isinstance(body, str) or is_json(content_type):
        conditions = Conditions(rules_of(rules))
        result = conditions.of(body)
        lost += [Lost(f"{place}.body: {path}", reason) for path, reason in conditions.lost]
        return {"json_exact": result}
    if rules:
        lost.add(
            f"{place}.matchingRules.body", f"rules for {content_type} are not matched: the body must be equal"
        )
    if content_type.partition(";")[0].strip() == "application/x-www-form-urlencoded":
        form = grouped(parse_qsl(body, keep_blank_values=True))
        return {"form": {name: exact_texts(some) for name, some in form.items()}} if form else {}
    return {"text": {"equals": body} if body in ("present", "absent") else body} if body else {}


# The reply


def _reply(
    place: str, request: RecordedRequest, response: Mapping[str, Any], beside: Beside, lost: Losses
) -> object:
    rules = response.get("matchingRules") or {}
    count = sum(
        len(part) if isinstance(part, dict) and "matchers" not in part else 1 for part in rules.values()
    )
    if count:
        lost.add(f"{place}.matchingRules", f"{counted(count, 'rule')} for what a provider may answer: a mock gives the example")  # fmt: skip
    body, content_type = body_of(response)
    lines = header_lines(response.get("headers"))
    if body is not ... and content_type and not value_of(lines, "content-type"):
        lines.append(("content-type", content_type))
    content = content_of(body, content_type)
    status = response.get("status", 200)
    exchange = RecordedExchange(place, request.method, "/", status=int(status) if str(status).isdigit() else 200, headers=lines, body=content)  # fmt: skip
    if not 200 <= exchange.status <= 599:
        raise ValueError(f"{status} is not a final status: routes answer with 200 to 599")
    reply = reply_of(exchange, beside)
    generators = response.get("generators") or {}
    return _generated(place, reply, generators, lost) if generators else reply


def content_of(body: object, content_type: str) -> bytes:
    if body is ... or isinstance(body, bytes):
        return b"" if body is ... else body
    if isinstance(body, str) and not is_json(content_type):
        return body.encode("utf-8", "replace")
    return json_bytes(body)


def _generated(place: str, reply: object, generators: Mapping[str, Any], lost: Losses) -> object:
    """Return the reply with templates for generated values."""
    for category, by_path in generators.items():
        for path, generator in by_path.items() if category in ("body", "header") else [("", by_path)]:
            at = f"{place}.generators.{category}{f': {path}' if path else ''}"
            made = False
            if isinstance(reply, dict) and not reply.get("raw"):
                tokens = tokens_of(path) if path.startswith("$") else (path.lower(),)
                made = _put(reply, ("json" if category == "body" else "headers", *tokens), generator)
            if not made:
                lost.add(at, f"there is no template for {generator}", "The example is used")
    return reply


def _put(holder: Any, tokens: tuple[str, ...], generator: Mapping[str, Any]) -> bool:
    """Put the template in its place. Return False if there is none, or no such place."""
    for token in tokens[:-1]:
        holder = _child(holder, token)
    key: Any = int(tokens[-1]) if isinstance(holder, list) and tokens[-1].isdigit() else tokens[-1]
    example = _child(holder, tokens[-1])
    if example is _NOTHING or isinstance(example, (dict, list)):
        return False
    template = template_of(generator, example)
    if template is None:
        return False
    holder[key] = template
    return True


def _child(holder: object, token: str) -> object:
    if isinstance(holder, dict):
        return holder.get(token, _NOTHING)
    if isinstance(holder, list) and token.isdigit() and int(token) < len(holder):
        return holder[int(token)]
    return _NOTHING


# All of them


def _told_apart(result: list[_Interaction], scenario: Document, lost: Losses) -> list[str]:
    """Distinguish equal requests in different states by the state `given`. Return the remarks."""
    names: dict[str, int] = {}
    alike: dict[str, list[_Interaction]] = {}
    for item in result:
        name = item.route["name"]
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            item.route["name"] = f"{name} #{names[name]}"
        alike.setdefault(item.request.same, []).append(item)
    several = [those for those in alike.values() if len(those) > 1]
    told: dict[str, None] = {}
    for those in several:
        seen: set[str] = set()
        for item in those:
            state = " and ".join(item.given)
            if state in seen:
                lost.add(item.route["name"], "another interaction has the same request and state", "Only the first answers")  # fmt: skip
            seen.add(state)
            item.route["when"] = {"given": _state(state)}
            told[state] = None
    if not told:
        return []
    first = " and ".join(several[0][0].given)
    if first:
        scenario["state"] = {"given": first}
    return ["The state `given` says which provider state holds (PUT /__admin/state/given): " + ", ".join(repr(entry) for entry in told if entry) + "."]  # fmt: skip


def _state(state: str) -> object:
    return "absent" if not state else {"equals": state} if state in ("present", "absent") else state


def _in_order(result: list[_Interaction]) -> list[_Interaction]:
    """Sort by path parameters, then by specificity."""
    places = {
        place: index for index, place in enumerate(dict.fromkeys(item.request.place for item in result))
    }
    return sorted(
        result, key=lambda item: ("{" in item.request.path, places[item.request.place], item.request.breadth)
    )


_LITERAL = re.compile(r"(?:[A-Za-z0-9_~!@&=:;,%\- ]|\\[./\-+*?()\[\]{}^$|])*")


def path_pattern(example: str, matchers: list[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the path of a route, and the loss of the rule."""
    if len(matchers) != 1 or "regex" not in matchers[0]:
        kinds = " and ".join(str(matcher.get("match")) for matcher in matchers)
        return route_path(example), f"a path that only differs by {kinds} must be equal"
    regex = str(matchers[0]["regex"])
    result = _segments(regex.removeprefix("^").removesuffix("$").replace("\\/", "/"))
    if result is None:
        return route_path(
            example
        ), f"the expression {regex!r} can't be taken apart at slashes: the path must be equal"
    return result, ""


def _segments(regex: str) -> str | None:
    if not regex.startswith("/"):
        return None
    parts, number = [""], 0
    for segment in split(regex[1:], "/"):
        if _LITERAL.fullmatch(segment):
            text = route_path(re.sub(r"\\(.)", r"\1", segment))
        elif not _is_usable(segment):
            return None
        else:
            number += 1
            text = f"{{p{number}}}" if segment == PLAIN else f"{{p{number}:{segment}}}"
        parts.append(text)
    return "/".join(parts)


def _is_usable(segment: str) -> bool:
    """Whether a route can have it as a parameter: braces in pairs, no groups that would count."""
    regex = compiled(segment)
    return regex is not None and regex.groups == 0 and segment.count("{") == segment.count("}")
