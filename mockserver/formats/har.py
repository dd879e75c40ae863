"""
HTTP archives, HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as browsers, proxies and this server save
them.

Our archives have additional fields, which begin with an underscore; other tools ignore them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mockserver.errors import invalid, shown
from mockserver.formats.exchanges_to_routes import fold
from mockserver.formats.mocks.sources import FAILURES
from mockserver.formats.reading import json_file, name_of, pretty, utf8_text
from mockserver.model.coding import UnreadableBodyError
from mockserver.recording.conversion import Document, Exported, Imported, Losses
from mockserver.recording.exchanges import Lines, RecordedExchange, value_of, without_coding
from mockserver.schema.reply import FaultKind

_NOT_MODIFIED = 304
_CONDITIONS = frozenset(("if-none-match", "if-modified-since"))


def read(source: Path) -> Imported:
    """Read an archive. Raises InvalidInputError for any other file."""
    result = Losses()
    imported = fold(exchanges(json_file(source, "an HTTP archive"), result), name_of(source))
    imported.lost[:0] = result
    return imported


def exchanges(document: object, lost: Losses) -> Iterator[RecordedExchange]:
    """Yield the readable entries in order; the others are lost. Raises InvalidInputError."""
    entries = _entries(document)
    for index, entry in enumerate(entries):
        place = f"log.entries[{index}]"
        try:
            exchange = _exchange(place, entry, lost)
        except FAILURES as error:
            lost.add(place, f"it is not an entry of an archive: {error!r}", "Leave it out")
        else:
            if exchange is not None:
                yield exchange


def _entries(document: object) -> list[Any]:
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise invalid(("log", "entries"), f"expected a list of entries, got {shown(entries)}", 'An archive begins {"log": {"entries": [')  # fmt: skip
    return entries


def _exchange(place: str, entry: Mapping[str, Any], lost: Losses) -> RecordedExchange | None:
    request, response = entry["request"], entry["response"]
    url = str(request["url"])
    if not url.lower().startswith(("http://", "https://")):
        lost.add(place, f"{shown(url)} is not a URL of HTTP", "Leave it out")
        return None
    if entry.get("_resourceType") == "websocket" or entry.get("_webSocketMessages"):
        lost.add(place, "it is a WebSocket", "Write its messages as a `websocket` reply")
        return None
    headers, content = _lines(response.get("headers")), response.get("content") or {}
    posted = request.get("postData") or {}
    request_headers = _lines(request.get("headers"))
    if posted.get("mimeType") and not value_of(request_headers, "content-type"):
        request_headers.append(("content-type", str(posted["mimeType"])))
    status, body = int(response.get("status") or 0), _content(place, content, headers, lost)
    if status == _NOT_MODIFIED and body:
        # A browser asked whether its copy still holds, and the archive has the copy.
        status = 200
        request_headers = [line for line in request_headers if line[0].lower() not in _CONDITIONS]
    outcome = entry.get("_outcome")
    for part, told in (("request.postData", posted), ("response.content", content)):
        if "comment" in told and told.get("text") is None and part == "response.content":
            lost.add(f"{place}.{part}", f"the body is not there: {told['comment']}", "Record it whole")
    return RecordedExchange(
        place=place,
        method=str(request["method"]),
        url=url.partition("#")[0],
        request_headers=request_headers,
        request_body=_posted(posted),
        status=status,
        headers=_with_type(headers, content),
        body=body,
        fault=str(outcome) if outcome in list(FaultKind) else "",
        name=str(entry.get("_route") or ""),
    )


def _lines(headers: Any) -> Lines:
    return [(str(header["name"]), str(header["value"])) for header in headers or []]


def _with_type(headers: Lines, content: Mapping[str, Any]) -> Lines:
    mime = content.get("mimeType")
    if not mime or mime == "x-unknown" or value_of(headers, "content-type") or not content.get("text"):
        return headers
    return [*headers, ("content-type", str(mime))]


def _posted(posted: Mapping[str, Any]) -> bytes:
    text = posted.get("text")
    if text is None or (text == "" and posted.get("params")):
        return urlencode(
            [(param["name"], param.get("value", "")) for param in posted.get("params") or []]
        ).encode()
    if posted.get("_encoding", posted.get("encoding")) == "base64":
        return base64.b64decode(text)
    return str(text).encode("utf-8", "replace")


def _content(place: str, content: Mapping[str, Any], headers: Lines, lost: Losses) -> bytes:
    text = content.get("text")
    if not text:
        if (content.get("size") or 0) > 0 and "comment" not in content:
            hint = "Save the archive with content ('Save all as HAR with content')"
            lost.add(
                f"{place}.response.content",
                f"the body of {content['size']} bytes is not in the archive",
                hint,
            )
        return b""
    if content.get("encoding") != "base64":
        return str(text).encode("utf-8", "replace")
    try:
        body = base64.b64decode("".join(str(text).split()), validate=True)
    except binascii.Error as error:
        lost.add(f"{place}.response.content", f"it is not valid Base64: {error}", "The reply has no body")
        return b""
    return _decoded(body, headers)


def _decoded(body: bytes, headers: Lines) -> bytes:
    """Decode the body. Most writers already did, so a body that cannot be decoded is kept."""
    try:
        return without_coding(body, headers)
    except UnreadableBodyError:
        return body


# Out


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """Write one archive with an entry for each reply of each route."""
    from mockserver.formats.routes_to_exchanges import unfold

    told, lost = unfold(scenarios, folder)
    entries = [_entry(exchange) for exchange in told]
    return Exported(
        {"calls.har": pretty({"log": {"version": "1.2", "creator": _creator(), "entries": entries}})}, lost
    )


def from_calls(archive: object) -> Exported:
    """Return the archive of a server unchanged."""
    _entries(archive)
    return Exported({"calls.har": pretty(archive)})


def _creator() -> dict[str, str]:
    from mockserver import __version__

    return {"name": "mockserver", "version": __version__}


def _entry(exchange: RecordedExchange) -> dict[str, Any]:
    """Return an entry with duration 0 and a fixed time, since no call was made."""
    entry: dict[str, Any] = {
        "startedDateTime": "1970-01-01T00:00:00.000Z",
        "time": 0,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "_route": exchange.name,
    }
    if exchange.fault:
        entry["_outcome"] = exchange.fault
    return entry


def _request(exchange: RecordedExchange) -> dict[str, Any]:
    result: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(exchange.request_headers),
        "queryString": _named(exchange.request.query_pairs),
        "headersSize": -1,
        "bodySize": len(exchange.request_body),
    }
    if exchange.request_body:
        text, encoding = _text(exchange.request_body)
        result["postData"] = {
            "mimeType": value_of(exchange.request_headers, "content-type") or "application/octet-stream",
            "text": text,
        }
        if encoding:
            result["postData"]["_encoding"] = encoding
    return result


def _response(exchange: RecordedExchange) -> dict[str, Any]:
    content: dict[str, Any] = {
        "size": len(exchange.body),
        "mimeType": exchange.header("content-type") or "x-unknown",
    }
    if exchange.body:
        text, encoding = _text(exchange.body)
        content["text"] = text
        if encoding:
            content["encoding"] = encoding
    result = {
        "status": exchange.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1" if exchange.status else "",
        "cookies": [],
        "headers": _named(exchange.headers),
        "content": content,
        "redirectURL": exchange.header("location"),
        "headersSize": -1,
        "bodySize": -1,
    }
    return result | ({"_error": exchange.fault} if exchange.fault else {})


def _text(body: bytes) -> tuple[str, str]:
    text = utf8_text(body)
    return (base64.b64encode(body).decode(), "base64") if text is None else (text, "")


def _named(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
