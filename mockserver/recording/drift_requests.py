"""
Create a request for a route from the scenario: its path, the values of its `match`, and the recorded `x-requests`.
What cannot be derived is reported.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from mockserver.engine.missing import kept_out, masked
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.errors import MockServerError
from mockserver.model.http import Request
from mockserver.model.written import as_text
from mockserver.recording.scenario import REQUESTS
from mockserver.redaction.masking import MASK

SAFE = ("GET", "HEAD", "OPTIONS")
Lines = tuple[tuple[str, str], ...]


class RequestSkippedError(MockServerError):
    """The route is skipped; the text is the reason and the fix."""


_ORDER = (*SAFE, "POST", "PUT", "PATCH")
"""Order of methods: reads before changes, creation before removal."""


def turn(route: Route) -> int:
    """Return the order of a route: lower is earlier."""
    methods = route.methods or frozenset({"GET"})
    return min(_ORDER.index(method) if method in _ORDER else len(_ORDER) for method in methods)


def request_for(ns: Namespace, route: Route, given: Lines, *, unsafe: bool) -> Request:
    """Return the request. `given` headers replace those of the scenario. Raises RequestSkippedError."""
    example = _example(route)
    if MASK in json.dumps(example, default=as_text):
        raise RequestSkippedError(
            f"a secret in its request was masked: write one that may be known under {REQUESTS}"
        )
    if "skip" in example:
        raise RequestSkippedError(f"{example['skip']}")
    match = _mapping(route.data.get("match"))
    method = _method(route, unsafe=unsafe)
    path, _, query = str(example.get("path", "")).partition("?")
    path = path or _path(route)
    pairs = _query({**_mapping(match.get("query")), **_mapping(match.get("query_exact"))})
    query = "&".join(part for part in (query, str(example.get("query", "")), urlencode(pairs)) if part)
    lines, body = _body(match, example)
    lines = (*_headers(match, given), *lines)
    if route.host is not None:
        lines = (("Host", route.host), *lines)
    request = Request(method, f"{path}?{query}" if query else path, lines, body, client="127.0.0.1:0")
    params = route.pattern.match(request.path)
    if params is None:
        raise RequestSkippedError(f"its path does not take {request.path}: fix what is under {REQUESTS}")
    differences = kept_out(ns, route, request, params)
    if differences:
        hint = f"Give it with --header, or write a request for it under {REQUESTS}"
        raise RequestSkippedError(f"no request could be made up: {masked(differences[0]).text}. {hint}")
    return request


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _example(route: Route) -> Mapping[str, Any]:
    """Return the recorded request of a route."""
    return _mapping(_mapping(route.scenario.source.data.get(REQUESTS)).get(route.name))


def _method(route: Route, *, unsafe: bool) -> str:
    methods = route.methods or frozenset({"GET"})
    safe = next((item for item in SAFE if item in methods), None)
    if safe is not None:
        return safe
    if not unsafe:
        raise RequestSkippedError(f"{min(methods)} may change data; use --unsafe")
    return min(methods)


def _path(route: Route) -> str:
    if route.pattern.literal is None:
        raise RequestSkippedError(
            f"its path has parameters: write one under {REQUESTS}, as {route.name!r}: {{path: …}}"
        )
    return quote(route.pattern.text, safe="/%:@!$&'()*+,;=-._~")


# What `match` asks for, as far as it says a value

_NO_VALUE = object()


def _value(condition: object, mark: str = "") -> object:
    """Return the value that a condition names, if any."""
    if isinstance(condition, Mapping):
        for operator in (f"{mark}equals", f"{mark}one_of"):
            if operator in condition:
                result = condition[operator]
                return result[0] if operator.endswith("one_of") and result else result
        return _NO_VALUE
    return _NO_VALUE if condition in (f"{mark}absent", f"{mark}present") else condition


def _texts(condition: object) -> list[str]:
    values = condition if isinstance(condition, list) else [condition]
    return [as_text(value) for value in map(_value, values) if value is not _NO_VALUE and not isinstance(value, (dict, list))]  # fmt: skip


def _query(conditions: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, text) for name, condition in conditions.items() for text in _texts(condition)]


def _headers(match: Mapping[str, Any], given: Lines) -> Lines:
    """Return the headers that the route requires, replaced by the given ones, without those that must be absent."""
    conditions = _mapping(match.get("headers"))
    absent = {name.lower() for name, condition in conditions.items() if _is_absent(condition)}
    mine = tuple((name, value) for name, value in given if name.lower() not in absent)
    names = {name.lower() for name, _ in mine}
    lines = tuple((name, text) for name, condition in conditions.items() if name.lower() not in names for text in _texts(condition))  # fmt: skip
    cookies = [
        f"{name}={text}" for name, item in _mapping(match.get("cookies")).items() for text in _texts(item)
    ]
    return (*mine, *lines, *((("Cookie", "; ".join(cookies)),) if cookies else ()))


def _is_absent(condition: object) -> bool:
    return condition == "absent" or (isinstance(condition, Mapping) and condition.get("absent") is True)


def _body(match: Mapping[str, Any], example: Mapping[str, Any]) -> tuple[Lines, bytes]:
    """Its kind as a header line, and the bytes: as recorded, else as `match` has it."""
    if "base64" in example:
        kinds = _mapping(example.get("headers"))
        lines = tuple((name, as_text(value)) for name, value in kinds.items())
        try:
            return lines, base64.b64decode(str(example["base64"]), validate=True)
        except ValueError as error:
            raise RequestSkippedError(f"the body under {REQUESTS} is not valid Base64: {error}") from error
    for part, kind in (("json", "application/json"), ("json_exact", "application/json")):
        if part in example or part in match:
            tree = example[part] if part in example else _tree(match[part])
            return (("Content-Type", kind),), json.dumps(tree).encode()
    form = {**_mapping(match.get("form")), **_mapping(match.get("form_exact"))}
    if "form" in example or form:
        fields = _query(_mapping(example.get("form", form)))
        return (("Content-Type", "application/x-www-form-urlencoded"),), urlencode(fields).encode()
    text = example.get("text", match.get("text"))
    if isinstance(text, str):
        return (("Content-Type", "text/plain; charset=utf-8"),), text.encode()
    return (), b""


def _tree(condition: object) -> object:
    """Return a JSON value that fulfils the condition; fields without a known value are left out."""
    if isinstance(condition, Mapping) and not any(str(key).startswith("$") for key in condition):
        made = {key: _tree(item) for key, item in condition.items()}
        return {key: item for key, item in made.items() if item is not _NO_VALUE}
    if isinstance(condition, list):
        return [item for item in map(_tree, condition) if item is not _NO_VALUE]
    return _value(condition, "$")
