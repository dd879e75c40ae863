"""Convert templates of Mockoon: its helpers, data buckets, variables, and the blocks `repeat` and `switch`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.formats.mockoon.helpers import HELPERS, access, path_steps
from mockserver.formats.mocks.handlebars import HelperCall
from mockserver.formats.mocks.handlebars_scope import HandlebarsScope, Helper
from mockserver.formats.mocks.handlebars_writer import HandlebarsWriter, texts_of_tree
from mockserver.formats.reading import free_name
from mockserver.recording.conversion import Losses, NotConvertibleError

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_RESERVED = frozenset(
    ("request", "path", "vars", "state", "call", "let", "reply", "message", "now", "n", "item", "errors", "loop", "fake")
)  # fmt: skip
_COMMA = re.compile(r",\s*$")


@dataclass(slots=True)
class Buckets:
    """Data buckets that are JSON without templates, by id and name; those that a template uses become `vars`."""

    values: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    """The name of each, by its id."""
    names: dict[str, str] = field(default_factory=dict)
    """The name of each under `vars`, by its id."""
    used: dict[str, Any] = field(default_factory=dict)

    def add(self, id_: str, name: str, value: object) -> None:
        wanted = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "data"
        wanted = wanted if not wanted[0].isdigit() else f"data_{wanted}"
        self.names[id_] = free_name(wanted, set(self.names.values()), "_")
        self.values[id_] = value
        self.labels[id_] = name

    def variable(self, wanted: str) -> str:
        """Return the expression for a bucket, by its id or a part of its name. Raises NotConvertibleError."""
        for id_, name in self.names.items():
            if wanted == id_ or wanted.lower() in self.labels[id_].lower():
                self.used[name] = self.values[id_]
                return f"vars.{name}"
        raise NotConvertibleError(
            f"the data bucket {wanted!r} is not JSON without templates", "Write its value under `vars`"
        )


class _MockoonScope(HandlebarsScope):
    """Knows data buckets, and variables of the template."""

    def __init__(self, buckets: Buckets) -> None:
        own: dict[str, Helper] = {"data": self._data, "dataRaw": self._data, "getVar": self._variable}
        super().__init__({**HELPERS, **own})
        self._buckets = buckets
        self.variables: set[str] = set()

    def named_value(self, steps: list[str]) -> str | None:
        name = steps[0].removeprefix("@")
        if name in self.variables:
            return name + access(steps[1:])
        return None

    def _data(self, call: HelperCall, _: HandlebarsScope) -> str:
        texts = [arg.text for arg in call.args if arg.kind == "text"]
        if len(texts) != len(call.args) or not texts:
            raise NotConvertibleError(f"{call.name} is converted with written arguments")
        found = self._buckets.variable(texts[0])
        return f"{found}{access(path_steps(texts[1]))} | default('')" if texts[1:] and texts[1] else found

    def _variable(self, call: HelperCall, _: HandlebarsScope) -> str:
        name = call.args[0].text if call.args else ""
        if name not in self.variables:
            raise NotConvertibleError(f"the variable {name!r} is not set before")
        return name


class _MockoonWriter(HandlebarsWriter):
    """Knows `repeat`, `switch` and `setVar`."""

    def __init__(self, scope: _MockoonScope, lost: Callable[[str], None]) -> None:
        super().__init__(scope, lost)
        self._own = scope
        self._switches: list[tuple[str, list[str]]] = []

    def statement(self, call: HelperCall) -> str:
        if call.name != "setVar":
            return super().statement(call)
        if len(call.args) != 2 or call.args[0].kind != "text":
            raise NotConvertibleError("setVar takes a written name and a value")
        name = call.args[0].text
        if not _VARIABLE.fullmatch(name) or name in _RESERVED:
            raise NotConvertibleError(f"{name!r} can't be the name of a variable here")
        made = "{% set " + name + " = " + self.scope.value(call.args[1]) + " %}"
        self._own.variables.add(name)
        return made

    def block(self, call: HelperCall, names: list[str]) -> tuple[str, str]:
        match call.name:
            case "repeat":
                return self._repeat(call)
            case "switch" if len(call.args) == 1:
                self._switches.append((self.scope.value(call.args[0]), []))
                return "", "switch"
            case "case" if self._switches and len(call.args) == 1:
                value = self.scope.value(call.args[0])
                subject, cases = self._switches[-1]
                cases.append(value)
                return "{% if " + f"{subject} == {value}" + " %}", "if"
            case "default" if self._switches:
                subject, cases = self._switches[-1]
                return "{% if " + f"{subject} not in [{', '.join(cases)}]" + " %}", "if"
        return super().block(call, names)

    def closed(self, block: str) -> str:
        if block == "switch":
            self._switches.pop()
            return ""
        if block == "list":
            # What they repeat is a list: commas are put between, and none is left at its end.
            self.made[-1] = _COMMA.sub("", self.made[-1])
            return "{%- if not loop.last %},{% endif %}\n" + self.scope.left()
        return super().closed(block)

    def condition(self, call: HelperCall) -> str:
        if call.name not in ("if", "unless") or len(call.args) != 1:
            raise NotConvertibleError(f"the block {call.name!r} is not known here")
        return ("not " if call.name == "unless" else "") + self.scope.value(call.args[0])

    def _repeat(self, call: HelperCall) -> tuple[str, str]:
        values = [self.scope.value(arg) for arg in call.args]
        if len(values) not in (1, 2):
            raise NotConvertibleError("repeat takes one number, or two")
        count = f"{values[0]} | int" if len(values) == 1 else f"random_int({values[0]}, {values[1]})"
        if len(values) == 1 and values[0].isdigit():
            count = values[0]
        comma = call.named.get("comma")
        kind = "for" if comma is not None and comma.text == "false" else "list"
        return self.scope.entered(f"range({count})"), kind


def template(text: str, buckets: Buckets, losses: Losses, place: str) -> str:
    """Convert a text."""
    return _MockoonWriter(_MockoonScope(buckets), lambda what: losses.add(place, what)).written(text)


def tree(value: object, buckets: Buckets, losses: Losses, place: str) -> Any:
    """Convert every text of a JSON value; a text stays one, also if a template is all of it."""
    return texts_of_tree(value, lambda text, _: template(text, buckets, losses, place))


def header_lines(
    headers: Mapping[str, list[str]], buckets: Buckets, losses: Losses, place: str
) -> dict[str, Any]:
    """Convert the values of headers."""
    made = {
        name: [template(value, buckets, losses, f"{place}.headers") for value in values]
        for name, values in headers.items()
    }
    return {name: values[0] if len(values) == 1 else values for name, values in made.items()}
