"""Merge schemas: `allOf`, and branches with the keys next to them."""

from __future__ import annotations

from typing import Any

_TIGHTER = {
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max, "minProperties": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min, "maxProperties": min,
}  # fmt: skip
KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return a schema for values that are valid for both, as far as possible; otherwise `second` has precedence."""
    made = dict(first)
    for key, value in second.items():
        made[key] = _both(key, made[key], value) if key in made else value
    return made


def _both(key: str, first: Any, other: Any) -> object:
    if key in _TIGHTER:
        return _TIGHTER[key](first, other)
    if key == "required":
        return list(dict.fromkeys([*first, *other]))
    if key == "properties":
        return {**first, **{name: _all_of(first, name, schema) for name, schema in other.items()}}
    if key == "type":
        return _shared_kinds(first, other)
    if key == "enum":
        return [value for value in first if value in other]
    if key in ("anyOf", "oneOf", "allOf"):
        return [*first, *other] if key == "allOf" else first
    if key in ("items", "additionalProperties") and isinstance(first, dict) and isinstance(other, dict):
        return first if first == other else {"allOf": [first, other]}
    if key == "additionalProperties":
        return other if first is True else first
    return other


def _all_of(properties: dict[str, Any], name: str, schema: object) -> object:
    known = properties.get(name)
    return schema if known is None or known == schema else {"allOf": [known, schema]}


def discriminated(branch: object, discriminator: Any) -> tuple[str, list[str]] | None:
    """
    Return the property of a discriminator and its values for a branch of `oneOf` (OpenAPI 3.1, 4.8.25).

    None if the branch is not a reference, or there is no valid discriminator.
    """
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
    ref = branch.get("$ref") if isinstance(branch, dict) else None
    if not isinstance(name, str) or not isinstance(ref, str):
        return None
    last = ref.rpartition("/")[2]
    mapping = discriminator.get("mapping")
    pairs = mapping.items() if isinstance(mapping, dict) else ()
    return name, [str(key) for key, to in pairs if str(to).rpartition("/")[2] == last] or [last]


def kinds_of(schema: dict[str, Any]) -> list[str]:
    """Return the types that a schema allows; all types without `type`."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return [kind]
    return [str(item) for item in kind] if isinstance(kind, list) else list(KINDS)


def _shared_kinds(left: object, other: object) -> list[str]:
    first, second = kinds_of({"type": left}), kinds_of({"type": other})
    shared = [kind for kind in first if kind in second]
    if "integer" not in shared and {"integer", "number"} <= {*first, *second}:
        shared.append("integer")
    return shared
