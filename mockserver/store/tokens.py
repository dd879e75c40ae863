"""Access tokens issued by a namespace, and what entitles to new ones, by the virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.model.sizes import size_of
from mockserver.store.bounds import Bounded, Bounds

Grant = dict[str, Any]
"""What a refresh token, an authorization code or a device code grants. `until_s` is there if it expires."""


class Tokens:
    """
    The tokens of one namespace: access tokens with their expiry, and grants by their refresh token or code.

    An access token is known by its text or, if it is signed, by its id. The grant of a refresh token that is not of
    OpenID Connect is the name of its client.
    """

    __slots__ = ("_access", "_bounds", "_grants")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._access: Bounded[str, float] = Bounded("access_tokens", bounds)
        self._grants: Bounded[str, str | Grant] = Bounded("refresh_tokens", bounds)

    def is_valid(self, token: str, now_s: float) -> bool:
        until_s = self._access.get(token)
        return until_s is not None and now_s < until_s

    def issue(self, token: str, now_s: float, until_s: float) -> None:
        self._access.expire(now_s)
        self._access.put(token, until_s, len(token), until_s)

    def revoke(self, token: str) -> None:
        """Remove an access token, if there is one."""
        self._access.pop(token)

    def keep(self, code: str, grant: str | Grant, now_s: float) -> None:
        """Keep what a code or a refresh token grants."""
        self._grants.expire(now_s)
        self._put(code, grant)

    def _put(self, code: str, grant: str | Grant) -> None:
        until_s = grant.get("until_s") if isinstance(grant, dict) else None
        self._grants.put(code, grant, size_of(grant) + len(code), until_s)

    def spend(self, code: str) -> None:
        """Remove what the code grants: it is valid once."""
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

    def parts(self) -> tuple[dict[str, float], dict[str, str | Grant]]:
        """Return copies: the expiry of each access token, and the grants."""
        return dict(self._access.items()), dict(self._grants.items())

    def put(self, access: Mapping[str, float], grants: Mapping[str, str | Grant]) -> None:
        """Add the result of `parts`."""
        for token, until_s in access.items():
            self._access.put(token, until_s, len(token), until_s)
        for code, grant in grants.items():
            self._put(code, grant)

    def copy(self) -> Tokens:
        twin = Tokens(self._bounds)
        twin.put(*self.parts())
        return twin
