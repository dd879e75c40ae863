"""
Convert Handlebars of WireMock, of a response or a webhook, to templates.

Supported are parts of the request, JSONPath, times, random values, `if` and `each`. Other helpers are lost, and stay
as text.
"""

from __future__ import annotations

import re
from typing import Any

from mockserver.formats.mocks.sources import NotConvertibleError
from mockserver.formats.wiremock.handlebars import HelperCall, parsed_call, pieces
from mockserver.formats.wiremock.helpers import HELPERS
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.variables import HandlebarsScope
from mockserver.model.json_values import map_leaves

_BLOCKS = frozenset({"if", "unless", "not", "and", "or", "each", "eq", "neq", "contains"})
_LOST = "lost"
"""A block that can't be said here: its end can't be, either."""
_ALONE = re.compile(r"\{\{ ((?:(?!\}\}|\{\{).)*) \}\}", re.DOTALL)
_AS = re.compile(r"\s+as\s+\|\s*([\w\s]+?)\s*\|$")


def template(text: str, at: LossPlace) -> str:
    """The same in our words."""
    return _Writer(at).written(text)


def tree(value: object, at: LossPlace) -> Any:
    """Convert every text in a JSON value; a text in it stays one, also if a template is all of it."""

    def leaf(item: object, path: tuple[str | int, ...]) -> object:
        if not isinstance(item, str):
            return item
        made = template(item, at.at(*path))
        alone = _ALONE.fullmatch(made) if path else None
        return f"{{{{ ({alone[1]}) | string }}}}" if alone else made

    return map_leaves(value, leaf)


def literal_braces(text: str) -> str:
    """A text whose braces are sent as they stand, inside a template."""
    if not re.search(r"\{[{%#]", text):
        return text
    return "{% raw %}" + text + "{% endraw %}"


class _Writer:
    """Rewrites one text, with its blocks on a stack."""

    def __init__(self, at: LossPlace) -> None:
        self._at = at
        self._scope = HandlebarsScope(HELPERS)
        self._open: list[str] = []

    def written(self, text: str) -> str:
        if "{{" not in text:
            return text
        made = []
        for is_code, piece in pieces(text):
            if not is_code:
                made.append(literal_braces(piece))
                continue
            try:
                made.append(self._code(piece))
            except NotConvertibleError as error:
                self._at.lost(f"{{{{{piece}}}}}: {error}")
                made.append("{% raw %}{{" + piece + "}}{% endraw %}")
        return "".join(made)

    def _code(self, source: str) -> str:
        source = source.strip()
        if source.startswith("!"):
            return ""
        if source.startswith("#"):
            named = _AS.search(source)
            names = named[1].split() if named else []
            self._open.append(_LOST)
            made, self._open[-1] = self._block(parsed_call(_AS.sub("", source[1:])), names)
            return made
        if source.startswith("/"):
            block = self._open.pop() if self._open else _LOST
            if block == _LOST:
                raise NotConvertibleError("nothing is open here")
            return self._scope.left(block)
        if source in ("else", "^"):
            return "{% else %}"
        if source.startswith("else "):
            return "{% elif " + self._condition(parsed_call(source[5:])) + " %}"
        return "{{ " + self._expression(parsed_call(source)) + " }}"

    def _expression(self, call: HelperCall) -> str:
        make = HELPERS.get(call.name)
        if make is not None:
            return make(call, self._scope)
        if call.args or call.named:
            raise NotConvertibleError(f"the helper {call.name!r} is not known here")
        return self._scope.printed(call.name)

    def _block(self, call: HelperCall, names: list[str]) -> tuple[str, str]:
        """Its beginning, and what it is."""
        if call.name == "each" and call.args:
            return self._scope.entered(self._scope.many(call.args[0]), names), "for"
        return "{% if " + self._condition(call) + " %}", "if"

    def _condition(self, call: HelperCall) -> str:
        if call.name not in _BLOCKS or call.name == "each" or not call.args:
            raise NotConvertibleError(f"the block {call.name!r} is not known here")
        values = [self._scope.value(arg) for arg in call.args]
        if call.name in ("eq", "neq"):
            if len(values) < 2:
                raise NotConvertibleError(f"{call.name} lacks an argument")
            return f"{values[0]} {'==' if call.name == 'eq' else '!='} {values[1]}"
        if call.name == "contains" and len(values) == 2:
            return f"{values[1]} in {values[0]}"
        if call.name in ("and", "or"):
            return f" {call.name} ".join(values)
        return ("not " if call.name in ("unless", "not") else "") + values[0]
