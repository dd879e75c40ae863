"""
Selectors name a part of a request, for `per`, `by` and `same`.

`method`, `path`, `body`, `client.ip`, `headers.NAME`, `query.NAME`, `cookies.NAME`, `form.NAME`, `path.NAME`,
`json.a.b[0]`, `message.a.b[0]` of a gRPC call, or a template.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mockserver.errors import KeyPath, invalid, near, shown
from mockserver.model.http import ABSENT, Pairs, Request, UnreadableBodyError
from mockserver.templating.templates import Scope, Template, TemplateError, compile_text

Part = Callable[[Request, Mapping[str, str]], Any]
_FIELD = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_ROOTS = (
    "method",
    "path",
    "body",
    "client.ip",
    "headers.",
    "query.",
    "cookies.",
    "form.",
    "path.",
    "json",
    "message",
)


class Selector:
    """A compiled selector. `template` is set if it needs a scope."""

    __slots__ = ("_part", "template", "text")

    def __init__(self, text: str, part: Part | None, template: Template | None = None) -> None:
        self.text = text
        self._part = part
        self.template = template

    def value(
        self, request: Request, path: Mapping[str, str], scope: Callable[[], Scope] | None = None
    ) -> object:
        """Return the selected part; ABSENT if the request has none."""
        if self._part is not None:
            return self._part(request, path)
        assert scope is not None
        assert self.template is not None
        try:
            return self.template.value(scope())
        except TemplateError:
            return ABSENT

    def key(
        self, request: Request, path: Mapping[str, str], scope: Callable[[], Scope] | None = None
    ) -> str | None:
        """Return the value as a text that distinguishes calls; None if it is absent."""
        value = self.value(request, path, scope) if self._part is None else self._part(request, path)
        if value.__class__ is str:
            return value
        if value is ABSENT or value is None:
            return None
        return json.dumps(value, sort_keys=True, default=str)


def compile_selector(text: str, path: KeyPath, names: frozenset[str]) -> Selector:
    """Compile a selector. Raises InvalidInputError."""
    if text.startswith("{{"):
        return Selector(text, None, compile_text(text, path, names=names))
    part = _part(text)
    if part is None:
        raise invalid(path, f"{shown(text)} is not a valid selector", _hint(text))
    return Selector(text, part)


def _hint(text: str) -> str:
    root = text.rstrip(".")
    if f"{root}." in _ROOTS:
        return f"Write {root}.NAME"
    return f"{near(text, [root.rstrip('.') for root in _ROOTS])} Write headers.NAME, json.a.b[0], path.NAME or a template"


def _part(text: str) -> Part | None:
    if text == "method":
        return lambda request, _: request.method
    if text == "path":
        return lambda request, _: request.path
    if text == "body":
        return lambda request, _: body_key(request)
    if text in ("client.ip", "client"):
        return lambda request, _: request.client_ip
    root, _, name = text.partition(".")
    if root == "json" or text.startswith("json["):
        return _json_part(text[4:])
    if root == "message":
        return _json_part(text[7:], lambda request: request.message)
    if not name:
        return None
    if root == "path":
        return lambda _, path: path.get(name, ABSENT)
    if root in ("headers", "header"):
        return lambda request, _: request.headers.get(name, ABSENT)
    if root in ("query", "cookies", "form"):
        return _pairs_part(root, name)
    return None


def _pairs_part(root: str, name: str) -> Part:
    def part(request: Request, _: Mapping[str, str]) -> object:
        try:
            pairs: Pairs = getattr(
                request, {"query": "query_pairs", "cookies": "cookie_pairs", "form": "form_pairs"}[root]
            )
        except UnreadableBodyError:
            return ABSENT
        return next((value for key, value in pairs if key == name), ABSENT)

    return part


def _json_part(rest: str, read: Callable[[Request], Any] = lambda request: request.json) -> Part | None:
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        match = _FIELD.match(rest, at)
        if not match:
            return None
        name, index, quoted = match.groups()
        steps.append(int(index) if index is not None else name if name is not None else quoted)
        at = match.end()

    def part(request: Request, _: Mapping[str, str]) -> object:
        try:
            return value_at(read(request), steps)
        except UnreadableBodyError:
            return ABSENT

    return part


def value_at(value: Any, path: Iterable[str | int]) -> Any:
    """Return the value at that path of a JSON value; ABSENT if there is none."""
    for step in path:
        if isinstance(value, dict) and str(step) in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return ABSENT
    return value


def body_key(request: Request) -> str:
    """Return a hash by which bodies are equal: of the decoded bytes or, for a multipart body, of its parts."""
    lower = request.headers.lower
    if lower is not None and "multipart" not in lower and "\ncontent-encoding:" not in lower:
        return hashlib.sha256(request.body).hexdigest()
    try:
        named = request.headers.get("content-type", "").lower()
        if "multipart" in named and request.media_type.startswith("multipart/"):
            digest = hashlib.sha256()
            for part in request.parts:
                digest.update(repr((part.name, part.filename, part.content_type, part.body)).encode())
            return digest.hexdigest()
        body = request.decoded_body
    except UnreadableBodyError:
        body = request.body
    return hashlib.sha256(body).hexdigest()
