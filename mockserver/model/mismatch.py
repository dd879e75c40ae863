"""Why a route did not take a request, as data: the same for text, JSON and dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockserver.model.http import ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One thing that kept a route out.

    `where` names the part of the request (a selector such as `headers.authorization`
    or `json.amount`, or `method`, `path`, `host`, `state`, `if`, `sequence`); `pointer` is a JSON
    pointer into the body, or "". `actual` is ABSENT where the part did not come. `hint` is a
    word on the likely slip. `weight` says how far off it is: 1 for a plain condition.
    """

    where: str
    expected: Any
    actual: Any = ABSENT
    pointer: str = ""
    hint: str = ""
    weight: float = 1.0
    text: str = ""
    """One line for a person, such as "json.amount: expected 5, got '5' (a text)"."""
