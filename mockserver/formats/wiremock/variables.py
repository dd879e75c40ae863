"""Convert names of Handlebars templates: `request.path.[1]`, `originalRequest.body`, `this`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from mockserver.formats.mocks.requests import quoted
from mockserver.formats.mocks.sources import NotConvertibleError
from mockserver.formats.wiremock.handlebars import Arg, HelperCall

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
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


_LOOP = {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last"}


class HandlebarsScope:
    """What names and helpers mean at one place; in an `each` there is an item."""

    def __init__(self, helpers: Mapping[str, Callable[[HelperCall, HandlebarsScope], str]]) -> None:
        self._helpers = helpers
        self._items = 0
        self._names: list[dict[str, str]] = []
        """Of each loop, the outermost first: what its own names stand for."""

    def entered(self, over: str, names: Sequence[str] = ()) -> str:
        """The beginning of a loop; `names` are those of its item and, after it, of the item's index."""
        self._items += 1
        known = dict(zip(names, (self._item, "loop.index0"), strict=False))
        self._names.append(known)
        return "{% for " + self._item + " in " + over + " %}"

    def left(self, block: str) -> str:
        """The end of a block, `for` or `if`."""
        if block == "for":
            self._items -= 1
            self._names.pop()
            return "{% endfor %}"
        return "{% endif %}"

    @property
    def _item(self) -> str:
        return "item" if self._items <= 1 else f"item{self._items}"

    def printed(self, name: str) -> str:
        """A name as it is printed: what is missing prints nothing. Raises NotConvertibleError."""
        result = self._named(name)
        simple = result in _WHOLE.values() and "split" not in result
        return result if simple or _NUMBER.fullmatch(result) else f"{result} | default('')"

    def value(self, arg: Arg) -> str:
        """An argument as an expression. Raises NotConvertibleError."""
        if arg.kind == "text":
            return quoted(arg.text)
        if arg.kind == "call":
            assert arg.call is not None
            make = self._helpers.get(arg.call.name)
            if make is None:
                raise NotConvertibleError(f"the helper {arg.call.name!r} is not known here")
            return f"({make(arg.call, self)})"
        result = self._named(arg.text)
        return (
            result
            if _NUMBER.fullmatch(result) or result in ("true", "false")
            else f"({result} | default(''))"
        )

    def many(self, arg: Arg) -> str:
        """An argument as the list that it may be: a query parameter or a header is all of its values."""
        steps = [item or two for item, two in _STEP.findall(arg.text)] if arg.kind == "word" else []
        if len(steps) == 3 and steps[0] in ("request", "originalRequest") and steps[1] in _NAMED:
            return f"request.{_NAMED[steps[1]]}.getlist({quoted(steps[2])})"
        return self.value(arg)

    def _named(self, name: str) -> str:
        if _NUMBER.fullmatch(name) or name in ("true", "false"):
            return name
        steps = [item or two for item, two in _STEP.findall(name)]
        if not steps:
            raise NotConvertibleError("it can't be read")
        first, rest = steps[0], steps[1:]
        if first in ("request", "originalRequest") and rest:
            return _of_request(rest)
        if self._items and first == "this":
            return self._item + _keys(rest)
        if self._items and first in _LOOP:
            return _LOOP[first]
        for names in reversed(self._names):
            if first in names:
                return names[first] + _keys(rest)
        if first == "parameters":
            raise NotConvertibleError("parameters of a transformer are not converted")
        if self._items and re.fullmatch(r"\w+", first):
            return self._item + _keys(steps)
        raise NotConvertibleError(f"the name {name!r} is not known here")


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


def _keys(steps: list[str]) -> str:
    return "".join(f"[{step}]" if step.isdigit() else f"[{quoted(step)}]" for step in steps)
