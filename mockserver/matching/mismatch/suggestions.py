"""Suggests a route that would match a request, as data of the scenario language."""

from __future__ import annotations

from typing import Any

from mockserver.matching.uploads import files_of
from mockserver.model.http import WEBSOCKET, Grouped, Request, UnreadableBodyError
from mockserver.redaction.redaction import mask_text, mask_tree
from mockserver.schema.base import METHOD

MOST_FIELDS = 20
MOST_DEPTH = 6
MOST_CHARS = 200
_TELLING_HEADERS = ("x-amz-target", "soapaction")
"""Headers that identify an operation if path and method don't. They contain no secrets."""


def suggest(request: Request) -> dict[str, Any]:
    """
    Return a route for requests like this one, with the answer 200; for a WebSocket handshake, one that accepts it.

    Long and deep values are left out of its `match`.
    """
    route: dict[str, Any] = {"request": _line(request)}
    match = {
        "headers": {name: request.headers[name] for name in _TELLING_HEADERS if name in request.headers},
        "query": _texts(request.query),
        **_body(request),
    }
    match = {part: value for part, value in match.items() if value not in ({}, None)}
    if match:
        route["match"] = match
    route["reply"] = {"websocket": []} if _is_handshake(request) else {"status": 200, "json": {}}
    return route


def _is_handshake(request: Request) -> bool:
    return request.method == WEBSOCKET or (request.method == "GET" and request.offers_websocket)


def without_secrets(route: dict[str, Any]) -> dict[str, Any]:
    """Return the same route without secrets: they are only required to be present."""
    return {
        key: _blurred_match(value) if key == "match" else mask_tree(value) for key, value in route.items()
    }


def _blurred_match(match: dict[str, Any]) -> dict[str, Any]:
    return {
        part: _blurred(value, "", "$present" if part == "json" else "present")
        for part, value in match.items()
    }


def _blurred(value: object, name: str, present: str) -> object:
    if isinstance(value, dict):
        return {
            mask_text(key): _blurred(item, name if key.startswith("$") else key, present)
            for key, item in value.items()
        }
    if isinstance(value, list) and present == "$present":
        return [_blurred(item, name, present) for item in value]
    return value if mask_tree(value, name) == value else present


def _line(request: Request) -> str:
    known = METHOD.fullmatch(request.method) and request.method == request.method.upper()
    path = request.path.replace("{", "%7B").replace("}", "%7D").replace("#", "%23").replace("?", "%3F")
    path = "".join(f"%{ord(char):02X}" if char.isspace() else char for char in path)
    method = WEBSOCKET if _is_handshake(request) else request.method if known else "ANY"
    return f"{method} {path if path.startswith('/') else '/' + path}"


def _body(request: Request) -> dict[str, Any]:
    try:
        if request.media_type.startswith("multipart/"):
            return {"form": _form(request), "files": _files(request)}
        if request.media_type == "application/x-www-form-urlencoded":
            return {"form": _texts(request.form)}
        return {"json": _json(request.json)}
    except UnreadableBodyError:
        return {}


def _form(request: Request) -> dict[str, Any]:
    return _texts(request.form) if request.media_type == "multipart/form-data" else {}


def _files(request: Request) -> dict[str, Any]:
    files = {}
    for name, parts in list(files_of(request).items())[:MOST_FIELDS]:
        filename = parts[0].filename
        files[name] = {"filename": _text(filename)} if filename and _is_short(filename) else "present"
    return files


def _texts(values: Grouped) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, texts in list(values.items())[:MOST_FIELDS]:
        if _is_short(name) and len(texts) <= MOST_FIELDS and all(map(_is_short, texts)):
            fields[name] = _text(texts[0]) if len(texts) == 1 else [_text(text) for text in texts]
    return fields


def _text(text: str) -> object:
    return {"equals": text} if text in ("present", "absent") else text


def _is_short(text: str) -> bool:
    return len(text) <= MOST_CHARS and text.isprintable()


_LEFT_OUT = object()


def _json(value: object) -> object:
    if isinstance(value, dict) and isinstance(value.get("operationName"), str) and "query" in value:
        value = {"operationName": value["operationName"]}
    tree = _tree(value, MOST_DEPTH)
    return None if tree is _LEFT_OUT else tree


def _tree(value: object, depth: int) -> object:
    """Return the value as a condition on itself; _LEFT_OUT if it is long or deep."""
    if isinstance(value, dict):
        return _fields(value, depth)
    if isinstance(value, list):
        items = [_tree(item, depth - 1) for item in value[:MOST_FIELDS]] if depth else [_LEFT_OUT]
        return items if len(items) == len(value) and _LEFT_OUT not in items else _LEFT_OUT
    if isinstance(value, str):
        if not _is_short(value):
            return _LEFT_OUT
        return {"$equals": value} if value in ("$present", "$absent") else value
    return _LEFT_OUT if isinstance(value, int) and abs(value) > 1 << 64 else value


def _fields(value: dict[str, Any], depth: int) -> object:
    if not depth:
        return _LEFT_OUT
    trees = {key: _tree(item, depth - 1) for key, item in list(value.items())[:MOST_FIELDS] if _is_short(key)}
    kept = {key: tree for key, tree in trees.items() if tree is not _LEFT_OUT}
    return {"$fields": kept} if any(key.startswith("$") for key in kept) else kept
