"""
Values that differ between runs: ids, times, tokens.

Recordings don't distinguish calls by them, and `diff` compares only their types.
"""

from __future__ import annotations

import re

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEX = re.compile(r"(?i)(?=.*[0-9])[0-9a-f]{8,}")
_PREFIXED = re.compile(r"[A-Za-z]{2,12}_(test_|live_)?(?=[A-Za-z]*[0-9])[0-9A-Za-z]{6,}")
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_=-]{16,}")
_NAME = re.compile(
    r"id|uuid|guid|etag|nonce|cursor|signature|timestamp|time|date|ts|now|expires|token"
    r"|.*[-_](id|uuid|at|on|time|date|cursor|token|timestamp)|.*[a-z](Id|ID|Uuid|At|On|Time|Date|Cursor|Token|Timestamp)"
    r"|(created|updated|modified|deleted|expires?|issued)(_?in)?"
)
_SECONDS = 1_000_000_000, 4_102_444_800
_MILLIS = 1_000_000_000_000, 4_102_444_800_000
"""First instant and the one after the last: 2001 to 2100. Not a `range`: for a float, its `in` checks every member."""
_MOST_CHARS = 200


def changes_by_nature(value: object, name: str = "") -> bool:
    """
    Whether the value of the member `name` differs between runs.

    >>> changes_by_nature("ch_3Nabc12345"), changes_by_nature(7, "user_id"), changes_by_nature("usd", "currency")
    (True, True, False)
    """
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, (int, float)):
        return any(first <= value < end for first, end in (_SECONDS, _MILLIS)) or _is_named(name)
    if not isinstance(value, str) or len(value) > _MOST_CHARS:
        return isinstance(value, str) and _is_named(name)
    return _is_named(name) or is_time(value) or is_id(value)


def _is_named(name: str) -> bool:
    return len(name) <= _MOST_CHARS and bool(_NAME.fullmatch(name))


def is_time(text: str) -> bool:
    """Whether it is ISO 8601, or an HTTP date."""
    return bool(_TIME.fullmatch(text))


def is_id(text: str) -> bool:
    """
    Whether a text looks generated.

    >>> is_id("42"), is_id("9f1c2b7a0d"), is_id("octocat"), is_id("v1")
    (False, True, False, False)
    """
    if len(text) > _MOST_CHARS:
        return False
    return any(item.fullmatch(text) for item in (_UUID, _HEX, _PREFIXED, _RANDOM))
