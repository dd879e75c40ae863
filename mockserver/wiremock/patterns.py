"""Request patterns for received requests: counts, searches, the nearest requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import re2

from mockserver.engine.namespace import Namespace
from mockserver.errors import InvalidInputError, no_files
from mockserver.formats.wiremock.bodies import body_patterns
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.requests import request_pattern
from mockserver.matching.matcher import Matcher, compile_match
from mockserver.matching.mismatch.nearest import report
from mockserver.matching.paths import PathPattern, regex
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.mismatch import Difference
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.base import parse_request_line
from mockserver.schema.match import MatchSpec
from mockserver.schema.verify import CountSpec
from mockserver.verification.counting import Subject
from mockserver.wiremock.errors import of_flaws, of_losses, unreadable

_WHOLE = ("url", "urlPattern", "urlPathPattern")

_NO_FILES = no_files("there is no folder", "Write it inline")


def url_of(request: Request) -> str:
    """Return path and query as in `url`."""
    return f"{request.path}?{request.query_string}" if request.query_string else request.path


class RequestPattern:
    """A compiled pattern. Raises WireMockError for unsupported patterns."""

    def __init__(self, ns: Namespace, written: dict[str, Any]) -> None:
        """URLs are compared as received; everything else as in routes."""
        self._url = _url_test(written)
        rest = {key: value for key, value in written.items() if key not in _WHOLE}
        spec = parse_spec(CountSpec, _route_of(rest))
        try:
            self._subject = Subject(ns, spec)
        except InvalidInputError as error:
            raise of_flaws(error) from error

    def holds(self, call: Call) -> bool:
        return self._subject.holds(call) and self._url(call.request)


def _route_of(written: dict[str, Any]) -> dict[str, Any]:
    at = LossPlace()
    result = request_pattern(written, at)
    if at.hard or result is None:
        raise of_losses(at.hard or at.entries)
    return result


def _url_test(written: dict[str, Any]) -> Callable[[Request], bool]:
    if written.get("url") is not None:
        wanted = str(written["url"])
        return lambda request: url_of(request) == wanted
    for key, read in (("urlPattern", url_of), ("urlPathPattern", lambda request: request.path)):
        if written.get(key) is not None:
            pattern = _regex(str(written[key]), key)
            return lambda request, read=read: pattern.fullmatch(read(request)) is not None  # type: ignore[misc]
    return lambda _: True


def _regex(source: str, key: str) -> re2._Regexp:
    try:
        return regex(source)
    except re2.error as error:
        raise unreadable(f"{source!r} is not a regular expression of RE2: {error}", f"/{key}") from error


class PatternTarget:
    """A pattern in the form of a route, to report its differences from a request."""

    def __init__(self, written: dict[str, Any]) -> None:
        """Raises WireMockError."""
        conditions = _route_of(written)
        line = parse_request_line(conditions["request"])
        self.id = "the pattern"
        self.methods = line.methods
        self.host = None
        self.matcher: Matcher | None = None
        try:
            self.pattern = PathPattern(line.path)
            if "match" in conditions:
                self.matcher = compile_match(parse_spec(MatchSpec, conditions["match"]), _NO_FILES)
        except InvalidInputError as error:
            raise of_flaws(error) from error

    def differences(self, request: Request) -> list[Difference]:
        """Everything that keeps the request from it."""
        return report(request, self)


def metadata_test(written: dict[str, Any]) -> Callable[[Any], bool]:
    """Return a test of the metadata of stubs by a JSON pattern. Raises WireMockError."""
    at, match = LossPlace(), dict[str, Any]()
    body_patterns([written], match, at)
    if at.hard:
        raise of_losses(at.hard)
    try:
        matcher = compile_match(parse_spec(MatchSpec, match), _NO_FILES)
    except InvalidInputError as error:
        raise of_flaws(error) from error

    def holds(metadata: object) -> bool:
        return metadata is not None and matcher.holds(Request("POST", "/", (), json.dumps(metadata).encode()))

    return holds
