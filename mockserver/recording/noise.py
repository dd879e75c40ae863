"""
Headers without meaning for a scenario: hop-by-hop (RFC 9110 7.6.1), generated for each answer (RFC 9110 6.6.1, 8.6),
or of intermediaries.
"""

from __future__ import annotations

from mockserver.errors import shown
from mockserver.model.framing import HOP_BY_HOP
from mockserver.model.lines import is_header_name
from mockserver.recording.exchanges import Lines

_MADE_ANEW = frozenset(["age", "content-encoding", "content-length", "date", "server", "server-timing"])
_IN_BETWEEN = frozenset({
    "alt-svc", "cf-cache-status", "cf-ray", "expect-ct", "nel", "p3p", "public-key-pins", "report-to", "reporting-endpoints",
    "strict-transport-security", "timing-allow-origin", "via", "x-amz-cf-id", "x-amz-cf-pop", "x-cache", "x-cache-hits",
    "x-powered-by", "x-runtime", "x-served-by", "x-timer", "x-varnish",
})  # fmt: skip
_OF_REPLIES = HOP_BY_HOP | _MADE_ANEW | _IN_BETWEEN


def telling(headers: Lines) -> tuple[Lines, list[str]]:
    """Return the meaningful headers, and the names of the others."""
    kept: Lines = []
    left: dict[str, None] = {}
    for name, value in headers:
        if name.startswith(":") or not is_header_name(name):
            left[name.lower() if name.startswith(":") else shown(name)] = None
        elif name.lower() in _OF_REPLIES:
            left[name.lower()] = None
        else:
            kept.append((name.lower(), value))
    return kept, list(left)


TELLING_REQUEST_HEADERS = ("x-amz-target", "soapaction")
"""Request headers that distinguish requests of equal method and path."""
