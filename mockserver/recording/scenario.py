"""Convert a recording to a scenario, with remarks as comments."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mockserver.model.coding import UnreadableBodyError
from mockserver.model.exchange import Exchange
from mockserver.model.plural import counted
from mockserver.recording.conversion import Imported
from mockserver.recording.routes import Making, RecordedRoute, routes_of
from mockserver.recording.scrubbing import Hiding
from mockserver.recording.seen import SeenValues, seen
from mockserver.recording.written_replies import Beside
from mockserver.redaction.redaction import mask_bytes, mask_path, mask_target, mask_tree
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec

REQUESTS = "x-requests"
"""
Key of a scenario for one request of each route that does not describe it completely; `mockserver diff` sends them.
"""
_BASE = re.compile(r"api|rest|v\d+(\.\d+)?")
_MOST_BODY = 4096


def scenario_of(exchanges: Sequence[Exchange], name: str, left_out: dict[str, int] | None = None) -> Imported:
    """One scenario of that name. `left_out` are calls that could not be recorded, by reason."""
    calls, strange = _calls(exchanges)
    cors = any(_is_preflight(item) for item in calls)
    calls = [item for item in calls if not _is_preflight(item)]
    if cors:
        for call in calls:
            _without_cors(call)
    hiding, files = Hiding(), Beside(name)
    routes = routes_of(calls, Making(_urls(exchanges), files, hiding))
    base = _base(routes)
    document: dict[str, Any] = {"scenario": name}
    targets = list(dict.fromkeys(exchange.to for exchange in exchanges))
    if targets:
        document["description"] = f"Recorded from {', '.join(targets)}"
    if base:
        document["base"] = base
    if cors:
        document["cors"] = True
    for route in routes:
        route.path = route.path.removeprefix(base)
    document["routes"] = [route.document() for route in routes]
    requests = _requests(routes, base)
    if requests:
        document[REQUESTS] = requests
    remarks = _remarks(calls, hiding, {**(left_out or {}), **strange}, targets)
    return Imported({name: document}, files.files, remarks={name: remarks})


def written(imported: Imported, name: str) -> str:
    """The scenario's file."""
    comments = "".join(f"# {line}\n" for line in imported.remarks.get(name, []))
    return comments + dump(imported.scenarios[name], ScenarioSpec)


def _calls(exchanges: Sequence[Exchange]) -> tuple[list[SeenValues], dict[str, int]]:
    """Return the convertible calls, and the number of others by reason."""
    calls: list[SeenValues] = []
    strange: Counter[str] = Counter()
    for exchange in exchanges:
        if not 200 <= exchange.response.status <= 599:
            strange["the reply's status is none of 200 to 599"] += 1
            continue
        try:
            calls.append(seen(exchange))
        except UnreadableBodyError as error:
            strange[f"the reply can't be read: {error}"] += 1
    return calls, dict(strange)


def _urls(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Return the URLs of the service and of this server, the longest first."""
    result = {exchange.to for exchange in exchanges} | {
        exchange.request.base_url for exchange in exchanges if exchange.request.host
    }
    return tuple(sorted(result, key=len, reverse=True))


def _is_preflight(call: SeenValues) -> bool:
    headers = call.request.headers
    return (
        call.request.method == "OPTIONS"
        and "origin" in headers
        and "access-control-request-method" in headers
    )


def _without_cors(call: SeenValues) -> None:
    for name in [name for name in call.reply.headers if name.startswith("access-control-")]:
        del call.reply.headers[name]


def _base(routes: list[RecordedRoute]) -> str:
    """Return the common prefix of all paths, as far as it consists of segments such as `/api` and `/v1`."""
    if len(routes) < 2:
        return ""
    columns = zip(*(route.path[1:].split("/")[:-1] for route in routes), strict=False)
    base = ""
    for column in columns:
        if len(set(column)) > 1 or not _BASE.fullmatch(column[0]):
            break
        base += f"/{column[0]}"
    return base


# What was asked


def _requests(routes: list[RecordedRoute], base: str) -> dict[str, Any]:
    """By the name that each route goes by."""
    requests: dict[str, Any] = {}
    taken: set[str] = set()
    for route in routes:
        line = f"{route.method} {base}{route.path}"
        name, number = line, 1
        while name in taken:
            number += 1
            name = f"{line} #{number}"
        taken.add(name)
        example = _request(route)
        if example:
            requests[name] = example
    return requests


def _request(route: RecordedRoute) -> dict[str, Any]:
    """Return the parts of a request that the route does not describe: the path if it has parameters, and the body."""
    item = route.example
    result: dict[str, Any] = {}
    if "{" in route.path:
        result["path"] = mask_path(item.request.path)
    if item.query and "query" not in route.match:
        result["query"] = mask_target("?" + item.request.query_string)[1:]
    if item.kind in ("json", "form") and len(item.request.body) <= _MOST_BODY:
        result[item.kind] = mask_tree(item.body)
    elif item.kind == "text" and len(item.request.body) <= _MOST_BODY:
        result["text"] = mask_bytes(item.request.body).decode("utf-8", "replace")
    elif item.kind == "bytes" and len(item.request.body) <= _MOST_BODY and _is_plain(item):
        result["headers"] = {"content-type": item.request.headers.get("content-type", "")}
        result["base64"] = base64.b64encode(item.request.body).decode()
    elif item.kind != "nothing":
        result["skip"] = "its body was too long, or held a secret, and was not kept"
    return result


def _is_plain(call: SeenValues) -> bool:
    return mask_bytes(call.request.body, call.request.media_type) == call.request.body


# Remarks


def _remarks(
    calls: list[SeenValues], hiding: Hiding, left_out: dict[str, int], targets: list[str]
) -> list[str]:
    lines = [f"Recorded by mockserver: {counted(len(calls), 'call')}."]
    if hiding.places:
        lines.append("Secrets were masked. Of a secret in a request, only the last characters are compared:")
        lines += [f"  {place}" for place in hiding.places]
    names = sorted({name for call in calls for name in call.reply.left_out} - _EXPECTED)
    if names:
        lines.append(f"Header lines left out: {', '.join(names)}.")
    for reason, count in left_out.items():
        lines.append(f"Not recorded: {counted(count, 'call')}: {reason}.")
    linked = sum(_links(call, targets) for call in calls)
    if linked:
        lines.append(
            f"{counted(linked, 'reply', 'replies')} had links to the service in the body, which point to the mock now. "
            "Requests to such links were not recorded."
        )
    return lines


_EXPECTED = frozenset({
    "date", "server", "connection", "keep-alive", "content-length", "content-encoding", "transfer-encoding", "accept-ranges", "via",
})  # fmt: skip
"""Headers that are always left out, and not mentioned."""


def _links(call: SeenValues, targets: list[str]) -> bool:
    body = call.reply.body
    if body is None or isinstance(body, bytes):
        return False
    text = body if isinstance(body, str) else str(body)
    return any(target and target in text for target in targets)
