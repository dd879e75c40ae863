"""
Read expectations of MockServer (mock-server.com).

They are tried by priority, then in order, and are used up by `times`; neighbours with equal requests become one route
with a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver.formats.mocks.queries import sure
from mockserver.formats.mocks.replies import (
    Reply,
    duration,
    literal_reply,
    reply_head,
    with_base64,
    with_json,
    with_text,
)
from mockserver.formats.mocks.requests import Alternatives, all_of, any_of, route_of
from mockserver.formats.mocks.routes import Entry, proxy_route, sequenced, unique_name
from mockserver.formats.mocks.sources import FAILURES, documents, listed, refused, text_of
from mockserver.formats.mockserver.matching import atoms_of, pairs
from mockserver.formats.mockserver.templates import response_of
from mockserver.recording.conversion import Imported, Losses, NotConvertibleError

_LEFT = ", so this expectation is left out"
_ACTIONS = ("httpResponse", "httpResponseTemplate", "httpError", "httpForward")
_KNOWN = {"id", "priority", "httpRequest", "times", "timeToLive", *_ACTIONS}
_RESPONSE = {"statusCode", "headers", "cookies", "body", "delay", "connectionOptions", "reasonPhrase"}
_UNITS_MS = {
    "NANOSECONDS": 1e-6, "MICROSECONDS": 1e-3, "MILLISECONDS": 1, "SECONDS": 1e3, "MINUTES": 6e4, "HOURS": 3.6e6,
    "DAYS": 8.64e7,
}  # fmt: skip


def read(source: Path) -> Imported:
    """A file with one expectation or a list of them, or a folder of such files. Raises InvalidInputError."""
    made = Imported()
    for name, content in documents(source, (".json",)):
        if not isinstance(content, (dict, list)):
            raise refused(
                name, "no expectations: a list of them was expected", 'Write [{"httpRequest": {...}}]'
            )
        losses = Losses(name)
        scenario = unique_name(Path(name).with_suffix("").as_posix().replace("/", "-"), made.scenarios)
        entries = list(_entries(content, losses))
        made.scenarios[scenario] = {"scenario": scenario, "routes": sequenced(entries)}
        made.remarks[scenario] = [
            "Texts count with their case here; MockServer ignores it where a text is not a pattern."
        ]
        made.lost += losses
    return made


def _entries(content: object, losses: Losses) -> Iterator[Entry]:
    names: set[str] = set()
    for number, expectation in enumerate(listed(content)):
        place = f"[{number}]" if isinstance(content, list) else ""
        if not isinstance(expectation, dict):
            losses.add(place, "no expectation, which is a mapping")
            continue
        try:
            yield from _expectation(expectation, place, losses, names)
        except FAILURES as error:
            losses.failed(place, error, _LEFT)


def _expectation(expectation: dict[str, Any], place: str, losses: Losses, names: set[str]) -> Iterator[Entry]:
    where = f"{place}." if place else ""
    for key in sorted(set(expectation) - _KNOWN):
        if key.startswith("http"):
            raise NotConvertibleError(
                f"its action {key} runs code or forwards in its own way", "Write the reply with templates"
            )
        losses.add(f"{where}{key}", "this key has no counterpart here")
    answer = _answer(expectation, where, losses)
    times = expectation.get("times") or {}
    if times and not times.get("unlimited") and times.get("remainingTimes") is not None:
        answer["times"] = int(times["remainingTimes"])
    ttl = expectation.get("timeToLive") or {}
    if ttl and not ttl.get("unlimited") and ttl.get("timeToLive") is not None:
        losses.add(
            f"{where}timeToLive",
            "it never expires here",
            "Switch it off through the admin API, or write `for`",
        )
    alternatives = _requests(expectation.get("httpRequest") or {}, f"{where}httpRequest", losses)
    routes = [route_of(atoms) for atoms in alternatives]
    if "proxy" in answer and answer.pop("times", None):
        losses.add(f"{where}times", "a proxy is never used up here")
    if len(routes) > 1 and "times" in answer:
        losses.add(f"{where}times", "its alternatives became routes of their own, each with its own count")
    for route in routes:
        named = str(expectation["id"]) if expectation.get("id") else ""
        if named and named not in names and len(named) <= 200:
            names.add(named)
            head: dict[str, Any] = {"name": named}
        else:
            head = {}
        if expectation.get("priority"):
            head["priority"] = int(expectation["priority"])
        sure({**head, **route, **({"reply": answer["reply"]} if "reply" in answer else answer)})
        yield {**head, **route}, answer


def _requests(request: dict[str, Any], where: str, losses: Losses) -> Alternatives:
    atoms = atoms_of(request, where, losses)
    if not request.get("not"):
        return all_of([[atoms]])
    return any_of([[[atom.turned()]] for atom in atoms])


def _answer(expectation: dict[str, Any], where: str, losses: Losses) -> dict[str, Any]:
    """A step under `reply`, or `proxy`. Raises NotConvertibleError."""
    if (response := expectation.get("httpResponse")) is not None:
        return {"reply": _response(response, f"{where}httpResponse", losses)}
    if (template := expectation.get("httpResponseTemplate")) is not None:
        made = _response(response_of(template), f"{where}httpResponseTemplate", losses, templated=True)
        return {"reply": {**made, **_delay(template)}}
    if (error := expectation.get("httpError")) is not None:
        return {"reply": {**_error(error, f"{where}httpError", losses), **_delay(error)}}
    if (forward := expectation.get("httpForward")) is not None:
        if forward.get("delay"):
            losses.add(f"{where}httpForward.delay", "forwarded requests are not delayed")
        scheme, port = str(forward.get("scheme", "HTTP")).lower(), forward.get("port", 80)
        bare = port == {"http": 80, "https": 443}.get(scheme)
        return proxy_route(f"{scheme}://{forward.get('host')}" + ("" if bare else f":{port}"))
    raise NotConvertibleError("it has no action")


def _response(response: dict[str, Any], where: str, losses: Losses, *, templated: bool = False) -> Reply:
    losses.unknown(where, response, _RESPONSE)
    if "reasonPhrase" in response:
        losses.add(f"{where}.reasonPhrase", "the reason phrase is that of the status")
    for key in response.get("connectionOptions") or {}:
        losses.add(
            f"{where}.connectionOptions.{key}",
            "how the connection goes on can't be expressed here",
            "See `fault`",
        )
    reply = reply_head(response.get("statusCode"), pairs(response.get("headers")))
    headers = reply.pop("headers", {})
    cookies = [
        f"{name}={text_of(values[0] if values else '')}" for name, values in pairs(response.get("cookies"))
    ]
    if cookies:
        headers["set-cookie"] = cookies[0] if len(cookies) == 1 else cookies
    body, kind = _body(response.get("body"))
    if kind and not any(name.lower() == "content-type" for name in headers):
        headers["content-type"] = kind
    if headers:
        reply["headers"] = headers
    if isinstance(body, bytes):
        reply = with_base64(reply, body.decode("ascii"))
    elif isinstance(body, str):
        reply = with_text(reply, body)
    elif body is not None:
        reply = with_json(reply, body)
    reply = {**reply, **_delay(response)}
    return reply if templated else literal_reply(reply)


def _body(body: object) -> tuple[Any, str]:
    """A body (Base64 as bytes) and the media type that goes with it; both may be nothing."""
    if not isinstance(body, dict):
        return body, ""
    kind = str(body.get("contentType") or "")
    for key in ("string", "xml"):
        if key in body:
            return text_of(body[key]), kind or ("application/xml; charset=utf-8" if key == "xml" else "")
    if "base64Bytes" in body:
        return str(body["base64Bytes"]).encode("ascii", "replace"), kind
    if "json" in body and set(body) <= {"type", "json", "contentType", "matchType", "not"}:
        return body["json"], kind or "application/json"
    if "parameters" in body:
        raise NotConvertibleError("a body of parameters can't be sent", "Write it under form")
    return body, "application/json"


def _delay(holder: dict[str, Any]) -> dict[str, str]:
    delay = holder.get("delay") or {}
    value = delay.get("value")
    return {"delay": duration(float(value) * _UNITS_MS.get(str(delay.get("timeUnit")), 1))} if value else {}


def _error(error: dict[str, Any], where: str, losses: Losses) -> Reply:
    losses.unknown(where, error, {"dropConnection", "responseBytes", "delay"})
    if error.get("responseBytes"):
        losses.add(f"{where}.responseBytes", "other bytes that are not HTTP are sent")
        return {"fault": "garbage"}
    if error.get("dropConnection"):
        return {"fault": "close"}
    raise NotConvertibleError("its httpError does nothing")
