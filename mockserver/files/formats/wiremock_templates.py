"""
WireMock's Handlebars, of a response or a webhook, as templates of ours.

What a reply is made of in practice: parts of the request, JSONPath, time, random
values, `if` and `each`. Any other helper is noted, and its text stays as it is.
"""

from __future__ import annotations

import re
from typing import Any

from mockserver.files.formats.wiremock_handlebars import Call, Unsaid, parsed_call, pieces
from mockserver.files.formats.wiremock_helpers import HELPERS
from mockserver.files.formats.wiremock_losing import Place
from mockserver.files.formats.wiremock_variables import Scope

_BLOCKS = frozenset({"if", "unless", "each", "eq", "neq", "with"})


def template(text: str, at: Place) -> str:
    """The same in our words."""
    return _Writer(at).written(text)


def tree(value: Any, at: Place) -> Any:
    """The same of every text in a JSON value."""
    if isinstance(value, str):
        return template(value, at)
    if isinstance(value, list):
        return [tree(one, at.at(i)) for i, one in enumerate(value)]
    if isinstance(value, dict):
        return {key: tree(one, at.at(key)) for key, one in value.items()}
    return value


def literal_braces(text: str) -> str:
    """A text whose braces are sent as they stand, inside a template."""
    if not re.search(r"\{[{%#]", text):
        return text
    return "{% raw %}" + text + "{% endraw %}"


class _Writer:
    """Writes one text anew, its blocks kept on a stack."""

    def __init__(self, at: Place) -> None:
        self._at = at
        self._scope = Scope(HELPERS)
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
            except Unsaid as why:
                self._at.lost(f"{{{{{piece}}}}}: {why}")
                made.append("{% raw %}{{" + piece + "}}{% endraw %}")
        return "".join(made)

    def _code(self, source: str) -> str:
        source = source.strip()
        if source.startswith("!"):
            return ""
        if source.startswith("#"):
            return self._block(parsed_call(source[1:]))
        if source.startswith("/"):
            if not self._open:
                raise Unsaid("nothing is open here")
            return self._scope.left(self._open.pop())
        if source in ("else", "^"):
            return "{% else %}"
        return "{{ " + self._expression(parsed_call(source)) + " }}"

    def _expression(self, call: Call) -> str:
        make = HELPERS.get(call.name)
        if make is not None:
            return make(call, self._scope)
        if call.args or call.named:
            raise Unsaid(f"the helper {call.name!r} is not known here")
        return self._scope.printed(call.name)

    def _block(self, call: Call) -> str:
        if call.name not in _BLOCKS or not call.args:
            raise Unsaid(f"the block {call.name!r} is not known here")
        first = self._scope.value(call.args[0])
        if call.name == "each":
            self._open.append("for")
            return self._scope.entered(first)
        if call.name == "with":
            raise Unsaid("the block 'with' is not known here")
        self._open.append("if")
        if call.name in ("eq", "neq"):
            sign = "==" if call.name == "eq" else "!="
            return f"{{% if {first} {sign} {self._scope.value(call.args[1])} %}}"
        return "{% if " + ("not " if call.name == "unless" else "") + first + " %}"
