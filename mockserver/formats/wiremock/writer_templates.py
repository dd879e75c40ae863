"""
Convert templates to Handlebars of WireMock: parts of the request, ids, random values and times.

Expressions without a counterpart are lost, and stay as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mockserver.formats.wiremock.losses import LossPlace
from mockserver.model.json_values import map_leaves

_CODE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_RAW = re.compile(r"\{% raw %\}(.*?)\{% endraw %\}", re.DOTALL)
_DEFAULT = re.compile(r"(.+?)\s*\|\s*default\(''\)")
_KEY = r"(?:\.(\w+)|\['([^']+)'\])"


def handlebars_tree(value: object, at: LossPlace) -> Any:
    """Convert every text in a JSON value."""
    return map_leaves(
        value, lambda item, path: handlebars(item, at.at(*path)) if isinstance(item, str) else item
    )


def handlebars(text: str, at: LossPlace) -> str:
    """One text."""
    if "{{" not in text and "{%" not in text:
        return text
    if _RAW.search(text):
        at.lost("literal braces can't be combined with templates there")
        text = _RAW.sub(r"\1", text)
    if "{%" in text:
        at.lost("statements in templates are not converted")
        return text

    def said(match: re.Match[str]) -> str:
        made = expression(match[1].strip())
        if made is None:
            at.lost(f"{match[0]} can't be expressed there")
            return match[0]
        return "{{" + made + "}}"

    return _CODE.sub(said, text)


def expression(source: str) -> str | None:
    """One expression in Handlebars; None where it has no counterpart."""
    plain = _DEFAULT.fullmatch(source)
    if plain is not None:
        source = plain[1]
    for pattern, make in _FORMS:
        match = pattern.fullmatch(source)
        if match is not None:
            return make(match)
    return None


def _named(part: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"request.{part}.{_segment(match[1] or match[2])}"


def _segment(name: str) -> str:
    return name if re.fullmatch(r"\w[\w-]*", name) else f"[{name}]"


_FORMS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(r"request\.(method|path)"), lambda found: f"request.{found[1]}"),
    (re.compile(r"request\.text"), lambda _: "request.body"),
    (re.compile(r"request\.base_url"), lambda _: "request.baseUrl"),
    (re.compile(r"request\.host\.split\(':'\)\[0\]"), lambda _: "request.host"),
    (re.compile(r"request\.url\.removeprefix\(request\.base_url\)"), lambda _: "request.url"),
    (re.compile(r"request\.path\.split\('/'\)\[(\d+)\]"), lambda found: f"request.pathSegments.[{int(found[1]) - 1}]"),
    (re.compile(rf"path{_KEY}"), _named("path")),
    (re.compile(rf"request\.query{_KEY}"), _named("query")),
    (re.compile(rf"request\.headers{_KEY}"), _named("headers")),
    (re.compile(rf"request\.cookies{_KEY}"), _named("cookies")),
    (re.compile(r"request\.(query|headers)\.getlist\('([^']+)'\)\[(\d+)\]"), lambda found: f"request.{found[1]}.{_segment(found[2])}.[{found[3]}]"),
    (re.compile(r"request\.json((?:\.\w+|\[\d+\]|\['[^']+'\])*)"), lambda found: f"jsonPath request.body {_quoted('$' + found[1])}"),
    (re.compile(r"jsonpath\(request\.json, ?'((?:[^'\\]|\\.)*)'\)"), lambda found: f"jsonPath request.body {_quoted(_unescaped(found[1]))}"),
    (re.compile(r"uuid\(\)"), lambda _: "randomValue type='UUID'"),
    (re.compile(r"random_string\((\d+)\)(?: \| (?:lower|upper))?"), lambda found: f"randomValue length={found[1]} type='ALPHANUMERIC'"),
    (re.compile(r"random_int\((-?\d+), ?(-?\d+)\)"), lambda found: f"randomInt lower={found[1]} upper={int(found[2]) + 1}"),
    (re.compile(r"now"), lambda _: "now"),
    (re.compile(r"now\.timestamp\(\) \| int"), lambda _: "now format='unix'"),
    (re.compile(r"\(now\.timestamp\(\) \* 1000\) \| int"), lambda _: "now format='epoch'"),
    (re.compile(r"now\.strftime\('%Y-%m-%dT%H:%M:%SZ'\)"), lambda _: "now"),
    (re.compile(r"now\.strftime\('%Y-%m-%d'\)"), lambda _: "now format='yyyy-MM-dd'"),
]  # fmt: skip


def _quoted(text: str) -> str:
    """A text in the quotes that it doesn't hold."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
