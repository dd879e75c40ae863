"""Limits the size of an answer: an assistant reads all of it, and pays for each character."""

from __future__ import annotations

import json
from typing import Any

MOST_CHARS = 30_000
"""Maximum size of a text, and of structured content as JSON."""
_CUTS = ((4_000, 200), (1_000, 100), (300, 50), (100, 20), (40, 5))
"""Characters of a text and items of a list or an object that are kept, until everything fits."""
LEFT_OUT = (
    "Parts of this answer were left out. Ask for less: a lower `limit`, a filter, or one item by its id."
)


def bounded(data: dict[str, Any], most_chars: int = MOST_CHARS) -> tuple[dict[str, Any], bool]:
    """
    Return the data, and whether parts were left out so that it fits.

    >>> bounded({"text": "x" * 50, "items": [1, 2]}, most_chars=75)
    ({'text': 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (10 more characters)', 'items': [1, 2]}, True)
    """
    if _size(data) <= most_chars:
        return data, False
    for chars, items in _CUTS:
        cut: dict[str, Any] = _cut(data, chars, items)
        if _size(cut) <= most_chars:
            return cut, True
    return {}, True


def bounded_text(text: str, most_chars: int = MOST_CHARS) -> tuple[str, bool]:
    """Return the text, and whether its end was left out."""
    return (text, False) if len(text) <= most_chars else (_shortened(text, most_chars), True)


def _size(data: dict[str, Any]) -> int:
    return len(json.dumps(data, ensure_ascii=False))


def _cut(value: Any, chars: int, items: int) -> Any:
    if isinstance(value, str):
        return _shortened(value, chars)
    if isinstance(value, list):
        kept = [_cut(item, chars, items) for item in value[:items]]
        return [*kept, f"… ({len(value) - items:,} more)"] if len(value) > items else kept
    if isinstance(value, dict):
        kept_keys = {_shortened(key, chars): _cut(value[key], chars, items) for key in list(value)[:items]}
        return {**kept_keys, "…": f"{len(value) - items:,} more"} if len(value) > items else kept_keys
    return value


def _shortened(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[:chars]}… ({len(text) - chars:,} more characters)"
