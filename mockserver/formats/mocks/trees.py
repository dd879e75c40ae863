"""JSON values as conditions of `json` and `json_exact`, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.recording.conversion import NotConvertibleError

_BARE_WORDS = ("$present", "$absent")
PLACEHOLDERS: dict[str, Any] = {
    "any-string": {"$type": "string"}, "any-number": {"$type": "number"}, "any-boolean": {"$type": "boolean"},
    "ignore": "$present", "ignore-element": {"$any_of": ["$absent", "$present"]},
}  # fmt: skip
"""Placeholders of JSON Unit, such as `${json-unit.any-string}`."""


def literal_leaf(value: object) -> object:
    """Return a scalar as a condition that only this value fulfils."""
    return {"$equals": value} if value in _BARE_WORDS else value


def tree(
    value: object,
    leaf: Callable[[Any], object] = literal_leaf,
    items: Callable[[list[Any]], object] = list,
) -> object:
    """
    Return the condition for a JSON value; by default, only this value fulfils it.

    `leaf` makes the condition of a scalar, `items` that of a list, from the conditions of its items.
    """
    if isinstance(value, dict):
        return fields_of({key: tree(item, leaf, items) for key, item in value.items()})
    if isinstance(value, list):
        return items([tree(item, leaf, items) for item in value])
    return leaf(value)


def fields_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the condition for an object; a key with a dollar must not be read as an operator."""
    return {"$fields": fields} if any(key.startswith("$") for key in fields) else fields


def some_items(items: list[Any]) -> object:
    """Return the condition for a list that holds these items, in any order and among others."""
    parts = [{"$contains": item} for item in items]
    return parts[0] if len(parts) == 1 else {"$all_of": parts} if parts else {"$type": "array"}


def subset(value: object) -> object:
    """Return the condition for a part of a JSON value: some items of a list, some fields of an object."""
    return tree(value, items=some_items)


def contained(parts: object) -> list[Any] | None:
    """Return the items of `$all_of` if each part is a `$contains`."""
    if isinstance(parts, list) and all(
        isinstance(part, dict) and list(part) == ["$contains"] for part in parts
    ):
        return [part["$contains"] for part in parts]
    return None


def plain(condition: object) -> object:
    """Return the JSON value that a condition without operators stands for. Raises NotConvertibleError."""
    return _plain(condition, "json_exact")


def plain_subset(condition: object) -> object:
    """Return the value that `subset` made the condition of. Raises NotConvertibleError."""
    return _plain(condition, "json")


def _plain(condition: object, part: str) -> object:
    if isinstance(condition, dict):
        match next(iter(condition.items())) if len(condition) == 1 else ("", None):
            case ("$fields", fields):
                return {key: _plain(item, part) for key, item in fields.items()}
            case ("$equals", value):
                return value
            case ("$contains", item) if part == "json":
                return [_plain(item, part)]
            case ("$all_of", parts) if part == "json" and (items := contained(parts)) is not None:
                return [_plain(item, part) for item in items]
        if not any(key.startswith("$") for key in condition):
            return {key: _plain(item, part) for key, item in condition.items()}
    elif isinstance(condition, list):
        if part == "json":
            raise NotConvertibleError("a list in its order can't be matched in part")
        return [_plain(item, part) for item in condition]
    elif condition not in _BARE_WORDS:
        return condition
    raise NotConvertibleError(f"operators inside of `{part}` can't be converted")
