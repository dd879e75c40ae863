"""Patterns of dates of other tools, as those of strftime."""

from __future__ import annotations

import re

from mockserver.recording.conversion import NotConvertibleError

_WORDS = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M",
    "ss": "%S", "a": "%p", "EEEE": "%A", "EEE": "%a", "Z": "%z", "XXX": "%z", "z": "%Z",
}  # fmt: skip


def strftime(pattern: str) -> str:
    """Convert a pattern of Java's SimpleDateFormat or of date-fns. Raises NotConvertibleError."""
    made = ""
    for match in re.finditer(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+", pattern):
        if match[1] is not None:
            made += match[1] or "'"
        elif match[2]:
            if match[0] not in _WORDS:
                raise NotConvertibleError(f"{match[0]!r} in a date can't be expressed here")
            made += _WORDS[match[0]]
        else:
            made += match[0].replace("%", "%%")
    return made
