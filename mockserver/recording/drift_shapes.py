"""
Compare shape and types of two JSON values, field by field.

Items of a list are compared together: a field is gone if no item has it, and of another type if an item has a new
type. An empty list has no differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.errors import shown
from mockserver.model.volatile import changes_by_nature
from mockserver.redaction.redaction import mask_tree


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; `where` is a place of the reply such as `json.items[].price`, `kind` is gone, new, type, value or another word."""

    where: str
    kind: str
    expected: Any
    actual: Any

    @property
    def text(self) -> str:
        match self.kind:
            case "gone":
                return f"{self.where}: is gone; the scenario has {self.expected}"
            case "new":
                return f"{self.where}: is new: {self.actual}"
        return f"{self.where}: is {self.actual}; the scenario has {self.expected}"

    def view(self) -> dict[str, Any]:
        return {
            "where": self.where, "kind": self.kind, "expected": self.expected, "actual": self.actual, "text": self.text,
        }  # fmt: skip


def type_of(value: object) -> str:
    """JSON's own word for it; whole numbers and others are both numbers."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def drifts(expected: object, actual: object, where: str = "json", *, values: bool = False) -> list[Drift]:
    """Every difference, in the order of the scenario."""
    return list(_compared([expected], [actual], where, "", values=values))


def _compared(
    expected: list[Any], actual: list[Any], where: str, name: str, *, values: bool
) -> Iterator[Drift]:
    if not expected or not actual:
        return
    known, result = _types(expected), _types(actual)
    strange = [item for item in result if item not in known]
    if strange:
        yield Drift(where, "type", " or ".join(known), " or ".join(result))
    yield from _objects(_of(dict, expected), _of(dict, actual), where, values=values)
    yield from _compared(
        [item for entry in _of(list, expected) for item in entry],
        [item for entry in _of(list, actual) for item in entry],
        f"{where}[]",
        name,
        values=values,
    )
    if values and not strange and len(expected) == len(actual) == 1:
        yield from _values(expected[0], actual[0], where, name)


def _values(expected: object, actual: object, where: str, name: str) -> Iterator[Drift]:
    if isinstance(expected, (dict, list)) or expected == actual:
        return
    if not changes_by_nature(expected, name) and not changes_by_nature(actual, name):
        yield Drift(where, "value", _shown(expected, name), _shown(actual, name))


def _shown(value: object, name: str) -> str:
    return shown(mask_tree(value, name))


def _objects(expected: list[Any], actual: list[Any], where: str, *, values: bool) -> Iterator[Drift]:
    if not expected or not actual:
        return
    for key in dict.fromkeys(key for item in expected for key in item):
        known = [item[key] for item in expected if key in item]
        result = [item[key] for item in actual if key in item]
        place = f"{where}.{key}"
        if not result and len(known) == len(expected):
            yield Drift(place, "gone", " or ".join(_types(known)), None)
        yield from _compared(known, result, place, key, values=values)
    for key in dict.fromkeys(key for item in actual for key in item):
        if not any(key in item for item in expected):
            result = [item[key] for item in actual if key in item]
            yield Drift(f"{where}.{key}", "new", None, " or ".join(_types(result)))


def _of(kind: type, values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, kind)]


def _types(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(map(type_of, values)))
