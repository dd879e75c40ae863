"""Where a browser may be sent back to, and how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from mockserver.identity.provider import NO_STORE, IdentityAnswer
from mockserver.model.http import Request, Response

_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_LOOPBACK_PORT = re.compile(r"\A(http://(?:127\.0\.0\.1|\[::1\])):\d+")
_NO_TARGETS = ("data", "javascript", "vbscript")


def may_return(target: str, registered: Iterable[str] | None) -> bool:
    """
    Whether the target is an absolute URI and, if there are registered ones, one of them.

    The port of a loopback address does not matter (RFC 8252 7.3).
    """
    if registered is None:
        return _is_usable(target)
    return _is_usable(target) and any(_without_port(target) == _without_port(uri) for uri in registered)


def _without_port(uri: str) -> str:
    return _LOOPBACK_PORT.sub(r"\1", uri)


def _is_usable(target: str) -> bool:
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return (
        bool(parts.scheme)
        and parts.scheme not in _NO_TARGETS
        and "#" not in target
        and not _UNSAFE.search(target)
    )


def redirect(request: Request, target: str, parameters: Mapping[str, str]) -> IdentityAnswer:
    location = quote(target, safe="!#$%&'()*+,/:;=?@[]~")
    if parameters:
        location += ("&" if "?" in target else "?") + urlencode(parameters, quote_via=quote)
    status = 303 if request.method == "POST" else 302
    return IdentityAnswer(Response(status, [("Location", location), NO_STORE]))
