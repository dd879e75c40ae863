"""Reasons why a route did not match a request, as data: the same for text, JSON and dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockserver.model.http import ABSENT


@dataclass(slots=True)
class Difference:
    """
    One difference.

    `where` names the part of the request (a selector such as `headers.authorization` or `json.amount`, or `method`,
    `path`, `host`, `state`, `if`, `sequence`); `pointer` is a JSON pointer into the body, or "". `actual` is ABSENT if
    the part is missing. `hint` names a likely mistake. `weight` is the distance: 1 for a plain condition.
    """

    where: str
    expected: Any
    actual: Any = ABSENT
    pointer: str = ""
    hint: str = ""
    weight: float = 1.0
    text: str = ""
    """Return one readable line, such as "json.amount: expected 5, got '5' (a text)"."""
