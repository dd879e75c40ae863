"""
Postman collections, 2.1 and 2.0 (https://schema.postman.com/collection/json/v2.1.0/docs/index.html).

A saved example is what Postman's own mock servers answer, so each becomes a reply:
where one request has several, the header `x-mock-response-name` chooses, as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.errors import invalid, shown
from mockserver.formats.exchanges_to_routes import RecordedRequest, told_apart
from mockserver.formats.mocks.conditions import literal
from mockserver.formats.mocks.sources import FAILURES
from mockserver.formats.postman.requests import (
    dicts,
    json_without_placeholders,
    placeholders_lost,
    recorded_request,
)
from mockserver.formats.postman.variables import PLACEHOLDER, filled, has_variables, json_template, template
from mockserver.formats.reading import json_file, name_of, scenario_name
from mockserver.formats.steps import as_mapping
from mockserver.recording.conversion import Document, Imported, Losses
from mockserver.recording.exchanges import ORIGIN, RecordedExchange
from mockserver.recording.written_replies import Beside, reply_of

_CHOOSER = "x-mock-response-name"
_UNUSED_NAME = re.compile(r"[\x00-\x1f]")


@dataclass(slots=True)
class _Item:
    """A saved request, with what its folders say."""

    place: str
    name: str
    folders: list[str]
    request: Any
    examples: list[dict[str, Any]]
    variables: dict[str, str]


@dataclass(slots=True)
class _Example:
    name: str
    place: str
    reply: Any


@dataclass(slots=True)
class _Reading:
    lost: Losses
    beside: Beside
    used: dict[str, str] = field(default_factory=dict)
    """Constants in replies."""
    silent: list[str] = field(default_factory=list)
    """Requests without an example."""


def read(source: Path) -> Imported:
    """Read a collection. Raises InvalidInputError for any other file."""
    document = json_file(source, "a collection that was exported from Postman")
    collection = document.get("collection", document) if isinstance(document, dict) else document
    if not isinstance(collection, dict) or not isinstance(collection.get("item"), list):
        raise invalid(("item",), f"{source} is not a collection of version 2.1: it has no list of items", "Export it as Collection v2.1")  # fmt: skip
    info = collection.get("info")
    info = info if isinstance(info, dict) else {}
    name = scenario_name(str(info.get("name") or "")) if info.get("name") else name_of(source)
    imported = Imported()
    reading = _Reading(imported.lost, Beside(name))
    groups, origin = _groups(collection, reading)
    scenario: Document = {}
    if (info.get("name") and info["name"] != name) or info.get("description"):
        scenario["description"] = _description(info)
    if origin:
        scenario[ORIGIN] = origin
    if reading.used:
        scenario["vars"] = reading.used
    scenario["routes"] = _routes(groups)
    imported.scenarios[name] = scenario
    imported.files = reading.beside.files
    if reading.silent:
        imported.remarks[name] = [f"Without a saved example, answered with 200 and no body: {', '.join(reading.silent)}."]  # fmt: skip
    return imported


def _description(info: Mapping[str, Any]) -> str:
    told = info.get("description")
    text = told.get("content") if isinstance(told, dict) else told
    return str(text or info["name"])


# Items


def _items(holder: Mapping[str, Any], place: str, folders: list[str], variables: dict[str, str], lost: Losses) -> Iterator[_Item]:  # fmt: skip
    """Every request below, depth first, as Postman shows them."""
    variables = variables | _variables(holder.get("variable"))
    _tell_unsaid(holder, place, lost)
    for index, item in enumerate(holder.get("item") or []):
        at = f"{place}item[{index}]"
        if not isinstance(item, dict):
            lost.add(at, f"{shown(item)} is not an item", "Leave it out")
        elif isinstance(item.get("item"), list):
            yield from _items(item, f"{at}.", [*folders, str(item.get("name") or "folder")], variables, lost)
        elif item.get("request"):
            _tell_unsaid(item, f"{at}.", lost)
            examples = dicts(item.get("response"))
            yield _Item(
                at,
                _name(item),
                folders,
                item["request"],
                examples,
                variables | _variables(item.get("variable")),
            )
        else:
            lost.add(at, "it has neither a request nor items", "Leave it out")


def _name(item: Mapping[str, Any]) -> str:
    return _UNUSED_NAME.sub(" ", str(item.get("name") or ""))[:150].strip()


def _variables(written: object) -> dict[str, str]:
    return {
        str(item.get("key", item.get("id"))): str(item.get("value", ""))
        for item in dicts(written)
        if not item.get("disabled")
        and item.get("value") is not None
        and not PLACEHOLDER.fullmatch(str(item["value"]))
    }


def _tell_unsaid(holder: Mapping[str, Any], place: str, lost: Losses) -> None:
    """Add the loss of scripts and credentials."""
    for index, event in enumerate(dicts(holder.get("event"))):
        script = event.get("script")
        lines = script.get("exec") if isinstance(script, dict) else None
        if any(str(line).strip() for line in (lines if isinstance(lines, list) else [lines or ""])):
            lost.add(
                f"{place}event[{index}]",
                f"a script of kind {event.get('listen')!r} is not run",
                "Routes have set, let and if",
            )
    auth = holder.get("auth")
    if isinstance(auth, dict) and auth.get("type") not in (None, "noauth"):
        lost.add(
            f"{place}auth",
            f"{auth['type']} is not required",
            "Write auth: on the scenario or route to require it",
        )


# Routes


@dataclass(slots=True)
class _Group:
    request: RecordedRequest
    item: _Item
    examples: list[_Example]


def _groups(collection: Mapping[str, Any], reading: _Reading) -> tuple[list[_Group], str]:
    """Requests that conditions tell apart, each with its examples; and where the service is."""
    result: dict[str, _Group] = {}
    origins: dict[str, None] = {}
    for item in _items(collection, "", [], {}, reading.lost):
        recorded = None
        if isinstance(item.request, dict):
            _tell_unsaid({"auth": item.request.get("auth")}, f"{item.place}.request.", reading.lost)
        for index, written in enumerate(item.examples or [{}]):
            place = f"{item.place}.response[{index}]" if item.examples else item.place
            request = written.get("originalRequest") or item.request
            try:
                recorded, origin = recorded_request(
                    request, item.variables, f"{item.place}.request", reading.lost
                )
                example = _example(written, recorded, origin, item, place, reading)
            except FAILURES as error:
                reading.lost.add(place, f"it can't be read: {error}", "Leave it out, or fix it")
                continue
            if origin:
                origins[origin] = None
            result.setdefault(recorded.same, _Group(recorded, item, [])).examples.append(example)
    return list(result.values()), next(iter(origins)) if len(origins) == 1 else ""


def _example(written: dict[str, Any], request: RecordedRequest, origin: str, item: _Item, place: str, reading: _Reading) -> _Example:  # fmt: skip
    if not written:
        reading.silent.append(item.name or request.place)
        return _Example("", place, 200)
    headers = written.get("header") or []
    if isinstance(headers, str):
        headers = [dict(zip(("key", "value"), map(str.strip, line.split(":", 1)), strict=False)) for line in headers.splitlines() if ":" in line]  # fmt: skip
    left_out: dict[str, None] = {}
    lines = [
        (str(header["key"]), str(header.get("value", ""))) for header in headers if not header.get("disabled")
    ]
    left_out |= dict.fromkeys(value for _, value in lines if PLACEHOLDER.fullmatch(value))
    lines = [(name, value) for name, value in lines if value not in left_out]
    body = json_without_placeholders(str(written.get("body") or ""), left_out.setdefault)
    reading.lost += placeholders_lost(place, left_out)
    exchange = RecordedExchange(
        place, request.method, f"{origin}/", status=int(written.get("code") or 200), headers=lines, body=str(body).encode("utf-8", "replace")
    )  # fmt: skip
    if not 200 <= exchange.status <= 599:
        raise ValueError(f"{exchange.status} is not a final status: routes answer with 200 to 599")
    if not any(name.lower() == "content-type" for name, _ in lines) and body:
        kind = {"json": "application/json", "html": "text/html", "xml": "application/xml"}.get(str(written.get("_postman_previewlanguage")))  # fmt: skip
        exchange.headers.append(("content-type", kind or "text/plain"))
    texts = [body, *(value for _, value in lines)]
    reply = _with_templates(exchange, item, reading) if any(map(has_variables, texts)) else reply_of(exchange, reading.beside)  # fmt: skip
    return _Example(_name(written), place, reply)


def _with_templates(exchange: RecordedExchange, item: _Item, reading: _Reading) -> object:
    constants = {name: filled(value, item.variables) for name, value in item.variables.items()}

    def unknown(name: str) -> None:
        reading.lost.add(exchange.place, f"{{{{{name}}}}} is not defined", "It is sent unchanged")

    def made(text: str) -> str:
        return template(text, constants, unknown)

    text = exchange.body.decode()
    for name in re.findall(
        r"\{\{\s*([^{}\s$]+)\s*\}\}", text + "".join(value for _, value in exchange.headers)
    ):
        if name in constants:
            reading.used[name] = constants[name]
    exchange.headers = [(name, made(value)) for name, value in exchange.headers]
    exchange.body = b""
    reply = reply_of(exchange, reading.beside, templates=True)
    body = _body(text, exchange, made, lambda: json_template(text, constants, unknown))
    return reply if not body else {**(reply if isinstance(reply, dict) else {} if reply == 200 else {"status": reply}), **body}  # fmt: skip


def _body(text: str, exchange: RecordedExchange, made: Any, tree: Any) -> dict[str, Any]:
    media_type = exchange.header("content-type").partition(";")[0].strip().lower()
    if text and media_type.endswith("json"):
        try:
            return {"json": tree()}
        except ValueError:
            pass
    kind = {"text/html": "html", "application/xml": "xml"}.get(media_type, "text")
    return {kind: made(text)} if text else {}


def _routes(groups: list[_Group]) -> list[Document]:
    by_request = {id(group.request): group for group in groups}
    result, names = [], dict[str, int]()
    for request in told_apart([group.request for group in groups]):
        group = by_request[id(request)]
        route: Document = {}
        name = group.item.name
        if name and name != request.place:
            names[name] = names.get(name, 0) + 1
            route["name"] = name if names[name] == 1 else f"{name} #{names[name]}"
        route["request"] = request.place
        if request.match:
            route["match"] = request.match
        route["reply"] = _chosen(group.examples)
        if group.item.folders:
            route["tags"] = group.item.folders
        result.append(route)
    return result


def _chosen(examples: list[_Example]) -> object:
    """Return the first successful example as reply, and the others as cases by name."""
    if len(examples) == 1:
        return examples[0].reply
    first = next((example for example in examples if _status(example.reply) < 300), examples[0])
    named = {example.name: example for example in reversed(examples) if example.name and example is not first}
    cases: list[Any] = [
        {"match": {"headers": {_CHOOSER: literal(example.name)}}, **as_mapping(example.reply)}
        for example in examples
        if named.get(example.name) is example
    ]
    return {"cases": [*cases, as_mapping(first.reply) or {"status": 200}]} if cases else first.reply


def _status(reply: Any) -> int:
    status = reply if isinstance(reply, int) else reply.get("status", 200)
    return status if isinstance(status, int) else 200
