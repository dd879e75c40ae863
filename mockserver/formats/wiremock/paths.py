"""
Convert URLs of WireMock: `url`, `urlPath`, `urlPattern`, `urlPathPattern`, `urlPathTemplate`.

Regular expressions become parameters segment by segment, if possible: `/users/[0-9]+` is `/users/{p1:[0-9]+}`.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from mockserver.formats.mocks.conditions import has_alternatives, literal, split
from mockserver.formats.mocks.paths import ANY_PATH
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.values import is_regex
from mockserver.model.http import grouped

_PLAIN = re.compile(r"(?:[\w\-~!@,:;=&'% ]|\\[./\-_~])*")
_TEMPLATE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")


class PathTarget:
    """Path and conditions on the query; with `exact`, no other parameters are allowed."""

    __slots__ = ("exact", "path", "query")

    def __init__(self, path: str, query: dict[str, Any] | None = None, *, exact: bool = False) -> None:
        self.path = path
        self.query = query or {}
        self.exact = exact


def target(request: dict[str, Any], at: LossPlace) -> PathTarget | None:
    """Return path and query; None, with a loss, if they cannot be converted."""
    for key, read in _READERS.items():
        if request.get(key) is not None:
            written = request[key]
            if not isinstance(written, str):
                at.at(key).lost("a URL is a text")
                return None
            return read(written, at.at(key))
    return PathTarget(ANY_PATH)


def _url(text: str, at: LossPlace) -> PathTarget | None:
    path, mark, query = text.partition("?")
    result = _url_path(path, at)
    if result is None:
        return None
    result.exact = True
    if mark:
        values = grouped(parse_qsl(query, keep_blank_values=True))
        result.query = {name: some if len(some) > 1 else literal(some[0]) for name, some in values.items()}
    return result


def _url_path(text: str, at: LossPlace) -> PathTarget | None:
    if not text.startswith("/"):
        at.lost(f"{text!r} does not begin with a slash, so that no request has it")
        return None
    return PathTarget(text.replace("{", "%7B").replace("}", "%7D"))


def _url_path_template(text: str, at: LossPlace) -> PathTarget | None:
    rest = _TEMPLATE.sub("", text)
    if not text.startswith("/") or "{" in rest or "}" in rest:
        at.lost(f"{text!r} is not a path with parameters as they are written here")
        return None
    return PathTarget(text)


def _url_path_pattern(text: str, at: LossPlace) -> PathTarget | None:
    path = regex_path(text, at)
    return None if path is None else PathTarget(path)


def _url_pattern(text: str, at: LossPlace) -> PathTarget | None:
    """One expression over path and query: taken apart at its question mark."""
    source, mark, query = text.partition("\\?")
    result = _url_path_pattern(source, at)
    if result is None:
        return None
    if not mark:
        result.exact = not source.endswith((".*", ".+", "$.*"))
        return result
    if query.strip("$") in (".*", ".+"):
        return result
    result.exact = not query.endswith(".*")
    for pair in query.removesuffix("$").split("&"):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[\w\-\[\]]+", name) or not is_regex(value, at):
            at.lost(f"the query in {text!r} can't be taken apart", "Match it under `queryParameters`")
            return None
        result.query[name] = literal(value) if re.fullmatch(r"[\w\-]*", value) else {"matches": value}
    return result


def regex_path(text: str, at: LossPlace) -> str | None:
    """Return the path of a route for a regular expression; None, with a loss, if there is none."""
    if not is_regex(text, at):
        return None
    source = text.removeprefix("^")
    if source.endswith("$") and not source.endswith("\\$"):
        source = source[:-1]
    source = source.replace("\\/", "/")
    if source.startswith((".*", ".+")):
        source = "/" + source
    parts = split(source, "/")
    # A slash that is repeated or optional separates no segments.
    is_open = has_alternatives(source) or any(part[:1] in ("?", "*", "+", "{") for part in parts[1:])
    if is_open or parts[0] != "" or len(parts) < 2:
        at.lost(f"{text!r} can't be taken apart into a path", "Write one route for each of its alternatives")
        return None
    number = 0
    made = []
    for part in parts[1:]:
        if _PLAIN.fullmatch(part):
            made.append(re.sub(r"\\(.)", r"\1", part))
            continue
        number += 1
        made.append(f"{{p{number}{'' if part == '[^/]+' else ':' + part}}}")
    return "/" + "/".join(made)


_READERS = {
    "url": _url,
    "urlPattern": _url_pattern,
    "urlPath": _url_path,
    "urlPathPattern": _url_path_pattern,
    "urlPathTemplate": _url_path_template,
}
