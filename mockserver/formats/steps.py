"""
Yield each reply of a scenario for exporters, with base, defaults and cases applied.

A key without a counterpart is lost, with its key path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.model.grpc import METHOD
from mockserver.model.http import GRAPHQL, WEBSOCKET
from mockserver.recording.conversion import Document, Losses, Lost
from mockserver.recording.exchanges import ORIGIN
from mockserver.schema.base import RequestLine, parse_request_line
from mockserver.schema.reply import BODY_KINDS

DEFAULT_ORIGIN = "http://localhost:8080"
"""Default URL of the service of a scenario: that of `mockserver serve`."""
WEBSOCKET_LOST = "this format has no WebSocket connections, so the route is left out"
_SCENARIO_KEYS = {"scenario", "description", "active", "base", "host", "defaults", "routes", "vars"}
_ROUTE_KEYS = {"name", "request", "match", "reply", "expect", "tags"}
_REPLY_KEYS = {"status", "headers", "raw", "times", "weight", "match", "choose", "cases", *BODY_KINDS}


@dataclass(slots=True, frozen=True)
class Step:
    """
    One answer of a route. `number` is its place in the sequence from 1 to `steps`, `times` how
    often it answers. `case` is its place among `cases`, from 0; None where there are none.
    """

    place: str
    route_place: str
    scenario: str
    name: str
    number: int
    steps: int
    times: int
    method: str
    path: str
    origin: str
    match: Document
    reply: Document
    route: Document
    document: Document
    case: int | None = None

    @property
    def body_kind(self) -> str | None:
        return next((kind for kind in BODY_KINDS if kind in self.reply), None)


def steps_of(
    scenarios: Mapping[str, Document], lost: Losses, carried: frozenset[str] = frozenset()
) -> Iterator[Step]:
    """Yield each reply of each route. `carried` are further keys that the format supports."""
    for name, document in scenarios.items():
        _tell(document, _SCENARIO_KEYS | carried, f"{name}: ", lost)
        _tell(document.get("defaults") or {}, {"headers"}, f"{name}: defaults.", lost)
        if document.get("active") is False:
            lost.add(f"{name}: active", "it is not active, but will be in the result")
        for index, route in enumerate(document.get("routes") or []):
            place = f"{name}: routes[{index}]"
            if takes_websockets(route):
                lost.add(f"{place}.request", WEBSOCKET_LOST)
                continue
            other = other_protocol(parse_request_line(route["request"]))
            if other is not None:
                lost.add(f"{place}.request", f"this format has no {other}, so the route is left out")
                continue
            _tell(route, _ROUTE_KEYS | carried, f"{place}.", lost)
            yield from _steps(name, document, route, place, lost, carried)


def other_protocol(line: RequestLine) -> str | None:
    """Return the protocol of a request line that is not of HTTP; None for HTTP."""
    methods = line.methods or ()
    return "gRPC" if METHOD in methods else "GraphQL" if GRAPHQL in methods else None


def takes_websockets(route: Mapping[str, Any]) -> bool:
    """Whether a route is for WebSocket connections, which no other format has."""
    return WEBSOCKET in (parse_request_line(route["request"]).methods or ())


def _tell(written: Mapping[str, Any], known: frozenset[str] | set[str], place: str, lost: Losses) -> None:
    lost += [
        Lost(f"{place}{key}", "this format has no counterpart")
        for key, value in written.items()
        if key not in known and not key.startswith("x-") and value not in (None, [], {}, False)
    ]


def origin_of(document: Document) -> str:
    origin = document.get(ORIGIN)
    if isinstance(origin, str) and origin.startswith(("http://", "https://")):
        return origin.rstrip("/")
    host = document.get("host")
    return f"http://{host}" if host else DEFAULT_ORIGIN


def _steps(
    scenario: str,
    document: Document,
    route: Document,
    place: str,
    lost: Losses,
    carried: frozenset[str],
) -> Iterator[Step]:
    line = parse_request_line(route["request"])
    methods = sorted(line.methods or {"GET"})
    if line.methods is None or len(methods) > 1:
        lost.add(f"{place}.request", f"{methods[0]} stands for {line.text.split()[0]}")
    replies = route["reply"] if isinstance(route["reply"], list) else [route["reply"]]
    for index, written in enumerate(replies):
        at = f"{place}.reply[{index}]" if len(replies) > 1 else f"{place}.reply"
        for case, where, reply in _cases(as_mapping(written), at, lost):
            _tell(reply, _REPLY_KEYS | carried, f"{where}.", lost)
            yield Step(
                place=where,
                route_place=place,
                scenario=scenario,
                name=str(
                    route.get("name") or f"{line.text.split()[0]} {document.get('base', '')}{line.path}"
                ),
                number=index + 1,
                steps=len(replies),
                times=int(as_mapping(written).get("times", 1)),
                method=methods[0],
                path=f"{document.get('base') or ''}{line.path}",
                origin=origin_of(document),
                match=_merged(route.get("match") or {}, reply.get("match") or {}),
                reply=_with_defaults(reply, document.get("defaults") or {}),
                route=route,
                document=document,
                case=case,
            )


def as_mapping(reply: Any) -> Document:
    return reply if isinstance(reply, dict) else {"status": reply}


def _cases(reply: Document, place: str, lost: Losses) -> Iterator[tuple[int | None, str, Document]]:
    """Yield the reply, or its `cases`; of a `choose`, the most likely reply."""
    if reply.get("choose"):
        choices = [as_mapping(item) for item in reply["choose"]]
        best = max(range(len(choices)), key=lambda index: choices[index].get("weight", 1))
        lost.add(f"{place}.choose", "random choice is lost: the most likely reply is used")
        yield None, f"{place}.choose[{best}]", choices[best]
    elif reply.get("cases"):
        for index, case in enumerate(reply["cases"]):
            yield index, f"{place}.cases[{index}]", as_mapping(case)
    else:
        yield None, place, reply


def _merged(match: Document, further: Document) -> Document:
    """Both: within a part by name."""
    result = dict(match)
    for part, conditions in further.items():
        before = result.get(part)
        result[part] = (
            {**before, **conditions}
            if isinstance(before, dict) and isinstance(conditions, dict)
            else conditions
        )
    return result


def _with_defaults(reply: Document, defaults: Document) -> Document:
    named = {str(name).lower() for name in reply.get("headers") or {}}
    headers = {
        name: value for name, value in (defaults.get("headers") or {}).items() if name.lower() not in named
    }
    headers |= reply.get("headers") or {}
    return {**reply, "headers": headers} if headers else reply
