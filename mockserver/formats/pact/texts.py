"""Convert generators of Pact to templates and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mockserver.formats.mocks.dates import strftime
from mockserver.model.json_values import is_number
from mockserver.recording.conversion import NotConvertibleError

AN_ID = "e2490de5-5bd3-43d5-b7c4-526e33f71304"
"""Example of a generated id."""


def template_of(generator: Mapping[str, Any], example: object) -> str | None:
    """Return the template of a generator; None if there is none."""
    match generator.get("type"):
        case "Uuid":
            return "{{ uuid() }}" if generator.get("format") in (None, "lower-case-hyphenated") else None
        case "RandomInt":
            return f"{{{{ random_int({int(generator.get('min', 0))}, {int(generator.get('max', 2147483647))}) }}}}"
        case "RandomString":
            return f"{{{{ random_string({int(generator.get('size', 10))}) }}}}"
        case "ProviderState":
            return _from_state(str(generator.get("expression", "")), example)
        case "MockServerURL":
            return "{{ request.base_url }}" + _path(str(generator.get("example") or example))
        case "Date" | "Time" | "DateTime" if not generator.get("expression"):
            form = _strftime(str(generator.get("format") or ""))
            return f"{{{{ date(now, '', '{form}') }}}}" if form else None
    return None


def _from_state(expression: str, example: object) -> str | None:
    name = re.fullmatch(r"\$\{([^}']+)\}|([^${}']+)", expression)
    if name is None or "'" in str(example) or "\\" in str(example):
        return None
    default = example if is_number(example) else f"'{example}'"
    return f"{{{{ state['{name[1] or name[2]}'] | default({default}) }}}}"


def _path(url: str) -> str:
    at = urlsplit(url)
    return at.path + (f"?{at.query}" if at.query else "")


def _strftime(form: str) -> str | None:
    """A format of Java's as one of C's; None where that can't be said."""
    try:
        made = strftime(form)
    except NotConvertibleError:
        return None
    return made if "'" not in made and "\\" not in made else None


_WHOLE = re.compile(r"\{\{\s*(.+?)\s*\}\}")


def generator_of(text: object) -> tuple[Any, dict[str, Any]] | None:
    """An example and the generator for a text that is one whole expression; None for any other."""
    match = _WHOLE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    expression = match[1]
    if expression == "uuid()":
        return AN_ID, {"type": "Uuid"}
    if numbers := re.fullmatch(r"random_int\((-?\d+), ?(-?\d+)\)", expression):
        low, high = int(numbers[1]), int(numbers[2])
        return low, {"type": "RandomInt", "min": low, "max": high}
    if size := re.fullmatch(r"random_string\((\d+)\)", expression):
        return "a" * int(size[1]), {"type": "RandomString", "size": int(size[1])}
    if state := re.fullmatch(
        r"state\['([^']+)'\] \| default\((?:'([^']*)'|(-?\d+)|(-?\d+\.\d+))\)", expression
    ):
        example: Any = state[2] if state[2] is not None else int(state[3]) if state[3] else float(state[4])
        return example, {"type": "ProviderState", "expression": f"${{{state[1]}}}", "dataType": "STRING" if state[2] is not None else "INTEGER" if state[3] else "DECIMAL"}  # fmt: skip
    return None
