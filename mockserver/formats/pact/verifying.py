"""
Verification of a provider by a pact: the request of each interaction, and what its response has to be.

Pure: `cli/pact_session.py` sends the requests. A response may have more than the pact: other headers, and other fields of
JSON objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from mockserver.errors import Flaw, InvalidInputError
from mockserver.formats.mocks.sources import FAILURES
from mockserver.formats.pact.reader import (
    body_of,
    content_of,
    header_conditions,
    header_lines,
    http_interactions,
    is_json,
    pact_in,
    path_of,
    query_values,
    rules_by_category,
    states_of,
)
from mockserver.formats.pact.rules import MatchingRule, operators_of, rule_at, rules_of
from mockserver.formats.pact.rules import Path as BodyPath
from mockserver.matching.matcher import compile_match, compile_tree_condition
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.values import show
from mockserver.model.http import ABSENT, Request
from mockserver.model.json_values import equal
from mockserver.model.written import plain_numbers, written_float
from mockserver.recording.conversion import Losses, Lost
from mockserver.recording.exchanges import Lines, known_method
from mockserver.schema.match import MatchSpec

_STATUSES = {
    "info": range(100, 200), "success": range(200, 300), "redirect": range(300, 400), "clientError": range(400, 500),
    "serverError": range(500, 600), "nonError": range(100, 400), "error": range(400, 600),
}  # fmt: skip


@dataclass(slots=True)
class ProviderState:
    """A state that the provider must be in, by its name and parameters."""

    name: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ProviderCheck:
    """A request, and the response of the pact with its rules."""

    description: str
    states: list[ProviderState]
    method: str
    target: str
    headers: Lines
    body: bytes
    response: Mapping[str, Any]
    pending: bool = False

    def mismatches(self, status: int, headers: Lines, body: bytes, lost: Losses | None = None) -> list[str]:
        """Return how a response differs from that of the pact, one line each. Rules that are not checked are added to `lost`."""
        rules = rules_by_category(self.response)
        lost = Losses() if lost is None else lost
        return [
            *_of_status(self.response, rules.get("status"), status),
            *_of_headers(self.response, rules.get("header"), headers, lost),
            *_of_body(self.response, rules.get("body"), body, lost),
        ]


def checks_of(source: Path, lost: Losses) -> list[ProviderCheck]:
    """
    Return the checks of a pact. What can't be checked is added to `lost`.

    Raises InvalidInputError for any other file, and for an interaction that can't be read.
    """
    checks, flaws = [], []
    for place, interaction in http_interactions(pact_in(source), lost):
        try:
            checks.append(_check(place, interaction, lost))
        except (*FAILURES, InvalidInputError) as error:
            flaws.append(Flaw((), f"{place}: it can't be read: {error!r}", "Leave it out, or fix it"))
    if flaws:
        raise InvalidInputError(flaws)
    return checks


def _check(place: str, written: Mapping[str, Any], lost: Losses) -> ProviderCheck:
    request, response = written["request"], written["response"]
    lost += [
        Lost(f"{place}.{side}.generators", "values are those of the example")
        for side in ("request", "response")
        if written[side].get("generators")
    ]
    body, content_type = body_of(request)
    headers = header_lines(request.get("headers"))
    if body is not ... and content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    query = urlencode(query_values(request.get("query")), doseq=True)
    path = quote(path_of(request), safe="/%:@!$&'()*+,;=~")
    check = ProviderCheck(
        str(written.get("description") or place),
        list(_states(written)),
        known_method(request.get("method") or "GET"),
        path + (f"?{query}" if query else ""),
        headers,
        content_of(body, content_type),
        response,
        pending=written.get("pending") is True,
    )
    example, content_type = body_of(response)
    content = content_of(example, content_type)
    unchecked = Losses()
    check.mismatches(
        200, header_lines(response.get("headers")), content, unchecked
    )  # applies every rule once
    lost += [Lost(f"{place}.response: {item.place}", item.what, item.hint) for item in unchecked]
    return check


def _states(written: Mapping[str, Any]) -> Iterator[ProviderState]:
    for state in states_of(written):
        if isinstance(state, str):
            yield ProviderState(state)
        else:
            yield ProviderState(str(state["name"]), dict(state.get("params") or {}))


# Status and headers


def _of_status(response: Mapping[str, Any], rules: Any, status: int) -> Iterator[str]:
    rule = next(iter(rules.values()), None) if isinstance(rules, dict) else None
    matcher: Mapping[str, Any] = next(iter((rule or {}).get("matchers") or []), {})
    wanted = matcher.get("status") if matcher.get("match") == "statusCode" else None
    if isinstance(wanted, list):
        if status not in wanted:
            yield f"status: expected one of {', '.join(map(str, wanted))}, got {status}"
    elif wanted in _STATUSES:
        if status not in _STATUSES[wanted]:
            yield f"status: expected {wanted}, got {status}"
    elif status != int(response.get("status") or 200):
        yield f"status: expected {response.get('status') or 200}, got {status}"


def _of_headers(response: Mapping[str, Any], rules: Any, headers: Lines, lost: Losses) -> Iterator[str]:
    conditions = header_conditions("headers", header_lines(response.get("headers")), rules, lost)
    matcher = compile_match(MatchSpec.model_validate({"headers": conditions}), _no_files)
    for difference in matcher.differences(Request("GET", "/", headers)):
        yield difference.text.replace("headers.", "header ", 1)


def _no_files(name: str, path: Any) -> bytes:
    raise AssertionError(name, path)


# Bodies


def _of_body(response: Mapping[str, Any], rules: Any, body: bytes, lost: Losses) -> Iterator[str]:
    expected, content_type = body_of(response)
    if expected is ...:
        return
    if isinstance(expected, bytes) or (isinstance(expected, str) and not is_json(content_type)):
        yield from _of_text(expected, rules, body, lost)
        return
    try:
        actual = plain_numbers(json.loads(body, parse_float=written_float))
    except (ValueError, RecursionError):
        yield f"body: expected JSON, got {show(body[:200].decode('utf-8', 'replace'))}"
        return
    yield from _JsonComparison(rules_of(rules), lost).differences(plain_numbers(expected), actual, ())


def _of_text(expected: str | bytes, rules: Any, body: bytes, lost: Losses) -> Iterator[str]:
    wanted = expected if isinstance(expected, bytes) else expected.encode()
    rule = next((rule for rule in rules_of(rules) if not rule.tokens), None)
    if rule is None or isinstance(expected, bytes):
        if body != wanted:
            yield f"body: expected {show(wanted.decode('utf-8', 'replace'))}, got {show(body.decode('utf-8', 'replace'))}"
        return
    yield from _JsonComparison([rule], lost).differences(expected, body.decode("utf-8", "replace"), ())


class _JsonComparison:
    """Compares a JSON value with an example, by the rules of a pact."""

    def __init__(self, rules: list[MatchingRule], lost: Losses) -> None:
        self._rules = rules
        self._lost = lost

    def differences(self, expected: Any, actual: Any, path: BodyPath) -> Iterator[str]:
        rule = rule_at(path, self._rules)
        if rule is None:
            yield from self._exact(expected, actual, path)
            return
        here = len(rule.tokens) == len(path)
        results = [
            list(self._matched(matcher, expected, actual, path, here=here)) for matcher in rule.matchers
        ]
        if not rule.any_of or all(results):
            yield from dict.fromkeys(line for result in results for line in result)

    def _exact(self, expected: Any, actual: Any, path: BodyPath) -> Iterator[str]:
        if isinstance(expected, dict) and isinstance(actual, dict):
            yield from self._fields(expected, actual, path)
        elif isinstance(expected, list) and isinstance(actual, list):
            if len(expected) != len(actual):
                yield _said(path, f"{len(expected)} items", f"{len(actual)}")
            for index, (item, other) in enumerate(zip(expected, actual, strict=False)):
                yield from self.differences(item, other, (*path, index))
        elif not equal(expected, actual):
            yield _said(path, show(expected), show(actual))

    def _fields(self, expected: dict[str, Any], actual: dict[str, Any], path: BodyPath) -> Iterator[str]:
        for key, item in expected.items():
            if key in actual:
                yield from self.differences(item, actual[key], (*path, key))
            else:
                yield _said((*path, key), show(item), "nothing")

    def _matched(
        self, matcher: Mapping[str, Any], expected: Any, actual: Any, path: BodyPath, *, here: bool
    ) -> Iterator[str]:
        kind = str(matcher.get("match") or ("regex" if "regex" in matcher else "type"))
        if kind == "equality":
            yield from self._exact(expected, actual, path)
        elif kind in ("values", "eachValue", "eachKey") and isinstance(expected, dict):
            yield from self._values(expected, actual, path)
        elif isinstance(expected, list) and kind in ("type", "eachValue"):
            yield from self._items(matcher if here else {}, expected, actual, path)
        elif kind == "arrayContains":
            yield from self._contains(matcher, expected, actual, path)
        elif isinstance(expected, dict) and kind == "type":
            if isinstance(actual, dict):
                yield from self._fields(expected, actual, path)
            else:
                yield _said(path, "an object", show(actual))
        else:
            operators, reason = operators_of(kind, matcher, expected)
            if reason:
                self._lost.add(DifferencePlace("body", path).where, reason)
            written = (
                {"$equals": expected}
                if operators is None
                else {f"${name}": operand for name, operand in operators.items()}
            )
            condition = compile_tree_condition(written or {"$type": "null"})
            if not condition.holds(actual):
                place = DifferencePlace("body", path)
                yield from (difference.text for difference in condition.explain(actual, place))

    def _values(self, expected: dict[str, Any], actual: Any, path: BodyPath) -> Iterator[str]:
        """Each value is like the one of the example; the keys may be others."""
        if not isinstance(actual, dict):
            yield _said(path, "an object", show(actual))
            return
        example = next(iter(expected.values()), ABSENT)
        for key, item in actual.items() if example is not ABSENT else ():
            yield from self.differences(expected.get(key, example), item, (*path, key))

    def _items(
        self, matcher: Mapping[str, Any], expected: list[Any], actual: Any, path: BodyPath
    ) -> Iterator[str]:
        """Each item is like the first of the example; their number is within bounds."""
        if not isinstance(actual, list):
            yield _said(path, "a list", show(actual))
            return
        least, most = matcher.get("min"), matcher.get("max")
        if type(least) is int and len(actual) < least:
            yield _said(path, f"at least {least} items", str(len(actual)))
        if type(most) is int and len(actual) > most:
            yield _said(path, f"at most {most} items", str(len(actual)))
        for index, item in enumerate(actual if expected else ()):
            yield from self.differences(expected[0], item, (*path, index))

    def _contains(
        self, matcher: Mapping[str, Any], expected: list[Any], actual: Any, path: BodyPath
    ) -> Iterator[str]:
        """For each variant, which is an item of the example, some item is like it."""
        for variant in matcher.get("variants") or []:
            compared = _JsonComparison(rules_of(variant.get("rules")), self._lost)
            example = expected[int(variant.get("index", 0))]
            items = actual if isinstance(actual, list) else []
            if all(list(compared.differences(example, item, ())) for item in items):
                yield _said(path, f"an item like {show(example)}", show(actual))


def _said(path: BodyPath, expected: str, actual: str) -> str:
    return f"{DifferencePlace('body', path).where}: expected {expected}, got {actual}"
