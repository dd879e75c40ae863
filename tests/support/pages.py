"""Pages of the documentation as tests read them: blocks in their order, and answers with `…` for what varies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from support.server import PROJECT

_HEADER = re.compile(r"(?!data:|event:)([A-Za-z][A-Za-z-]*): (.*)")
"""A line of a head; lines of an event stream are of the body."""
_BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    return (PROJECT / name).read_text("utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and text of each block."""
    return _BLOCK.findall(text)


@dataclass(frozen=True)
class Message:
    """One half of an `http` block: its first line, header lines, and the rest."""

    first: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def read(cls, text: str) -> Message:
        first, *lines = text.rstrip("\n").split("\n")
        headers = []
        while lines and (header := _HEADER.fullmatch(lines[0])):
            headers.append((header[1], header[2]))
            del lines[0]
        return cls(first, headers, "\n".join(lines))


def is_like(expected: Any, actual: Any) -> bool:
    """
    Whether they are the same, `…` in a text standing for anything.

    `{"…": "…"}` in an object allows further keys, `"…"` at the end of a list further items.
    """
    if isinstance(expected, str):
        if expected == "…":
            return True
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        return isinstance(actual, str) and re.fullmatch(pattern, actual, re.DOTALL) is not None
    if isinstance(expected, dict):
        wanted = {key: value for key, value in expected.items() if key != "…"}
        return (
            isinstance(actual, dict)
            and ("…" in expected or wanted.keys() == actual.keys())
            and all(key in actual and is_like(value, actual[key]) for key, value in wanted.items())
        )
    if isinstance(expected, list):
        open_end = expected[-1:] == ["…"]
        wanted_items = expected[:-1] if open_end else expected
        return (
            isinstance(actual, list)
            and (len(actual) >= len(wanted_items) if open_end else len(actual) == len(wanted_items))
            and all(is_like(one, other) for one, other in zip(wanted_items, actual, strict=False))
        )
    return bool(expected == actual) and type(expected) is type(actual)
