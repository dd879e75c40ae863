"""
Convert Handlebars of WireMock, of a response or a webhook, to templates.

Supported are parts of the request, JSONPath, times, random values, `if` and `each`. Other helpers are lost, and stay
as text.
"""

from __future__ import annotations

from typing import Any

from mockserver.formats.mocks.handlebars import Arg
from mockserver.formats.mocks.handlebars_scope import HandlebarsScope, steps_of
from mockserver.formats.mocks.handlebars_writer import HandlebarsWriter, texts_of_tree
from mockserver.formats.mocks.requests import quoted
from mockserver.formats.wiremock.helpers import HELPERS
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.recording.conversion import NotConvertibleError

_WHOLE = {
    "method": "request.method",
    "path": "request.path",
    "body": "request.text",
    "bodyAsBase64": "base64(request.body)",
    "baseUrl": "request.base_url",
    "host": "request.host.split(':')[0]",
    "pathSegments": "request.path.split('/')[1:]",
    "url": "request.url.removeprefix(request.base_url)",
    "scheme": "request.base_url.split(':')[0]",
    "port": "request.host.split(':')[1]",
}
_NAMED = {
    "query": "query",
    "headers": "headers",
    "cookies": "cookies",
    "header": "headers",
    "formData": "form",
}
_REQUESTS = ("request", "originalRequest")


class WireMockScope(HandlebarsScope):
    """Knows the request."""

    def named_value(self, steps: list[str]) -> str | None:
        if steps[0] == "parameters":
            raise NotConvertibleError("parameters of a transformer are not converted")
        return _of_request(steps[1:]) if steps[0] in _REQUESTS and len(steps) > 1 else None

    def always(self, expression: str) -> bool:
        return expression in _WHOLE.values() and "split" not in expression

    def many(self, arg: Arg) -> str:
        """An argument as the list that it may be: a query parameter or a header is all of its values."""
        steps = steps_of(arg.text) if arg.kind == "word" else []
        if len(steps) == 3 and steps[0] in _REQUESTS and steps[1] in _NAMED:
            return f"request.{_NAMED[steps[1]]}.getlist({quoted(steps[2])})"
        return self.value(arg)


def _of_request(steps: list[str]) -> str:
    part, rest = steps[0], steps[1:]
    if part in ("path", "pathSegments") and rest:
        key = rest[0]
        # Their segments are counted from 0, without the empty one before the first slash.
        return f"request.path.split('/')[{int(key) + 1}]" if key.isdigit() else f"path[{quoted(key)}]"
    if part in _NAMED and rest:
        group, name = _NAMED[part], quoted(rest[0])
        if len(rest) > 1 and rest[1].isdigit():
            return f"request.{group}.getlist({name})[{rest[1]}]"
        return f"request.{group}[{name}]"
    if part in _WHOLE and not rest:
        return _WHOLE[part]
    raise NotConvertibleError(f"request.{'.'.join(steps)} is not known here")


def template(text: str, at: LossPlace) -> str:
    """The same in our words."""
    return HandlebarsWriter(WireMockScope(HELPERS), at.lost).written(text)


def tree(value: object, at: LossPlace) -> Any:
    """Convert every text in a JSON value; a text in it stays one, also if a template is all of it."""
    return texts_of_tree(value, lambda text, path: template(text, at.at(*path)))
