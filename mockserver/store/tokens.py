"""Access and refresh tokens issued by a namespace, by the virtual clock."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.store.bounds import Bounded, Bounds


class Tokens:
    """The tokens of one namespace: access tokens with their expiry, refresh tokens with their client."""

    __slots__ = ("_access", "_bounds", "_refresh")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._access: Bounded[str, float] = Bounded("access_tokens", bounds)
        self._refresh: Bounded[str, str] = Bounded("refresh_tokens", bounds)

    def is_valid(self, token: str, now_s: float) -> bool:
        until_s = self._access.get(token)
        return until_s is not None and now_s < until_s

    def issue(self, client: str, access: str, refresh: str, now_s: float, until_s: float) -> None:
        self._access.expire(now_s)
        self._access.put(access, until_s, len(access), until_s)
        self._refresh.put(refresh, client, len(refresh) + len(client))

    def spend(self, refresh: str) -> str | None:
        """Return the client of a refresh token, which is valid once."""
        return self._refresh.pop(refresh)

    def client_of(self, refresh: str) -> str | None:
        return self._refresh.get(refresh)

    def parts(self) -> tuple[dict[str, float], dict[str, str]]:
        """Return copies: the expiry of each access token, the client of each refresh token."""
        return dict(self._access.items()), dict(self._refresh.items())

    def put(self, access: Mapping[str, float], refresh: Mapping[str, str]) -> None:
        """Add the result of `parts`."""
        for token, until_s in access.items():
            self._access.put(token, until_s, len(token), until_s)
        for token, client in refresh.items():
            self._refresh.put(token, client, len(token) + len(client))

    def copy(self) -> Tokens:
        twin = Tokens(self._bounds)
        twin.put(*self.parts())
        return twin
