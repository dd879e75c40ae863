"""Postman's saved requests, as a method, a path and conditions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mockserver.formats.exchanges_to_routes import (
    RecordedRequest,
    body_match,
    route_path,
    text_condition,
    texts,
    tree_condition,
)
from mockserver.formats.mocks.trees import tree
from mockserver.formats.postman.variables import (
    PLACEHOLDER,
    VARIABLE,
    filled,
    has_variables,
    without_placeholders,
)
from mockserver.formats.reading import json_bytes, json_of
from mockserver.recording.conversion import Losses, Lost
from mockserver.recording.exchanges import RecordedExchange, known_method

_OPERATION = re.compile(r"\b(?:query|mutation|subscription)\s+([A-Za-z_]\w*)")
_IN_PATHS = re.compile(f"{VARIABLE.pattern}|{PLACEHOLDER.pattern}")
LeftOut = Callable[[str], object]
"""Called with each placeholder that is not matched."""
_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def recorded_request(
    request: object, variables: Mapping[str, str], place: str, lost: Losses
) -> tuple[RecordedRequest, str]:
    """Return the request, and the origin of its URL, if it is known. Raises ValueError, TypeError or KeyError."""
    if isinstance(request, str):
        request = {"method": "GET", "url": request}
    if not isinstance(request, dict):
        raise TypeError("there is no request")
    left_out: dict[str, None] = {}
    origin, path, query = _url(request.get("url"), variables, left_out.setdefault)
    method = known_method(request.get("method") or "GET")
    content_type = next(
        (str(item.get("value", "")) for item in dicts(request.get("header")) if str(item.get("key", "")).lower() == "content-type" and not item.get("disabled")),
        "",
    )  # fmt: skip
    body = _body(request.get("body") or {}, content_type, variables, place, lost, left_out.setdefault)
    lost += placeholders_lost(place, left_out)
    return RecordedRequest(method, path, {}, query, body), origin


def placeholders_lost(place: str, left_out: Iterable[str]) -> list[Lost]:
    """Return one loss for all placeholders of a place."""
    names = ", ".join(left_out)
    return (
        [Lost(place, f"{names}: a placeholder is not a value, and is left out", "Write a value")]
        if names
        else []
    )


# URL


def _url(url: object, variables: Mapping[str, str], left_out: LeftOut) -> tuple[str, str, dict[str, Any]]:
    if isinstance(url, str):
        url = {"raw": url}
    if not isinstance(url, dict):
        raise TypeError("its URL is missing")
    raw = str(url.get("raw") or "") or _raw(url)
    base, mark, given = raw.partition("?")
    text = filled(base, variables)
    origin, path = _split(text)
    segments = [_segment(filled(part, variables)) for part in path.split("/")]
    query = _query(url, given if mark else "", variables, left_out)
    return origin, _with_own_names("/".join(segments)) or "/", query


def _with_own_names(path: str) -> str:
    """Number the parameters that repeat a name."""
    names: Counter[str] = Counter()

    def named(match: re.Match[str]) -> str:
        names[match[1]] += 1
        return f"{{{match[1]}{names[match[1]]}}}" if names[match[1]] > 1 else match[0]

    return re.sub(r"\{([^}]*)\}", named, path)


def _raw(url: Mapping[str, Any]) -> str:
    host = url.get("host") or ""
    path = url.get("path") or ""
    host = ".".join(map(str, host)) if isinstance(host, list) else str(host)
    parts = [part.get("value", "") if isinstance(part, dict) else str(part) for part in path] if isinstance(path, list) else str(path).strip("/").split("/")  # fmt: skip
    scheme = f"{url['protocol']}://" if url.get("protocol") else ""
    port = f":{url['port']}" if url.get("port") else ""
    return f"{scheme}{host}{port}/{'/'.join(parts)}"


def _split(text: str) -> tuple[str, str]:
    """Return origin and path; the origin is empty for an undefined variable."""
    if "://" in text:
        at = urlsplit(text)
        host = text.partition("://")[2].partition("/")[0]
        path = text.partition("://")[2].partition("/")[2]
        known = not has_variables(host) and at.scheme in ("http", "https") and host
        return (f"{at.scheme}://{host}" if known else ""), f"/{path}"
    head, _, rest = text.partition("/")
    if text.startswith("/"):
        return "", text
    return (f"http://{head}" if head and not has_variables(head) else ""), f"/{rest}"


def _segment(segment: str) -> str:
    """Convert a segment: `:id` and `{{id}}` are parameters."""
    if segment.startswith(":") and len(segment) > 1:
        return "{" + _parameter(segment[1:]) + "}"
    if _IN_PATHS.search(segment):
        pieces, at = "", 0
        for match in _IN_PATHS.finditer(segment):
            pieces += route_path(segment[at : match.start()]) + "{" + _parameter(match[1] or match[2]) + "}"
            at = match.end()
        return pieces + route_path(segment[at:])
    return route_path(segment)


def _parameter(name: str) -> str:
    name = _NAME.sub("_", name.lstrip("$"))
    return name if re.match(r"[A-Za-z_]", name) else f"p_{name}"


def _query(
    url: Mapping[str, Any], given: str, variables: Mapping[str, str], left_out: LeftOut
) -> dict[str, Any]:
    if "query" in url:
        pairs = [
            (str(item.get("key") or ""), item.get("value"))
            for item in dicts(url["query"])
            if not item.get("disabled")
        ]
    else:
        pairs = list(parse_qsl(given, keep_blank_values=True))
    result: dict[str, list[str]] = {}
    for name, value in pairs:
        text = filled(str(value or ""), variables)
        if PLACEHOLDER.fullmatch(text):
            left_out(text)
        elif name:
            result.setdefault(filled(name, variables), []).append(text)
    return {
        name: "present" if any(map(has_variables, some)) else conditions
        for (name, some), conditions in zip(result.items(), texts(result).values(), strict=True)
    }


def dicts(listed: object) -> list[dict[str, Any]]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


# Body


def _body(body: Mapping[str, Any], content_type: str, variables: Mapping[str, str], place: str, lost: Losses, left_out: LeftOut) -> dict[str, Any]:  # fmt: skip
    mode = body.get("mode")
    if body.get("disabled") or mode is None or body.get(mode) in (None, "", [], {}):
        return {}
    match mode:
        case "raw":
            return _raw_body(filled(str(body["raw"]), variables), content_type, body, place, lost, left_out)
        case "urlencoded":
            return _form(body["urlencoded"], variables, left_out)
        case "formdata":
            return _form(body["formdata"], variables, left_out)
        case "graphql":
            return _graphql(body["graphql"], variables, place, lost, left_out)
    lost.add(f"{place}.body", f"a body of mode {mode!r} is not matched: its content is not in the collection")
    return {}


def _raw_body(
    text: str, content_type: str, body: Mapping[str, Any], place: str, lost: Losses, left_out: LeftOut
) -> dict[str, Any]:
    language = ((body.get("options") or {}).get("raw") or {}).get("language")
    if has_variables(text):
        try:
            return {"json": _blurred(without_placeholders(json_of(text), left_out))}
        except ValueError:
            lost.add(f"{place}.body", "its variables are not defined, so it is not matched")
            return {}
    text = json_without_placeholders(text, left_out)
    kind = content_type or {"json": "application/json"}.get(str(language), "text/plain")
    return body_match(
        RecordedExchange(place, "POST", "/", [("content-type", kind)], text.encode("utf-8", "replace"))
    )


def _blurred(value: object) -> object:
    """Return a condition; a text with a variable matches any text."""
    return tree(
        value,
        lambda item: (
            {"$type": "string"} if isinstance(item, str) and has_variables(item) else tree_condition(item)
        ),
    )


def json_without_placeholders(text: str, left_out: LeftOut) -> str:
    """Remove placeholders from a JSON text; a text that is a placeholder becomes empty."""
    if PLACEHOLDER.fullmatch(text.strip()):
        left_out(text.strip())
        return ""
    if not PLACEHOLDER.search(text):
        return text
    try:
        value = json_of(text)
    except ValueError:
        return text
    kept = without_placeholders(value, left_out)
    return text if kept == value else "" if kept is None else json_bytes(kept).decode("utf-8", "replace")


def _form(fields: object, variables: Mapping[str, str], left_out: LeftOut) -> dict[str, Any]:
    form: dict[str, list[str]] = {}
    files: dict[str, Any] = {}
    for field in dicts(fields):
        if field.get("disabled") or not field.get("key"):
            continue
        if field.get("type") == "file":
            files[str(field["key"])] = "present"
        elif PLACEHOLDER.fullmatch(text := filled(str(field.get("value") or ""), variables)):
            left_out(text)
        else:
            form.setdefault(str(field["key"]), []).append(text)
    conditions = {name: "present" if any(map(has_variables, some)) else condition for (name, some), condition in zip(form.items(), texts(form).values(), strict=True)}  # fmt: skip
    return {key: value for key, value in {"form": conditions, "files": files}.items() if value}


def _graphql(
    body: Any, variables: Mapping[str, str], place: str, lost: Losses, left_out: LeftOut
) -> dict[str, Any]:
    query = filled(str(body.get("query") or ""), variables)
    result: dict[str, Any] = {}
    operation = body.get("operationName") or (named[1] if (named := _OPERATION.search(query)) else None)
    if operation:
        result["operation"] = text_condition(str(operation))
    given = body.get("variables") or ""
    try:
        values = (
            json_of(filled(given, variables)) if isinstance(given, str) and given.strip() else given or {}
        )
    except ValueError:
        lost.add(f"{place}.body.graphql.variables", "they are not JSON, so they are not matched")
        values = {}
    values = without_placeholders(values, left_out)
    if values:
        result["variables"] = _blurred(values)
    return {"graphql": result} if result else {"json": {"query": tree_condition(query)}}
