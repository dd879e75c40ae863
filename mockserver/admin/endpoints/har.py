"""
`/calls.har`: recorded calls as an HTTP archive, HAR 1.2 (http:

www.softwareishard.com/blog/har-12-spec/).

Entries are made from the views of `/calls`, with the same masking. Custom fields begin with an underscore, as the
format requires.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from mockserver import __version__
from mockserver.admin.api import AdminRequest, Answer, table
from mockserver.admin.endpoints.calls import FILTERS, MOST, REVEAL, SLICE, CallFilter
from mockserver.admin.models import ArchiveView
from mockserver.admin.turns import Turns
from mockserver.admin.views import Form, body_view, call_view, form_of
from mockserver.model.call import Call
from mockserver.model.coding import UnreadableBodyError, decode_content
from mockserver.model.framing import REASONS
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.http import WEBSOCKET, Pairs, Request, Response, StreamReply
from mockserver.model.plan import Outcome
from mockserver.responses.bodies import dump_json
from mockserver.store.call_log import KEPT_BODY_BYTES

_HALF_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@table.get(
    "/calls.har",
    "Recorded calls as an HTTP archive (HAR 1.2), oldest first.",
    answer=ArchiveView,
    query={**FILTERS, "limit": f"Maximum number of items, 1 to {MOST}; default all.", **REVEAL},
)
async def get_archive(request: AdminRequest[Any]) -> Answer:
    wanted, reveal = CallFilter(request), request.reveal
    limit = request.number("limit", MOST, MOST) if "limit" in request.query else None
    turns = Turns()
    calls: list[Call] = []
    for call in request.ns.call_log.after(0):
        if len(calls) == limit:
            break
        if wanted.holds(call):
            calls.append(call)
        await turns.pause()
    lines = [
        ("Content-Type", "application/json"),
        ("Content-Disposition", 'attachment; filename="calls.har"'),
        ("Cache-Control", "no-store"),
    ]
    return StreamReply(Response(200, lines), _archive(calls, reveal=reveal))


async def _archive(calls: list[Call], *, reveal: bool) -> AsyncIterator[bytes]:
    creator = dump_json({"name": "mockserver", "version": __version__})
    turns = Turns()
    yield b'{"log":{"version":"1.2","creator":' + creator + b',"entries":['
    for start in range(0, len(calls), SLICE):
        entries = []
        for call in calls[start : start + SLICE]:
            entries.append(dump_json(entry(call, reveal=reveal)))
            await turns.pause()
        yield (b"," if start else b"") + b",".join(entries)
    yield b"]}}"


def entry(call: Call, *, reveal: bool = False) -> dict[str, Any]:
    """Return a call as an entry. Times are those of the server; transfer times of the client are unknown."""
    view = call_view(call, reveal=reveal)
    timings = _timings(view["times"])
    archived: dict[str, Any] = {
        "startedDateTime": view["times"]["arrived"],
        "time": round(sum(timings.values()), 3),
        "request": _request(call, view["request"], reveal=reveal),
        "response": _response(call, view["reply"], reveal=reveal),
        "cache": {},
        "timings": timings,
        "connection": call.request.client.rpartition(":")[2],
    }
    if view["websocket"] is not None:
        archived["_resourceType"] = "websocket"
        archived["_webSocketMessages"] = list(_messages(call, view["websocket"]["frames"]))
    for name in ("id", "namespace", "route", "step", "outcome", "fault"):
        archived[f"_{name}"] = view[name]
    return archived


def _timings(times: Mapping[str, Any]) -> dict[str, float]:
    first = times["first_byte_ms"]
    last = times["left_ms"] if times["left_ms"] is not None else times["last_byte_ms"]
    wait = first if first is not None else last or 0.0
    return {
        "send": 0.0,
        "wait": wait,
        "receive": round(max(0.0, last - wait), 3) if last is not None else 0.0,
    }


def _messages(call: Call, frames: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the messages as Chrome writes them: seen from the client, with the opcode, and binary data in Base64."""
    for frame in frames:
        if frame["type"] in ("text", "binary"):
            text, data = frame["body"]["text"], frame["body"]["base64"]
            if frame["type"] == "binary" and text is not None:
                data, text = base64.b64encode(text.encode()).decode(), None
            yield {
                "type": "send" if frame["direction"] == "received" else "receive",
                "time": round(call.request.arrived_s + frame["at_ms"] / 1000, 6),
                "opcode": 1 if frame["type"] == "text" else 2,
                "data": data if text is None else text,
            }


# Requests


def _request(call: Call, view: Mapping[str, Any], *, reveal: bool) -> dict[str, Any]:
    request = call.request
    version = _version(request)
    method = {WEBSOCKET: "GET", GRPC: "POST"}.get(view["method"], view["method"])
    sizes = [
        len(name.encode()) + len(value.encode("utf-8", "replace")) + 4
        for name, value in request.headers.pairs
    ]
    archived = {
        "method": method,
        "url": _url(request, view["target"]),
        "httpVersion": version,
        "cookies": _cookies(view["headers"]),
        "headers": _named(view["headers"]),
        "queryString": _named(view["query"]),
        "headersSize": len(f"{method} {request.target} {version}\r\n\r\n".encode("utf-8", "replace")) + sum(sizes),
        "bodySize": view["body"]["length"],
    }  # fmt: skip
    if view["body"]["length"]:
        archived["postData"] = _posted(request, view["body"], reveal=reveal)
    return archived


def _url(request: Request, target: str) -> str:
    """Return the absolute URL of the request, with `localhost` if the Host header is missing or invalid."""
    if "://" not in target.partition("?")[0]:
        host = request.host if re.fullmatch(r"[\w.:\[\]-]+", request.host, re.ASCII) else "localhost"
        target = f"{request.scheme}://{host}{'' if target[:1] == '/' else '/'}{target}"
    authority, slash, rest = target.partition("://")
    host, path_mark, path = rest.partition("/")
    return f"{authority}{slash}{host}{path_mark}{_quoted(path)}"


def _quoted(path: str) -> str:
    return _HALF_ESCAPE.sub("%25", quote(path, safe="/%:?@!$&'()*+,;=~", errors="replace"))


def _posted(request: Request, body: Mapping[str, Any], *, reveal: bool) -> dict[str, Any]:
    """Return the body. Forms have both fields and text, like in browsers, because most readers use only the text."""
    written = request.headers.get("content-type", "")
    posted: dict[str, Any] = {"mimeType": written or "application/octet-stream"}
    shown = _shown(body, request.body, request.headers.pairs, reveal=reveal)
    if shown["text"] is not None:
        posted["text"] = shown["text"]
        params = _params(written, shown["text"])
        if params:
            posted["params"] = params
    elif shown["base64"] is not None:
        posted |= {"text": shown["base64"], "_encoding": "base64"}
    return posted | _comment(shown)


def _params(content_type: str, text: str) -> list[dict[str, str]]:
    """Return the fields of a form."""
    form = Request("POST", "/", [("Content-Type", content_type)], text.encode("utf-8", "replace"))
    if form.media_type == "application/x-www-form-urlencoded":
        return _named([list(pair) for pair in parse_qsl(text, keep_blank_values=True)])
    try:
        parts = form.parts
    except UnreadableBodyError:
        return []
    return [_param(part.name or "", part.filename, part.content_type, part.text) for part in parts]


def _param(name: str, filename: str | None, content_type: str, text: str) -> dict[str, str]:
    if filename is None:
        return {"name": name, "value": text}
    return {"name": name, "fileName": filename, "contentType": content_type}


# Responses


def _response(call: Call, view: Mapping[str, Any] | None, *, reveal: bool) -> dict[str, Any]:
    response = call.response
    if view is None or response is None or call.first_byte_at_s is None:
        return _nothing(call)
    location = next((value for name, value in view["headers"] if name.lower() == "location"), "")
    whole = call.outcome in (Outcome.DONE, Outcome.OPEN)
    return {
        "status": response.status,
        "statusText": response.reason or REASONS.get(response.status, ""),
        "httpVersion": _version(call.request),
        "cookies": _cookies_set(view["headers"]),
        "headers": _named(view["headers"]),
        "content": _content(call, response, view, reveal=reveal),
        "redirectURL": location,
        "headersSize": -1,
        "bodySize": view["body"]["length"] if whole else -1,
    }


def _nothing(call: Call) -> dict[str, Any]:
    """Return what browsers write if there was no response."""
    return {
        "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "", "headersSize": -1, "bodySize": -1, "_error": call.fault if call.response is None and call.fault else call.outcome.value,
    }  # fmt: skip


def _content(call: Call, response: Response, view: Mapping[str, Any], *, reveal: bool) -> dict[str, Any]:
    """Return the body without its content-coding, and the bytes that the coding saved."""
    media_type = response.header("content-type") or "application/octet-stream"
    sent = b"" if call.request.method == "HEAD" else response.body
    length = view["body"]["length"]
    shown = _shown(view["body"], sent, response.headers, reveal=reveal)
    content: dict[str, Any] = {"size": shown["length"], "mimeType": media_type}
    if shown["length"] != length:
        content["compression"] = shown["length"] - length
    if shown["text"] is not None:
        content["text"] = shown["text"]
    elif shown["base64"] is not None:
        content |= {"text": shown["base64"], "encoding": "base64"}
    return content | _comment(shown)


# Both


def _shown(view: Mapping[str, Any], body: bytes, headers: Pairs, *, reveal: bool) -> Mapping[str, Any]:
    """Return the body as in the view of the call, without its content-coding if it can be decoded."""
    form = form_of(headers)
    if not form.codings:
        return view
    try:
        body = decode_content(body, list(form.codings), KEPT_BODY_BYTES)
    except UnreadableBodyError:
        return view
    return body_view(body, length=len(body), shown_as=None if reveal else Form(form.media_type))


def _comment(shown: Mapping[str, Any]) -> dict[str, str]:
    if shown["truncated"]:
        return {"comment": f"Only the first {KEPT_BODY_BYTES} bytes are kept"}
    hidden = shown["length"] and shown["text"] is None and shown["base64"] is None
    return {"comment": "Not shown: it can't be searched for secrets. reveal=true shows it"} if hidden else {}


def _version(request: Request) -> str:
    return "HTTP/{}.{}".format(*request.version)


def _named(pairs: list[list[str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _cookies(headers: list[list[str]]) -> list[dict[str, str]]:
    pieces = [
        piece.strip().partition("=")
        for name, value in headers
        if name.lower() == "cookie"
        for piece in value.split(";")
    ]
    return [{"name": name, "value": value} for name, equals, value in pieces if equals]


def _cookies_set(headers: list[list[str]]) -> list[dict[str, Any]]:
    return [_cookie_set(value) for name, value in headers if name.lower() == "set-cookie"]


def _cookie_set(line: str) -> dict[str, Any]:
    first, *rest = line.split(";")
    name, _, value = first.strip().partition("=")
    cookie: dict[str, Any] = {"name": name, "value": value, "httpOnly": False, "secure": False}
    for piece in rest:
        key, _, text = piece.strip().partition("=")
        match key.lower():
            case "path" | "domain":
                cookie[key.lower()] = text
            case "httponly":
                cookie["httpOnly"] = True
            case "secure":
                cookie["secure"] = True
            case "expires":
                cookie |= _expires(text)
    return cookie


def _expires(text: str) -> dict[str, str]:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return {}
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return {"expires": moment.isoformat()}
