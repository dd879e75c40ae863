"""
Convert recorded exchanges to routes, as a person would write them.

Repeated requests become one route with a sequence; equal answers become one reply. Bodies and headers are matched
only if they distinguish requests; volatile values such as ids and times are never matched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.formats.mocks.trees import literal_leaf, tree
from mockserver.formats.reading import free_name
from mockserver.model.framing import has_body
from mockserver.model.http import UnreadableBodyError, grouped
from mockserver.model.json_values import map_leaves
from mockserver.recording.conversion import Document, Imported
from mockserver.recording.exchanges import ORIGIN, RecordedExchange, json_of, value_of
from mockserver.recording.noise import TELLING_REQUEST_HEADERS, telling
from mockserver.recording.sequences import folded
from mockserver.recording.written_replies import Beside, reply_of
from mockserver.schema.base import METHOD

_BY_NATURE = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # a UUID (RFC 9562)
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"  # an instant (RFC 3339)
)
CACHE_BUSTERS = ("_", "_t", "cachebuster", "cache_buster")
"""Query parameters that only avoid caches."""
_NUMBER = re.compile(r"(?:0|-?[1-9][0-9]{0,14})")


@dataclass(slots=True)
class RecordedRequest:
    """A request as conditions, with its answers."""

    method: str
    path: str
    headers: dict[str, Any]
    query: dict[str, Any]
    body: dict[str, Any]
    exchanges: list[RecordedExchange] = field(default_factory=list)

    @property
    def same(self) -> str:
        """Equal for requests that conditions cannot distinguish."""
        return f"{self.place}\n{_text([self.headers, self.query, self.body])}"

    @property
    def place(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def match(self) -> dict[str, Any]:
        result = {"headers": self.headers, "query": self.query, **self.body}
        return {
            part: conditions
            for part, conditions in result.items()
            if conditions not in ({}, None) or part == "json"
        }

    @property
    def breadth(self) -> tuple[int, int, int]:
        """The lower, the more specific; the most specific request of a path comes first."""
        return -_size(self.headers), -_size(self.query), -_size(self.body)


def fold(exchanges: Iterable[RecordedExchange], name: str) -> Imported:
    """
    Return a scenario for each origin: `name` if there is only one, otherwise named after the hosts.

    Exchanges that are not calls of a service are lost.
    """
    imported = Imported()
    by_origin: dict[str, list[RecordedExchange]] = {}
    for exchange in exchanges:
        lost = _unfit(exchange)
        if lost:
            imported.lost.add(exchange.place, *lost)
            continue
        if exchange.body and not has_body(exchange.status):
            said = f"a {exchange.status} has no body, so its {len(exchange.body)} bytes are left out"
            imported.lost.add(exchange.place, said)
        by_origin.setdefault(exchange.origin, []).append(exchange)
    for origin, of_origin in by_origin.items():
        host = origin.partition("://")[2]
        own = name if len(by_origin) == 1 else _scenario_name(host or name, imported.scenarios)
        beside = Beside(own)
        document: Document = {ORIGIN: origin} if origin else {}
        if len(by_origin) > 1 and host:
            document["host"] = host
        document["routes"] = _routes(of_origin, beside)
        imported.scenarios[own] = document
        imported.files |= beside.files
        imported.remarks[own] = _remarks(of_origin, host if "host" in document else "")
    return imported


def _unfit(exchange: RecordedExchange) -> tuple[str, str] | None:
    if not METHOD.fullmatch(exchange.method) or exchange.method in ("CONNECT", "ANY"):
        return f"{exchange.method!r} is a request to a proxy, not to a service", "Leave it out"
    if exchange.method != exchange.method.upper():
        return (
            f"{exchange.method!r} is not a valid method: methods are case-sensitive",
            f"Write {exchange.method.upper()!r}",
        )
    if not exchange.path.startswith("/"):
        return f"{exchange.url!r} has no path", "A route needs one"
    if exchange.path == "/__admin" or exchange.path.startswith("/__admin/"):
        return "/__admin is where this server's own API is", "No route can be there"
    if exchange.status == 0 and not exchange.fault:
        return "there is no answer", "Write a fault, such as {fault: reset}, if that is what happened"
    if exchange.status and not 200 <= exchange.status <= 599:
        return f"{exchange.status} is not a final status", "Routes answer with 200 to 599"
    return None


def _scenario_name(host: str, taken: Iterable[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", host).strip("-.") or "scenario"
    return free_name(name, {*taken, "runtime"}, "-")


def _remarks(exchanges: list[RecordedExchange], host: str) -> list[str]:
    left = sorted({name for exchange in exchanges for name in telling(exchange.headers)[1]})
    result = [f"Header lines that were left out of replies: {', '.join(left)}."] if left else []
    busters = sorted(
        {name for exchange in exchanges for name, _ in exchange.request.query_pairs if name in CACHE_BUSTERS}
    )
    if busters:
        result.append(f"Query parameters that are not matched: {', '.join(busters)}.")
    if host:
        result.append(f"Only requests whose Host header says {host} are answered: take `host` out for any.")
    return result


# Routes


def _routes(exchanges: list[RecordedExchange], beside: Beside) -> list[Document]:
    groups: dict[str, RecordedRequest] = {}
    for exchange in exchanges:
        request = _recorded(exchange)
        groups.setdefault(request.same, request).exchanges.append(exchange)
    return [_route(conditions, beside) for conditions in told_apart(list(groups.values()))]


def told_apart(groups: list[RecordedRequest]) -> list[RecordedRequest]:
    """
    Remove conditions that distinguish nothing, except on the query. The most specific request of a path comes first.
    """
    for part in ("headers", "body"):
        alike: dict[str, list[RecordedRequest]] = {}
        for request in groups:
            alike.setdefault(
                f"{request.place}\n{_text(request.query)}" if part == "body" else request.place, []
            ).append(request)
        for those in alike.values():
            if len({_text(getattr(conditions, part)) for conditions in those}) == 1:
                for request in those:
                    setattr(request, part, {})
    places = {
        place: index for index, place in enumerate(dict.fromkeys(recorded.place for recorded in groups))
    }
    return sorted(groups, key=lambda recorded: (places[recorded.place], recorded.breadth))


def _route(request: RecordedRequest, beside: Beside) -> Document:
    route: Document = {"request": request.place}
    if request.match:
        route["match"] = request.match
    route["reply"] = sequence([reply_of(exchange, beside) for exchange in request.exchanges])
    return route


def sequence(replies: list[Any]) -> object:
    """Return one reply if all are equal, otherwise a sequence; its last step repeats."""
    steps = folded(replies, few=2)
    return steps[0] if len(steps) == 1 else steps


# Conditions


def _recorded(exchange: RecordedExchange) -> RecordedRequest:
    request = exchange.request
    query = grouped(pair for pair in request.query_pairs if pair[0] not in CACHE_BUSTERS)
    headers = {name: text_condition(value) for name in TELLING_REQUEST_HEADERS if (value := value_of(exchange.request_headers, name))}  # fmt: skip
    return RecordedRequest(
        exchange.method, route_path(exchange.path), headers, texts(query), body_match(exchange)
    )


def route_path(path: str) -> str:
    """A path as a route writes it literally."""
    path = "".join(f"%{byte:02X}" if chr(byte) in _ESCAPED or byte <= 32 or byte >= 127 else chr(byte) for byte in path.encode())  # fmt: skip
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path)


_ESCAPED = "{}#?"


def texts(values: Mapping[str, list[str]]) -> dict[str, Any]:
    """Conditions on texts by name: exactly these, in this order."""
    return {
        name: text_condition(some[0]) if len(some) == 1 else [_exactly(text) for text in some]
        for name, some in values.items()
    }


def text_condition(text: str) -> object:
    if _BY_NATURE.fullmatch(text):
        return "present"
    return _exactly(text)


def _exactly(text: str) -> object:
    return {"equals": text} if text in ("present", "absent") else _scalar(text)


def _scalar(text: str) -> object:
    return int(text) if _NUMBER.fullmatch(text) else text


def body_match(exchange: RecordedExchange) -> dict[str, Any]:
    """Return a condition that this body fulfils; none for an empty body."""
    request = exchange.request
    if not request.body:
        return {}
    try:
        if request.media_type == "application/x-www-form-urlencoded":
            return {"form": texts(request.form)} if request.form else {}
        if request.media_type == "multipart/form-data":
            return _multipart(exchange)
        if request.media_type.endswith("json") or request.body.lstrip()[:1] in (b"{", b"["):
            return {"json": tree_condition(json_of(request.body))}
    except UnreadableBodyError:
        pass
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        from hashlib import sha256

        return {"body_sha256": sha256(request.body).hexdigest()}
    return {"text": text_condition(text) if not _NUMBER.fullmatch(text) else text}


def _multipart(exchange: RecordedExchange) -> dict[str, Any]:
    form: dict[str, list[str]] = {}
    files: dict[str, Any] = {}
    for part in exchange.request.parts:
        if part.filename is None:
            form.setdefault(part.name or "", []).append(part.text)
        else:
            files[part.name or ""] = {"filename": text_condition(part.filename)}
    result = {"form": texts(form), "files": files}
    return {key: conditions for key, conditions in result.items() if conditions}


def tree_condition(value: object) -> object:
    """Return a condition in the notation of `json` that holds for this value."""
    return tree(value, _leaf)


def _leaf(value: object) -> object:
    if isinstance(value, str) and _BY_NATURE.fullmatch(value):
        return {"$type": "string"}
    return literal_leaf(value)


def _text(value: object) -> str:
    """Return a text that is equal for values that are equal as JSON: 1 is 1.0, true is not 1."""
    return json.dumps(map_leaves(value, _number), sort_keys=True)


def _number(value: object, _: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _size(condition: object) -> int:
    """Return how specific a condition is: presence counts less than a value."""
    if isinstance(condition, dict):
        if "$fields" in condition:
            return _size(condition["$fields"])
        if condition.keys() & {"equals", "$equals", "$type"}:
            return 1 if "$type" in condition else 2
        return 2 + sum(map(_size, condition.values()))
    if isinstance(condition, list):
        return 2 + sum(map(_size, condition))
    return 1 if condition == "present" else 2
