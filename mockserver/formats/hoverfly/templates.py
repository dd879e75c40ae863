"""Convert templates of Hoverfly (Handlebars with its own helpers), if each expression is a single value."""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mocks.requests import quoted
from mockserver.recording.conversion import NotConvertibleError
from mockserver.schema.base import is_template

_PLACE = re.compile(r"\{\{\{?\s*(.*?)\s*\}?\}\}", re.DOTALL)
_PLAIN = {
    "Request.Method": "request.method",
    "Request.Scheme": "request.base_url.split(':')[0]",
    "Request.Body": "request.text",
    "Request.Host": "request.host",
    "randomUuid": "uuid()",
    "randomString": "random_string(15)",
    "randomInteger": "random_int(0, 2147483647)",
    "randomBoolean": "random_int(0, 1) == 1",
    "now '' ''": "now",
    "now '' 'unix'": "now.timestamp() | int",
    "iso8601DateTime": "now",
}
_PARTS = {"QueryParam": "query", "Header": "headers", "FormData": "form"}


def translated(text: str) -> str:
    """The text with our templates. Raises NotConvertibleError for the first that has no counterpart."""
    if is_template(_PLACE.sub("", text)):
        raise NotConvertibleError("its braces are not templates of Hoverfly's")
    return _PLACE.sub(lambda match: "{{ " + _expression(match[1]) + " }}", text)


def _expression(said: str) -> str:
    if said in _PLAIN:
        return _PLAIN[said]
    if match := re.fullmatch(r"Request\.(QueryParam|Header|FormData)\.([^\s.\[\]]+)(?:\.\[(\d+)\])?", said):
        part, name = _PARTS[match[1]], match[2].lower() if match[1] == "Header" else match[2]
        if match[3]:
            return f"request.{part}.getlist({quoted(name)})[{match[3]}] | default('')"
        access = f".{name}" if re.fullmatch(r"[A-Za-z_]\w*", name) else f"[{quoted(name)}]"
        return f"request.{part}{access} | default('')"
    if match := re.fullmatch(r"Request\.Path\.\[(\d+)\]", said):
        return f"request.path.split('/')[{int(match[1]) + 1}] | default('')"
    if match := re.fullmatch(r"Request\.Body\s+'jsonpath'\s+'([^']+)'", said):
        names = re.fullmatch(r"\$((?:\.[A-Za-z_]\w*)+)", match[1])
        if names:
            return f"request.json{names[1]} | default('')"
        return f"jsonpath(request.json, {quoted(match[1])}) | first | default('')"
    if match := re.fullmatch(r"State\.([\w:-]+)", said):
        return f"state[{quoted(match[1])}] | default('')"
    if match := re.fullmatch(r"Literals\.([A-Za-z_]\w*)", said):
        return f"vars.{match[1]}"
    if match := re.fullmatch(r"randomStringLength\s+(\d+)", said):
        return f"random_string({match[1]})"
    if match := re.fullmatch(r"randomIntegerRange\s+(-?\d+)\s+(-?\d+)", said):
        return f"random_int({match[1]}, {match[2]})"
    if match := re.fullmatch(r"now\s+'(-?)((?:\d+(?:ms|us|s|m|h|d))+)'\s+'(unix)?'", said):
        moment = f"date(now, '{match[1] or '+'}{match[2]}')"
        return f"{moment}.timestamp() | int" if match[3] else moment
    raise NotConvertibleError(
        f"the template {{{{ {said} }}}} has no counterpart", "Write a template: see docs/templates.md"
    )


def literals(written: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(item.get("name")): item.get("value") for item in written}
