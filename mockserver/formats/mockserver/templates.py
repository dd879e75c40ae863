"""
MockServer's response templates, Velocity and Mustache, as far as they are a
JSON document with single values of the request in it.
"""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mocks.requests import quoted
from mockserver.formats.reading import json_of
from mockserver.recording.conversion import NotConvertibleError
from mockserver.schema.base import is_template

_VELOCITY = re.compile(r"\$!?\{?((?:request\.)?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\['[^']*'\]|\[\d+\])*)\}?")
_MUSTACHE = re.compile(r"\{\{\{?\s*([^{}]+?)\s*\}?\}\}")
_PLAIN = {
    "request.method": "request.method",
    "request.path": "request.path",
    "request.body": "request.text",
    "uuid": "uuid()",
    "now_iso_8601": "now",
    "now_epoch": "now.timestamp() | int",
    "rand_int": "random_int(0, 9)",
    "rand_int_10": "random_int(0, 10)",
    "rand_int_100": "random_int(0, 100)",
}
_PARTS = {"headers": "headers", "queryStringParameters": "query", "cookies": "cookies"}
_DIRECTIVES = re.compile(r"#(set|if|foreach|else|end|macro|include|parse)\b|\{\{[#^/>!&]")


def response_of(template: dict[str, Any]) -> dict[str, Any]:
    """The httpResponse that a template comes to, with our templates in it. Raises NotConvertibleError."""
    kind, text = str(template.get("templateType", "")).upper(), str(template.get("template", ""))
    if kind not in ("VELOCITY", "MUSTACHE") or _DIRECTIVES.search(text):
        raise NotConvertibleError(
            f"its {kind or 'unknown'} template has statements", "Write it with templates: docs/templates.md"
        )
    form = _VELOCITY if kind == "VELOCITY" else _MUSTACHE
    if is_template(form.sub("", text)):
        raise NotConvertibleError(f"its {kind} template has braces of its own")
    try:
        made = json_of(form.sub(lambda match: "{{ " + _expression(match[1]) + " }}", text))
    except ValueError:
        raise NotConvertibleError(f"its {kind} template is more than JSON with values in it") from None
    if not isinstance(made, dict):
        raise NotConvertibleError(f"its {kind} template gives no response")
    return made


def _expression(said: str) -> str:
    if said in _PLAIN:
        return _PLAIN[said]
    bare = re.sub(r"\['([^']*)'\]|\[(\d+)\]", lambda matched: "." + (matched[1] or matched[2] or ""), said)
    if match := re.fullmatch(r"request\.(headers|queryStringParameters|cookies)\.([\w-]+)(?:\.0)?", bare):
        name = match[2].lower() if match[1] == "headers" else match[2]
        return f"request.{_PARTS[match[1]]}[{quoted(name)}] | default('')"
    if match := re.fullmatch(r"request\.pathParameters\.([A-Za-z_]\w*)(?:\.0)?", bare):
        return f"path.{match[1]}"
    raise NotConvertibleError(
        f"the value {said!r} of its template has no counterpart", "Write it with templates: docs/templates.md"
    )
