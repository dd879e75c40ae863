"""What names mean in a Handlebars template, as expressions of our templates: items of loops, literals, calls of helpers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mockserver.formats.mocks.handlebars import Arg, HelperCall
from mockserver.formats.mocks.requests import quoted
from mockserver.recording.conversion import NotConvertibleError

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LOOP = {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last"}

Helpers = Mapping[str, Callable[..., str]]
"""Functions from a call and the scope to an expression, by the name of the helper."""


class HandlebarsScope:
    """
    What names and helpers mean at one place; in a loop there is an item.

    A tool overrides `named_value` for its own names.
    """

    def __init__(self, helpers: Helpers) -> None:
        self.helpers = helpers
        self._loops: list[dict[str, str]] = []
        """Of each loop, the outermost first: what its own names stand for."""

    def named_value(self, steps: list[str]) -> str | None:
        """Return the expression for a name of the tool; None if it has none. Raises NotConvertibleError."""
        del steps
        return None

    def always(self, expression: str) -> bool:
        """Whether an expression always has a value."""
        del expression
        return False

    def entered(self, over: str, names: Sequence[str] = ()) -> str:
        """The beginning of a loop; `names` are those of its item and, after it, of the item's index."""
        self._loops.append({})
        self._loops[-1] |= zip(names, (self._item, "loop.index0"), strict=False)
        return "{% for " + self._item + " in " + over + " %}"

    def left(self) -> str:
        """The end of a loop."""
        self._loops.pop()
        return "{% endfor %}"

    @property
    def _item(self) -> str:
        return "item" if len(self._loops) <= 1 else f"item{len(self._loops)}"

    def printed(self, name: str) -> str:
        """A name as it is printed: what is missing prints nothing. Raises NotConvertibleError."""
        result = self._named(name)
        return result if self.always(result) or _is_literal(result) else f"{result} | default('')"

    def value(self, arg: Arg) -> str:
        """An argument as an expression. Raises NotConvertibleError."""
        if arg.kind == "text":
            return quoted(arg.text)
        if arg.kind == "call":
            assert arg.call is not None
            make = self.helpers.get(arg.call.name)
            if make is None:
                raise NotConvertibleError(f"the helper {arg.call.name!r} is not known here")
            return f"({make(arg.call, self)})"
        result = self._named(arg.text)
        return result if _is_literal(result) else f"({result} | default(''))"

    def many(self, arg: Arg) -> str:
        """An argument as a list."""
        return self.value(arg)

    def _named(self, name: str) -> str:
        if _is_literal(name):
            return name
        steps = steps_of(name)
        if not steps:
            raise NotConvertibleError("it can't be read")
        own = self.named_value(steps)
        if own is not None:
            return own
        first, rest = steps[0], steps[1:]
        if self._loops and first == "this":
            return self._item + keys(rest)
        if self._loops and first in _LOOP:
            return _LOOP[first]
        for names in reversed(self._loops):
            if first in names:
                return names[first] + keys(rest)
        if self._loops and re.fullmatch(r"\w+", first):
            return self._item + keys(steps)
        raise NotConvertibleError(f"the name {name!r} is not known here")


def _is_literal(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None or text in ("true", "false")


def steps_of(name: str) -> list[str]:
    """Return the parts of a path: `a.[1].b` has three."""
    return [item or other for item, other in _STEP.findall(name)]


def keys(steps: Sequence[Any]) -> str:
    """Return look-ups of these keys, as they follow an expression."""
    return "".join(f"[{step}]" if str(step).isdigit() else f"[{quoted(step)}]" for step in steps)


Helper = Callable[[HelperCall, HandlebarsScope], str]
_ARGUMENT = re.compile(r"\{(\d)\}")
UNITS = {"years": "y", "months": "mo", "days": "d", "hours": "h", "minutes": "m", "seconds": "s"}
"""Units of durations by their names."""


def argument(call: HelperCall, scope: HandlebarsScope, at: int = 0) -> str:
    """Return an argument as an expression. Raises NotConvertibleError if there is none."""
    if at >= len(call.args):
        raise NotConvertibleError(f"{call.name} lacks an argument")
    return scope.value(call.args[at])


def form(template: str) -> Helper:
    """Return the helper for an expression of its arguments: `{0}`, `{1}`."""
    return lambda call, scope: _ARGUMENT.sub(lambda number: argument(call, scope, int(number[1])), template)


def array(call: HelperCall, scope: HandlebarsScope) -> str:
    """Return the list of all arguments."""
    return f"[{', '.join(scope.value(arg) for arg in call.args)}]"
