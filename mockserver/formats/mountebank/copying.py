"""Convert the `copy` behavior of mountebank to templates: whole values of the request, and results of JSONPath."""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mocks.replies import Reply
from mockserver.formats.mocks.requests import quoted
from mockserver.recording.conversion import Losses, NotConvertibleError
from mockserver.schema.base import has_templates

_WHOLE = re.compile(r"\^?(\(?)(\.[*+]|\[\\s\\S\][*+])\)?\$?")
_PARTS = {"method": "method", "path": "path", "body": "text"}
_NAMED = ("query", "headers", "form")
_SHOWN = ("status", "headers", "text", "json")


def copied(reply: Reply, copies: list[dict[str, Any]], where: str, losses: Losses) -> Reply:
    """Replace each token that can be computed by a template."""
    if has_templates(reply):
        losses.add(
            where, "nothing is copied, since the body has braces of its own, which would be templates here"
        )
        return {**reply, "raw": True}
    for number, copy in enumerate(copies):
        try:
            token = copy["into"]
            template = _template(copy, token)
        except (NotConvertibleError, KeyError, TypeError) as error:
            said = error.what if isinstance(error, NotConvertibleError) else "the behavior lacks a part"
            losses.add(f"{where}[{number}]", f"{said}, so its token stays as it is", "Write a template")
            continue
        reply = {
            key: _put(value, token, template) if key in _SHOWN else value for key, value in reply.items()
        }
    return reply


def _template(copy: dict[str, Any], token: str) -> str:
    using = copy["using"]
    if using["method"] == "jsonpath" and copy["from"] == "body":
        selector = using["selector"]
        selector = selector if selector.startswith("$") else f"$.{selector}"
        names = re.fullmatch(r"\$((?:\.[A-Za-z_]\w*)+)", selector)
        if names:
            return f"{{{{ request.json{names[1]} | default({quoted(token)}) }}}}"
        return f"{{{{ jsonpath(request.json, {quoted(selector)}) | first | default({quoted(token)}) }}}}"
    if using["method"] == "regex" and _WHOLE.fullmatch(using["selector"]):
        return f"{{{{ {_subject(copy['from'])} | default({quoted(token)}) }}}}"
    raise NotConvertibleError("only whole values and JSONPath can be copied here")


def _subject(written: object) -> str:
    if isinstance(written, str) and written in _PARTS:
        return f"request.{_PARTS[written]}"
    if isinstance(written, dict) and len(written) == 1:
        part, name = next(iter(written.items()))
        if part in _NAMED and isinstance(name, str):
            return f"request.{part}[{quoted(name.lower() if part == 'headers' else name)}]"
    raise NotConvertibleError(f"{written!r} can't be copied from")


def _put(value: object, token: str, template: str) -> object:
    if isinstance(value, dict):
        return {_put(key, token, template): _put(item, token, template) for key, item in value.items()}
    if isinstance(value, list):
        return [_put(item, token, template) for item in value]
    return value.replace(token, template) if isinstance(value, str) else value
