"""Parse paths of routes: `/users/{id}`, `/files/{rest:.+}`."""

from __future__ import annotations

import re
from urllib.parse import quote

from mockserver.formats.examples import matching
from mockserver.formats.mocks.conditions import escaped

PLAIN = "[^/]+"
"""Pattern of a parameter without an expression."""


def pieces(path: str) -> list[str | tuple[str, str]]:
    """
    Literal texts, and names with their regular expressions, in order. Braces may nest in an expression.

    >>> pieces("/u/{id}/{n:[0-9]{2}}.txt")
    ['/u/', ('id', '[^/]+'), '/', ('n', '[0-9]{2}'), '.txt']
    """
    result: list[str | tuple[str, str]] = []
    at = 0
    while at < len(path):
        start = path.find("{", at)
        if start < 0:
            result.append(path[at:])
            break
        if start > at:
            result.append(path[at:start])
        at = _end(path, start)
        name, colon, pattern = path[start + 1 : at - 1].partition(":")
        result.append((name, pattern if colon else PLAIN))
    return result


def _end(path: str, start: int) -> int:
    """Return the end of the parameter that starts at `start`."""
    depth, at = 0, start
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        depth += (char == "{") - (char == "}")
        at += 1
        if not depth:
            break
    return at


def has_pairs_of_braces(pattern: str) -> bool:
    """Whether the braces of an expression are balanced, so that it can be in a parameter."""
    depth = 0
    for char in re.sub(r"\\.", "", pattern, flags=re.DOTALL):
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return not depth


def example_path(path: str) -> tuple[str, list[str]]:
    """
    Return a percent-encoded path that the route matches, and the names of its parameters.

    The value of a plain parameter is its name.
    """
    text, names = "", []
    for piece in pieces(path):
        if isinstance(piece, str):
            text += quote(piece, safe="/%:@!$&'()*+,;=~")
        else:
            name, pattern = piece
            names.append(name)
            value = name if pattern == PLAIN else matching(pattern)
            text += quote(value if value is not None else name, safe="/")
    return text, names


def path_regex(path: str) -> str:
    r"""
    Return an expression for whole paths as they are sent.

    >>> path_regex("/u/{id}.txt")
    '/u/[^/]+\\.txt'
    """
    return "".join(escaped(part) if isinstance(part, str) else _grouped(part[1]) for part in pieces(path))


def _grouped(pattern: str) -> str:
    return f"(?:{pattern})" if "|" in pattern else pattern
