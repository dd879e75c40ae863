"""
Generation of sample values for a schema.

Values of the document (`const`, `example`, `examples`, `default`, `enum`) come first,
then values by type, bounds, formats and patterns. Several attempts are made: with or
without examples, with all properties or only required ones, with different branches
of `oneOf`. An example that violates its schema is skipped.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mockserver.errors import MockServerError
from mockserver.model.written import plain_numbers
from mockserver.openapi.merging import discriminated, kinds_of, merged
from mockserver.openapi.texts import by_pattern, is_found, text, word
from mockserver.openapi.validators import Direction, Validators
from mockserver.scenarios.openapi_nodes import DocumentNode

MAX_DEPTH = 12
"""Maximum depth of a sample."""
_OPTIONAL_DEPTH = 4
_BUDGET = 1500
"""Number of values in one sample after which only required properties are generated."""
_MAX_VALUES = 20_000
Path = tuple[str | int, ...]
ATTEMPTS = (
    (True, True, 0), (False, True, 0), (False, True, 1), (False, False, 0), (False, False, 1), (False, True, 2),
    (False, False, 2), (False, False, 3), (True, False, 0), (False, True, 3),
)  # fmt: skip


class EndlessSchemaError(MockServerError):
    """A schema contains itself without an end."""


@dataclass(frozen=True)
class _DocumentValue:
    """A value of the document, such as an example, with its schema."""

    value: Any
    schema: dict[str, Any]
    is_example: bool


@dataclass
class _Attempt:
    """One attempt. References are resolved from `home`; `open_` are those that are being resolved."""

    home: DocumentNode
    chance: Random
    examples: bool
    optional: bool
    branch: int
    direction: Direction
    skipped: Counter[Path] = field(default_factory=Counter)
    """Number of document values that violate their schema, by place."""
    used: dict[Path, _DocumentValue] = field(default_factory=dict)
    """Document values in the current sample, by place."""
    left_out: int = 0
    """Number of skipped examples."""
    path: list[str | int] = field(default_factory=list)
    made: int = 0
    open_: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """A value, and the number of examples that are left out because they violate their schema."""

    value: Any
    left_out: int


def sample(schema: DocumentNode, seed: str, validators: Validators, direction: Direction = "reply") -> Sample:
    """Return a valid value. Raises EndlessSchemaError, with the reason, if none was found."""
    reason, most_left_out = "it contains itself without an end", 0
    for examples, optional, branch in ATTEMPTS:
        attempt = _Attempt(schema, Random(f"{seed}:{branch}"), examples, optional, branch, direction)
        try:
            value = _generate_valid(attempt, validators, f"{seed}:{branch}")
        except (EndlessSchemaError, ValueError) as error:
            reason = str(error) or reason
            most_left_out = max(
                most_left_out, attempt.left_out + sum(given.is_example for given in attempt.used.values())
            )
            continue
        return Sample(value, attempt.left_out if examples else most_left_out)
    raise EndlessSchemaError(reason)


def _generate_valid(attempt: _Attempt, validators: Validators, seed: str) -> object:
    """
    Return the value of one attempt. It is generated again as long as document values in it violate their schema.

    Raises EndlessSchemaError, ValueError.
    """
    validator = validators.of(attempt.home, attempt.direction)
    while True:
        value = _generate(attempt.home.value, attempt, 0)
        plain = plain_numbers(value)
        if validator.is_valid(plain):
            return value
        invalid = [
            place
            for place, given in attempt.used.items()
            if not validators.fits(given.schema, given.value, attempt.direction)
        ]
        if not invalid:
            raise EndlessSchemaError(next(iter(validator.iter_errors(plain))).message[:200])
        attempt.left_out += sum(attempt.used[place].is_example for place in invalid)
        attempt.skipped.update(invalid)
        attempt.chance, attempt.made, attempt.used = Random(seed), 0, {}


def _generate(schema: object, attempt: _Attempt, depth: int) -> object:
    attempt.made += 1
    if depth > MAX_DEPTH or attempt.made > _MAX_VALUES:
        raise EndlessSchemaError
    if schema is False:
        raise EndlessSchemaError("a schema that takes nothing")
    if not isinstance(schema, dict) or not schema:
        return {}
    opened = len(attempt.open_)
    try:
        return _value(_flat(schema, attempt), attempt, depth)
    finally:
        del attempt.open_[opened:]


def _value(schema: dict[str, Any], attempt: _Attempt, depth: int) -> object:
    given = _document_value(schema, attempt)
    if given is not _NOTHING:
        return given
    match _kind(schema):
        case "object":
            return _object(schema, attempt, depth)
        case "array":
            return _array(schema, attempt, depth)
        case "string":
            return text(schema, attempt.chance)
        case "integer":
            return _number(schema, attempt.chance, whole=True)
        case "number":
            return _number(schema, attempt.chance, whole=False)
        case "boolean":
            return attempt.chance.random() < 0.5
    return None


_NOTHING = object()


def _document_value(schema: dict[str, Any], attempt: _Attempt) -> object:
    """Return the document's value for the schema; _NOTHING if there is none."""
    if "const" in schema:
        return schema["const"]
    place = tuple(attempt.path)
    values = _document_values(schema)[attempt.skipped[place] :] if attempt.examples else []
    if values:
        is_default = "default" in schema and len(values) == 1
        attempt.used[place] = _DocumentValue(values[0], schema, not is_default)
        return values[0]
    if isinstance(schema.get("enum"), list):
        if not schema["enum"]:
            raise EndlessSchemaError("an enum without values")
        return schema["enum"][attempt.branch % len(schema["enum"])]
    return _NOTHING


def _document_values(schema: dict[str, Any]) -> list[Any]:
    listed = schema.get("examples")
    examples = [schema[key] for key in ("example",) if key in schema]
    examples += listed if isinstance(listed, list) else []
    return [*examples, *(schema[key] for key in ("default",) if key in schema)]


_TYPES_BY_KEYWORD = {
    "properties": "object", "additionalProperties": "object", "required": "object", "items": "array",
    "prefixItems": "array", "minItems": "array", "pattern": "string", "format": "string", "minLength": "string",
    "maxLength": "string", "minimum": "number", "maximum": "number", "multipleOf": "number",
}  # fmt: skip


def _kind(schema: dict[str, Any]) -> str:
    """Return the type to generate: null only if no other type is allowed."""
    if "type" not in schema:
        return next((kind for key, kind in _TYPES_BY_KEYWORD.items() if key in schema), "object")
    kinds = kinds_of(schema)
    if not kinds:
        raise EndlessSchemaError("a schema whose parts allow no type together")
    return next((kind for kind in kinds if kind != "null"), "null")


# Combined schemas


def _flat(schema: dict[str, Any], attempt: _Attempt) -> dict[str, Any]:
    """Return the schema with references, `allOf` and branches merged into it."""
    made = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "oneOf", "anyOf")}
    if isinstance(schema.get("$ref"), str):
        made = merged(_flat(_resolved(schema["$ref"], attempt), attempt), made)
    for part in schema.get("allOf") or ():
        if isinstance(part, dict):
            made = merged(made, _flat(part, attempt))
    for key in ("oneOf", "anyOf"):
        branches = schema.get(key)
        if isinstance(branches, list) and branches:
            made = merged(made, _branch(branches, schema.get("discriminator"), made, attempt))
    return made


def _resolved(ref: str, attempt: _Attempt) -> dict[str, Any]:
    if ref in attempt.open_:
        raise EndlessSchemaError
    result = attempt.home.referred(ref)
    if not isinstance(result.value, dict):
        return {}
    attempt.open_.append(ref)
    return result.value


def _branch(
    branches: list[Any], discriminator: object, beside: dict[str, Any], attempt: _Attempt
) -> dict[str, Any]:
    """
    Return the branch of this attempt, or the next one that is not endless; null if there is no other.

    The first attempt takes the branch that the value of the discriminator names.
    """
    branches_with_values = [
        branch for branch in branches if isinstance(branch, dict) and branch.get("type") != "null"
    ]
    named = [i for i, entry in enumerate(branches_with_values) if _is_named(entry, discriminator, beside)]
    first = (
        (attempt.branch + (named[0] if named else 0)) % len(branches_with_values)
        if branches_with_values
        else 0
    )
    opened = len(attempt.open_)
    for item in branches_with_values[first:] + branches_with_values[:first]:
        try:
            flat = _flat(item, attempt)
        except EndlessSchemaError:
            del attempt.open_[opened:]
            continue
        return _with_discriminator_value(flat, item, discriminator)
    if len(branches_with_values) < len(branches):
        return {"type": "null"}
    raise EndlessSchemaError


def _is_named(branch: dict[str, Any], discriminator: object, beside: dict[str, Any]) -> bool:
    result = discriminated(branch, discriminator)
    schema = (beside.get("properties") or {}).get(result[0]) if result else None
    if result is None or not isinstance(schema, dict):
        return False
    values = [schema["const"]] if "const" in schema else _document_values(schema)
    return bool(values) and values[0] in result[1]


def _with_discriminator_value(
    flat: dict[str, Any], branch: dict[str, Any], discriminator: object
) -> dict[str, Any]:
    """Return the branch with a value for the discriminator that selects it."""
    result = discriminated(branch, discriminator)
    if result is None:
        return flat
    name, values = result
    known = flat.get("properties", {}).get(name)
    allowed = [known["const"]] if isinstance(known, dict) and "const" in known else values
    if isinstance(known, dict) and isinstance(known.get("enum"), list):
        allowed = known["enum"]
    value_of_branch = next((value for value in values if value in allowed), None)
    if value_of_branch is None:
        return {**flat, "required": [*flat.get("required", ()), name]}
    return merged(flat, {"properties": {name: {"const": value_of_branch}}, "required": [name]})


# Collections


def _object(schema: dict[str, Any], attempt: _Attempt, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = [name for name in schema.get("required") or () if isinstance(name, str)]
    most = schema.get("maxProperties", _MAX_VALUES)
    made: dict[str, Any] = {}
    optional = attempt.optional and depth < _OPTIONAL_DEPTH
    for name, below in properties.items():
        if name in required:
            made[name] = _member(name, below, attempt, depth)
        elif optional and attempt.made < _BUDGET and len(made) < most and not _is_not_sent(below, attempt):
            _add_optional(made, name, below, attempt, depth)
    for name in required:
        if name not in made:
            made[name] = _member(name, _extra(schema, name), attempt, depth)
    _add_missing_properties(schema, made, attempt, depth)
    return made


def _add_optional(made: dict[str, Any], name: str, below: object, attempt: _Attempt, depth: int) -> None:
    """Add an optional property, unless its schema is endless."""
    opened = len(attempt.open_)
    try:
        made[name] = _member(name, below, attempt, depth)
    except EndlessSchemaError:
        del attempt.open_[opened:]


def _member(place: str | int, schema: object, attempt: _Attempt, depth: int) -> object:
    """Return the value of a member or an item."""
    attempt.path.append(place)
    try:
        return _generate(schema, attempt, depth + 1)
    finally:
        attempt.path.pop()


def _is_not_sent(schema: object, attempt: _Attempt) -> bool:
    """Return whether only the other side sends the property."""
    mark = "writeOnly" if attempt.direction == "reply" else "readOnly"
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        schema = {**_known(attempt.home.referred(schema["$ref"]).value), **schema}
    return isinstance(schema, dict) and schema.get(mark) is True


def _known(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _extra(schema: dict[str, Any], name: str) -> object:
    """Return the schema of a property that is not in `properties`."""
    for pattern, below in (schema.get("patternProperties") or {}).items():
        if is_found(pattern, name):
            return below
    extra = schema.get("additionalProperties")
    if extra is False:
        raise EndlessSchemaError(f"{name!r} is required and not allowed")
    return extra if isinstance(extra, dict) and extra else {"type": "string"}


def _add_missing_properties(
    schema: dict[str, Any], made: dict[str, Any], attempt: _Attempt, depth: int
) -> None:
    """Add properties up to `minProperties`, and one if the schema has only additional properties or patterns."""
    extra = schema.get("additionalProperties")
    least = schema.get("minProperties", 0)
    shown = (
        isinstance(extra, dict)
        and not schema.get("properties")
        and attempt.optional
        and depth < _OPTIONAL_DEPTH
    )
    patterns = list((schema.get("patternProperties") or {}).items())
    names = _names(schema, attempt)
    for _ in range(200):
        if len(made) >= least and (made or not (shown or (patterns and attempt.optional))):
            return
        if patterns:
            pattern, below = patterns[0]
            name = by_pattern(pattern, attempt.chance) or "x"
        else:
            name, below = next(names), _extra(schema, "")
        if least > len(made):
            made[name] = _member(name, below, attempt, depth)
        else:
            _add_optional(made, name, below, attempt, depth)
            return


def _names(schema: dict[str, Any], attempt: _Attempt) -> Iterator[str]:
    shape = schema.get("propertyNames")
    while True:
        yield text(shape, attempt.chance) if isinstance(shape, dict) and shape else word(attempt.chance)


def _array(schema: dict[str, Any], attempt: _Attempt, depth: int) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", _MAX_VALUES)
    first = [
        _member(i, prefix_item, attempt, depth)
        for i, prefix_item in enumerate(schema.get("prefixItems") or ())
    ]
    below = schema.get("items", schema.get("contains", {}))
    made = first[:most]
    if below is False or (len(made) >= max(least, 1)) or most == len(made):
        return made
    wanted = max(least, 1 if attempt.optional or "contains" in schema else 0)
    opened = len(attempt.open_)
    for turn in range(4 * wanted + 8):
        if len(made) >= min(wanted, _MAX_VALUES):
            break
        try:
            item = _another_item(below, attempt, depth, turn, len(made))
        except EndlessSchemaError:
            if least:
                raise
            del attempt.open_[opened:]
            break
        if not schema.get("uniqueItems") or item not in made:
            made.append(item)
    return made


def _another_item(below: object, attempt: _Attempt, depth: int, turn: int, place: int) -> object:
    """Return a different item at each turn: the next value of an enum, and no examples."""
    if not turn:
        return _member(place, below, attempt, depth)
    kept = attempt.branch, attempt.examples
    attempt.branch, attempt.examples = attempt.branch + turn, False
    try:
        return _member(place, below, attempt, depth)
    finally:
        attempt.branch, attempt.examples = kept


# Numbers


def _number(schema: dict[str, Any], chance: Random, *, whole: bool) -> int | float:
    """Return a number within the bounds, a multiple of its step; a small one without bounds."""
    step = schema.get("multipleOf") or (1 if whole else 0.01)
    low, high = _bounds(schema, step)
    if low is None:
        low = 1 if high is None or high >= 1 else high - 100
    if high is None or high > low + 1000:
        high = low + 100 * max(step, 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if first > last:
        raise EndlessSchemaError(f"no multiple of {step} lies between {low} and {high}")
    value = chance.randint(first, last) * step
    return round(value) if whole else round(value, 10)


def _bounds(schema: dict[str, Any], step: float) -> tuple[Any, Any]:
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    nudge = step if step >= 1 or over is None or under is None else min(step, abs(under - over) / 4)
    if isinstance(over, (int, float)) and (low is None or over >= low):
        low = over + nudge
    if isinstance(under, (int, float)) and (high is None or under <= high):
        high = under - nudge
    return low, high
