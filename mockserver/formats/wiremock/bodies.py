"""WireMock's `bodyPatterns` as the keys of `match` that ask the body."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

from mockserver.formats.wiremock.json_bodies import equal_to_json, json_path, json_schema
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.values import ANYTHING, FAILED, text_condition
from mockserver.formats.wiremock.xml import equal_to_xml, x_path

Match = dict[str, Any]
BodyReader = Callable[[dict[str, Any], Match, LossPlace], None]
OVER_LINES = "(?s)"
"""Flag that lets a dot match a line end."""


def body_patterns(patterns: object, match: Match, at: LossPlace) -> None:
    """Add the conditions of all patterns to `match`."""
    if not isinstance(patterns, list):
        at.lost("expected a list of patterns")
        return
    for i, pattern in enumerate(patterns):
        _pattern(pattern, match, at.at(i))


def _pattern(pattern: object, match: Match, at: LossPlace) -> None:
    if not isinstance(pattern, dict):
        at.lost("a pattern is a mapping such as {equalTo: x}")
        return
    for key, add in _KINDS.items():
        if key in pattern:
            add(pattern, match, at)
            return
    if "and" in pattern and isinstance(pattern["and"], list):
        body_patterns(pattern["and"], match, at.at("and"))
        return
    if (
        "or" in pattern
        and isinstance(pattern["or"], list)
        and _tree_alternatives(pattern["or"], match, at.at("or"))
    ):
        return
    made = text_condition(pattern, at)
    if made is not FAILED and made is not ANYTHING:
        _also(match, "text", _over_lines(made), "all_of")


def _over_lines(condition: object) -> object:
    """Let dots match line ends, as in WireMock."""
    if isinstance(condition, list):
        return [_over_lines(item) for item in condition]
    if not isinstance(condition, dict):
        return condition
    return {
        key: OVER_LINES + item if key == "matches" and "." in item else _over_lines(item)
        for key, item in condition.items()
    }


def _tree_alternatives(patterns: list[Any], match: Match, at: LossPlace) -> bool:
    """Add alternatives of JSON values as alternatives of one tree; return whether they are such."""
    if not all(isinstance(pattern, dict) and "equalToJson" in pattern for pattern in patterns):
        return False
    made = [equal_to_json(pattern, at.at(i)) for i, pattern in enumerate(patterns)]
    if any(tree is FAILED for _, tree in made):
        return True
    keys = {key for key, _ in made}
    if len(keys) > 1:
        at.lost("alternatives with and without `ignoreExtraElements` can't be combined here")
        return True
    _also(match, keys.pop(), {"$any_of": [tree for _, tree in made]}, "$all_of")
    return True


def _also(match: Match, key: str, condition: object, every: str) -> None:
    """Add a condition to those of the key."""
    if key not in match:
        match[key] = condition
        return
    there = match[key]
    if isinstance(there, dict) and set(there) == {every}:
        there[every].append(condition)
    else:
        match[key] = {every: [there, condition]}


def _schema(pattern: dict[str, Any], match: Match, at: LossPlace) -> None:
    made = json_schema(pattern, at.at("matchesJsonSchema"))
    if made is FAILED:
        return
    match["schema"] = {"allOf": [match["schema"], made]} if "schema" in match else made


def _json(pattern: dict[str, Any], match: Match, at: LossPlace) -> None:
    key, made = equal_to_json(pattern, at)
    if made is not FAILED:
        _also(match, key, made, "$all_of")


def _queried(part: str, read: Callable[[dict[str, Any], LossPlace], dict[str, Any]]) -> BodyReader:
    def add(pattern: dict[str, Any], match: Match, at: LossPlace) -> None:
        for query, made in read(pattern, at).items():
            _also(match.setdefault(part, {}), query, made, "all_of")

    return add


def _binary(pattern: dict[str, Any], match: Match, at: LossPlace) -> None:
    try:
        data = base64.b64decode(pattern["binaryEqualTo"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        at.at("binaryEqualTo").lost("it is not valid Base64")
        return
    _also(match, "body_sha256", hashlib.sha256(data).hexdigest(), "all_of")


_KINDS: dict[str, BodyReader] = {
    "equalToJson": _json,
    "matchesJsonPath": _queried("jsonpath", json_path),
    "matchesJsonSchema": _schema,
    "equalToXml": _queried("xml", equal_to_xml),
    "matchesXPath": _queried("xml", x_path),
    "binaryEqualTo": _binary,
}
