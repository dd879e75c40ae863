"""
Read mocks of Smocker (smocker.dev).

Of several matching mocks, the last one answers until its `context.times` are used up, so a file is read from its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver.formats.mocks.conditions import anywhere, both, either, literal, value_or_text
from mockserver.formats.mocks.queries import sure
from mockserver.formats.mocks.replies import (
    Reply,
    duration,
    literal_reply,
    reply_head,
    with_text,
)
from mockserver.formats.mocks.requests import METHODS, Atom, PathTest, route_of
from mockserver.formats.mocks.routes import Entry, proxy_route, sequenced, unique_name
from mockserver.formats.mocks.sources import FAILURES, documents, json_value, refused, text_of
from mockserver.formats.mocks.trees import tree
from mockserver.recording.conversion import Imported, Losses, NotConvertibleError

_MOCK = {"request", "response", "dynamic_response", "proxy", "context", "state"}
_REQUEST = {"method", "path", "headers", "query_params", "body"}
Matcher = tuple[str, str]
"""The name of an assertion, without Should or ShouldNot, and its value."""


def read(source: Path) -> Imported:
    """A file of mocks, YAML or JSON, or a folder of such files. Raises InvalidInputError."""
    made = Imported()
    for name, content in documents(source, (".yml", ".yaml", ".json")):
        if not isinstance(content, list):
            raise refused(name, "no mocks: a list of them was expected", "Write - request: {path: /x}")
        losses = Losses(name)
        entries = list(_entries(content, losses))[::-1]
        scenario = unique_name(Path(name).with_suffix("").as_posix().replace("/", "-"), made.scenarios)
        made.scenarios[scenario] = {"scenario": scenario, "routes": sequenced(entries, counted=True)}
        made.lost += losses
    return made


def _entries(mocks: list[Any], losses: Losses) -> Iterator[Entry]:
    for number, mock in enumerate(mocks):
        place = f"[{number}]"
        if not isinstance(mock, dict):
            losses.add(place, "no mock, which is a mapping")
            continue
        try:
            yield _mock(mock, place, losses)
        except FAILURES as error:
            losses.failed(place, error, ", so this mock is left out")


def _mock(mock: dict[str, Any], place: str, losses: Losses) -> Entry:
    losses.unknown(place, mock, _MOCK)
    route = route_of(_atoms(mock.get("request") or {}, f"{place}.request", losses))
    times = (mock.get("context") or {}).get("times")
    if "dynamic_response" in mock:
        engine = (mock["dynamic_response"] or {}).get("engine", "template")
        raise NotConvertibleError(
            f"its answer is made by a {engine} script", "Write it with templates: docs/templates.md"
        )
    if (proxy := mock.get("proxy")) is not None:
        losses.unknown(f"{place}.proxy", proxy, {"host"})
        if times:
            losses.add(f"{place}.context.times", "a proxy is never used up here")
        return route, proxy_route(text_of(proxy.get("host")))
    reply = _response(mock.get("response") or {}, f"{place}.response", losses)
    sure({**route, "reply": reply})
    return route, {"reply": reply, **({"times": int(times)} if times else {})}


def _atoms(request: dict[str, Any], where: str, losses: Losses) -> Iterator[Atom]:
    losses.unknown(where, request, _REQUEST)
    if request.get("method"):
        yield Atom("method", _methods(_matcher(request["method"])))
    if request.get("path"):
        yield Atom("path", _path(_matcher(request["path"])))
    for part, key in (("query", "query_params"), ("headers", "headers")):
        for name, matchers in (request.get(key) or {}).items():
            for matcher in matchers if isinstance(matchers, list) else [matchers]:
                yield Atom(part, _present(_matcher(matcher)), str(name))
    if request.get("body") is not None:
        yield from _body(request["body"], is_form=_is_form(request.get("headers") or {}))


def _is_form(headers: dict[str, Any]) -> bool:
    return any(
        str(name).lower() == "content-type" and "urlencoded" in str(value) for name, value in headers.items()
    )


def _matcher(written: object) -> Matcher:
    if isinstance(written, dict):
        return str(written.get("matcher", "ShouldEqual")), text_of(written.get("value", ""))
    return "ShouldEqual", text_of(written)


def _kind(matcher: Matcher) -> tuple[str, bool]:
    """Return the assertion without its prefix, and whether it is negated. Raises NotConvertibleError."""
    match = re.fullmatch(r"Should(Not)?(\w+)", matcher[0])
    if not match:
        raise NotConvertibleError(f"the matcher {matcher[0]!r} is unknown")
    return {"Resemble": "Equal"}.get(match[2], match[2]), bool(match[1])


_PATHS = {
    "Equal": "equals",
    "Match": "search",
    "ContainSubstring": "contains",
    "StartWith": "starts",
    "EndWith": "ends",
}


def _path(matcher: Matcher) -> PathTest:
    kind, turned = _kind(matcher)
    if kind not in _PATHS:
        raise NotConvertibleError(f"the matcher {matcher[0]!r} can't be applied to a path")
    return PathTest(_PATHS[kind], matcher[1], turned=turned)


def _methods(matcher: Matcher) -> frozenset[str]:
    if matcher[0] == "ShouldEqual":
        return frozenset([matcher[1].upper()])
    test = _path(matcher)
    return frozenset(method for method in METHODS if test.holds(method))


def _condition(matcher: Matcher) -> object:
    """Return the condition on a text, before negation. Raises NotConvertibleError."""
    kind, _ = _kind(matcher)
    value = matcher[1]
    match kind:
        case "Equal":
            return literal(value)
        case "Match":
            return {"matches": anywhere(value)}
        case "ContainSubstring":
            return {"contains": value}
        case "StartWith":
            return {"starts_with": value}
        case "EndWith":
            return {"ends_with": value}
        case "BeEmpty":
            return ""
    raise NotConvertibleError(f"the matcher {matcher[0]!r} has no counterpart here")


def _present(matcher: Matcher) -> object:
    """Return the condition on a value that must be present, even if negated."""
    kind, turned = _kind(matcher)
    if kind == "BeEmpty" and turned:
        return {"length": {"gte": 1}}
    if matcher == ("ShouldMatch", ".*"):
        return "present"
    condition = _condition(matcher)
    return both({"present": True}, {"not": condition}) if turned else condition


def _body(body: object, *, is_form: bool) -> Iterator[Atom]:
    if isinstance(body, dict) and "matcher" not in body:
        for path, written in body.items():
            yield _field(str(path), _matcher(written), is_form=is_form)
        return
    matcher = _matcher(body)
    kind, turned = _kind(matcher)
    if kind == "EqualJSON":
        atom = Atom("json_exact", tree(json_value(matcher[1])))
    else:
        atom = Atom("text", _condition(matcher))
    yield atom.turned() if turned else atom


def _field(path: str, matcher: Matcher, *, is_form: bool) -> Atom:
    """A field of a JSON body, or of a form (whose values Smocker keeps in lists)."""
    kind, turned = _kind(matcher)
    if is_form:
        name = re.sub(r"\[0\]$", "", path)
        condition = _condition(matcher)
        return Atom("form", {"not": condition} if turned else _or_absent(kind, condition), name)
    condition = _selection(_condition(matcher), matcher, kind)
    if turned:
        return Atom("jsonpath", {"not": condition}, f"$.{path}")
    return Atom("jsonpath", _or_absent(kind, condition), f"$.{path}")


def _or_absent(kind: str, condition: object) -> object:
    """In Smocker, an absent value is empty."""
    return either(["absent", condition]) if kind == "BeEmpty" else condition


def _selection(condition: object, matcher: Matcher, kind: str) -> object:
    """Return the condition on a list of values, which Smocker compares as text."""
    return {"contains": value_or_text(matcher[1]) if kind == "Equal" else condition}


def _response(response: dict[str, Any], where: str, losses: Losses) -> Reply:
    losses.unknown(where, response, {"status", "headers", "body", "delay"})
    reply = reply_head(response.get("status") or None, (response.get("headers") or {}).items())
    body = response.get("body")
    reply = literal_reply(
        with_text(reply, body if isinstance(body, str) else "" if body is None else text_of(body))
    )
    delay = response.get("delay")
    if isinstance(delay, dict):
        least, most = (_milliseconds(delay.get(key) or 0) for key in ("min", "max"))
        drawn = {"min": duration(least), "max": duration(most)}
        return {**reply, "delay": drawn["max"] if least == most else drawn}
    return {**reply, "delay": duration(_milliseconds(delay))} if delay else reply


_UNITS_MS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}


def _milliseconds(written: object) -> float:
    """A Go duration: a text such as `1m30s`, or a number of nanoseconds. Raises NotConvertibleError."""
    if isinstance(written, (int, float)):
        return written / 1e6
    pieces = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)", str(written))
    if "".join(number + unit for number, unit in pieces) != str(written):
        raise NotConvertibleError(f"its delay {written!r} is not a duration")
    return sum(float(number) * _UNITS_MS[unit] for number, unit in pieces)
