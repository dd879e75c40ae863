"""
Conditions on a JSON Web Token of a request, by default the bearer token: claims, header, and signature.

Expiry depends on the clock of the namespace, so it is checked apart from the other conditions: see `lapses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockserver.jwt import UnreadableTokenError, WebToken, bearer_token, is_signed, read_token, require_jwt
from mockserver.matching.checks import HEAVY, MatchCheck, readable_check, value_check
from mockserver.matching.conditions import Condition
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.reading import Reader, ReadingDialect
from mockserver.matching.selectors import compile_selector
from mockserver.model.http import ABSENT, Request, UnreadableBodyError
from mockserver.model.instants import instant
from mockserver.model.mismatch import Difference
from mockserver.schema.match import JwtMatchSpec

Lapses = Callable[[Request, float], list[Difference]]
"""Returns why a token is not valid at a time, in Unix seconds; empty if it is."""


class TokenPlace:
    """The place of a token in a request."""

    __slots__ = ("_key", "_selector", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._key = f"jwt {text}"
        self._selector = compile_selector(text, ("in",), frozenset())

    def token(self, request: Request) -> WebToken:
        """Return the token. Raises UnreadableBodyError."""
        return request.once(self._key, lambda: self._read(request))

    def _read(self, request: Request) -> WebToken:
        value = self._selector.value(request, {})
        if not isinstance(value, str) or not value:
            raise UnreadableBodyError("it is missing")
        try:
            return read_token(bearer_token(value))
        except UnreadableTokenError as error:
            raise UnreadableBodyError(str(error)) from None


def jwt(spec: JwtMatchSpec, reader: Reader) -> Iterator[MatchCheck]:
    """Compile `jwt` of a match. Raises MissingExtraError if signatures can't be verified."""
    place = TokenPlace(spec.in_)
    yield _itself(place)
    for part, conditions in (("header", spec.header), ("claims", spec.claims)):
        for name, written in conditions.items():
            condition = reader.below(part, name, dialect=ReadingDialect.BARE).read(written)
            yield _member(place, part, name, condition)
    if spec.verify:
        require_jwt((*reader.path, "verify"), "The verification of a token")
        yield _signature(place)


def lapses(spec: JwtMatchSpec) -> Lapses | None:
    """Return the check of the times of a verified token; None if it is not verified."""
    if not spec.verify:
        return None
    place = TokenPlace(spec.in_)

    def lapsed(request: Request, now_s: float) -> list[Difference]:
        try:
            claims = place.token(request).claims
        except UnreadableBodyError:
            return []  # a check of the request tells it
        return [
            difference
            for name, is_wrong, text in (
                ("exp", lambda time: now_s >= time, "a time after"),
                ("nbf", lambda time: now_s < time, "a time up to"),
            )
            for difference in _at_wrong_time(claims, name, is_wrong, f"{text} {instant(now_s)}")
        ]

    return lapsed


def _at_wrong_time(
    claims: dict[str, Any], name: str, is_wrong: Callable[[float], bool], said: str
) -> Iterator[Difference]:
    value = claims.get(name, ABSENT)
    if value is ABSENT:
        return
    is_time = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e11
    if not is_time or is_wrong(value):
        shown = instant(value) if is_time else repr(value)[:40]
        text = f"jwt.claims.{name}: expected {said}, got {shown}"
        yield Difference(f"jwt.claims.{name}", said, value, text=text)


def _itself(place: TokenPlace) -> MatchCheck:
    """Check that there is a token: explained once for all conditions on it."""

    def difference(_: Request, error: UnreadableBodyError) -> Difference:
        text = f"jwt: expected a JSON Web Token in {place.text}, but {error}"
        return Difference("jwt", "a JSON Web Token", ABSENT, weight=1.5, text=text)

    return readable_check(3, place.token, difference)


def _member(place: TokenPlace, part: str, name: str, condition: Condition) -> MatchCheck:
    def value(request: Request) -> Any:
        members: dict[str, Any] = getattr(place.token(request), part)
        return members.get(name, ABSENT)

    return value_check(4, condition, value, DifferencePlace(f"jwt.{part}.{name}"))


def _signature(place: TokenPlace) -> MatchCheck:
    def is_valid(request: Request) -> bool:
        try:
            token = place.token(request)
        except UnreadableBodyError:
            return False
        return request.once(f"signed {place.text}", lambda: is_signed(token))

    def explain(request: Request) -> list[Difference]:
        try:
            token = place.token(request)
        except UnreadableBodyError:
            return []  # explained by the check of the token
        if is_signed(token):
            return []
        kid = token.header.get("kid")
        text = f"jwt: no key of the server made its signature (kid {kid!r})"[:200]
        return [Difference("jwt", "a signature by a key of the server", ABSENT, text=text)]

    return MatchCheck(HEAVY + 1, is_valid, explain)
