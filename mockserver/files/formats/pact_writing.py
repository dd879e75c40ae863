"""Scenarios as pacts, versions 3 and 4, and the calls of a test run as one."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.files.formats.carried import Document, Exported, Lost
from mockserver.files.formats.examples import NOTHING, Example, of_text, of_tree
from mockserver.files.formats.exchange import Exchange, json_of, value_of
from mockserver.files.formats.noise import telling
from mockserver.files.formats.pact_rules import body_path, matcher_of, set_rule
from mockserver.files.formats.pact_words import generator_of
from mockserver.files.formats.path_pieces import example_path, path_regex
from mockserver.files.formats.reading import pretty
from mockserver.files.formats.steps import Step, steps_of
from mockserver.files.formats.unfolding import reply_parts, status_of
from mockserver.model.base import is_template
from mockserver.model.http import UnreadableBody
from mockserver.model.written import as_text

CONSUMER, PROVIDER = "x-consumer", "x-provider"
"""The scenario's keys for the names in a pact."""
GIVEN = "given "
"""How a tag begins that names a provider state."""


@dataclass(slots=True)
class _Part:
    """A request or a response as a pact has it, whatever the version."""

    headers: dict[str, list[str]] = field(default_factory=dict)
    body: Any = ...
    content_type: str = ""
    rules: dict[str, Any] = field(default_factory=dict)
    generators: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """`method`, `path` and `query`, or `status`."""


@dataclass(slots=True)
class _Interaction:
    description: str
    given: list[str]
    request: _Part
    response: _Part


def write(
    scenarios: Mapping[str, Document],
    folder: Path | None = None,
    *,
    consumer: str = "",
    provider: str = "",
    version: int = 4,
) -> Exported:
    """A pact for each scenario, its name being the provider's; one for all where a provider is given."""
    exported = Exported()
    pacts: dict[tuple[str, str], list[_Interaction]] = {}
    for name, document in scenarios.items():
        sides = (consumer or document.get(CONSUMER) or "consumer", provider or document.get(PROVIDER) or name)
        found = pacts.setdefault(sides, [])
        found += [
            _of_step(step, folder, exported.lost)
            for step in steps_of({name: document}, exported.lost, frozenset({"when", "state", "fault"}))
            if not _is_broken(step, exported.lost)
        ]
    for (asking, answering), found in pacts.items():
        exported.files[_file_name(asking, answering)] = pretty(
            _pact(asking, answering, found, version, exported.lost)
        )
    return exported


def from_calls(archive: Any, *, consumer: str = "", provider: str = "", version: int = 4) -> Exported:
    """The calls of a server's archive that a route took and answered: each different one is an interaction."""
    from mockserver.files.formats.har import exchanges

    exported = Exported()
    found = _of_calls(exchanges(archive, exported.lost), exported.lost)
    consumer, provider = consumer or "consumer", provider or "provider"
    exported.files[_file_name(consumer, provider)] = pretty(
        _pact(consumer, provider, found, version, exported.lost)
    )
    return exported


def _file_name(consumer: str, provider: str) -> str:
    return "".join(c if c.isalnum() or c in "-_. " else "_" for c in f"{consumer}-{provider}") + ".json"


def _is_broken(step: Step, lost: list[Lost]) -> bool:
    if "fault" in step.reply:
        lost.append(Lost(f"{step.place}.fault", "no provider promises to break: the answer is left out"))
    return "fault" in step.reply


# Steps


def _of_step(step: Step, folder: Path | None, lost: list[Lost]) -> _Interaction:
    given = [tag.removeprefix(GIVEN) for tag in step.route.get("tags") or [] if tag.startswith(GIVEN)]
    when = dict(step.route.get("when") or {})
    state = when.pop("given", None)
    if not given and isinstance(state, str) and state not in ("present", "absent"):
        given = [state]
    lost += [
        Lost(f"{step.route_place}.when.{key}", "a pact names states, it doesn't compare them") for key in when
    ]
    description = step.name
    if step.number > 1:
        description += f" ({step.number})"
        given = [
            *given,
            f"{step.name} has been answered {step.number - 1} time{'s' if step.number > 2 else ''}",
        ]
    if step.case:
        description += f" (case {step.case + 1})"
    return _Interaction(description, given, _request(step, lost), _response(step, folder, lost))


def _request(step: Step, lost: list[Lost]) -> _Part:
    place = f"{step.route_place}.match"
    path, names = example_path(step.path)
    found = _Part(more={"method": step.method, "path": path})
    if names:
        found.rules["path"] = {
            "combine": "AND",
            "matchers": [{"match": "regex", "regex": path_regex(step.path)}],
        }
    query = _texts(step.match.get("query"), f"{place}.query", "query", found, lost)
    if query:
        found.more["query"] = query
    found.headers = _texts(step.match.get("headers"), f"{place}.headers", "header", found, lost)
    for key in ("json", "json_exact"):
        if key in step.match:
            _json_body(step.match[key], f"{place}.{key}", found, lost)
    if "json" in step.match:
        lost.append(Lost(f"{place}.json", "a pact lets no further fields in, here they may stand"))
    if "form" in step.match:
        from urllib.parse import urlencode

        form = _texts(step.match["form"], f"{place}.form", "", found, lost)
        found.body, found.content_type = urlencode([(name, one) for name, some in form.items() for one in some]), "application/x-www-form-urlencoded"  # fmt: skip
    if "text" in step.match:
        example = of_text(step.match["text"])
        lost += [
            Lost(f"{place}.text", f"an example stands for {name}: {operand!r}")
            for _, name, operand in example.rules
        ]
        found.body, found.content_type = (
            ("" if example.value is NOTHING else as_text(example.value)),
            "text/plain",
        )
    for key in step.match:
        if key not in ("query", "headers", "json", "json_exact", "form", "text"):
            lost.append(Lost(f"{place}.{key}", "a pact can't say it"))
    found.content_type = _own_type(found)
    return found


def _own_type(part: _Part) -> str:
    return next(
        (some[0] for name, some in part.headers.items() if name.lower() == "content-type"), part.content_type
    )


def _texts(
    conditions: Any, place: str, category: str, found: _Part, lost: list[Lost]
) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, condition in (conditions or {}).items():
        if (
            name.lower() == "content-type"
            and isinstance(condition, dict)
            and condition.keys() == {"starts_with"}
        ):
            condition = condition["starts_with"]  # noqa: PLW2901  (a pact compares it so)
        example = of_text(condition)
        if example.value is NOTHING:
            lost.append(Lost(f"{place}.{name}", "a pact can't ask for what is absent"))
            continue
        values[name] = [
            as_text(one) for one in (example.value if isinstance(example.value, list) else [example.value])
        ]
        rules = found.rules.setdefault(category, {}) if category else {}
        below: dict[str, Any] = {}
        _take(example, body_path, below, f"{place}.{name}", lost)
        if below:
            rules[name] = next(iter(below.values()))
        if category and not rules:
            del found.rules[category]
        elif not category and rules:
            lost.append(Lost(f"{place}.{name}", "an example stands for its condition"))
    return values


def _json_body(condition: Any, place: str, found: _Part, lost: list[Lost]) -> None:
    example = of_tree(condition)
    found.body = None if example.value is NOTHING else example.value
    found.content_type = "application/json"
    rules: dict[str, Any] = {}
    _take(example, body_path, rules, place, lost)
    if rules:
        found.rules["body"] = rules


def _take(example: Example, key_of: Any, rules: dict[str, Any], place: str, lost: list[Lost]) -> None:
    for path, name, operand in example.rules:
        matcher = matcher_of(name, operand)
        if matcher is None:
            lost.append(Lost(f"{place}{body_path(path)[1:]}", f"there is no matcher for {name}: {operand!r}", "The example stands"))  # fmt: skip
        else:
            set_rule(rules, key_of(path), matcher)


def _response(step: Step, folder: Path | None, lost: list[Lost]) -> _Part:
    quiet: list[Lost] = []
    lines, content = reply_parts(step, folder, quiet, step.origin)
    is_json = step.body_kind == "json"
    lost += [one for one in quiet if not (is_json and one.place == f"{step.place}.json")]
    found = _Part(headers=_grouped(lines), more={"status": status_of(step, lost)})
    found.content_type = value_of(lines, "content-type")
    if is_json:
        found.body = _examples(step.reply["json"], (), step, found, lost)
        found.rules["body"] = {"$": {"combine": "AND", "matchers": [{"match": "type"}]}}
    elif step.body_kind is not None:
        found.body = content
    return found


def _grouped(lines: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in lines:
        found.setdefault(name, []).append(value)
    return found


def _examples(value: Any, path: tuple[str | int, ...], step: Step, found: _Part, lost: list[Lost]) -> Any:
    """The JSON with examples where templates stand."""
    if isinstance(value, dict):
        return {key: _examples(item, (*path, key), step, found, lost) for key, item in value.items()}
    if isinstance(value, list):
        return [_examples(item, (*path, index), step, found, lost) for index, item in enumerate(value)]
    if not is_template(value) or step.reply.get("raw"):
        return value
    made = generator_of(value)
    if made is None:
        lost.append(Lost(f"{step.place}.json{body_path(path)[1:]}", f"there is no generator for {value}", "It stands as an example"))  # fmt: skip
        return value
    example, generator = made
    found.generators.setdefault("body", {})[body_path(path)] = generator
    return example


# Calls


_ASKED_HEADERS = ("content-type", "accept")
_OF_CLIENTS = frozenset(
    [
        "host",
        "user-agent",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-length",
        "cache-control",
        "pragma",
        "origin",
        "referer",
        "traceparent",
        "tracestate",
        "baggage",
        "expect",
        "x-mockserver-namespace",
    ]
)


def _of_calls(exchanges: Iterable[Exchange], lost: list[Lost]) -> list[_Interaction]:
    found: list[_Interaction] = []
    known: dict[str, list[str]] = {}
    taken: set[str] = set()
    left: set[str] = set()
    for exchange in exchanges:
        if not exchange.name:
            lost.append(
                Lost(
                    exchange.place,
                    f"no route took {exchange.method} {exchange.path}",
                    "It is no part of the pact",
                )
            )
        elif exchange.fault or not 200 <= exchange.status <= 599:
            lost.append(
                Lost(
                    exchange.place,
                    f"it ended with {exchange.fault or 'no answer'}",
                    "It is no part of the pact",
                )
            )
        else:
            request, response = _asked_part(exchange, left), _answered_part(exchange)
            asked, answered = repr(request), repr(response)
            answers = known.setdefault(asked, [])
            if answered in answers:
                continue
            answers.append(answered)
            route = exchange.name.partition("/")[2]
            given = [f"{route} has been answered otherwise {len(answers) - 1} time{'s' if len(answers) > 2 else ''}"] if len(answers) > 1 else []  # fmt: skip
            found.append(_Interaction(_description(route, exchange, taken), given, request, response))
    if left:
        lost.append(Lost("request headers", f"they are no part of the pact: {', '.join(sorted(left))}", "Let the provider's verification add what it needs"))  # fmt: skip
    return found


def _description(route: str, exchange: Exchange, taken: set[str]) -> str:
    at = exchange.split
    line = f"{exchange.method} {exchange.path}{f'?{at.query}' if at.query else ''}"
    description, number = route, 2
    if description in taken and route != line:
        description = f"{route}: {line}"
    first = description
    while description in taken:
        description, number = f"{first} ({number})", number + 1
    taken.add(description)
    return description


def _asked_part(exchange: Exchange, left: set[str]) -> _Part:
    found = _Part(more={"method": exchange.method, "path": exchange.path})
    query = _grouped(exchange.request.query_pairs)
    if query:
        found.more["query"] = query
    for name, value in exchange.request_headers:
        if name.lower() in _ASKED_HEADERS and value != "*/*":
            found.headers.setdefault(name.lower(), []).append(value)
        elif name.lower() not in _OF_CLIENTS and name.lower() not in _ASKED_HEADERS:
            left.add(name.lower())
    found.content_type = value_of(exchange.request_headers, "content-type")
    if exchange.request_body:
        found.body = _content(exchange.request_body, found.content_type)
    return found


def _answered_part(exchange: Exchange) -> _Part:
    kept = [
        (name, value) for name, value in telling(exchange.headers)[0] if not name.startswith("x-mockserver")
    ]
    found = _Part(
        headers=_grouped(kept), more={"status": exchange.status}, content_type=exchange.header("content-type")
    )
    if exchange.body:
        found.body = _content(exchange.body, found.content_type)
        if not isinstance(found.body, (str, bytes)):
            found.rules["body"] = {"$": {"combine": "AND", "matchers": [{"match": "type"}]}}
    return found


def _content(body: bytes, content_type: str) -> Any:
    if content_type.partition(";")[0].strip().lower().endswith("json"):
        try:
            return json_of(body)
        except UnreadableBody:
            pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


# JSON


def _pact(
    consumer: str, provider: str, found: list[_Interaction], version: int, lost: list[Lost]
) -> dict[str, Any]:
    part = _part_of_4 if version == 4 else _part_of_3
    interactions = []
    for one in found:
        written: dict[str, Any] = {"description": one.description}
        if version == 4:
            written = {"type": "Synchronous/HTTP", **written, "pending": False}
        if one.given:
            written["providerStates"] = [{"name": state} for state in one.given]
        written["request"] = part(one.request, f"{one.description}: request", lost)
        written["response"] = part(one.response, f"{one.description}: response", lost)
        interactions.append(written)
    return {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": interactions,
        "metadata": {"pactSpecification": {"version": "4.0" if version == 4 else "3.0.0"}},
    }


def _part_of_4(part: _Part, place: str, lost: list[Lost]) -> dict[str, Any]:
    del place, lost  # version 4 can say it all
    found = dict(part.more)
    if part.headers:
        found["headers"] = part.headers
    if part.body is not ...:
        content: Any = part.body
        encoded: str | bool = False
        if isinstance(content, bytes):
            text = _as_text(content)
            content = text if text is not None else base64.b64encode(content).decode()
            encoded = "base64" if text is None else False
        kind = part.content_type or "application/octet-stream"
        found["body"] = {"content": content, "contentType": kind, "encoded": encoded}
    return found | _rules_and_generators(part)


def _part_of_3(part: _Part, place: str, lost: list[Lost]) -> dict[str, Any]:
    found = dict(part.more)
    if part.headers:
        found["headers"] = {name: ", ".join(some) for name, some in part.headers.items()}
    if (
        part.content_type
        and part.body is not ...
        and not any(name.lower() == "content-type" for name in part.headers)
    ):
        found.setdefault("headers", {})["content-type"] = part.content_type
    if isinstance(part.body, bytes):
        text = _as_text(part.body)
        if text is None:
            lost.append(Lost(f"{place}.body", "version 3 holds no bytes that are no text", "Write version 4"))
        else:
            found["body"] = text
    elif part.body is not ...:
        found["body"] = part.body
    return found | _rules_and_generators(part)


def _as_text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _rules_and_generators(part: _Part) -> dict[str, Any]:
    found = {"matchingRules": part.rules, "generators": part.generators}
    return {key: value for key, value in found.items() if value}
