"""Plan the replies of a route to a request without side effects, and compare them with the real reply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.proxy import Proxy
from mockserver.engine.routes import Route
from mockserver.engine.routing import per_of
from mockserver.engine.transaction import Transaction
from mockserver.model.coding import UnreadableBodyError, decode_content, parse_media_type
from mockserver.model.headers import Headers
from mockserver.model.http import Request, Response
from mockserver.model.volatile import changes_by_nature
from mockserver.recording.drift_requests import RequestSkippedError
from mockserver.recording.drift_shapes import Drift, drifts
from mockserver.recording.replies import read_events
from mockserver.responses.planner import Planned
from mockserver.store.bounds import StoreFullError
from mockserver.templating.templates import TemplateError

_COMPARED = ("location", "retry-after", "www-authenticate", "etag", "link", "content-disposition", "allow")
"""Headers that clients use; if the scenario has one, the real reply must have it."""


@dataclass(frozen=True, slots=True)
class ReplyContent:
    """A body as far as it can be compared: JSON, events, or nothing but its media type."""

    kind: str
    media_type: str
    value: Any


def answers(ns: Namespace, route: Route, request: Request) -> list[Response]:
    """Return the replies of each step, without faults. Raises RequestSkippedError."""
    if any(isinstance(answer, Proxy) for answer in route.answers):
        raise RequestSkippedError("the real service answers it already")
    planned = list(_steps(ns, route, request))
    sound = [item.response for item in planned if item.fault is None]
    if not sound:
        raise RequestSkippedError("it does nothing but break")
    return sound


def _steps(ns: Namespace, route: Route, request: Request) -> Iterator[Planned]:
    params = route.pattern.match(request.path) or {}
    per = per_of(ns, route, request, params)
    for index in range(len(route.answers)):
        transaction = Transaction(ns, request, (route, params, ns.peek(route, per), index, per), 1)
        try:
            transaction.prepare()
            yield transaction.response()
        except (TemplateError, StoreFullError) as error:
            raise RequestSkippedError(f"its reply can't be made: {error}") from error


def nearest(expected: list[Response], actual: Response, *, values: bool) -> list[Drift]:
    """Return the differences from the nearest step: the one with equal status, or with the fewest differences."""
    return min(
        (compared(item, actual, values=values) for item in expected),
        key=lambda result: (any(item.where == "status" for item in result), len(result)),
    )


def compared(expected: Response, actual: Response, *, values: bool) -> list[Drift]:
    """Field by field. Where the statuses differ, nothing further is of interest."""
    if expected.status != actual.status:
        return [Drift("status", "status", expected.status, actual.status)]
    result = [
        Drift(f"headers.{name}", "gone", _shown(name, expected.header(name)), None)
        for name in _COMPARED
        if expected.header(name) is not None and actual.header(name) is None
    ]
    item, other = content(expected), content(actual)
    if item.kind != other.kind:
        return [*result, Drift("body", "type", item.media_type or item.kind, other.media_type or other.kind)]
    if item.kind == "events":
        return [*result, *_events(item.value, other.value, values=values)]
    if item.kind == "json":
        return [*result, *drifts(item.value, other.value, values=values)]
    if item.media_type != other.media_type:
        result.append(Drift("headers.content-type", "type", item.media_type, other.media_type))
    return result


def _shown(name: str, value: str | None) -> str:
    return "a value" if value is None or changes_by_nature(value, name) else value


def content(response: Response) -> ReplyContent:
    """Return the decoded body of a reply."""
    headers = Headers(response.headers)
    media_type, _ = parse_media_type(headers.get("content-type", ""))
    if not response.body:
        return ReplyContent("nothing", "", None)
    try:
        data = decode_content(response.body, ",".join(headers.all("content-encoding")).split(","))
        text = data.decode()
    except (UnreadableBodyError, UnicodeDecodeError):
        return ReplyContent("bytes", media_type, None)
    if media_type == "text/event-stream":
        return ReplyContent("events", media_type, read_events(text) or [])
    if media_type.endswith("json"):
        try:
            return ReplyContent("json", media_type, json.loads(text))
        except ValueError:
            return ReplyContent("text", media_type, None)
    return ReplyContent("text", media_type, None)


def _events(expected: list[Any], actual: list[Any], *, values: bool) -> Iterator[Drift]:
    """Compare events by name; their number depends on the moment."""
    known, result = _by_name(expected), _by_name(actual)
    for name, data in known.items():
        if name not in result:
            yield Drift(f"events.{name}", "gone", "event", None)
        else:
            yield from drifts(data, result[name], f"events.{name}", values=values)
    for name in result:
        if name not in known:
            yield Drift(f"events.{name}", "new", None, "event")


def _by_name(events: list[Any]) -> dict[str, list[Any]]:
    names: dict[str, list[Any]] = {}
    for event in events:
        data = event.get("data") if isinstance(event, dict) else event
        name = event.get("event", "message") if isinstance(event, dict) else "message"
        names.setdefault(str(name), []).append(data)
    return names
