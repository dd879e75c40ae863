"""Points in time as JSON has them."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(unix_s: float) -> str:
    """
    Return a point in time by RFC 3339, with microseconds, in UTC.

    >>> instant(0)
    '1970-01-01T00:00:00.000000Z'
    """
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
