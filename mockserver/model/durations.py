"""Durations: `200ms`, `5s`, `1m30s`, `24h`, `3d`."""

from __future__ import annotations

import re

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_WHOLE = re.compile(rf"-?(?:{_PIECE.pattern})+")

LONGEST_S = 100 * 366 * 86400.0
"""Limit: times that far ahead are still valid dates."""
HINT = "Write a number with a unit, such as 200ms, 5s, 1m30s, 24h or 3d"


def parse_duration_s(text: object) -> float:
    """
    Return seconds. Raises ValueError with a readable text for an invalid duration.

    >>> parse_duration_s("1m30s")
    90.0
    """
    if text == "0" or (text == 0 and not isinstance(text, bool)):
        return 0.0
    if not isinstance(text, str) or not _WHOLE.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a valid duration")
    body = text.strip()
    total = sum(float(number) * _UNITS_S[unit] for number, unit in _PIECE.findall(body))
    return -total if body.startswith("-") else total


def format_duration(seconds: float) -> str:
    """
    Return the shortest text that `parse_duration_s` reads back.

    >>> format_duration(0.25), format_duration(90.0)
    ('250ms', '90s')
    """
    for unit in ("d", "h", "m"):
        size = _UNITS_S[unit]
        if seconds and seconds % size == 0 and seconds / size >= (2 if unit == "m" else 1):
            return f"{int(seconds / size)}{unit}"
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    ms = round(seconds * 1000, 3)
    return f"{int(ms)}ms" if ms == int(ms) else f"{ms}ms"
