"""Routes and replies of a scenario in the terms that other mock servers share; everything else is lost."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from mockserver.formats.mocks.paths import Path as RoutePath
from mockserver.formats.mocks.paths import outgoing_path
from mockserver.formats.reading import json_line
from mockserver.formats.steps import WEBSOCKET_LOST, other_protocol, takes_websockets
from mockserver.model.durations import parse_duration_s
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Losses, NotConvertibleError
from mockserver.schema.base import has_templates, parse_request_line

T = TypeVar("T")
_WORK = {"set_ttl", "effect", "webhook", "auth", "idempotency", "limit"}
_QUIET = {"scenario", "description", "active", "vars", "routes", "base", "host", "defaults", "state"}
"""Keys of a scenario that are handled elsewhere or need no conversion."""


@dataclass(slots=True)
class OutgoingReply:
    """One reply; durations in milliseconds. At most one of `json`, `text` and `base64` is set."""

    status: int = 200
    headers: dict[str, list[str]] = field(default_factory=dict)
    json: Any = None
    has_json: bool = False
    text: str | None = None
    base64: str | None = None
    delay_ms: float | None = None
    delay_range: dict[str, float] | None = None
    fault: str | None = None
    times: int = 1
    set: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """As text; of Base64 as it is coded."""
        if self.has_json:
            return json_line(self.json)
        return self.base64 if self.base64 is not None else self.text or ""

    def header(self, name: str) -> str | None:
        return next((value[0] for key, value in self.headers.items() if key.lower() == name and value), None)


@dataclass(slots=True)
class Outgoing:
    """A route during export. `place` is its key path in the scenario."""

    place: str
    name: str | None
    methods: list[str] | None
    path: RoutePath
    match: dict[str, Any]
    when: dict[str, Any]
    priority: int
    answers: list[OutgoingReply]
    then: str
    proxy: str | None
    expect: Any
    host: str | None
    expressions: list[str]


def outgoing(
    document: Document,
    losses: Losses,
    folder: Path | None,
    *,
    base: str | None = None,
    ifs: bool = False,
    sort: bool = True,
) -> Iterator[Outgoing]:
    """
    Yield the routes that can be exported, by priority (with `sort`).

    `base` replaces the base of the document; with `ifs`, the caller converts expressions. Unsupported keys are lost;
    if a route would then answer wrong requests, the route is lost.
    """
    for key in document:
        if key not in _QUIET and not key.startswith("x-") and document[key]:
            losses.add(key, "no other tool has this", "Move what it does into the routes")
    routes = list(enumerate(document.get("routes") or []))
    if sort:
        routes.sort(key=lambda pair: -pair[1].get("priority", 0))
    for number, route in routes:
        made = _outgoing(document, f"routes[{number}]", route, losses, folder, base, ifs)
        if made is not None:
            yield made


def converted(
    document: Document, losses: Losses, folder: Path | None, convert: Callable[[Outgoing], T], **options: Any
) -> Iterator[T]:
    """Convert each outgoing route; one that can't be converted is lost. For `options` see `outgoing`."""
    for route in outgoing(document, losses, folder, **options):
        try:
            yield convert(route)
        except NotConvertibleError as error:
            losses.failed(route.place, error, ", so the route is left out")


def _outgoing(
    document: Document,
    place: str,
    route: Mapping[str, Any],
    losses: Losses,
    folder: Path | None,
    base: str | None,
    ifs: bool,
) -> Outgoing | None:
    if takes_websockets(route):
        losses.add(f"{place}.request", WEBSOCKET_LOST)
        return None
    line = parse_request_line(route["request"])
    other = other_protocol(line)
    if other is not None:
        losses.add(f"{place}.request", f"{other} is not converted, so the route is left out")
        return None
    for key in sorted(_WORK & set(route)):
        losses.add(f"{place}.{key}", "no other tool has this")
    for key in ("if", "per", "let"):
        if key in route and not (key == "if" and ifs):
            losses.add(f"{place}.{key}", "no other tool has this, so the route is left out")
            return None
    methods = sorted(line.methods) if line.methods is not None else None
    answers = []
    steps = route.get("reply", [])
    for number, step in enumerate(steps if isinstance(steps, list) else [steps]):
        where = f"{place}.reply[{number}]" if isinstance(steps, list) else f"{place}.reply"
        answer = _answer(document, route, where, step, losses, folder)
        if answer is None:
            return None
        answers.append(answer)
    return Outgoing(
        place=place,
        name=route.get("name"),
        methods=methods,
        path=outgoing_path((document.get("base") or "" if base is None else base) + line.path),
        match=dict(route.get("match") or {}),
        when=dict(route.get("when") or {}),
        priority=route.get("priority", 0),
        answers=answers,
        then=route.get("then", "repeat"),
        proxy=route.get("proxy"),
        expect=route.get("expect"),
        host=document.get("host"),
        expressions=str(route["if"]).split(" and ") if "if" in route else [],
    )


def _answer(
    document: Document, route: Mapping[str, Any], place: str, step: Any, losses: Losses, folder: Path | None
) -> OutgoingReply | None:
    step = {"status": step} if isinstance(step, int) else dict(step)
    defaults = document.get("defaults") or {}
    for key in ("choose", "cases", "for", "events", "chunks"):
        if key in step:
            losses.add(f"{place}.{key}", "no other tool has this, so the route is left out")
            return None
    for key in ("throttle", "effect", "webhook", "set_ttl"):
        if key in step:
            losses.add(f"{place}.{key}", "no other tool has this")
    shown = {key: value for key, value in step.items() if key != "set"}
    if not step.get("raw") and has_templates(shown):
        losses.add(place, "its templates can't be converted, so the route is left out")
        return None
    answer = OutgoingReply(status=step.get("status", 200), times=step.get("times", 1))
    for name, value in {**defaults.get("headers", {}), **step.get("headers", {})}.items():
        answer.headers[name] = [as_text(item) for item in (value if isinstance(value, list) else [value])]
    answer.set = dict(step["set"] if "set" in step else _route_work(route, step, answer.status))
    _body(answer, step, place, losses, folder)
    _delay(answer, step.get("delay", defaults.get("delay")), place, losses)
    _fault(answer, step.get("fault"), place, losses)
    return answer


def _route_work(route: Mapping[str, Any], step: Mapping[str, Any], status: int) -> dict[str, Any]:
    return route.get("set") or {} if status < 400 or step.get("fault") else {}


_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "xml": "application/xml",
    "form": "application/x-www-form-urlencoded",
}


def _body(
    answer: OutgoingReply, step: dict[str, Any], place: str, losses: Losses, folder: Path | None
) -> None:
    kind = next((key for key in (*_TYPES, "base64", "file") if key in step), None)
    if kind == "json":
        answer.json, answer.has_json = step["json"], True
    elif kind == "form":
        answer.text = urlencode(step["form"], doseq=True)
    elif kind == "base64":
        answer.base64 = step["base64"]
    elif kind == "file":
        _file(answer, step["file"], place, losses, folder)
    elif kind is not None:
        answer.text = as_text(step[kind])
    if kind in _TYPES and kind != "text" and answer.header("content-type") is None:
        answer.headers["Content-Type"] = [_TYPES[kind]]


def _file(answer: OutgoingReply, name: str, place: str, losses: Losses, folder: Path | None) -> None:
    if folder is None:
        losses.add(f"{place}.file", f"{name} can't be read, since nothing says where it lies")
        return
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        losses.add(f"{place}.file", f"{name} can't be read: {error}")
        return
    try:
        answer.text = content.decode()
    except UnicodeDecodeError:
        answer.base64 = base64.b64encode(content).decode()


def _delay(answer: OutgoingReply, delay: object, place: str, losses: Losses) -> None:
    if delay is None:
        return
    if isinstance(delay, dict):
        answer.delay_range = {
            key: value if key == "sigma" else parse_duration_s(value) * 1000 for key, value in delay.items()
        }
    elif has_templates(delay):
        losses.add(f"{place}.delay", "a delay from a template can't be converted")
    else:
        answer.delay_ms = parse_duration_s(delay) * 1000


def _fault(answer: OutgoingReply, fault: Any, place: str, losses: Losses) -> None:
    if isinstance(fault, dict):
        if fault.get("after") is not None:
            losses.add(f"{place}.fault.after", "no other tool says where a fault occurs")
        fault = fault["kind"]
    answer.fault = fault


def only_fixed_delay(answer: OutgoingReply, place: str, losses: Losses) -> int | None:
    """Return a fixed delay in milliseconds; a range is lost and becomes its middle."""
    if answer.delay_range is not None:
        given = answer.delay_range
        middle = given.get("median", (given.get("min", 0) + given["max"]) / 2)
        losses.add(f"{place}.delay", f"a random delay can't be converted: it is {middle:g} ms throughout")
        return round(middle)
    return None if answer.delay_ms is None else round(answer.delay_ms)
