"""
Values that a schema takes, made of the schema itself.

What its author gave comes first (`const`, `example`, `examples`, `default`,
`enum`), then what the type, its bounds, formats and patterns ask for. Each
attempt is another way through: with or without the author's examples, with all
properties or those that are required, by another branch of `oneOf`. An example
that breaks its schema is passed over, and the others stay.
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

DEEPEST = 12
"""Levels after which only what is required is made; half as many again, and nothing is."""
_OPTIONAL_DEPTH = 4
_BUDGET = 1500
"""Values in one sample, after which only what is required is made."""
_TOO_MANY = 20_000
Path = tuple[str | int, ...]
ATTEMPTS = (
    (True, True, 0), (False, True, 0), (False, True, 1), (False, False, 0), (False, False, 1), (False, True, 2),
    (False, False, 2), (False, False, 3), (True, False, 0), (False, True, 3),
)  # fmt: skip


class EndlessSchemaError(MockServerError):
    """A schema contains itself without an end."""


@dataclass(frozen=True)
class _Given:
    """A value of the document, such as an example, with its schema."""

    value: Any
    schema: dict[str, Any]
    is_example: bool


@dataclass
class _Way:
    """One attempt. `home` is where references are looked up; `open_` are those being followed."""

    home: DocumentNode
    chance: Random
    examples: bool
    optional: bool
    branch: int
    direction: Direction
    passed_over: Counter[Path] = field(default_factory=Counter)
    """How many of the values that an author gave for a place break its schema."""
    taken: dict[Path, _Given] = field(default_factory=dict)
    """Those of them that are in the value as it is made now, by their places."""
    left_out: int = 0
    """How many examples were passed over."""
    path: list[str | int] = field(default_factory=list)
    made: int = 0
    open_: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """A value, and how many examples of the author are not in it because they break their schema."""

    value: Any
    left_out: int


def sample(schema: DocumentNode, seed: str, validators: Validators, direction: Direction = "reply") -> Sample:
    """A value that the schema takes. Raises EndlessSchemaError where none was found; the text says why."""
    said, lost = "it contains itself without an end", 0
    for examples, optional, branch in ATTEMPTS:
        way = _Way(schema, Random(f"{seed}:{branch}"), examples, optional, branch, direction)
        try:
            value = _attempt(way, validators, f"{seed}:{branch}")
        except (EndlessSchemaError, ValueError) as error:
            said = str(error) or said
            lost = max(lost, way.left_out + sum(given.is_example for given in way.taken.values()))
            continue
        return Sample(value, way.left_out if examples else lost)
    raise EndlessSchemaError(said)


def _attempt(way: _Way, validators: Validators, seed: str) -> object:
    """
    Return the value of one way. It is generated again as long as values of the document in it violate their schema.

    Raises EndlessSchemaError, ValueError.
    """
    validator = validators.of(way.home, way.direction)
    while True:
        value = _made(way.home.value, way, 0)
        plain = plain_numbers(value)
        if validator.is_valid(plain):
            return value
        spoilt = [
            place
            for place, given in way.taken.items()
            if not validators.fits(given.schema, given.value, way.direction)
        ]
        if not spoilt:
            raise EndlessSchemaError(next(iter(validator.iter_errors(plain))).message[:200])
        way.left_out += sum(way.taken[place].is_example for place in spoilt)
        way.passed_over.update(spoilt)
        way.chance, way.made, way.taken = Random(seed), 0, {}


def _made(schema: object, way: _Way, depth: int) -> object:
    way.made += 1
    if depth > DEEPEST or way.made > _TOO_MANY:
        raise EndlessSchemaError
    if schema is False:
        raise EndlessSchemaError("a schema that takes nothing")
    if not isinstance(schema, dict) or not schema:
        return {}
    opened = len(way.open_)
    try:
        return _value(_flat(schema, way), way, depth)
    finally:
        del way.open_[opened:]


def _value(schema: dict[str, Any], way: _Way, depth: int) -> object:
    given = _given(schema, way)
    if given is not _NOTHING:
        return given
    match _kind(schema):
        case "object":
            return _object(schema, way, depth)
        case "array":
            return _array(schema, way, depth)
        case "string":
            return text(schema, way.chance)
        case "integer":
            return _number(schema, way.chance, whole=True)
        case "number":
            return _number(schema, way.chance, whole=False)
        case "boolean":
            return way.chance.random() < 0.5
    return None


_NOTHING = object()


def _given(schema: dict[str, Any], way: _Way) -> object:
    """What the author gave as a value; _NOTHING where nothing was."""
    if "const" in schema:
        return schema["const"]
    place = tuple(way.path)
    values = _by_the_author(schema)[way.passed_over[place] :] if way.examples else []
    if values:
        is_default = "default" in schema and len(values) == 1
        way.taken[place] = _Given(values[0], schema, not is_default)
        return values[0]
    if isinstance(schema.get("enum"), list):
        if not schema["enum"]:
            raise EndlessSchemaError("an enum without values")
        return schema["enum"][way.branch % len(schema["enum"])]
    return _NOTHING


def _by_the_author(schema: dict[str, Any]) -> list[Any]:
    listed = schema.get("examples")
    examples = [schema[key] for key in ("example",) if key in schema]
    examples += listed if isinstance(listed, list) else []
    return [*examples, *(schema[key] for key in ("default",) if key in schema)]


_TELLING = {
    "properties": "object", "additionalProperties": "object", "required": "object", "items": "array",
    "prefixItems": "array", "minItems": "array", "pattern": "string", "format": "string", "minLength": "string",
    "maxLength": "string", "minimum": "number", "maximum": "number", "multipleOf": "number",
}  # fmt: skip


def _kind(schema: dict[str, Any]) -> str:
    """The type to make: null only where nothing else is allowed."""
    if "type" not in schema:
        return next((kind for key, kind in _TELLING.items() if key in schema), "object")
    kinds = kinds_of(schema)
    if not kinds:
        raise EndlessSchemaError("a schema whose parts allow no type together")
    return next((kind for kind in kinds if kind != "null"), "null")


# Schemas of several


def _flat(schema: dict[str, Any], way: _Way) -> dict[str, Any]:
    """One schema without references, `allOf` and branches: what has to be made, said in one place."""
    made = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "oneOf", "anyOf")}
    if isinstance(schema.get("$ref"), str):
        made = merged(_flat(_followed(schema["$ref"], way), way), made)
    for part in schema.get("allOf") or ():
        if isinstance(part, dict):
            made = merged(made, _flat(part, way))
    for key in ("oneOf", "anyOf"):
        branches = schema.get(key)
        if isinstance(branches, list) and branches:
            made = merged(made, _branch(branches, schema.get("discriminator"), made, way))
    return made


def _followed(ref: str, way: _Way) -> dict[str, Any]:
    if ref in way.open_:
        raise EndlessSchemaError
    result = way.home.referred(ref)
    if not isinstance(result.value, dict):
        return {}
    way.open_.append(ref)
    return result.value


def _branch(branches: list[Any], discriminator: object, beside: dict[str, Any], way: _Way) -> dict[str, Any]:
    """
    The branch of this attempt, or the next that comes to an end; null where no other does. The first attempt
    takes the one that a value of the discriminator beside the branches names.
    """
    telling = [branch for branch in branches if isinstance(branch, dict) and branch.get("type") != "null"]
    named = [i for i, entry in enumerate(telling) if _is_named(entry, discriminator, beside)]
    first = (way.branch + (named[0] if named else 0)) % len(telling) if telling else 0
    opened = len(way.open_)
    for item in telling[first:] + telling[:first]:
        try:
            flat = _flat(item, way)
        except EndlessSchemaError:
            del way.open_[opened:]
            continue
        return _told(flat, item, discriminator)
    if len(telling) < len(branches):
        return {"type": "null"}
    raise EndlessSchemaError


def _is_named(branch: dict[str, Any], discriminator: object, beside: dict[str, Any]) -> bool:
    result = discriminated(branch, discriminator)
    schema = (beside.get("properties") or {}).get(result[0]) if result else None
    if result is None or not isinstance(schema, dict):
        return False
    values = [schema["const"]] if "const" in schema else _by_the_author(schema)
    return bool(values) and values[0] in result[1]


def _told(flat: dict[str, Any], branch: dict[str, Any], discriminator: object) -> dict[str, Any]:
    """The branch with a name that its discriminator knows it by."""
    result = discriminated(branch, discriminator)
    if result is None:
        return flat
    name, values = result
    known = flat.get("properties", {}).get(name)
    allowed = [known["const"]] if isinstance(known, dict) and "const" in known else values
    if isinstance(known, dict) and isinstance(known.get("enum"), list):
        allowed = known["enum"]
    told = next((value for value in values if value in allowed), None)
    if told is None:
        return {**flat, "required": [*flat.get("required", ()), name]}
    return merged(flat, {"properties": {name: {"const": told}}, "required": [name]})


# Collections


def _object(schema: dict[str, Any], way: _Way, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = [name for name in schema.get("required") or () if isinstance(name, str)]
    most = schema.get("maxProperties", _TOO_MANY)
    made: dict[str, Any] = {}
    optional = way.optional and depth < _OPTIONAL_DEPTH
    for name, below in properties.items():
        if name in required:
            made[name] = _below(name, below, way, depth)
        elif optional and way.made < _BUDGET and len(made) < most and not _unsent(below, way):
            _tried(made, name, below, way, depth)
    for name in required:
        if name not in made:
            made[name] = _below(name, _extra(schema, name), way, depth)
    _filled(schema, made, way, depth)
    return made


def _tried(made: dict[str, Any], name: str, below: object, way: _Way, depth: int) -> None:
    """A property that need not be there is left out where its schema holds itself."""
    opened = len(way.open_)
    try:
        made[name] = _below(name, below, way, depth)
    except EndlessSchemaError:
        del way.open_[opened:]


def _below(place: str | int, schema: object, way: _Way, depth: int) -> object:
    """The value of a member or an item."""
    way.path.append(place)
    try:
        return _made(schema, way, depth + 1)
    finally:
        way.path.pop()


def _unsent(schema: object, way: _Way) -> bool:
    """What only the other side sends."""
    mark = "writeOnly" if way.direction == "reply" else "readOnly"
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        schema = {**_known(way.home.referred(schema["$ref"]).value), **schema}
    return isinstance(schema, dict) and schema.get(mark) is True


def _known(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _extra(schema: dict[str, Any], name: str) -> object:
    """The schema of a property that is not listed."""
    for pattern, below in (schema.get("patternProperties") or {}).items():
        if is_found(pattern, name):
            return below
    extra = schema.get("additionalProperties")
    if extra is False:
        raise EndlessSchemaError(f"{name!r} is required and not allowed")
    return extra if isinstance(extra, dict) and extra else {"type": "string"}


def _filled(schema: dict[str, Any], made: dict[str, Any], way: _Way, depth: int) -> None:
    """As many more properties as have to be there, and one where only such are described."""
    extra = schema.get("additionalProperties")
    least = schema.get("minProperties", 0)
    shown = (
        isinstance(extra, dict) and not schema.get("properties") and way.optional and depth < _OPTIONAL_DEPTH
    )
    patterns = list((schema.get("patternProperties") or {}).items())
    names = _names(schema, way)
    for _ in range(200):
        if len(made) >= least and (made or not (shown or (patterns and way.optional))):
            return
        if patterns:
            pattern, below = patterns[0]
            name = by_pattern(pattern, way.chance) or "x"
        else:
            name, below = next(names), _extra(schema, "")
        if least > len(made):
            made[name] = _below(name, below, way, depth)
        else:
            _tried(made, name, below, way, depth)
            return


def _names(schema: dict[str, Any], way: _Way) -> Iterator[str]:
    shape = schema.get("propertyNames")
    while True:
        yield text(shape, way.chance) if isinstance(shape, dict) and shape else word(way.chance)


def _array(schema: dict[str, Any], way: _Way, depth: int) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", _TOO_MANY)
    first = [
        _below(i, prefix_item, way, depth) for i, prefix_item in enumerate(schema.get("prefixItems") or ())
    ]
    below = schema.get("items", schema.get("contains", {}))
    made = first[:most]
    if below is False or (len(made) >= max(least, 1)) or most == len(made):
        return made
    wanted = max(least, 1 if way.optional or "contains" in schema else 0)
    opened = len(way.open_)
    for turn in range(4 * wanted + 8):
        if len(made) >= min(wanted, _TOO_MANY):
            break
        try:
            item = _turned(below, way, depth, turn, len(made))
        except EndlessSchemaError:
            if least:
                raise
            del way.open_[opened:]
            break
        if not schema.get("uniqueItems") or item not in made:
            made.append(item)
    return made


def _turned(below: object, way: _Way, depth: int, turn: int, place: int) -> object:
    """Another item at each turn, where the author's values are few: the next of an enum, no example."""
    if not turn:
        return _below(place, below, way, depth)
    kept = way.branch, way.examples
    way.branch, way.examples = way.branch + turn, False
    try:
        return _below(place, below, way, depth)
    finally:
        way.branch, way.examples = kept


# Numbers


def _number(schema: dict[str, Any], chance: Random, *, whole: bool) -> int | float:
    """Within its bounds, by its step; a small one where there are none."""
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
