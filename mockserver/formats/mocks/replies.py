"""Build replies: bodies, delays, sequences."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

from mockserver.formats.mocks.sources import listed, text_of
from mockserver.formats.reading import json_of
from mockserver.model.durations import format_duration
from mockserver.model.written import json_text
from mockserver.recording.conversion import NotConvertibleError
from mockserver.schema.base import has_templates

Reply = dict[str, Any]

ENDLESS = 10_000
"""Number of repetitions that other tools get for an endless step."""


def duration(milliseconds: float) -> str:
    return format_duration(milliseconds / 1000)


def media_type(headers: dict[str, Any]) -> str:
    """In lower case, without its parameters; empty without one."""
    value = headers.get(_content_type(headers) or "", "")
    return str(value[0] if isinstance(value, list) and value else value).partition(";")[0].strip().lower()


def _content_type(headers: dict[str, Any]) -> str | None:
    return next((name for name in headers if name.lower() == "content-type"), None)


HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "trailer", "upgrade")
)
"""Headers of a connection, or generated for each answer; they are not imported."""


def kept_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the headers without those that the server generates; a list of one value becomes the value."""
    kept = {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in kept.items()
    }


def reply_head(status: object, headers: Iterable[tuple[str, Any]]) -> Reply:
    """Return status and headers of a reply; a header has one value or a list. Raises NotConvertibleError."""
    kept = kept_headers({str(name): [text_of(item) for item in listed(value)] for name, value in headers})
    return {"status": status_of(status), **({"headers": kept} if kept else {})}


def with_text(reply: Reply, text: str) -> Reply:
    """Return the reply with a text body; as JSON if it is declared as JSON and JSON is equivalent."""
    if not text:
        return reply
    kind = media_type(reply.get("headers", {}))
    is_bare = kind == "" and text.lstrip()[:1] in ("{", "[")
    if is_bare or kind == "application/json" or kind.endswith("+json"):
        value = _as_json(text)
        if value is not _NOT:
            return with_json(reply, value)
    return {**reply, "text": text}


_NOT = object()


def _as_json(text: str) -> object:
    """The value, if nothing but white space is lost when it is written again."""
    try:
        value = json_of(text)
    except (ValueError, RecursionError):
        return _NOT
    if not isinstance(value, (dict, list)):
        return _NOT
    ways = (json_text(value, json.JSONEncoder(ensure_ascii=ascii_only)) for ascii_only in (False, True))
    return value if _squeezed(text) in [_squeezed(way) for way in ways] else _NOT


def _squeezed(text: str) -> str:
    """JSON without the white space between its tokens."""
    kept, in_text, escaped = [], False, False
    for char in text:
        if in_text:
            in_text = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char in " \t\r\n":
            continue
        else:
            in_text = char == '"'
        kept.append(char)
    return "".join(kept)


def with_json(reply: Reply, value: object) -> Reply:
    headers = dict(reply.get("headers", {}))
    name = _content_type(headers)
    if name is not None and headers[name] == "application/json":
        del headers[name]
    bare = {key: item for key, item in reply.items() if key != "headers"}
    return {**bare, **({"headers": headers} if headers else {}), "json": value}


def with_base64(reply: Reply, coded: str) -> Reply:
    """Return the reply with a Base64 body. Raises NotConvertibleError if it is invalid."""
    coded = "".join(coded.split())
    try:
        base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        raise NotConvertibleError("the body is marked as Base64, and is none") from None
    return {**reply, "base64": coded} if coded else reply


def literal_reply(reply: Reply) -> Reply:
    """A reply whose braces mean nothing says so."""
    return {**reply, "raw": True} if has_templates(reply) else reply


def short(reply: Reply) -> object:
    """As a person writes it: a bare status for an empty body."""
    if list(reply) == ["status"]:
        return reply["status"]
    if reply.get("status") == 200 and len(reply) > 1:
        reply = {key: value for key, value in reply.items() if key != "status"}
    return reply


def folded(steps: list[Reply]) -> list[Reply]:
    """Merge equal neighbours into one step with `times`."""
    made: list[Reply] = []
    for step in steps:
        bare = {key: value for key, value in step.items() if key != "times"}
        if made and {key: value for key, value in made[-1].items() if key != "times"} == bare:
            made[-1] = {**bare, "times": made[-1].get("times", 1) + step.get("times", 1)}
        else:
            made.append(step)
    return made


def sequence(steps: list[Reply], *, endless: bool) -> object:
    """Return the reply of a route with these steps; `endless`: the last one is not used up."""
    steps = folded(steps)
    if endless:
        steps[-1] = {key: value for key, value in steps[-1].items() if key != "times"}
    replies = [short(step) for step in steps]
    return replies[0] if len(replies) == 1 else replies


def status_of(value: object, default: int = 200) -> int:
    """Raises NotConvertibleError for a status that can't be served."""
    if value is None:
        return default
    try:
        status = int(str(value))
    except ValueError:
        raise NotConvertibleError(f"{value!r} is not a valid HTTP status") from None
    if not 200 <= status <= 599:
        raise NotConvertibleError(f"the status {status} can't be served", "Here are statuses from 200 to 599")
    return status
