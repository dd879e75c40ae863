"""The access and refresh tokens that a namespace has given out, by the virtual clock."""

from __future__ import annotations

from collections.abc import Mapping


class Tokens:
    """The tokens that one namespace gave out: access tokens with their end, refresh tokens with their client."""

    __slots__ = ("_access", "_refresh")

    def __init__(self) -> None:
        self._access: dict[str, float] = {}
        self._refresh: dict[str, str] = {}

    def is_valid(self, token: str, now_s: float) -> bool:
        until_s = self._access.get(token)
        return until_s is not None and now_s < until_s

    def issue(self, client: str, access: str, refresh: str, until_s: float) -> None:
        self._access[access] = until_s
        self._refresh[refresh] = client

    def spend(self, refresh: str) -> str | None:
        """The client of a refresh token, which is good for once."""
        return self._refresh.pop(refresh, None)

    def client_of(self, refresh: str) -> str | None:
        return self._refresh.get(refresh)

    def parts(self) -> tuple[dict[str, float], dict[str, str]]:
        """Copies: the end of each access token, the client of each refresh token."""
        return dict(self._access), dict(self._refresh)

    def put(self, access: Mapping[str, float], refresh: Mapping[str, str]) -> None:
        """What `parts` gave, and nothing else."""
        self._access, self._refresh = dict(access), dict(refresh)

    def copy(self) -> Tokens:
        twin = Tokens()
        twin.put(self._access, self._refresh)
        return twin
