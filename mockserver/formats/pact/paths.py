"""Convert a rule for a path to a path with parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mockserver.formats.exchanges_to_routes import route_path
from mockserver.formats.mocks.conditions import compiled, split
from mockserver.formats.path_pieces import PLAIN

_LITERAL = re.compile(r"(?:[A-Za-z0-9_~!@&=:;,%\- ]|\\[./\-+*?()\[\]{}^$|])*")


def path_pattern(example: str, matchers: list[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the path of a route, and the loss of the rule."""
    if len(matchers) != 1 or "regex" not in matchers[0]:
        kinds = " and ".join(str(matcher.get("match")) for matcher in matchers)
        return route_path(example), f"a path that only differs by {kinds} must be equal"
    regex = str(matchers[0]["regex"])
    result = _segments(regex.removeprefix("^").removesuffix("$").replace("\\/", "/"))
    if result is None:
        return route_path(
            example
        ), f"the expression {regex!r} can't be taken apart at slashes: the path must be equal"
    return result, ""


def _segments(regex: str) -> str | None:
    if not regex.startswith("/"):
        return None
    parts, number = [""], 0
    for segment in split(regex[1:], "/"):
        if _LITERAL.fullmatch(segment):
            text = route_path(re.sub(r"\\(.)", r"\1", segment))
        elif not _is_usable(segment):
            return None
        else:
            number += 1
            text = f"{{p{number}}}" if segment == PLAIN else f"{{p{number}:{segment}}}"
        parts.append(text)
    return "/".join(parts)


def _is_usable(segment: str) -> bool:
    """Whether a route can have it as a parameter: braces in pairs, no groups that would count."""
    regex = compiled(segment)
    return regex is not None and regex.groups == 0 and segment.count("{") == segment.count("}")
