"""A request pattern of WireMock as a request line and a `match`."""

from __future__ import annotations

import base64
from typing import Any

from mockserver.formats.mocks.conditions import escaped
from mockserver.formats.mocks.requests import quoted
from mockserver.formats.path_pieces import has_pairs_of_braces
from mockserver.formats.wiremock.bodies import body_patterns
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.paths import PathTarget, target
from mockserver.formats.wiremock.values import ANYTHING, FAILED, is_regex, text_condition

_KNOWN = frozenset({
    "method", "url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate", "headers", "queryParameters",
    "cookies", "formParameters", "pathParameters", "bodyPatterns", "basicAuthCredentials", "basicAuth",
    "multipartPatterns", "host", "port", "scheme", "clientIp", "customMatcher",
})  # fmt: skip
_PARTS = {
    "headers": "headers",
    "queryParameters": "query",
    "cookies": "cookies",
    "formParameters": "form",
}


def request_pattern(written: object, at: LossPlace, *, exact: bool = False) -> dict[str, Any] | None:
    """
    Return `request`, and `match` and `if` if needed; None, with a loss, if the request is undefined.

    With `exact`, a `url` rejects parameters that it does not name, as in WireMock; that needs an `if`.
    """
    if not isinstance(written, dict):
        at.lost("a request pattern is a mapping")
        return None
    at.unknown(written, _KNOWN)
    result = target(written, at)
    if result is None:
        return None
    _path_parameters(written.get("pathParameters"), result, at.at("pathParameters"))
    route: dict[str, Any] = {"request": f"{_method(written.get('method'), at)} {_spaced(result.path)}"}
    match = _match(written, result, at)
    if match:
        route["match"] = match
    if result.exact and exact:
        route["if"] = _no_others(written, result)
    return route


def _no_others(written: dict[str, Any], result: PathTarget) -> str:
    """Return the expression that allows no other query parameters."""
    if not result.query:
        return "{{ not request.query }}"
    if "url" in written:
        return "{{ request.url.removeprefix(request.base_url) == " + quoted(written["url"]) + " }}"
    return "{{ request.query.keys() | length == " + str(len(result.query)) + " }}"


def _spaced(path: str) -> str:
    """A request line is words: a space in a path is encoded."""
    return path.replace(" ", "%20")


def _method(written: object, at: LossPlace) -> str:
    if written is None or str(written).upper() == "ANY":
        return "ANY"
    if isinstance(written, str) and written.upper() == "GET_OR_HEAD":
        return "GET,HEAD"
    if isinstance(written, str) and written.isalpha():
        return written.upper()
    at.at("method").lost(f"{written!r} is not a method here")
    return "ANY"


def _match(written: dict[str, Any], result: PathTarget, at: LossPlace) -> dict[str, Any]:
    match: dict[str, Any] = {}
    if result.query:
        match["query"] = dict(result.query)
    for theirs, ours in _PARTS.items():
        for name, pattern in (written.get(theirs) or {}).items():
            _add(match, ours, name, text_condition(pattern, at.at(theirs, name)))
    _authority(written, match, at)
    if written.get("bodyPatterns") is not None:
        body_patterns(written["bodyPatterns"], match, at.at("bodyPatterns"))
    _multipart(written.get("multipartPatterns"), match, at.at("multipartPatterns"))
    return match


def _add(match: dict[str, Any], part: str, name: str, condition: object) -> None:
    if condition is FAILED or condition is ANYTHING:
        return
    there = match.setdefault(part, {})
    there[name] = {"all_of": [there[name], condition]} if name in there else condition


def _authority(written: dict[str, Any], match: dict[str, Any], at: LossPlace) -> None:
    """Host, port, scheme, client and credentials."""
    for key in ("basicAuthCredentials", "basicAuth"):
        given = written.get(key)
        if isinstance(given, dict):
            pair = f"{given.get('username', '')}:{given.get('password', '')}".encode()
            _add(match, "headers", "authorization", f"Basic {base64.b64encode(pair).decode()}")
    host = written.get("host")
    if host is not None:
        _host(host, match, at.at("host"))
    for key, what in (
        ("port", "the port is not matched"),
        ("scheme", "the scheme is not matched"),
        ("clientIp", "the client's address is not matched"),
        ("customMatcher", "an extension's matcher runs in their server alone"),
    ):
        if written.get(key) is not None:
            at.at(key).lost(what)


def _host(pattern: object, match: dict[str, Any], at: LossPlace) -> None:
    """Match the Host header, which includes the port."""
    if isinstance(pattern, dict) and isinstance(pattern.get("equalTo"), str):
        name = pattern["equalTo"]
        _add(
            match,
            "headers",
            "host",
            {"any_of": [{"ignore_case": name}, {"matches": f"(?i){escaped(name)}:\\d+"}]},
        )
        return
    at.lost("the host is converted only as {equalTo: name}")


def _path_parameters(written: Any, result: PathTarget, at: LossPlace) -> None:
    """Convert conditions on path parameters to patterns in the path."""
    for name, pattern in (written or {}).items():
        place = at.at(name)
        bare = f"{{{name}}}"
        if bare not in result.path:
            place.lost(f"the path has no parameter {name!r}")
        elif isinstance(pattern, dict) and set(pattern) == {"equalTo"} and "/" not in str(pattern["equalTo"]):
            result.path = result.path.replace(bare, f"{{{name}:{escaped(str(pattern['equalTo']))}}}")
        elif (
            isinstance(pattern, dict) and set(pattern) == {"matches"} and is_regex(pattern["matches"], place)
        ):
            if has_pairs_of_braces(pattern["matches"]):
                result.path = result.path.replace(bare, f"{{{name}:{pattern['matches']}}}")
            else:
                place.lost(
                    "its expression has a brace without the other",
                    "Write it with a backslash before the brace",
                )
        else:
            place.lost("a path parameter is matched only by `equalTo` or `matches`")


def _multipart(written: Any, match: dict[str, Any], at: LossPlace) -> None:
    """Convert parts of a multipart form; WireMock does not distinguish fields and files."""
    for i, pattern in enumerate(written or []):
        place = at.at(i)
        if not isinstance(pattern, dict) or not isinstance(pattern.get("name"), str):
            place.lost("a part of a multipart body is found by its name alone")
            continue
        place.unknown(pattern, frozenset({"name", "headers", "bodyPatterns", "matchingType"}))
        disposition = str((pattern.get("headers") or {}).get("Content-Disposition", ""))
        body: dict[str, Any] = {}
        body_patterns(pattern.get("bodyPatterns") or [], body, place.at("bodyPatterns"))
        if set(body) - {"text"}:
            place.at("bodyPatterns").lost("of a part only its text is matched")
        if pattern.get("matchingType", "ANY") != "ANY":
            place.at("matchingType").lost("one part that fits is enough")
        condition = body.get("text", "present")
        if "filename" in disposition:
            match.setdefault("files", {})[pattern["name"]] = {"text": condition}
        else:
            match.setdefault("form", {})[pattern["name"]] = condition
            hint = "Where it is sent as a file, match it under `files`"
            place.lost("whether the part is a field or a file does not show; taken for a field", hint)
