"""Contract violations of requests and responses."""

from __future__ import annotations

import json
from typing import Any, Literal

from mockserver.model.plural import counted
from mockserver.redaction.redaction import mask_part, mask_text, mask_tree

Part = Literal["request", "reply"]
Mode = Literal["off", "report", "enforce"]
_LONGEST = 200


class Violation:
    """
    One violation. `where` is the selector of the part (`query.limit`, `headers.x`, `body`, `status`), `pointer` a JSON
    pointer into a body. `got` is the shortened actual value; missing if there is none.
    """

    __slots__ = ("expected", "got", "has_got", "part", "pointer", "where")

    def __init__(self, part: Part, where: str, expected: str, *got: object, pointer: str = "") -> None:
        self.part: Part = part
        self.where = where
        self.pointer = pointer
        self.expected = expected
        self.has_got = bool(got)
        self.got = _small(got[0]) if got else None

    def view(self) -> dict[str, Any]:
        """Return it as JSON, not masked."""
        view = {"part": self.part, "where": self.where, "pointer": self.pointer, "expected": self.expected}
        return {**view, "got": self.got} if self.has_got else view


def text_of(view: dict[str, Any]) -> str:
    """
    Return a violation as a sentence without a full stop.

    >>> text_of({"part": "request", "where": "body", "pointer": "/amount", "expected": "must be a number", "got": "x"})
    "request body /amount: must be a number, got 'x'"
    """
    place = f"{view['part']} {view['where']}{' ' if view['pointer'] else ''}{view['pointer']}"
    if "got" not in view:
        return f"{place}: {view['expected']}"
    got = view["got"]
    return f"{place}: {view['expected']}, got {repr(got) if isinstance(got, str) else json.dumps(got)}"


def masked(view: dict[str, Any]) -> dict[str, Any]:
    """Mask secrets, by the name of the field and by their form."""
    made = {**view, "expected": mask_text(view["expected"])}
    if "got" in view:
        got, name = view["got"], view["pointer"].rpartition("/")[2]
        is_text = view["where"] != "body" and isinstance(got, str)
        made["got"] = mask_part(view["where"], got) if is_text else mask_tree(got, name)
    return made


def _small(value: object) -> object:
    """Shorten a value: scalars stay, texts are cut, collections become their size."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    if isinstance(value, dict):
        return f"an object with {counted(len(value), 'field')}"
    if isinstance(value, (list, tuple)):
        return f"a list with {counted(len(value), 'item')}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**19:
        return "a number with many digits"
    return value
