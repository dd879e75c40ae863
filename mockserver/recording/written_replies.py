"""
Convert recorded answers to replies as a person would write them.

A body is JSON, text, events or a form if that is equivalent; large or binary bodies are written to a file.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mockserver.model.coding import parse_media_type
from mockserver.model.framing import has_body
from mockserver.model.http import UnreadableBodyError
from mockserver.recording.exchanges import Lines, RecordedExchange, json_of
from mockserver.recording.noise import telling
from mockserver.recording.replies import read_events
from mockserver.schema.base import has_templates, is_template

LARGEST_INLINE = 8 * 1024
_LARGEST_BASE64 = 1024
_SUFFIXES = {"application/json": ".json", "text/plain": ".txt", "text/html": ".html", "image/jpeg": ".jpg", "text/event-stream": ".txt"}  # fmt: skip
CONTENT_TYPES = {
    "json": "application/json",
    "text": "text/plain",
    "html": "text/html",
    "xml": "application/xml",
    "base64": "application/octet-stream",
    "form": "application/x-www-form-urlencoded",
    "events": "text/event-stream",
    "chunks": "text/plain",
}
"""Default Content-Type of each kind of body."""


@dataclass(slots=True)
class Beside:
    """Files of a scenario in a folder of its name; equal bytes are stored once."""

    folder: str
    files: dict[str, bytes] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)
    _names: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def put(self, stem: str, suffix: str, body: bytes) -> str:
        stem = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-").lower()[:60].strip("-") or "body"
        known = self._names.get((stem + suffix, body))
        return known or self._new(stem, suffix, body)

    def _new(self, stem: str, suffix: str, body: bytes) -> str:
        """Continue the numbers of a stem, since there may be thousands."""
        number, name = self._last.get(stem + suffix, 0), ""
        while not name or self.files.setdefault(name, body) != body:
            number += 1
            name = f"{self.folder}/{stem}{'' if number == 1 else f'-{number}'}{suffix}"
        self._last[stem + suffix] = number
        self._names[stem + suffix, body] = name
        return name


def reply_of(exchange: RecordedExchange, beside: Beside, *, templates: bool = False) -> int | dict[str, Any]:
    """Return a status if that is all, otherwise a mapping. With `templates`, texts are templates and stay inline."""
    if exchange.fault and not exchange.status:
        return {"fault": exchange.fault}
    result: dict[str, Any] = {} if exchange.status == 200 else {"status": exchange.status}
    kept, _ = telling(exchange.headers)
    body: dict[str, Any] = {}
    if has_body(exchange.status):
        body = (
            _text_body(parse_media_type(exchange.header("content-type"))[0], exchange.body.decode())
            if templates and exchange.body
            else _body(exchange, beside)
        )
    raw = not templates and (has_templates(body) or any(is_template(value) for _, value in kept))
    headers = header_lines(_without_said(kept, body, exchange), "" if raw else exchange.origin)
    if headers:
        result["headers"] = headers
    result |= body
    if exchange.fault:
        result["fault"] = exchange.fault
    if raw:
        result["raw"] = True
    if result.keys() <= {"status"}:
        return exchange.status
    return result


def header_lines(lines: Lines, origin: str = "") -> dict[str, Any]:
    """A text by name, a list where it repeats. A Location on the service's own origin leads to the mock."""
    result: dict[str, Any] = {}
    for name, value in lines:
        if name == "location" and origin and "{" not in value and value.startswith(f"{origin}/"):
            value = "{{ request.base_url }}" + value.removeprefix(origin)  # noqa: PLW2901  (the same, elsewhere)
        value = _line(value)  # noqa: PLW2901
        if name in result:
            before = result[name]
            result[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            result[name] = value
    return result


def _line(value: str) -> str:
    """Return a valid header value, without line breaks (RFC 9110 5.5)."""
    return re.sub(r"[\r\n\0]+", " ", value).encode("utf-8", "replace").decode()


def _without_said(kept: Lines, body: dict[str, Any], exchange: RecordedExchange) -> Lines:
    """Remove a Content-Type that the reply implies, or without a body."""
    written = exchange.header("content-type")
    said = not body and exchange.method != "HEAD"
    for kind in body:
        guess = mimetypes.guess_type(body["file"])[0] if kind == "file" else CONTENT_TYPES[kind]
        said = _same_type(written, guess or "application/octet-stream")
    return [(name, value) for name, value in kept if name != "content-type" or not said]


def _same_type(written: str, default: str) -> bool:
    media_type, params = parse_media_type(written)
    charset = params.pop("charset", "utf-8").lower()
    return media_type == default and charset in ("utf-8", "utf8") and not params


def _body(exchange: RecordedExchange, beside: Beside) -> dict[str, Any]:
    body = exchange.body
    if not body:
        return {}
    media_type, params = parse_media_type(exchange.header("content-type"))
    if len(body) > LARGEST_INLINE:
        return {"file": _file(exchange, media_type, beside)}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if len(body) > _LARGEST_BASE64 or media_type.startswith("image/"):
            return {"file": _file(exchange, media_type, beside)}
        return {"base64": base64.b64encode(body).decode()}
    if params.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        return {"base64": base64.b64encode(body).decode()}
    return _text_body(media_type, text)


def _text_body(media_type: str, text: str) -> dict[str, Any]:
    read = _KINDS.get("json" if media_type.endswith("+json") else media_type)
    result = read(text) if read is not None else None
    if result is None and media_type == "text/html":
        return {"html": text}
    if result is None and media_type == "application/xml":
        return {"xml": text}
    return result if result is not None else {"text": text}


def _json(text: str) -> dict[str, Any] | None:
    try:
        return {"json": json_of(text.encode())}
    except UnreadableBodyError:
        return None


def _form(text: str) -> dict[str, Any] | None:
    pairs = parse_qsl(text, keep_blank_values=True)
    form: dict[str, Any] = {}
    for name, value in pairs:
        form[name] = value if name not in form else [*_listed(form[name]), value]
    again = [(name, item) for name, value in form.items() for item in _listed(value)]
    return {"form": form} if form and again == pairs and urlencode(pairs) == text else None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _events(text: str) -> dict[str, Any] | None:
    """Server-sent events, if they give the same text when they are sent."""
    events = read_events(text, data_of=str)
    return {"events": events} if events and "".join(map(event_text, events)) == text else None


def event_text(event: object) -> str:
    """An event as it is sent (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    fields = event if isinstance(event, dict) else {"data": event}
    lines = []
    for key in ("comment", "event", "id", "retry", "data"):
        if key in fields:
            lines += [f"{'' if key == 'comment' else key}: {line}" for line in str(fields[key]).split("\n")]
    return "\n".join(lines) + "\n\n"


_KINDS: dict[str, Callable[[str], dict[str, Any] | None]] = {
    "application/json": _json,
    "json": _json,
    "application/x-www-form-urlencoded": _form,
    "text/event-stream": _events,
}


def _file(exchange: RecordedExchange, media_type: str, beside: Beside) -> str:
    suffix = _SUFFIXES.get(media_type) or mimetypes.guess_extension(media_type) or ".bin"
    return beside.put(f"{exchange.method} {exchange.path}", suffix, exchange.body)
