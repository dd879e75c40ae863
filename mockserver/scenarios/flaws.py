"""Converts errors of pydantic to flaws: in plain words, with the nearest key and the actual value."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mockserver.errors import Flaw, InvalidInputError, KeyPath, WrongValueError, near, shown
from mockserver.model.plural import counted

S = TypeVar("S", bound=BaseModel)
_UNKNOWN: Any = object()


def parse_spec(model: type[S], data: object) -> S:
    """Return `data` as a spec. Raises InvalidInputError with every flaw."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidInputError(flaws_of(error, model, data)) from error


MOST_FLAWS = 100
"""Maximum number of flaws: each costs a search for its place and for similar names."""


def flaws_of(error: ValidationError, model: type[BaseModel], data: object = _UNKNOWN) -> list[Flaw]:
    """
    Return every flaw once.

    With `data`, paths are those of the author: `reply.status`, even if the validator saw a list of one reply.
    """
    flaws_by_place: dict[tuple[KeyPath, str], Flaw] = {}
    errors = error.errors(include_url=False)
    for flaw in (_flaw(details, model) for details in errors[:MOST_FLAWS]):
        at = (
            flaw if data is _UNKNOWN else Flaw(written(flaw.path, data), flaw.message, flaw.hint, flaw.at_key)
        )
        flaws_by_place.setdefault((at.path, at.message), at)
    flaws = list(flaws_by_place.values())
    if len(errors) > MOST_FLAWS:
        flaws.append(Flaw((), f"{len(errors) - MOST_FLAWS:,} more flaws are not listed", "Fix these first"))
    return flaws


def written(path: KeyPath, data: object) -> KeyPath:
    """Return `path` without parts that `data` doesn't have: union tags, and indexes of a value that is not a list."""
    kept: list[str | int] = []
    for part in path:
        if _has(data, part):
            data = data[part]  # type: ignore[index]
            kept.append(part)
    return tuple(kept)


def _has(data: object, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)


def _flaw(details: ErrorDetails, model: type[BaseModel]) -> Flaw:
    path, kind, inner = details["loc"], details["type"], details.get("ctx", {}).get("error")
    if isinstance(inner, Exception):
        return Flaw(path, str(inner), inner.hint if isinstance(inner, WrongValueError) else "")
    if kind == "extra_forbidden":
        return Flaw(path, "unknown key", _remedy_of_key(model, path), at_key=True)
    if kind == "missing":
        return Flaw(path[:-1], f"the key {str(path[-1])!r} is missing", _purpose(model, path))
    message, hint = _in_plain_words(details)
    if not hint and _EXPECTED.get(kind) == "a mapping":
        hint = _form(model, path)
    return Flaw(path[:-1] if path[-1:] == ("[key]",) else path, message, hint, at_key=path[-1:] == ("[key]",))


_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "null",
}
_LIMITS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than": lambda ctx: f"more than {ctx['gt']}",
    "greater_than_equal": lambda ctx: f"at least {ctx['ge']}",
    "less_than": lambda ctx: f"less than {ctx['lt']}",
    "less_than_equal": lambda ctx: f"at most {ctx['le']}",
    "too_short": lambda ctx: f"at least {counted(ctx['min_length'], 'item')}",
    "too_long": lambda ctx: f"at most {counted(ctx['max_length'], 'item')}",
    "string_too_short": lambda ctx: f"at least {counted(ctx['min_length'], 'character')}",
    "string_too_long": lambda ctx: f"at most {counted(ctx['max_length'], 'character')}",
    "string_pattern_mismatch": lambda ctx: f"a text like {ctx['pattern']}",
}


def _in_plain_words(details: ErrorDetails) -> tuple[str, str]:
    kind, given, ctx = details["type"], details["input"], details.get("ctx", {})
    if kind in ("literal_error", "enum"):
        return _choice(given, str(ctx.get("expected", "")))
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {shown(given)}", _remedy(_EXPECTED[kind], given)
    if kind in _LIMITS:
        return f"expected {_LIMITS[kind](ctx)}, got {shown(given)}", ""
    message = details["msg"]
    return f"{message[:1].lower()}{message[1:]}, got {shown(given)}", ""


_YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _remedy(expected: str, given: object) -> str:
    if given is None:
        return "Write a value behind the key, or leave the key out"
    if expected == "a text" and isinstance(given, bool | int | float):
        return f'Put quotes round it: "{shown(given)}"'
    if expected == "true or false" and isinstance(given, str) and given.lower() in _YES_NO:
        return f"Write {_YES_NO[given.lower()]}: yes, no, on and off are texts"
    if expected in ("a number", "a whole number") and isinstance(given, str) and given.strip("+-").isdigit():
        return "Remove the quotes"
    if expected == "a list":
        return (
            "Begin each item with a dash"
            if isinstance(given, dict)
            else f"Write a list, even of one: [{given if isinstance(given, str) else shown(given)}]"
        )
    if expected == "a mapping" and isinstance(given, list):
        return "Write keys, without dashes"
    return ""


def _choice(given: object, expected: str) -> tuple[str, str]:
    choices = expected.split("'")[1::2]
    hint = near(given, choices) if isinstance(given, str) else ""
    return f"expected {expected}, got {shown(given)}", hint if hint.startswith("Did") else ""


Schemas = list[dict[str, Any]]
"""JSON Schemas of the possible values at one place: they know the keys behind validators."""


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def schemas_of(model: type[BaseModel]) -> Schemas:
    root = _schema(model)
    return _alternatives(root, root.get("$defs", {}))


def step(schemas: Schemas, part: str | int) -> Schemas:
    """Return the schemas of the value at a key, or at any index."""
    return [below for schema in schemas for below in _below(schema, part)]


def _schemas_at(model: type[BaseModel], path: KeyPath) -> Schemas:
    """
    Return the schemas at a path.

    Parts that no schema knows are skipped: the author may have left out the index of a list.
    """
    schemas = schemas_of(model)
    for part in path:
        schemas = step(schemas, part) or schemas
    return schemas


def _below(schema: dict[str, Any], part: str | int) -> Schemas:
    if isinstance(part, int):
        inner = schema.get("items")
    else:
        inner = schema.get("properties", {}).get(part, schema.get("additionalProperties"))
    return _alternatives(inner, schema[_DEFS])


_DEFS = "$mockserver-defs"


def _alternatives(schema: object, defs: dict[str, Any]) -> Schemas:
    """Return a schema without references and unions."""
    if not isinstance(schema, dict):
        return []
    if name := schema.get("$ref"):
        return _alternatives(defs[name.rpartition("/")[2]], defs)
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        examples = {"examples": schema["examples"]} if "examples" in schema else {}
        return [{**one, **examples} for choice in choices for one in _alternatives(choice, defs)]
    return [{**schema, _DEFS: defs}]


def _keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    return [key for schema in _schemas_at(model, path) for key in schema.get("properties", {})]


_WORDS_OF_OTHER_TOOLS = {
    "body": ("json", "text"),
    "code": ("status",),
    "content": ("json", "text"),
    "method": ("request",),
    "path": ("request",),
    "response": ("reply",),
    "statusCode": ("status",),
    "status_code": ("status",),
    "url": ("request",),
}


def _remedy_of_key(model: type[BaseModel], path: KeyPath) -> str:
    """Return the right place of a key that is known elsewhere, or the right key for this place."""
    key, here = str(path[-1]), _keys(model, path[:-1])
    if words := [word for word in _WORDS_OF_OTHER_TOOLS.get(key, ()) if word in here]:
        return f"Use {_any_of(words)}"
    hint = near(key, here)
    if hint.startswith("Did"):
        return hint
    if parents := _parents(model, path[:-1], key):
        return f"Move it below {_any_of(parents)}"
    for at in reversed(range(len(path) - 1)):
        if isinstance(path[at], str) and key in _keys(model, path[:at]):
            return f"Move it beside {str(path[at])!r}"
    return hint


def _parents(model: type[BaseModel], path: KeyPath, key: str) -> list[str]:
    """Return the keys at `path` whose value, or items, can have `key`."""
    parents = []
    for parent in dict.fromkeys(_keys(model, path)):
        values = _schemas_at(model, (*path, parent))
        if any(key in value.get("properties", {}) for value in (*values, *step(values, 0))):
            parents.append(parent)
    return parents


def _any_of(names: list[str]) -> str:
    """Return `'a', 'b' or 'c'`."""
    *others, last = [repr(name) for name in names]
    return f"{', '.join(others)} or {last}" if others else last


def _purpose(model: type[BaseModel], path: KeyPath) -> str:
    """Return how to write a missing key, with an example from its schema."""
    key = str(path[-1])
    examples = (_example(schema) for schema in step(_schemas_at(model, path[:-1]), key))
    known = next((example for example in examples if example is not None), None)
    return f"Add {key}" if known is None else f"Write {key}: {known}"


def _form(model: type[BaseModel], path: KeyPath) -> str:
    """Return how to write the mapping at a path: its keys, if they are known."""
    keys = sorted(set(_keys(model, path)))
    return f"Its keys are: {', '.join(keys)}" if keys else "Write it as {name: value}"


def _example(schema: dict[str, Any]) -> object:
    for known in ("examples", "enum"):
        if schema.get(known):
            return schema[known][0]
    return schema.get("const", schema.get("minimum"))
