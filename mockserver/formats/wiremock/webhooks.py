"""WireMock's webhooks, `serveEventListeners` and the older `postServeActions`, as webhooks of ours."""

from __future__ import annotations

import json
from typing import Any

from mockserver.formats.reading import json_line
from mockserver.formats.wiremock import templates
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.replies import distribution
from mockserver.model.written import written_float

_KNOWN = frozenset({"method", "url", "headers", "body", "base64Body", "delay"})


def webhooks(mapping: dict[str, Any], at: LossPlace) -> object:
    """One, a list of them, or None."""
    made = []
    for key in ("serveEventListeners", "postServeActions"):
        for name, parameters, place in _listed(mapping.get(key), at.at(key)):
            if name != "webhook":
                place.lost(f"{name!r} is an extension of their server")
                continue
            item = _webhook(parameters, place)
            if item is not None:
                made.append(item)
    if not made:
        return None
    return made[0] if len(made) == 1 else made


def _listed(written: Any, at: LossPlace) -> list[tuple[str, Any, LossPlace]]:
    """Names, parameters and places, of a list or of a mapping by name."""
    if isinstance(written, dict):
        return [(name, item, at.at(name)) for name, item in written.items()]
    return [
        (str(item.get("name")), item.get("parameters") or {}, at.at(i))
        for i, item in enumerate(written or [])
    ]


def _webhook(written: dict[str, Any], at: LossPlace) -> dict[str, Any] | None:
    at.unknown(written, _KNOWN)
    if not isinstance(written.get("url"), str):
        at.lost("it has no URL")
        return None
    made: dict[str, Any] = {"url": templates.template(written["url"], at.at("url"))}
    method = str(written.get("method", "POST")).upper()
    if method != "POST":
        made["method"] = method
    headers = {
        name: templates.tree(value, at.at("headers", name))
        for name, value in (written.get("headers") or {}).items()
    }
    if headers:
        made["headers"] = headers
    made |= _body(written, at)
    delay = written.get("delay")
    if delay is not None:
        result = distribution(delay, at.at("delay"))
        if isinstance(result, str):
            made["delay"] = result
        elif result is not None:
            at.at("delay").lost("the delay of a webhook can't be random here")
    return made


def _body(written: dict[str, Any], at: LossPlace) -> dict[str, Any]:
    if written.get("base64Body") is not None:
        return {"base64": written["base64Body"]}
    body = written.get("body")
    if body is None:
        return {}
    text = body if isinstance(body, str) else json_line(body)
    if "{{" in text:
        return {"text": templates.template(text, at.at("body"))}
    try:
        result = json.loads(text, parse_float=written_float) if isinstance(body, str) else body
    except ValueError:
        return {"text": text}
    # A type that is named stays; without one it is JSON.
    return {"json": result} if isinstance(result, (dict, list)) else {"text": text}
