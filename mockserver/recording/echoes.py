"""
Replace values of a reply that come from the request by templates: ids of the path, fields of the body, the URL of the
service.

Small numbers may be equal by chance, so a value counts only under the same name, or if it is long enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from mockserver.model.exchange import relinked
from mockserver.recording.replies import Draft
from mockserver.recording.seen import SeenValues
from mockserver.schema.base import is_template

_TELLING_CHARS = 6
_WORD = re.compile(r"[A-Za-z_]\w*")
_ID_NAME = re.compile(r"(?i)id|.*_id|.*[a-z]Id|uuid|number|name|slug|self|url|href|uri|link|path")


class TemplateText(str):
    """A text that is a template."""

    __slots__ = ()


def has_template(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(has_template, value.values()))
    if isinstance(value, list):
        return any(map(has_template, value))
    return isinstance(value, TemplateText)


def has_braces(value: object) -> bool:
    """Whether a text that is not a template looks like one."""
    if isinstance(value, dict):
        return any(has_braces(key) or has_braces(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(has_braces, value))
    return is_template(value) and not isinstance(value, TemplateText)


def explained(call: SeenValues, names: Mapping[int, str], urls: tuple[str, ...]) -> Draft:
    """
    Return the reply with templates for values that come from the request.

    `names` are the path parameters by place; `urls` are the URLs of the service, which become the URL of this server.
    """
    draft = call.reply
    if has_braces([draft.headers, draft.body if draft.kind != "file" else None]):
        return draft
    explain = _Explainer(call, names, urls)
    headers: dict[str, Any] = {
        name: [explain.text(line) for line in value] if isinstance(value, list) else explain.text(value)
        for name, value in draft.headers.items()
        if name not in ("content-type", "etag")
    }
    body = draft.body
    if draft.kind == "json":
        body = explain.tree(body, ())
    elif draft.kind == "events":
        body = [explain.event(event) for event in body]
    elif draft.kind in ("text", "html", "xml"):
        body = explain.text(body)
    return replace(draft, headers={**draft.headers, **headers}, body=body)


class _Explainer:
    def __init__(self, call: SeenValues, names: Mapping[int, str], urls: tuple[str, ...]) -> None:
        self._urls = urls
        self._path = [(unquote(call.segments[i]), names[i]) for i in call.ids if i in names]
        self._fields = call.body if call.kind in ("json", "form") and isinstance(call.body, dict) else {}
        self._read: Callable[[Any], Any] = _first if call.kind == "form" else _same
        self._root = f"request.{call.kind}"

    def tree(self, value: object, place: tuple[Any, ...]) -> object:
        whole = self._of_body(value, place)
        if whole is not None:
            return whole
        if isinstance(value, dict):
            return {key: self.tree(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item, (*place, i)) for i, item in enumerate(value)]
        name = next((part for part in reversed(place) if isinstance(part, str)), "")
        return self._of_path(value, name) or (self.text(value) if isinstance(value, str) else value)

    def event(self, event: object) -> object:
        if isinstance(event, dict) and isinstance(event.get("data"), (dict, list)):
            return {**event, "data": self.tree(event["data"], ())}
        return event

    def text(self, text: str) -> str:
        """Replace URLs of the service, and ids that are path segments."""
        made = text
        for url in self._urls:
            made = relinked(made, url, "{{ request.base_url }}")
        for id_text, name in self._path:
            made = re.sub(rf"(?<=/){re.escape(id_text)}(?![\w-])", f"{{{{ path.{name} }}}}", made)
        return text if made == text else TemplateText(made)

    def _of_path(self, value: object, name: str) -> TemplateText | None:
        for text, param in self._path:
            if str(value) != text or isinstance(value, bool):
                continue
            if _ID_NAME.fullmatch(name) or len(text) >= _TELLING_CHARS:
                return TemplateText(f"{{{{ path.{param} | int }}}}" if isinstance(value, int) else f"{{{{ path.{param} }}}}")  # fmt: skip
        return None

    def _of_body(self, value: object, place: tuple[Any, ...]) -> TemplateText | None:
        """Return a template for the request field with this value: of the same name, or a long text."""
        name = place[-1] if place and isinstance(place[-1], str) else ""
        if value is None or value in ("", [], {}) or not place:
            return None
        for path, item in _leaves(self._fields, ()):
            result = self._read(item)
            both_float = isinstance(value, float) and isinstance(result, float)
            same_type = (
                both_float
                or type(result) is type(value)
                or (isinstance(value, int) and self._root == "request.form")
            )
            if not same_type or isinstance(value, bool) != isinstance(result, bool):
                continue
            if result != value and not (self._root == "request.form" and str(value) == result):
                continue
            telling = isinstance(value, str) and len(value) >= 8
            if path[-1] == name or telling:
                cast = " | int" if isinstance(value, int) and self._root == "request.form" else ""
                return TemplateText(f"{{{{ {_expression(self._root, path)}{cast} }}}}")
        return None


def _same(value: object) -> object:
    return value


def _first(values: object) -> object:
    return values[0] if isinstance(values, list) and len(values) == 1 else None


def _leaves(value: object, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value below, the larger ones before what they hold."""
    if path:
        yield path, value
    if isinstance(value, dict) and len(path) < 6:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))


def _expression(root: str, path: tuple[Any, ...]) -> str:
    """Return an expression such as `request.json.a['odd-key']`."""
    methods = {"items", "keys", "values", "get", "count", "index"}
    return root + "".join(
        f".{part}" if _WORD.fullmatch(str(part)) and part not in methods else f"[{str(part)!r}]"
        for part in path
    )
