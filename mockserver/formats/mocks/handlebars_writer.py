"""Converts Handlebars templates to templates of mockserver. What can't be converted is lost, and stays as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mockserver.formats.mocks.handlebars import HelperCall, parsed_call, pieces
from mockserver.formats.mocks.handlebars_scope import HandlebarsScope
from mockserver.model.json_values import map_leaves
from mockserver.recording.conversion import NotConvertibleError

_BLOCKS = frozenset({"if", "unless", "not", "and", "or", "eq", "neq", "contains"})
_LOST = "lost"
"""A block that can't be converted: neither can its end."""
_AS = re.compile(r"\s+as\s+\|\s*([\w\s]+?)\s*\|$")


def literal_braces(text: str) -> str:
    """A text whose braces are sent as they stand, inside a template."""
    if not re.search(r"\{[{%#]", text):
        return text
    return "{% raw %}" + text + "{% endraw %}"


class HandlebarsWriter:
    """Writes one text; its blocks are kept on a stack. A tool overrides `block` and `closed` for its own blocks."""

    def __init__(self, scope: HandlebarsScope, lost: Callable[[str], None]) -> None:
        """`lost` gets what can't be converted."""
        self.scope = scope
        self._lost = lost
        self._open: list[str] = []
        self.made: list[str] = []

    def written(self, text: str) -> str:
        if "{{" not in text:
            return text
        for is_code, piece in pieces(text):
            if not is_code:
                self.made.append(literal_braces(piece))
                continue
            try:
                self.made.append(self._code(piece))
            except NotConvertibleError as error:
                self._lost(f"{{{{{piece}}}}}: {error}")
                self.made.append("{% raw %}{{" + piece + "}}{% endraw %}")
        return "".join(self.made)

    def _code(self, source: str) -> str:
        source = source.strip()
        if source.startswith("!"):
            return ""
        if source.startswith("#"):
            named = _AS.search(source)
            names = named[1].split() if named else []
            self._open.append(_LOST)
            made, self._open[-1] = self.block(parsed_call(_AS.sub("", source[1:])), names)
            return made
        if source.startswith("/"):
            block = self._open.pop() if self._open else _LOST
            if block == _LOST:
                raise NotConvertibleError("nothing is open here")
            return self.closed(block)
        if source in ("else", "^"):
            return "{% else %}"
        if source.startswith("else "):
            return "{% elif " + self.condition(parsed_call(source.removeprefix("else "))) + " %}"
        return self.statement(parsed_call(source))

    def statement(self, call: HelperCall) -> str:
        """Return what a call outside of blocks becomes. Raises NotConvertibleError."""
        return "{{ " + self._expression(call) + " }}"

    def _expression(self, call: HelperCall) -> str:
        make = self.scope.helpers.get(call.name)
        if make is not None:
            return make(call, self.scope)
        if call.args or call.named:
            raise NotConvertibleError(f"the helper {call.name!r} is not known here")
        return self.scope.printed(call.name)

    def block(self, call: HelperCall, names: list[str]) -> tuple[str, str]:
        """Return the beginning of a block, and what `closed` gets at its end. Raises NotConvertibleError."""
        if call.name == "each" and call.args:
            return self.scope.entered(self.scope.many(call.args[0]), names), "for"
        return "{% if " + self.condition(call) + " %}", "if"

    def closed(self, block: str) -> str:
        """Return the end of a block."""
        return self.scope.left() if block == "for" else "{% endif %}"

    def condition(self, call: HelperCall) -> str:
        """Return the expression of a block that is a condition. Raises NotConvertibleError."""
        if call.name not in _BLOCKS or not call.args:
            raise NotConvertibleError(f"the block {call.name!r} is not known here")
        values = [self.scope.value(arg) for arg in call.args]
        if call.name in ("eq", "neq"):
            if len(values) < 2:
                raise NotConvertibleError(f"{call.name} lacks an argument")
            return f"{values[0]} {'==' if call.name == 'eq' else '!='} {values[1]}"
        if call.name == "contains" and len(values) == 2:
            return f"{values[1]} in {values[0]}"
        if call.name in ("and", "or"):
            return f" {call.name} ".join(values)
        return ("not " if call.name in ("unless", "not") else "") + values[0]


_ALONE = re.compile(r"\{\{ ((?:(?!\}\}|\{\{).)*) \}\}", re.DOTALL)


def texts_of_tree(value: object, convert: Callable[[str, tuple[str | int, ...]], str]) -> Any:
    """Convert every text in a JSON value, given its path; a text in it stays one, also if a template is all of it."""

    def leaf(item: object, path: tuple[str | int, ...]) -> object:
        if not isinstance(item, str):
            return item
        made = convert(item, path)
        alone = _ALONE.fullmatch(made) if path else None
        return f"{{{{ ({alone[1]}) | string }}}}" if alone else made

    return map_leaves(value, leaf)
