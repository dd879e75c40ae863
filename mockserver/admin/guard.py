"""
Access to the admin API: no pages of other origins, no rebound DNS names, and only with the token, if there is one.

Health is public, and so are the files of the dashboard, which contain no data. Requests that a browser may send
without a preflight are checked by the headers that it must send: Origin with every POST, and Host.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable

from mockserver.admin.api import ProblemError
from mockserver.errors import invalid, shown
from mockserver.model.http import Request

_HOST = re.compile(r"(?:\[([0-9a-f:.]+(?:%[\w.%-]+)?)\]|([a-z0-9._-]*))(?::\d*)?")
"""RFC 9110 7.2: an address of IPv6 in brackets, or a name, and a port."""
_OWN_SUFFIXES = (".localhost", ".internal", ".local", ".test", ".svc", ".svc.cluster.local")


class Guard:
    """
    The access check. An empty `token` disables authentication; `hosts` are additional values of the Host header.

    Raises InvalidInputError for a blank token and for an invalid host name.
    """

    def __init__(self, token: str = "", hosts: Iterable[str] = ()) -> None:
        if token and not token.strip():
            # Taken for none, it would open what somebody meant to close.
            raise invalid((), "--admin-token: it is blank", "Write a token, or leave the flag out")
        self._token = token.strip().encode()
        self._hosts = frozenset(_allowed(host) for host in hosts)

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    def check(self, request: Request, *, public: bool = False) -> None:
        """Raise ProblemError if the request is not allowed. `public` endpoints need no token."""
        self._check_origin(request)
        if self._token:
            if not public:
                self._check_token(request)
        elif not self._is_own(request.host):
            raise ProblemError(
                403,
                "foreign-host",
                f"The admin API does not answer to the host {request.host!r}",
                "A rebound DNS name could let a web page in. Allow the name with --admin-host, or set --admin-token",
            )

    def may_reveal(self, request: Request) -> bool:
        """Whether secrets may be shown unmasked: to local clients, or with the token."""
        if self._token:
            return self._has_token(request)
        return is_loopback(request.client_ip)

    def _check_origin(self, request: Request) -> None:
        site = request.headers.get("sec-fetch-site", "")
        origin = request.headers.get("origin")
        # https too: what ends TLS in front of us hands on the host that the browser asked for.
        own = {f"{scheme}://{request.host}".lower() for scheme in (request.scheme, "https")}
        if site == "cross-site" or (origin is not None and origin.lower() not in own):
            raise ProblemError(
                403,
                "foreign-origin",
                "The admin API rejects requests of other origins",
                f"The origin was {origin or 'another site'}. Use the API from a program, or from its own dashboard",
            )

    def _check_token(self, request: Request) -> None:
        if not self._has_token(request):
            is_given = "authorization" in request.headers
            raise ProblemError(
                401,
                "no-token",
                "The admin token is wrong" if is_given else "The admin API requires a token",
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
        if name is None:
            return False
        return "." not in name or name in self._hosts or name.endswith(_OWN_SUFFIXES) or _is_address(name)


def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine; False for a name."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _allowed(host: str) -> str:
    name = _name_of(host)
    if not name:
        hint = "Write a name such as mock.example"
        raise invalid((), f"--admin-host: {shown(host)} is not a valid host name", hint)
    return name


def _name_of(host: str) -> str | None:
    """
    Return the name or address in a Host header, in lower case, without port and final dot; None if it is invalid.

    >>> _name_of("Mock.Example.:8080"), _name_of("[::1]:8080"), _name_of("[::1].evil.example")
    ('mock.example', '::1', None)
    """
    match = _HOST.fullmatch(host.strip().lower())
    if match is None or (match[1] is not None and not _is_address(match[1])):
        return None
    return match[1] or match[2].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
