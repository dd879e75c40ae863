"""
Who may use the admin API: no web page of another origin, no rebound DNS name, and, with a token, only who has it.

Health answers anybody; the dashboard's own files need no token, as they hold no data.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from mockserver.admin.api import Refused
from mockserver.model.http import Request

_OWN_SUFFIXES = (".localhost", ".internal", ".local", ".test", ".svc", ".svc.cluster.local")


class Guard:
    """`token` empty: none is asked. `hosts` are further names that may stand in Host."""

    def __init__(self, token: str = "", hosts: Iterable[str] = ()) -> None:
        self._token = token.encode()
        self._hosts = frozenset(host.lower() for host in hosts)

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    def check(self, request: Request, *, public: bool = False) -> None:
        """Raises Refused where the request may not. What is `public` needs no token."""
        self._check_origin(request)
        if self._token:
            if not public:
                self._check_token(request)
        elif not self._is_own(request.host):
            raise Refused(
                403,
                "foreign-host",
                f"The admin API does not answer to the host {request.host!r}",
                "A rebound DNS name could let a web page in. Allow the name with --admin-host, or set --admin-token",
            )

    def may_reveal(self, request: Request) -> bool:
        """Whether secrets may be shown unmasked: from loopback, or with the token."""
        if self._token:
            return self._has_token(request)
        try:
            return ipaddress.ip_address(request.client_ip).is_loopback
        except ValueError:
            return False

    def _check_origin(self, request: Request) -> None:
        site = request.headers.get("sec-fetch-site", "")
        origin = request.headers.get("origin")
        own = f"{request.scheme}://{request.host}"
        if site == "cross-site" or (origin is not None and origin.lower() != own.lower()):
            raise Refused(
                403,
                "foreign-origin",
                "The admin API answers no page of another origin",
                f"This came from {origin or 'another site'}. Use the API from a program, or from its own dashboard",
            )

    def _check_token(self, request: Request) -> None:
        if not self._has_token(request):
            raise Refused(
                401,
                "no-token",
                "The admin API asks for its token",
                "Send Authorization: Bearer TOKEN, as --admin-token has it",
                lines=(("WWW-Authenticate", "Bearer"),),
            )

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            given.strip().encode("utf-8", "replace"), self._token
        )

    def _is_own(self, host: str) -> bool:
        name = _name_of(host)
        if not name or "." not in name or name in self._hosts or name.endswith(_OWN_SUFFIXES):
            return True
        return _is_address(name)


def _name_of(host: str) -> str:
    """The name in a Host header, in lower case, without port and final dot."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
