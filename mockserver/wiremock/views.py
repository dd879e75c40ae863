"""Calls as WireMock's journal shows them."""

from __future__ import annotations

import base64
from collections import abc
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from mockserver.model.call import Call
from mockserver.model.http import Headers, Pairs, Request, Response, UnreadableBodyError
from mockserver.redaction.redaction import mask_bytes, mask_part, mask_target
from mockserver.wiremock.patterns import url_of
from mockserver.wiremock.stubs import Mapping

_EVENT = "00000000-0000-4000-8000-{:012x}"
_UNMATCHED_ID = "00000000-0000-4000-8000-ffffffffffff"


def event_id(call: Call) -> str:
    """A call's id as a UUID, from which its number can be read again."""
    return _EVENT.format(call.number)


def number_of(event: str) -> int | None:
    """The number of the call with that id; None for an id that no call has."""
    prefix, digits = event[:24], event[24:]
    if prefix != _EVENT[:24] or len(digits) != 12:
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return None


def _lines(pairs: Pairs) -> dict[str, Any]:
    """Header lines by name, a list where one came several times."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        key = next((item for item in result if item.lower() == name.lower()), None)
        if key is None:
            result[name] = value
        else:
            result[key] = [*(result[key] if isinstance(result[key], list) else [result[key]]), value]
    return result


def _values(grouped: abc.Mapping[str, abc.Iterable[str]]) -> dict[str, Any]:
    return {name: {"key": name, "values": list(values)} for name, values in grouped.items()}


def _form(request: Request) -> dict[str, Any]:
    if request.media_type != "application/x-www-form-urlencoded":
        return {}
    try:
        return _values(request.form)
    except UnreadableBodyError:
        return {}


def _cookies(request: Request) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else list(values) for name, values in request.cookies.items()}


def masked(request: Request) -> Request:
    """Return the request without its secrets."""
    pairs = _masked_lines(request.headers.pairs)
    body = b"" if "content-encoding" in request.headers else mask_bytes(request.body, request.media_type)
    target = mask_target(url_of(request))
    twin = Request(request.method, target, Headers(pairs), body, client=request.client, scheme=request.scheme)
    twin.prefix, twin.arrived_s = request.prefix, request.arrived_s
    return twin


def _masked_lines(pairs: Pairs) -> Pairs:
    return tuple((name, mask_part(f"headers.{name.lower()}", value)) for name, value in pairs)


def request_view(request: Request, *, reveal: bool) -> dict[str, Any]:
    """A logged request."""
    shown = request if reveal else masked(request)
    parts = urlsplit(shown.url)
    at = datetime.fromtimestamp(shown.arrived_s, UTC)
    return {
        "url": url_of(shown),
        "absoluteUrl": shown.url,
        "method": shown.method,
        "clientIp": shown.client_ip,
        "headers": _lines(shown.headers.pairs),
        "cookies": _cookies(shown),
        "browserProxyRequest": False,
        "loggedDate": int(shown.arrived_s * 1000),
        "bodyAsBase64": base64.b64encode(shown.body).decode(),
        "body": _text(shown),
        "protocol": f"HTTP/{request.version[0]}.{request.version[1]}",
        "scheme": shown.scheme,
        "host": parts.hostname or "",
        "port": _port(shown),
        "loggedDateString": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z",
        "queryParams": _values(shown.query),
        "formParams": _form(shown),
    }


def _port(request: Request) -> int:
    try:
        return urlsplit(request.url).port or (443 if request.scheme == "https" else 80)
    except ValueError:
        return -1


def _text(request: Request) -> str:
    try:
        return request.text
    except UnreadableBodyError:
        return request.body.decode("utf-8", "replace")


def _response_view(response: Response | None, *, reveal: bool, empty: bool) -> dict[str, Any]:
    if response is None:
        return {}
    body = b"" if empty else response.body
    lines = response.headers
    if not reveal:
        coded = any(name.lower() == "content-encoding" for name, _ in lines)
        body = b"" if coded else mask_bytes(body, response.header("content-type") or "")
        lines = _masked_lines(lines)
    result: dict[str, Any] = {"status": response.status}
    if lines and not empty:
        result["headers"] = _lines(lines)
    return {
        **result,
        "bodyAsBase64": base64.b64encode(body).decode(),
        "body": body.decode("utf-8", "replace"),
    }


def _ms(until_s: float | None, since_s: float) -> int:
    return 0 if until_s is None else max(0, round((until_s - since_s) * 1000))


def event_view(call: Call, stub: Mapping | None, *, reveal: bool) -> dict[str, Any]:
    """A serve event."""
    arrived_s = call.request.arrived_at_s
    process = _ms(call.claimed_at_s, arrived_s)
    total = _ms(call.ended_at_s, arrived_s)
    added = _ms(call.first_byte_at_s, call.claimed_at_s or arrived_s)
    unmatched = {"status": 404, "fromConfiguredStub": False}
    no_stub = {
        "id": _UNMATCHED_ID,
        "request": {"method": "ANY"},
        "response": unmatched,
        "uuid": _UNMATCHED_ID,
    }
    return {
        "id": event_id(call),
        "request": request_view(call.request, reveal=reveal),
        "responseDefinition": unmatched if stub is None else stub["response"],
        # The explanation of an unmatched request is not the answer of a stub. WireMock's journal leaves it out too.
        "response": _response_view(call.response, reveal=reveal, empty=not call.matched),
        "wasMatched": call.matched,
        "timing": {
            "addedDelay": added,
            "processTime": process,
            "responseSendTime": max(0, total - process - added),
            "serveTime": max(0, total - added),
            "totalTime": total,
        },
        "subEvents": [],
        "stubMapping": no_stub if stub is None else stub,
    }
