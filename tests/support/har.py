"""The rules of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as a schema that knows no other fields."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

MINUS_ONE_OR_MORE = {"type": "number", "minimum": -1}
ZERO_OR_MORE = {"type": "number", "minimum": 0}
SIZE = {"type": "integer", "minimum": -1}


def _object(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    """Fields of which nothing is said are texts. Custom ones begin with an underscore."""
    names = [*required.split(), *optional.split()]
    return {
        "type": "object",
        "required": required.split(),
        "properties": {name: properties.get(name, {"type": "string"}) for name in [*names, "comment"]},
        "patternProperties": {"^_": True},
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_PAIR = _object("name value")
_COOKIE = _object(
    "name value",
    "path domain expires httpOnly secure",
    expires={"type": "string", "format": "date-time"},
    httpOnly={"type": "boolean"},
    secure={"type": "boolean"},
)
_COMMON = {"cookies": _list(_COOKIE), "headers": _list(_PAIR), "headersSize": SIZE, "bodySize": SIZE}
_REQUEST = _object(
    "method url httpVersion cookies headers queryString headersSize bodySize",
    "postData",
    **_COMMON,
    url={"type": "string", "format": "uri"},
    queryString=_list(_PAIR),
    postData=_object("mimeType", "params text", params=_list(_object("name", "value fileName contentType"))),
)
_CONTENT = _object(
    "size mimeType",
    "compression text encoding",
    size={"type": "integer", "minimum": 0},
    compression={"type": "integer"},
    encoding={"const": "base64"},
)
_RESPONSE = _object(
    "status statusText httpVersion cookies headers content redirectURL headersSize bodySize",
    **_COMMON,
    status={"type": "integer"},
    content=_CONTENT,
)
_TIMES = ("blocked", "dns", "connect", "ssl")
_TIMINGS = _object(
    "send wait receive",
    " ".join(_TIMES),
    **dict.fromkeys(_TIMES, MINUS_ONE_OR_MORE),
    **dict.fromkeys(("send", "wait", "receive"), ZERO_OR_MORE),
)
_ENTRY = _object(
    "startedDateTime time request response cache timings",
    "pageref serverIPAddress connection",
    startedDateTime={"type": "string", "format": "date-time"},
    time={"type": "number", "minimum": 0},
    request=_REQUEST,
    response=_RESPONSE,
    cache=_object("", "beforeRequest afterRequest"),
    timings=_TIMINGS,
)
_LOG = _object(
    "version creator entries",
    creator=_object("name version"),
    entries=_list(_ENTRY),
    version={"const": "1.2"},
)
_VALIDATOR = jsonschema_rs.Draft202012Validator(
    {"type": "object", "required": ["log"], "properties": {"log": _LOG}, "additionalProperties": False},
    validate_formats=True,
)


def entries_of(archive: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries, once all of it is held against the rules, and those that no schema says."""
    _VALIDATOR.validate(archive)
    entries: list[dict[str, Any]] = archive["log"]["entries"]
    for entry in entries:
        parts = entry["timings"].values()
        assert abs(entry["time"] - sum(part for part in parts if part != -1)) < 0.002
        content = entry["response"]["content"]
        assert "encoding" not in content or "text" in content
    started = [entry["startedDateTime"] for entry in entries]
    assert started == sorted(started)
    return entries
