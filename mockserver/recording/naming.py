"""Names of recorded scenarios."""

from __future__ import annotations

import re

_MOST_CHARS = 60


def name_of(host: str) -> str:
    """
    A scenario's name for a host.

    >>> name_of("api.example.com"), name_of("127.0.0.1"), name_of("")
    ('api-example-com', 'recorded', 'recorded')
    """
    words = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:_MOST_CHARS].strip("-")
    return words if re.search(r"[a-z]", words) else "recorded"
