"""Scenarios as Postman collections 2.1: an item for each route, a saved example for each of its replies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockserver.formats.path_pieces import PLAIN, pieces
from mockserver.formats.postman.variables import as_variables, json_variables
from mockserver.formats.reading import json_line, pretty
from mockserver.formats.routes_to_exchanges import reply_parts, request_parts, status_of
from mockserver.formats.steps import Step, origin_of, steps_of
from mockserver.model.framing import REASONS
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Exported, Losses
from mockserver.recording.exchanges import Lines

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_CHOOSER = "x-mock-response-name"


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """A collection for each scenario. Tags of a route are the folders that it is in."""
    exported = Exported()
    for name, document in scenarios.items():
        collection = _collection(name, document, folder, exported.lost)
        exported.files[f"{name}.postman_collection.json"] = pretty(collection)
    return exported


def _collection(name: str, document: Document, folder: Path | None, lost: Losses) -> dict[str, Any]:
    info = {"name": name, "schema": SCHEMA}
    if document.get("description"):
        info["description"] = document["description"]
    variables = [{"key": "baseUrl", "value": origin_of(document)}]
    variables += [
        {"key": key, "value": _constant(value)} for key, value in (document.get("vars") or {}).items()
    ]
    root: dict[str, Any] = {"item": []}
    items: dict[str, dict[str, Any]] = {}
    for step in steps_of({name: document}, lost):
        item = items.get(step.route_place)
        if item is None:
            item = items[step.route_place] = {"name": step.name, "request": {}, "response": []}
            _folder(root, step.route.get("tags") or [])["item"].append(item)
        request, example = _saved(step, folder, lost)
        if not item["request"] or step.case is None or not _chooses(step):
            item["request"] = item["request"] or request
        item["response"].append(example)
        if step.number == step.steps > 1 and step.case in (None, 0):
            lost.add(
                f"{step.route_place}.reply", "a collection can't express in which order its examples answer"
            )
    return {"info": info, "item": root["item"], "variable": variables}


def _constant(value: object) -> str:
    return json_line(value) if isinstance(value, (dict, list)) else as_text(value)


def _folder(root: dict[str, Any], names: list[str]) -> dict[str, Any]:
    here = root
    for name in names:
        below = next((item for item in here["item"] if item.get("name") == name and "item" in item), None)
        if below is None:
            below = {"name": name, "item": []}
            here["item"].append(below)
        here = below
    return here


def _chooses(step: Step) -> bool:
    return _CHOOSER in (step.match.get("headers") or {})


def _saved(step: Step, folder: Path | None, lost: Losses) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request, and the reply to it as an example."""
    query, headers, body = request_parts(step, lost)
    chosen = next((value for name, value in headers if name == _CHOOSER), "")
    headers = [pair for pair in headers if pair[0] != _CHOOSER]
    request: dict[str, Any] = {
        "method": step.method,
        "header": _named(headers),
        "url": _url(step, query, lost),
    }
    if body:
        request["body"] = _body(body, headers)
    quiet = Losses()
    unsaid: list[str] = []
    lines, content = reply_parts(step, folder, quiet)
    lost += [item for item in quiet if "a template is written" not in item.what]
    raw = bool(step.reply.get("raw"))
    said = (lambda text: text) if raw else (lambda text: as_variables(text, unsaid.append))
    status = status_of(step, lost)
    example = {
        "name": chosen or (f"{status} #{step.number}" if step.steps > 1 else str(step.name)),
        "originalRequest": request,
        "status": REASONS.get(status, ""),
        "code": status,
        "header": _named([(name, said(value)) for name, value in lines]),
        "body": json_variables(step.reply["json"], unsaid.append)
        if step.body_kind == "json" and not raw
        else _content(content, step, said, lost),
    }
    for expression in dict.fromkeys(unsaid):
        lost.add(step.place, f"there is no variable for {{{{ {expression} }}}}", "It is kept unchanged")
    return request, example


def _content(content: bytes, step: Step, said: Any, lost: Losses) -> str:
    try:
        return str(said(content.decode()))
    except UnicodeDecodeError:
        lost.add(f"{step.place}.{step.body_kind}", "an example has no binary body", "It has no body")
        return ""


def _named(pairs: Lines) -> list[dict[str, str]]:
    return [{"key": name, "value": value} for name, value in pairs]


def _url(step: Step, query: Lines, lost: Losses) -> dict[str, Any]:
    parts: list[str] = []
    names: list[str] = []
    for segment in step.path.removeprefix("/").split("/") if "{" not in step.path else _segments(step.path):
        inner = pieces(segment)
        if len(inner) == 1 and isinstance(inner[0], tuple):
            name, pattern = inner[0]
            names.append(name)
            parts.append(f":{name}")
            if pattern != PLAIN:
                lost.add(f"{step.route_place}.request", f"the expression {pattern} of {{{name}}} is lost")
        else:
            parts.append("".join(item if isinstance(item, str) else f"{{{{{item[0]}}}}}" for item in inner))
    result: dict[str, Any] = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    if query:
        result["raw"] += "?" + "&".join(f"{name}={value}" for name, value in query)
        result["query"] = _named(query)
    if names:
        result["variable"] = [{"key": name, "value": ""} for name in names]
    return result


def _segments(path: str) -> list[str]:
    """Split at slashes outside of parameters."""
    result = [""]
    for piece in pieces(path.removeprefix("/")):
        if isinstance(piece, tuple):
            result[-1] += "{" + piece[0] + ("" if piece[1] == PLAIN else f":{piece[1]}") + "}"
        else:
            head, *rest = piece.split("/")
            result[-1] += head
            result += rest
    return result


def _body(body: bytes, headers: Lines) -> dict[str, Any]:
    from urllib.parse import parse_qsl

    content_type = next((value for name, value in headers if name == "content-type"), "")
    text = body.decode("utf-8", "replace")
    if content_type == "application/x-www-form-urlencoded":
        return {"mode": "urlencoded", "urlencoded": _named(parse_qsl(text, keep_blank_values=True))}
    language = "json" if content_type.endswith("json") else "text"
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": language}}}
