"""Access tokens issued by a namespace, and what entitles to new ones, by the virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.model.sizes import size_of
from mockserver.store.bounds import Bounded, Bounds

Grant = dict[str, Any]
"""What an access token, a refresh token, an authorization code or a device code grants. `until_s` is there if it expires."""


class Tokens:
    """
    The tokens of one namespace: access tokens with their expiry, and grants by their refresh token, code or session.

    An access token is known by its text or, if it is signed, by its id. The grant of a refresh token that is not of
    OpenID Connect is the name of its client. A grant with a `session` lasts as long as the grant of that name.
    """

    __slots__ = ("_access", "_bounds", "_grants")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._access: Bounded[str, Grant] = Bounded("access_tokens", bounds)
        self._grants: Bounded[str, str | Grant] = Bounded("refresh_tokens", bounds)

    def access_of(self, token: str, now_s: float) -> Grant | None:
        """Return what an access token grants; None if it is not valid."""
        grant = self._access.get(token)
        if grant is None or now_s >= grant["until_s"]:
            return None
        session = grant.get("session")
        return grant if session is None or self._grants.get(session) is not None else None

    def issue(self, token: str, grant: Grant, now_s: float) -> None:
        self._access.expire(now_s)
        self._issue(token, grant)

    def _issue(self, token: str, grant: Grant) -> None:
        self._access.put(token, grant, size_of(grant) + len(token), grant["until_s"])

    def revoke(self, token: str) -> None:
        """Remove an access token, if there is one."""
        self._access.pop(token)

    def keep(self, code: str, grant: str | Grant, now_s: float) -> None:
        """Keep what a code, a refresh token or a session grants."""
        self._grants.expire(now_s)
        self._put(code, grant)

    def _put(self, code: str, grant: str | Grant) -> None:
        until_s = grant.get("until_s") if isinstance(grant, dict) else None
        self._grants.put(code, grant, size_of(grant) + len(code), until_s)

    def spend(self, code: str) -> None:
        """Remove what the code or session grants."""
        self._grants.pop(code)

    def client_of(self, refresh: str) -> str | None:
        """Return the client of a refresh token that is not of OpenID Connect."""
        grant = self._grants.get(refresh)
        return grant if isinstance(grant, str) else None

    def grant_of(self, code: str, now_s: float) -> Grant | None:
        grant = self._grants.get(code)
        if not isinstance(grant, dict) or now_s >= grant.get("until_s", now_s + 1):
            return None
        return grant

    def parts(self) -> tuple[dict[str, Grant], dict[str, str | Grant]]:
        """Return copies: the access tokens, and the grants."""
        return dict(self._access.items()), dict(self._grants.items())

    def put(self, access: Mapping[str, Grant | float], grants: Mapping[str, str | Grant]) -> None:
        """Add the result of `parts`. A state file of an earlier version has the expiry alone of an access token."""
        for token, grant in access.items():
            self._issue(token, grant if isinstance(grant, dict) else {"until_s": grant})
        for code, kept in grants.items():
            self._put(code, kept)

    def copy(self) -> Tokens:
        twin = Tokens(self._bounds)
        twin.put(*self.parts())
        return twin
