"""
Convert a real reply to the scenario language.

Content codings are decoded; headers of the connection, the moment and the machine are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mockserver.model.coding import UnreadableBodyError, decode_charset, decode_content, parse_media_type
from mockserver.model.exchange import Exchange
from mockserver.model.framing import has_body
from mockserver.model.headers import Headers
from mockserver.model.written import written_float

FILE_BYTES = 32 * 1024
"""Longer texts are written to a file."""
_NOISE = re.compile(
    r"date|server|connection|keep-alive|transfer-encoding|content-length|content-encoding|trailer|via|age|alt-svc|nel|report-to"
    r"|expect-ct|accept-ranges|p3p|etag-.*|x-powered-by|x-aspnet.*|x-runtime|x-request-id|x-correlation-id|request-id|x-trace.*|traceparent"
    r"|cf-.*|x-cache.*|x-served-by|x-timer|x-varnish|x-amz-cf-.*|x-amzn-.*|x-amz-request-id|x-amz-id-2|x-envoy-.*|x-vercel-.*"
    r"|x-github-request-id|x-backend.*|x-host|fly-request-id|server-timing|timing-allow-origin|x-response-time|x-mockserver-.*"
    r"|strict-transport-security|content-security-policy.*|x-content-type-options|x-frame-options|x-xss-protection|referrer-policy"
    r"|permissions-policy|feature-policy|cross-origin-.*|x-permitted-cross-domain-policies|x-download-options"
    r"|(x-)?rate-?limit-(remaining|reset|used)"
)
"""Headers of replies without meaning for a scenario."""
_OWN_TYPES = {
    "json": ("application/json", "application/json; charset=utf-8"),
    "text": ("text/plain; charset=utf-8",),
    "html": ("text/html; charset=utf-8",),
    "xml": ("application/xml",),
    "events": ("text/event-stream", "text/event-stream; charset=utf-8"),
}
"""Content types that replies of that kind have by default, and equivalent ones."""
_EXTENSIONS = {
    "application/json": "json", "application/pdf": "pdf", "application/zip": "zip", "application/gzip": "gz", "image/png": "png",
    "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg", "text/csv": "csv", "text/html": "html",
    "text/plain": "txt", "application/xml": "xml", "text/xml": "xml", "audio/mpeg": "mp3", "video/mp4": "mp4",
}  # fmt: skip


@dataclass(slots=True)
class Draft:
    """
    One reply. `kind` is json, text, html, xml, events or file, None for an empty body. `left_out` are names of
    headers that are not in `headers`. `extension` is that of a file.
    """

    status: int
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    kind: str | None = None
    body: Any = None
    extension: str = "bin"
    left_out: set[str] = field(default_factory=set)


def drafted(exchange: Exchange) -> Draft:
    """The reply, without what is noise. Raises UnreadableBodyError for a content-coding that can't be taken off."""
    response = exchange.response
    draft = Draft(response.status)
    head_only = exchange.request.method == "HEAD"
    lines = Headers(response.headers)
    if has_body(response.status) and not head_only:
        _take_body(draft, response.body, lines)
    for name in lines:
        values = lines.all(name)
        if name == "content-length" and head_only:
            draft.headers[name] = values[0]
        elif _NOISE.fullmatch(name):
            draft.left_out.add(name)
        elif not (name == "content-type" and _is_own_type(draft, values[0])):
            values = [value for value in values if not _is_noise(name, value)]
            if values:
                draft.headers[name] = values[0] if len(values) == 1 else values
    return draft


def _is_noise(name: str, value: str) -> bool:
    return name == "vary" and value.lower() in ("accept-encoding", "origin", "origin, accept-encoding")


def _is_own_type(draft: Draft, value: str) -> bool:
    kind = draft.kind
    return kind is not None and value.lower().replace('"', "") in _OWN_TYPES.get(kind, ())


def _take_body(draft: Draft, body: bytes, lines: Headers) -> None:
    if not body:
        return
    data = decode_content(body, ",".join(lines.all("content-encoding")).split(","))
    media_type, params = parse_media_type(lines.get("content-type", ""))
    draft.extension = _EXTENSIONS.get(media_type, "bin")
    text = _text(data, params.get("charset", "utf-8"))
    if text is None:
        draft.kind, draft.body = "file", data
    elif media_type == "text/event-stream" and (events := read_events(text)) is not None:
        draft.kind, draft.body = "events", events
    elif len(data) > FILE_BYTES:
        draft.kind, draft.body = "file", data
    elif (media_type.endswith(("/json", "+json"))) and (parsed := _json(text)) is not _NONE:
        draft.kind, draft.body = "json", parsed
    else:
        draft.kind, draft.body = _kind(media_type), text


def _kind(media_type: str) -> str:
    if media_type == "text/html":
        return "html"
    return "xml" if media_type.endswith(("/xml", "+xml")) else "text"


def _text(data: bytes, charset: str) -> str | None:
    """Return the text; None for binary data or another charset than UTF-8."""
    if charset.lower() not in ("utf-8", "utf8", "us-ascii") or b"\0" in data:
        return None
    try:
        return decode_charset(data, "utf-8")
    except UnreadableBodyError:
        return None


_NONE = object()


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=written_float)
    except (ValueError, RecursionError):
        return _NONE


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def read_events(text: str, data_of: Callable[[str], Any] | None = None) -> list[Any] | None:
    """Return server-sent events as the language writes them, by default with JSON data as values; None if it can't."""
    events: list[Any] = []
    for block in re.split(r"\n\n|\r\n\r\n|\r\r", text.removeprefix("\ufeff")):
        if block.strip():
            event = _event(re.split(r"\r\n|\n|\r", block.strip("\r\n")), data_of or _data)
            if event is None:
                return None
            events.append(event)
    return events


def _event(lines: list[str], data_of: Callable[[str], Any]) -> object:
    result: dict[str, Any] = {}
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            result["comment"] = value
        elif name == "data":
            data.append(value)
        elif name in ("event", "id", "retry"):
            result[name] = value
        else:
            return None
    if data:
        result["data"] = data_of("\n".join(data))
    alone = result.get("data")
    return alone if list(result) == ["data"] and isinstance(alone, str) else result


def _data(text: str) -> object:
    parsed = _json(text) if text[:1] in ("{", "[") else _NONE
    return text if parsed is _NONE else parsed
